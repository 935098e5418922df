//! The matching machine.

mod runtime;

use std::ffi::c_int;

use mlua::ffi;

use crate::capture::{Cap, NONE};
use crate::node::Kind;
use crate::program::{Op, Program, SetInfo};
use crate::scratch::{CALL, Entry, Scratch};
use crate::state::State;

/// Registry field of the limit that `setmaxstack` sets.
pub(crate) const MAX_STACK_FIELD: &std::ffi::CStr = c"lpeg-maxstack";

/// Entries of the backtrack stack that are always allowed, and the limit to begin with.
pub(crate) const MIN_STACK: usize = 100;

/// One match.
pub(crate) struct Machine {
    /// The state that the match runs in.
    pub(crate) l: State,
    /// The code.
    pub(crate) program: *const Program,
    /// The subject.
    pub(crate) subject: *const u8,
    /// Its length, less than `u32::MAX`.
    pub(crate) len: usize,
    /// Working memory; this match alone uses it.
    pub(crate) scratch: *mut Scratch,
    /// Stack index of the last argument of the match.
    pub(crate) args: c_int,
    /// Stack index of the table of Lua values.
    pub(crate) values: c_int,
    /// Values of match-time captures on the Lua stack.
    pub(crate) dynamic: c_int,
}

/// State of the machine between two instructions, for operations that are not worth inlining.
#[derive(Clone, Copy)]
struct Registers {
    s: *const u8,
    captop: u32,
    open: u32,
}

impl Machine {
    /// Runs the program from byte `start` on. Returns the end of the match and the number of captures.
    ///
    /// # Safety
    /// The fields must describe a live program, subject and scratch that stay on the Lua stack during the call.
    pub(crate) unsafe fn run(&mut self, start: usize) -> Option<(usize, u32)> {
        // SAFETY: `pc` stays within the program, whose targets the compiler made; it ends in `GiveUp`, which the
        // first stack entry leads to. `s` stays within the subject: each operation checks it against `e`. The stack
        // never underflows, as the compiler pairs pushes and pops, and both buffers are grown before they overflow.
        unsafe {
            let (code, sets) = (Program::code(self.program), Program::sets(self.program));
            let (o, e) = (self.subject, self.subject.add(self.len));
            let scratch = self.scratch;
            let mut caps = (*scratch).caps.data;
            let mut cap_limit = (*scratch).caps.capacity as u32 - 1;
            let mut stack = (*scratch).stack.data;
            let mut stack_limit = stack.add((*scratch).stack.capacity);
            let bottom = Program::len(self.program) as u32 - 1;
            stack.write(Entry { pos: start as u32, pc: bottom, captop: 0, open: NONE });
            stack = stack.add(1);
            let mut pc = code;
            let mut r = Registers { s: o.add(start), captop: 0, open: NONE };

            /// The position as an offset.
            macro_rules! pos {
                () => {
                    r.s.offset_from_unsigned(o) as u32
                };
            }
            macro_rules! jump {
                ($to:expr) => {
                    pc = code.add($to as usize)
                };
            }
            macro_rules! push_entry {
                ($pos:expr, $pc:expr) => {{
                    if stack == stack_limit {
                        (stack, stack_limit) = self.grow_stack();
                    }
                    stack.write(Entry { pos: $pos, pc: $pc, captop: r.captop, open: r.open });
                    stack = stack.add(1);
                }};
            }
            macro_rules! record {
                ($i:expr, $start:expr, $end:expr) => {{
                    if r.captop >= cap_limit {
                        (caps, cap_limit) = self.grow_caps(r.captop);
                    }
                    caps.add(r.captop as usize).write(Cap {
                        start: $start,
                        end: $end,
                        next: r.captop + 1,
                        parent: r.open,
                        aux: 0,
                        key: $i.key,
                        kind: kind($i.b),
                    });
                    r.captop += 1;
                }};
            }
            loop {
                let i = *pc;
                pc = pc.add(1);
                let ok = match i.op {
                    Op::Char => {
                        let ok = r.s < e && *r.s == i.b;
                        r.s = r.s.add(usize::from(ok));
                        ok
                    }
                    Op::Set => {
                        let ok = r.s < e && (*sets.add(i.key as usize)).set.has(*r.s);
                        r.s = r.s.add(usize::from(ok));
                        ok
                    }
                    Op::Any => {
                        let ok = r.s < e;
                        r.s = r.s.add(usize::from(ok));
                        ok
                    }
                    Op::Skip => {
                        r.s = r.s.add(1);
                        true
                    }
                    Op::Literal => {
                        let len = usize::from(i.key);
                        let text = Program::literals(self.program).add(i.a as usize);
                        let ok = e.offset_from_unsigned(r.s) >= len && same(r.s, text, len);
                        r.s = r.s.add(if ok { len } else { 0 });
                        ok
                    }
                    Op::TestChar => {
                        if !(r.s < e && *r.s == i.b) {
                            jump!(i.a);
                        }
                        true
                    }
                    Op::TestSet => {
                        if !(r.s < e && (*sets.add(i.key as usize)).set.has(*r.s)) {
                            jump!(i.a);
                        }
                        true
                    }
                    Op::TestAny => {
                        if r.s >= e {
                            jump!(i.a);
                        }
                        true
                    }
                    Op::Span => {
                        r.s = span(&*sets.add(i.key as usize), r.s, e);
                        true
                    }
                    Op::Behind => {
                        let ok = pos!() >= i.a;
                        r.s = r.s.sub(if ok { i.a as usize } else { 0 });
                        ok
                    }
                    Op::Jump => {
                        jump!(i.a);
                        true
                    }
                    Op::Choice => {
                        push_entry!(pos!(), i.a);
                        true
                    }
                    Op::Call => {
                        push_entry!(CALL, pc.offset_from_unsigned(code) as u32);
                        jump!(i.a);
                        true
                    }
                    Op::Ret => {
                        stack = stack.sub(1);
                        jump!((*stack).pc);
                        true
                    }
                    Op::Commit => {
                        stack = stack.sub(1);
                        jump!(i.a);
                        true
                    }
                    Op::PartialCommit => {
                        let top = &mut *stack.sub(1);
                        top.pos = pos!();
                        top.captop = r.captop;
                        jump!(i.a);
                        true
                    }
                    Op::BackCommit => {
                        stack = stack.sub(1);
                        self.restore(&mut r, &*stack);
                        jump!(i.a);
                        true
                    }
                    Op::FailTwice => {
                        stack = stack.sub(1);
                        false
                    }
                    Op::Fail => false,
                    Op::Open => {
                        record!(i, pos!(), 0);
                        r.open = r.captop - 1;
                        true
                    }
                    Op::Close => {
                        let cap = &mut *caps.add(r.open as usize);
                        cap.end = pos!();
                        cap.next = r.captop;
                        r.open = cap.parent;
                        true
                    }
                    Op::Full => {
                        record!(i, pos!() - i.a, pos!());
                        true
                    }
                    Op::CaptureSpan | Op::CaptureSpan1 => {
                        let from = r.s;
                        r.s = span(&*sets.add(i.a as usize), from, e);
                        let ok = i.op == Op::CaptureSpan || r.s != from;
                        if ok {
                            record!(i, from.offset_from_unsigned(o) as u32, pos!());
                        }
                        ok
                    }
                    Op::CloseRunTime => {
                        let ok = self.close_run_time(&mut r);
                        caps = (*scratch).caps.data;
                        cap_limit = (*scratch).caps.capacity as u32 - 1;
                        ok
                    }
                    Op::End => return Some((pos!() as usize, r.captop)),
                    Op::GiveUp => return None,
                };
                if !ok {
                    loop {
                        stack = stack.sub(1);
                        if (*stack).pos != CALL {
                            break;
                        }
                    }
                    self.restore(&mut r, &*stack);
                    jump!((*stack).pc);
                }
            }
        }
    }

