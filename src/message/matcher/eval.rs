//! Running a program on a message.

use super::compare::Relation;
use super::program::{Condition, FieldSelector, MATCH, NumberVariable, Operand, Program};
use crate::field::{Value, ValueType};
use crate::message::DEFAULT_SEVERITY;
use crate::uuid::uuid_text;
use crate::view::{FieldView, MessageView};

/// An operand's value in one message.
#[derive(Clone, Copy)]
enum Loaded<'a> {
    Text(&'a [u8]),
    Number(f64),
    Bool(bool),
    /// A field or value that is not there.
    Missing,
    /// A field whose type Heka does not know: no test holds.
    Unknown,
}

/// Whether the message satisfies the program.
#[inline]
pub(super) fn run(program: &Program, message: &MessageView<'_>) -> bool {
    let Some(mut test) = program.tests.get(program.start) else { return program.start == MATCH };
    loop {
        let Some(operand) = program.operands.get(test.operand) else { return false };
        if matches!(operand, Operand::Uuid) {
            let holds = uuid_holds(&test.condition, message);
            let next = if holds { test.when_true } else { test.when_false };
            match program.tests.get(next) {
                Some(following) => test = following,
                None => return next == MATCH,
            }
            continue;
        }
        let loaded = load(operand, message);
        // Tests that follow on the same operand need no second look at the message.
        let this = test.operand;
        while test.operand == this {
            let next = if holds(&test.condition, loaded) { test.when_true } else { test.when_false };
            match program.tests.get(next) {
                Some(following) => test = following,
                None => return next == MATCH,
            }
        }
    }
}

#[inline(never)]
fn uuid_holds(condition: &Condition, message: &MessageView<'_>) -> bool {
    let mut text = [0; 36];
    let text = uuid_text(message.uuid().unwrap_or_default(), &mut text);
    text_holds(condition, text.as_bytes())
}

#[inline]
fn load<'a>(operand: &Operand, message: &MessageView<'a>) -> Loaded<'a> {
    match operand {
        Operand::Text(variable) => Loaded::Text(message.delimited(*variable as u8).unwrap_or_default()),
        Operand::Number(variable) => Loaded::Number(match variable {
            NumberVariable::Timestamp => message.timestamp().unwrap_or(0) as f64,
            NumberVariable::Severity => f64::from(message.severity().unwrap_or(DEFAULT_SEVERITY)),
            NumberVariable::Pid => f64::from(message.pid().unwrap_or(0)),
        }),
        Operand::Field(selector) => load_field(selector, message),
        Operand::Uuid | Operand::Constant(_) => Loaded::Unknown,
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
fn holds(condition: &Condition, loaded: Loaded<'_>) -> bool {
    match loaded {
        Loaded::Text(text) => text_holds(condition, text),
        Loaded::Number(number) => match condition {
            Condition::Number(relation, other) => relation.numbers(number, *other),
            Condition::Nil { negated } => *negated,
            _ => false,
        },
        // Against anything but TRUE and NIL a truth value is tested for being false, whatever the operator.
        Loaded::Bool(truth) => match condition {
            Condition::Truth(true) => truth,
            Condition::Nil { negated } => *negated,
            _ => !truth,
        },
        Loaded::Missing => matches!(condition, Condition::Nil { negated: false }),
        Loaded::Unknown => false,
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
