//! `lpeg.match`.

use std::ffi::c_int;

use mlua::ffi;

use crate::charge::Charge;
use crate::eval::Evaluation;
use crate::ops::lua_functions;
use crate::pattern::Pattern;
use crate::scratch::Scratch;
use crate::state::State;
use crate::vm::{MAX_STACK_FIELD, Machine};

/// Upvalues of the match function: the metatable of patterns, then two places for scratches, then whom to tell steps.
pub(crate) const UPVALUES: c_int = 2 + SCRATCHES;
pub(crate) const SCRATCHES: c_int = 2;

const METATABLE: c_int = 1;
const FIRST_SCRATCH: c_int = 2;
const CHARGE: c_int = FIRST_SCRATCH + SCRATCHES;

lua_functions! {
    /// `lpeg.match(pattern, subject [, init, ...])`
    lua_match => run;
    /// `lpeg.setmaxstack(max)`
    lua_set_max_stack => set_max_stack;
}

#[inline(always)]
fn pattern_at_1(l: State) -> Pattern {
    let block = l.to_userdata(1);
    if !block.is_null() && l.get_metatable(1) {
        let is_pattern = l.raw_equal(-1, ffi::lua_upvalueindex(METATABLE));
        l.pop(1);
        if is_pattern {
            // SAFETY: it has the metatable of patterns.
            return unsafe { Pattern::from_block(block) };
        }
    }
    Pattern::coerce(l, 1)
}

/// Byte to start at: `init` counts from 1, or from the end if negative, and is cut to the subject.
fn initial_position(init: isize, len: usize) -> usize {
    match usize::try_from(init) {
        Ok(0) | Err(_) => len.saturating_sub(init.unsigned_abs()) * usize::from(init.unsigned_abs() <= len),
        Ok(n) => (n - 1).min(len),
    }
}

fn run(l: State) -> c_int {
    let pattern = pattern_at_1(l);
    let program = pattern.program(l, 1);
    let subject = l.check_bytes(2);
    let args = l.top();
    let start = if args < 3 { 0 } else { initial_position(l.opt_integer(3, 1), subject.len()) };
    if subject.len() >= u32::MAX as usize {
        l.error(c"subject too long");
    }
    let scratch = Scratch::acquire(l, FIRST_SCRATCH);
    l.get_env(1);
    let mut machine = Machine {
        l,
        program,
        subject: subject.as_ptr(),
        len: subject.len(),
        scratch,
        args,
        values: args + 2,
        dynamic: 0,
        charge: Charge::from_upvalue(l, CHARGE),
    };
    // SAFETY: pattern (with its program), subject, scratch and values are on the stack of this call.
    let results = match unsafe { machine.run(start) } {
        None => {
            l.push_nil();
            1
        }
        Some((end, captures)) => {
            let values = if captures == 0 { 0 } else { Evaluation::new(&machine).push_all(captures) };
            if values == 0 {
                l.push_number(end as f64 + 1.0);
            }
            values.max(1)
        }
    };
    // SAFETY: the scratch is on the stack.
    unsafe { (*scratch).release(l) };
    results
}

fn set_max_stack(l: State) -> c_int {
    l.opt_integer(1, -1);
    l.set_top(1);
    l.set_field(ffi::LUA_REGISTRYINDEX, MAX_STACK_FIELD);
    0
}

#[cfg(test)]
mod tests {
    use super::initial_position;

    #[test]
    fn initial_positions_are_cut_to_the_subject() {
        let cases =
            [(1, 0), (2, 1), (5, 4), (6, 5), (99, 5), (0, 5), (-1, 4), (-5, 0), (-6, 0), (isize::MIN, 0)];
        for (init, start) in cases {
            assert_eq!(initial_position(init, 5), start, "{init}");
        }
        assert_eq!(initial_position(1, 0), 0);
    }
}