    /// Takes back everything since a choice was pushed.
    #[inline(always)]
    unsafe fn restore(&mut self, r: &mut Registers, entry: &Entry) {
        if self.dynamic > 0 {
            self.drop_dynamic(entry.captop, r.captop);
        }
        // SAFETY: the position was one of the subject when it was saved.
        r.s = unsafe { self.subject.add(entry.pos as usize) };
        r.captop = entry.captop;
        r.open = entry.open;
    }

    /// Makes room for more captures; one place more than the limit is always free.
    #[cold]
    fn grow_caps(&mut self, captop: u32) -> (*mut Cap, u32) {
        // SAFETY: the scratch is this match's own.
        let caps = unsafe { &mut (*self.scratch).caps };
        if captop > u32::MAX / 4 {
            self.l.error(c"too many captures");
        }
        caps.grow(self.l, captop as usize + 2);
        (caps.data, caps.capacity as u32 - 1)
    }

    /// Doubles the backtrack stack within the limit. Returns its next place and its end.
    #[cold]
    fn grow_stack(&mut self) -> (*mut Entry, *mut Entry) {
        // SAFETY: the scratch is this match's own; the stack is full, so `capacity` entries are in use.
        unsafe {
            let stack = &mut (*self.scratch).stack;
            let used = stack.capacity;
            self.l.get_field(ffi::LUA_REGISTRYINDEX, MAX_STACK_FIELD);
            let limit = (self.l.to_integer(-1).max(0) as usize).max(MIN_STACK);
            self.l.pop(1);
            if used >= limit {
                self.l.error(c"too many pending calls/choices");
            }
            stack.grow_to(self.l, (2 * used).min(limit));
            (stack.data.add(used), stack.data.add(stack.capacity))
        }
    }
}

/// The kind in an operand.
#[inline(always)]
unsafe fn kind(b: u8) -> Kind {
    // SAFETY: `Inst::capture` is the only writer of the operand.
    unsafe { std::mem::transmute::<u8, Kind>(b) }
}

#[inline(always)]
unsafe fn same(a: *const u8, b: *const u8, len: usize) -> bool {
    // SAFETY: the caller checked that both are readable for `len` bytes, which is 2 at least.
    unsafe { *a == *b && std::slice::from_raw_parts(a, len) == std::slice::from_raw_parts(b, len) }
}

/// The first byte from `s` on that is not in the set, or `e`.
#[inline(always)]
unsafe fn span(set: &SetInfo, mut s: *const u8, e: *const u8) -> *const u8 {
    if set.stops > 0 {
        // SAFETY: `s` and `e` bound the rest of the subject.
        return unsafe { span_to(set, s, e) };
    }
    // SAFETY: as above.
    unsafe {
        while s < e && set.set.has(*s) {
            s = s.add(1);
        }
    }
    s
}

#[inline(always)]
unsafe fn span_to(set: &SetInfo, s: *const u8, e: *const u8) -> *const u8 {
    let [a, b, c] = set.stop;
    // SAFETY: as in `span`.
    unsafe {
        let rest = std::slice::from_raw_parts(s, e.offset_from_unsigned(s));
        let found = match set.stops {
            1 => memchr::memchr(a, rest),
            2 => memchr::memchr2(a, b, rest),
            _ => memchr::memchr3(a, b, c, rest),
        };
        s.add(found.unwrap_or(rest.len()))
    }
}
