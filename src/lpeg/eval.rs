//! From captures to Lua values.

mod fields;
mod fold;
mod text;

use std::ffi::{c_char, c_int};

use mlua::ffi;

use crate::builtin::parse_decimal;
use crate::capture::{Cap, NONE};
use crate::charge::Charge;
use crate::node::Kind;
use crate::program::Program;
use crate::scratch::Scratch;
use crate::state::State;
use crate::vm::Machine;

/// Captures inside captures that are evaluated: this recurses, and a thread's stack is not endless.
const MAX_NESTING: u32 = 1000;

/// Captures that may be looked at before they are charged, those that are free, and what each counts for.
const MOST_WORK: u32 = 4096;
const FREE: u32 = 64;
const STEPS_PER_CAPTURE: usize = 4;

/// Arguments of a match in front of the extra ones.
const FIXED_ARGS: c_int = 3;

/// Evaluates the captures of one match, pushing their values.
pub(crate) struct Evaluation {
    l: State,
    caps: *mut Cap,
    subject: *const u8,
    program: *const Program,
    scratch: *mut Scratch,
    args: c_int,
    values: c_int,
    nesting: u32,
    /// Captures looked at since that was last charged.
    work: u32,
    charge: Option<Charge>,
}

impl Evaluation {
    /// Prepares to evaluate captures of a match; all those to be evaluated are closed.
    pub(crate) fn new(machine: &Machine) -> Self {
        Self {
            l: machine.l,
            // SAFETY: the scratch is the match's own; nothing grows the captures during evaluation, as matches that
            // functions start have scratches of their own.
            caps: unsafe { (*machine.scratch).caps.data },
            subject: machine.subject,
            program: machine.program,
            scratch: machine.scratch,
            args: machine.args,
            values: machine.values,
            nesting: 0,
            work: 0,
            charge: machine.charge,
        }
    }

    /// Pushes the values of all captures, `count` in number. Returns how many values there are.
    pub(crate) fn push_all(&mut self, count: u32) -> c_int {
        let (mut i, mut values) = (0, 0);
        while i < count {
            values += self.push(i);
            i = self.cap(i).next;
        }
        self.settle_most();
        values
    }

    /// Charges for the work since the last charge, unless it was little.
    #[inline(always)]
    pub(crate) fn settle_most(&mut self) {
        if self.work >= FREE {
            self.settle();
        }
    }

    /// Counts captures that are looked at, or pieces of text.
    #[inline(always)]
    fn burn(&mut self, work: u32) {
        self.work += work;
        if self.work > MOST_WORK {
            self.settle();
        }
    }

    #[cold]
    fn settle(&mut self) {
        let work = std::mem::take(&mut self.work);
        if let Some(charge) = self.charge {
            charge.of(self.l, work as usize * STEPS_PER_CAPTURE);
        }
    }

    #[inline(always)]
    fn cap(&self, i: u32) -> &Cap {
        // SAFETY: indices come from the capture tree, which the machine has written.
        unsafe { &*self.caps.add(i as usize) }
    }

    #[inline(always)]
    fn push_match(&self, cap: &Cap) {
        // SAFETY: positions are within the subject, start before end.
        unsafe { self.l.push_raw(self.subject.add(cap.start as usize), (cap.end - cap.start) as usize) };
    }

    #[inline(always)]
    fn push_value(&self, key: u16) {
        self.l.raw_get_at(self.values, c_int::from(key));
    }

    /// Pushes the values of capture `i`; returns how many.
    fn push(&mut self, i: u32) -> c_int {
        let l = self.l;
        l.check_stack(4, c"too many captures");
        self.burn(1);
        let cap = *self.cap(i);
        match cap.kind {
            Kind::Simple => {
                self.push_match(&cap);
                if cap.next == i + 1 { 1 } else { 1 + self.push_children(i) }
            }
            Kind::Position => {
                l.push_number(f64::from(cap.start) + 1.0);
                1
            }
            Kind::Const => {
                self.push_value(cap.key);
                1
            }
            Kind::Group if cap.key == 0 => self.push_nested(i, false),
            Kind::Group => 0,
            Kind::Table => self.push_table(i),
            Kind::ToNumber if cap.next == i + 1 => self.push_number(&cap),
            Kind::ToNumber | Kind::Function => self.push_results(i),
            Kind::Text | Kind::Subst => self.push_text(i),
            Kind::Fold | Kind::FoldRawset => self.push_fold(i),
            Kind::Query => self.push_query(i),
            Kind::Num => self.push_selected(i),
            Kind::Backref => self.push_group(i),
            Kind::Runtime => {
                l.push_value(cap.aux as c_int);
                1
            }
            Kind::Arg => self.push_argument(c_int::from(cap.key)),
        }
    }

