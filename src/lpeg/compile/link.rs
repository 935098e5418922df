//! Addresses: calls to rules, and jumps to jumps.

use crate::program::{Inst, Op};

/// Marks a call whose `a` is still the place of the rule in the tree.
pub(super) const UNRESOLVED: u8 = 1;

/// Puts addresses into the calls from `start` on. `places` holds (place in the tree, address), ascending. A call that
/// is the last thing its rule does becomes a jump.
pub(super) fn resolve_calls(code: &mut [Inst], start: usize, places: &[(u32, u32)]) {
    for at in start..code.len() {
        let inst = code[at];
        if inst.op != Op::Call || inst.b != UNRESOLVED {
            continue;
        }
        if let Ok(rule) = places.binary_search_by_key(&inst.a, |&(place, _)| place) {
            let tail = code.get(destination(code, at + 1)).is_some_and(|next| next.op == Op::Ret);
            let op = if tail { Op::Jump } else { Op::Call };
            code[at] = Inst { a: places[rule].1, ..Inst::new(op) };
        }
    }
}

/// Where execution goes on from `at` once it has followed the jumps.
fn destination(code: &[Inst], mut at: usize) -> usize {
    // A loop of jumps cannot be generated: every loop tests or consumes something.
    for _ in 0..code.len() {
        match code.get(at) {
            Some(inst) if inst.op == Op::Jump => at = inst.a as usize,
            _ => break,
        }
    }
    at
}

/// Makes every target final, and replaces jumps to an instruction that itself goes elsewhere by that instruction.
pub(super) fn thread_jumps(code: &mut [Inst]) {
    for at in 0..code.len() {
        match code[at].op {
            Op::Choice | Op::Call | Op::Commit | Op::PartialCommit | Op::BackCommit => retarget(code, at),
            Op::TestAny | Op::TestChar | Op::TestSet => retarget(code, at),
            Op::Jump => {
                let to = destination(code, at);
                match code[to].op {
                    Op::Ret | Op::Fail | Op::FailTwice | Op::End => code[at] = code[to],
                    Op::Commit | Op::PartialCommit | Op::BackCommit => {
                        code[at] = code[to];
                        retarget(code, at);
                    }
                    _ => code[at].a = to as u32,
                }
            }
            _ => {}
        }
    }
}

fn retarget(code: &mut [Inst], at: usize) {
    code[at].a = destination(code, code[at].a as usize) as u32;
}
