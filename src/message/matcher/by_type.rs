//! What a program says of all messages of one `Type`.

use super::eval::text_holds;
use super::program::{MATCH, Operand, Program, TextVariable};

/// Whether no message of this `Type` (empty: none) can satisfy the program.
///
/// Follows every test on something else both ways: jumps lead forward, so one pass in order sees all that can be
/// reached.
pub(super) fn refuses(program: &Program, msg_type: &[u8]) -> bool {
    let mut reached = vec![false; program.tests.len()];
    if program.start == MATCH {
        return false;
    }
    if let Some(start) = reached.get_mut(program.start) {
        *start = true;
    }
    for (index, test) in program.tests.iter().enumerate() {
        if !reached[index] {
            continue;
        }
        let known = match &test.operand {
            Operand::Text(TextVariable::Type) => Some(text_holds(&test.condition, msg_type)),
            Operand::Constant(truth) => Some(*truth),
            _ => None,
        };
        let next = [(test.when_true, known != Some(false)), (test.when_false, known != Some(true))];
        for (next, _) in next.into_iter().filter(|&(_, possible)| possible) {
            if next == MATCH {
                return false;
            }
            if let Some(next) = reached.get_mut(next) {
                *next = true;
            }
        }
    }
    true
}