    /// Pushes the values of the captures inside capture `i`; returns how many.
    fn push_children(&mut self, i: u32) -> c_int {
        self.enter();
        let end = self.cap(i).next;
        let (mut child, mut values) = (i + 1, 0);
        while child < end {
            values += self.push(child);
            child = self.cap(child).next;
        }
        self.nesting -= 1;
        values
    }

    fn enter(&mut self) {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            self.l.error(c"subcapture nesting too deep");
        }
    }

    /// Pushes the values of the captures inside capture `i`, or its match if there are none or `always`.
    pub(crate) fn push_nested(&mut self, i: u32, always: bool) -> c_int {
        let cap = *self.cap(i);
        let values = if cap.next == i + 1 { 0 } else { self.push_children(i) };
        if values == 0 || always {
            self.push_match(&cap);
            return values + 1;
        }
        values
    }

    /// Pushes the first value inside capture `i`, or its match. The usual cases go first.
    #[inline]
    fn push_first_nested(&mut self, i: u32) {
        let cap = *self.cap(i);
        if cap.next == i + 1 {
            return self.push_match(&cap);
        }
        let child = *self.cap(i + 1);
        if child.kind == Kind::ToNumber && cap.next == i + 2 {
            self.push_number(&child);
            return;
        }
        let values = self.push_nested(i, false);
        if values > 1 {
            self.l.pop(values - 1);
        }
    }

    fn push_argument(&self, n: c_int) -> c_int {
        if n + FIXED_ARGS > self.args {
            self.l.error_int(c"reference to absent argument #%d", n);
        }
        self.l.push_value(n + FIXED_ARGS);
        1
    }

    /// `p / tonumber`, where `p` has no captures.
    fn push_number(&mut self, cap: &Cap) -> c_int {
        let len = (cap.end - cap.start) as usize;
        // SAFETY: positions are within the subject.
        let text = unsafe { std::slice::from_raw_parts(self.subject.add(cap.start as usize), len) };
        if let Some(n) = parse_decimal(text) {
            self.l.push_number(n);
            return 1;
        }
        self.push_value(cap.key);
        self.push_match(cap);
        self.l.call(1, 1);
        1
    }

    /// `p / function`
    fn push_results(&mut self, i: u32) -> c_int {
        let top = self.l.top();
        self.push_value(self.cap(i).key);
        let values = self.push_nested(i, false);
        self.l.call(values, ffi::LUA_MULTRET);
        self.l.top() - top
    }

    /// `p / table`
    fn push_query(&mut self, i: u32) -> c_int {
        let l = self.l;
        self.push_value(self.cap(i).key);
        self.push_first_nested(i);
        l.get_table(-2);
        l.remove(-2);
        if l.type_of(-1) != ffi::LUA_TNIL {
            return 1;
        }
        l.pop(1);
        0
    }

    /// `p / number`
    fn push_selected(&mut self, i: u32) -> c_int {
        let l = self.l;
        let wanted = c_int::from(self.cap(i).key);
        if wanted == 0 {
            return 0;
        }
        let values = self.push_nested(i, false);
        if values < wanted {
            l.error_int(c"no capture '%d'", wanted);
        }
        l.push_value(wanted - values - 1);
        l.replace(-values - 1);
        l.pop(values - 1);
        1
    }

    /// `Cb(name)`
    fn push_group(&mut self, i: u32) -> c_int {
        self.push_value(self.cap(i).key);
        let group = self.find_group(i);
        self.l.pop(1);
        // SAFETY: as in `cap`.
        unsafe { (*self.caps.add(i as usize)).aux = group + 1 };
        self.enter();
        let values = self.push_nested(group, false);
        self.nesting -= 1;
        values
    }

    /// The last group before capture `i` of the name on top of the stack, outside of captures that are complete. A back
    /// reference of the same name on the way has found it already.
    fn find_group(&mut self, i: u32) -> u32 {
        let l = self.l;
        let wanted = self.cap(i).key;
        let (mut at, mut parent) = (i, self.cap(i).parent);
        while at > 0 {
            at -= 1;
            self.burn(1);
            if at == parent {
                parent = self.cap(at).parent;
                continue;
            }
            while self.cap(at).parent != parent && self.cap(at).parent != NONE {
                self.burn(1);
                at = self.cap(at).parent;
            }
            let cap = self.cap(at);
            if cap.kind == Kind::Backref && cap.key == wanted && cap.aux > 0 {
                return cap.aux - 1;
            }
            if cap.is_named() {
                if cap.key == wanted {
                    return at;
                }
                self.push_value(cap.key);
                let same = l.equal(-1, -2);
                l.pop(1);
                if same {
                    return at;
                }
            }
        }
        let name = l.bytes(-1).map_or(c"(null)".as_ptr(), |text| text.as_ptr().cast::<c_char>());
        l.error_text(c"back reference '%s' not found", name)
    }
}
