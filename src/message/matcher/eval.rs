//! Running a program on a message.

use super::compare::Relation;
use super::program::{Condition, FieldSelector, MATCH, NO_MATCH, NumberVariable, Operand, Program, TextVariable};
use crate::field::{Value, ValueType};
use crate::message::DEFAULT_SEVERITY;
use crate::uuid::uuid_text;
use crate::view::{FieldView, MessageView};

/// An operand's value in one message.
enum Loaded<'a> {
    /// Nothing looked up yet.
    Nothing,
    Constant(bool),
    Text(&'a [u8]),
    /// Text of a UUID, and how much of it there is.
    Uuid([u8; 36], usize),
    Number(f64),
    Bool(bool),
    /// A field or value that is not there.
    Missing,
    /// A field whose type Heka does not know: no test holds.
    Unknown,
}

/// Whether the message satisfies the program.
pub(super) fn run(program: &Program, message: &MessageView<'_>) -> bool {
    let mut next = program.start;
    let mut loaded = (usize::MAX, Loaded::Nothing);
    while let Some(test) = program.tests.get(next) {
        if loaded.0 != test.operand {
            let Some(operand) = program.operands.get(test.operand) else { return false };
            loaded = (test.operand, load(operand, message));
        }
        next = if holds(&test.condition, &loaded.1) { test.when_true } else { test.when_false };
    }
    debug_assert!(next == MATCH || next == NO_MATCH);
    next == MATCH
}

#[inline]
fn load<'a>(operand: &Operand, message: &MessageView<'a>) -> Loaded<'a> {
    match operand {
        Operand::Text(TextVariable::Uuid) => {
            let mut text = [0; 36];
            let length = uuid_text(message.uuid().unwrap_or_default(), &mut text).len();
            Loaded::Uuid(text, length)
        }
        Operand::Text(variable) => {
            let number = match variable {
                TextVariable::Uuid => 1,
                TextVariable::Type => 3,
                TextVariable::Logger => 4,
                TextVariable::Payload => 6,
                TextVariable::EnvVersion => 7,
                TextVariable::Hostname => 9,
            };
            Loaded::Text(message.delimited(number).unwrap_or_default())
        }
        Operand::Number(variable) => Loaded::Number(match variable {
            NumberVariable::Timestamp => message.timestamp().unwrap_or(0) as f64,
            NumberVariable::Severity => f64::from(message.severity().unwrap_or(DEFAULT_SEVERITY)),
            NumberVariable::Pid => f64::from(message.pid().unwrap_or(0)),
        }),
        Operand::Field(selector) => load_field(selector, message),
        Operand::Constant(truth) => Loaded::Constant(*truth),
    }
}

#[inline]
fn load_field<'a>(selector: &FieldSelector, message: &MessageView<'a>) -> Loaded<'a> {
    let mut left = selector.field_index;
    for field in message.fields() {
        if *field.name() == *selector.name {
            if left == 0 {
                return load_value(field, selector.value_index);
            }
            left -= 1;
        }
    }
    Loaded::Missing
}

fn load_value(field: FieldView<'_>, index: usize) -> Loaded<'_> {
    match field.value(index) {
        Some(Value::String(text)) => Loaded::Text(text),
        Some(Value::Bytes(bytes)) => Loaded::Text(bytes),
        Some(Value::Integer(number)) => Loaded::Number(number as f64),
        Some(Value::Double(number)) => Loaded::Number(number),
        Some(Value::Bool(truth)) => Loaded::Bool(truth),
        None if matches!(field.value_type(), ValueType::Other(_)) => Loaded::Unknown,
        None => Loaded::Missing,
    }
}

#[inline]
fn holds(condition: &Condition, loaded: &Loaded<'_>) -> bool {
    match loaded {
        Loaded::Text(text) => text_holds(condition, text),
        Loaded::Uuid(text, length) => text_holds(condition, &text[..*length]),
        Loaded::Number(number) => match condition {
            Condition::Number(relation, other) => relation.numbers(*number, *other),
            Condition::Nil { negated } => *negated,
            _ => false,
        },
        // Against anything but TRUE and NIL a truth value is tested for being false, whatever the operator.
        Loaded::Bool(truth) => match condition {
            Condition::Truth(true) => *truth,
            Condition::Nil { negated } => *negated,
            _ => !*truth,
        },
        Loaded::Missing => matches!(condition, Condition::Nil { negated: false }),
        Loaded::Constant(truth) => *truth,
        Loaded::Unknown | Loaded::Nothing => false,
    }
}

#[inline]
fn text_holds(condition: &Condition, text: &[u8]) -> bool {
    match condition {
        Condition::Text(relation, other) => relation.texts(text, other),
        Condition::Pattern { pattern, negated } => pattern.is_match(text) != *negated,
        // Text is compared with the keyword itself.
        Condition::Truth(truth) => {
            let keyword: &[u8] = if *truth { b"TRUE" } else { b"FALSE" };
            Relation::Equal.texts(text, keyword)
        }
        Condition::Nil { negated } => *negated,
        Condition::Number(..) | Condition::None => false,
    }
}
