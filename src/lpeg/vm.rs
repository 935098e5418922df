//! The matching machine.

mod core;
mod runtime;

use std::ffi::c_int;

use mlua::ffi;

use crate::capture::Cap;
use crate::charge::Charge;
use crate::program::{Op, Program, SetInfo};
use crate::scratch::{Entry, Scratch};
use crate::state::State;

use self::core::Core;

/// Registry field of the limit that `setmaxstack` sets.
pub(crate) const MAX_STACK_FIELD: &std::ffi::CStr = c"lpeg-maxstack";

/// Entries of the backtrack stack that are always allowed, and the limit to begin with.
pub(crate) const MIN_STACK: usize = 100;

/// Steps that a match may do before they are charged.
const FUEL: i64 = 4096;
/// Fewer steps than these are not charged.
const FREE: i64 = 256;

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
    /// Charges for steps, if anybody counts them.
    pub(crate) charge: Option<Charge>,
}

/// What an operation that is not inlined may change of the state between two instructions.
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
        // SAFETY: by contract; `Core` has the rest of the argument.
        unsafe {
            let mut core = Core::new(self, start);
            loop {
                let i = core.fetch();
                let mut ok = true;
                match i.op {
                    Op::Char => ok = core.advance(core.at_char(i.b)),
                    Op::Set => ok = core.advance(core.at_set(i.key)),
                    Op::Any => ok = core.advance(core.at_any()),
                    Op::Skip => _ = core.advance(true),
                    Op::Literal => ok = core.literal(i),
                    Op::TestChar => core.jump_unless(core.at_char(i.b), i.a),
                    Op::TestSet => core.jump_unless(core.at_set(i.key), i.a),
                    Op::TestAny => core.jump_unless(core.at_any(), i.a),
                    Op::Span => core.span(usize::from(i.key)),
                    Op::Behind => ok = core.step_back(i.a),
                    Op::Jump => core.jump(i.a),
                    Op::Choice => core.choice(i.a),
                    Op::Call => core.call(i.a),
                    Op::Ret => {
                        let entry = core.pop();
                        core.jump(entry.pc);
                    }
                    Op::Commit => {
                        core.pop();
                        core.jump(i.a);
                    }
                    Op::PartialCommit => {
                        core.renew_choice();
                        core.jump(i.a);
                    }
                    Op::BackCommit => {
                        let entry = core.pop();
                        core.restore(entry);
                        core.jump(i.a);
                    }
                    Op::FailTwice => {
                        core.pop();
                        ok = false;
                    }
                    Op::Fail => ok = false,
                    Op::Open => core.open(i),
                    Op::Close => core.close(),
                    Op::Full => core.full(i),
                    Op::CaptureSpan => _ = core.capture_span(i, 0),
                    Op::CaptureSpan1 => ok = core.capture_span(i, 1),
                    Op::CloseRunTime => ok = core.close_run_time(),
                    Op::End => return Some(core.outcome()),
                    Op::GiveUp => {
                        core.settle();
                        return None;
                    }
                }
                if !ok {
                    core.fail();
                }
            }
        }
    }

    /// Charges for the steps that were done with `fuel` left of it, and gives new fuel.
    #[cold]
    fn refuel(&mut self, fuel: i64) -> i64 {
        if let Some(charge) = self.charge {
            charge.of(self.l, FUEL.saturating_sub(fuel) as usize);
        }
        FUEL
    }

    /// Makes room for more captures.
    #[cold]
    fn grow_caps(&mut self, captop: u32) -> (*mut Cap, u32) {
        // SAFETY: the scratch is this match's own.
        let caps = unsafe { &mut (*self.scratch).caps };
        if captop > u32::MAX / 4 {
            self.l.error(c"too many captures");
        }
        caps.grow(self.l, captop as usize + 1);
        (caps.data, caps.capacity as u32)
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
