//! The compiled form of an expression: a list of tests, each knowing where to go on.

use super::compare::{Pattern, Relation};

/// A header value that is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextVariable {
    Uuid,
    Type,
    Logger,
    Payload,
    EnvVersion,
    Hostname,
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
    /// Index into the program's operands: equal operands share one, so that the value is looked up once.
    pub(super) operand: usize,
    pub(super) condition: Condition,
    pub(super) when_true: Next,
    pub(super) when_false: Next,
}

/// Index of the test to go on with, or one of [`MATCH`] and [`NO_MATCH`].
pub(super) type Next = usize;
pub(super) const MATCH: Next = usize::MAX;
pub(super) const NO_MATCH: Next = usize::MAX - 1;

/// Tests in textual order; a jump only ever leads forward, so that every run ends.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) operands: Vec<Operand>,
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
        let known = self.operands.iter().position(|known| *known == operand);
        let operand = known.unwrap_or_else(|| {
            self.operands.push(operand);
            self.operands.len() - 1
        });
        let index = self.tests.len();
        self.tests.push(Test { operand, condition, when_true: MATCH, when_false: NO_MATCH });
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

    /// Drops what was built before `fragment`, which alone counts.
    pub(super) fn begin_with(&mut self, fragment: &Fragment) {
        self.start = fragment.start;
    }
}
