//! The compiled form of an expression: a list of tests, each knowing where to go on.

use super::compare::{Pattern, Relation};

/// A header value that is text; its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum TextVariable {
    Type = 3,
    Logger = 4,
    Payload = 6,
    EnvVersion = 7,
    Hostname = 9,
}

/// A header value that is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberVariable {
    Timestamp,
    Severity,
    Pid,
}

/// `Fields[name][field_index][value_index]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldSelector {
    pub(super) name: Box<[u8]>,
    /// Which of the fields of that name, from 0.
    pub(super) field_index: usize,
    /// Which of its values, from 0.
    pub(super) value_index: usize,
}

/// The left side of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// Nothing: the test is a constant.
    Constant(bool),
    Uuid,
    Text(TextVariable),
    Number(NumberVariable),
    Field(FieldSelector),
}

/// Operator and right side of a test.
#[derive(Debug)]
pub(super) enum Condition {
    /// A constant has none.
    None,
    Text(Relation, Box<[u8]>),
    Number(Relation, f64),
    Pattern {
        pattern: Pattern,
        negated: bool,
    },
    /// `== TRUE`, `== FALSE`
    Truth(bool),
    /// `== NIL`, or when negated `!= NIL`
    Nil {
        negated: bool,
    },
}

/// One test and what follows it.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) operand: Operand,
    /// Same number, same operand: its value need not be looked up again.
    pub(super) operand_id: usize,
    pub(super) condition: Condition,
    pub(super) when_true: Next,
    pub(super) when_false: Next,
}

/// Index of the test to go on with, or one of [`MATCH`] and [`NO_MATCH`].
pub(super) type Next = usize;
pub(super) const MATCH: Next = usize::MAX;
pub(super) const NO_MATCH: Next = usize::MAX - 1;

/// How many tests back an equal operand is recognised: those further off are not tested in a row.
const KNOWN_OPERANDS: usize = 16;

/// Tests in textual order; a jump only ever leads forward, so that every run ends.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) tests: Vec<Test>,
    /// The test to begin with.
    pub(super) start: Next,
}

/// A part of a program with its exits still open.
#[derive(Debug)]
pub(super) struct Fragment {
    start: Next,
    /// Tests whose `when_true` leaves the fragment as true; likewise the other one.
    true_exits: Vec<usize>,
    false_exits: Vec<usize>,
}

impl Program {
    /// Adds a test.
    pub(super) fn test(&mut self, operand: Operand, condition: Condition) -> Fragment {
        let index = self.tests.len();
        let known = self.tests.iter().rev().take(KNOWN_OPERANDS).find(|test| test.operand == operand);
        let operand_id = known.map_or(index, |test| test.operand_id);
        self.tests.push(Test { operand, operand_id, condition, when_true: MATCH, when_false: NO_MATCH });
        Fragment { start: index, true_exits: vec![index], false_exits: vec![index] }
    }

    /// `left && right`; `right` was added after `left`.
    pub(super) fn and(&mut self, mut left: Fragment, mut right: Fragment) -> Fragment {
        for &exit in &left.true_exits {
            self.tests[exit].when_true = right.start;
        }
        left.false_exits.append(&mut right.false_exits);
        Fragment { start: left.start, true_exits: right.true_exits, false_exits: left.false_exits }
    }

    /// `left || right`; `right` was added after `left`.
    pub(super) fn or(&mut self, mut left: Fragment, mut right: Fragment) -> Fragment {
        for &exit in &left.false_exits {
            self.tests[exit].when_false = right.start;
        }
        left.true_exits.append(&mut right.true_exits);
        Fragment { start: left.start, true_exits: left.true_exits, false_exits: right.false_exits }
    }

    /// Lets the program begin with `fragment`; what was built before it no longer counts.
    pub(super) fn begin_with(&mut self, fragment: &Fragment) {
        self.start = fragment.start;
    }

    /// Leads every jump past constants to where they lead. Jumps only lead forward, so that going
    /// backwards each one's target is settled first.
    pub(super) fn skip_constants(&mut self) {
        for index in (0..self.tests.len()).rev() {
            let Test { when_true, when_false, .. } = self.tests[index];
            self.tests[index].when_true = self.settled(when_true);
            self.tests[index].when_false = self.settled(when_false);
        }
        self.start = self.settled(self.start);
    }

    fn settled(&self, next: Next) -> Next {
        match self.tests.get(next) {
            Some(Test { operand, when_true, when_false, .. }) => match operand {
                Operand::Constant(true) => *when_true,
                Operand::Constant(false) => *when_false,
                _ => next,
            },
            None => next,
        }
    }
}
