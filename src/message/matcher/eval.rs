//! Running a program on a message.

use super::compare::Relation;
use super::program::{Condition, FieldSelector, MATCH, NO_MATCH, NumberVariable, Operand, Program, Test};
use crate::field::{Value, ValueType};
use crate::message::DEFAULT_SEVERITY;
use crate::uuid::uuid_text;
use crate::view::{FieldView, MessageView};

/// An operand's value in one message.
#[derive(Clone, Copy)]
enum Loaded<'a> {
    Text(&'a [u8]),
    /// Its text is written where it is tested.
    Uuid,
    Number(f64),
    Bool(bool),
    /// A field or value that is not there.
    Missing,
    /// A field whose type Heka does not know: no test holds.
    Unknown,
}

/// Whether the message satisfies the program.
///
/// Most matchers begin with `Type == '..'` and most messages fail there: that test is done right here,
/// without a call.
#[inline]
pub(super) fn run(program: &Program, message: &MessageView<'_>) -> bool {
    let Some(test) = program.tests.get(program.start) else { return program.start == MATCH };
    if let (Operand::Text(variable), Condition::Text(Relation::Equal, other)) =
        (&test.operand, &test.condition)
    {
        let text = message.delimited(*variable as u8).unwrap_or_default();
        if *text != **other && test.when_false == NO_MATCH {
            return false;
        }
    }
    run_from(test, program, message)
}

#[inline(never)]
fn run_from<'p>(mut test: &'p Test, program: &'p Program, message: &MessageView<'_>) -> bool {
    loop {
        // Tests that follow on the same operand need no second look at the message.
        let this = test.operand_id;
        let loaded = match &test.operand {
            Operand::Text(variable) => Loaded::Text(message.delimited(*variable as u8).unwrap_or_default()),
            other => load(other, message),
        };
        loop {
            let holds = match (&test.condition, loaded) {
                (Condition::Text(relation, other), Loaded::Text(text)) => relation.texts(text, other),
                _ => holds(&test.condition, loaded, message),
            };
            let next = if holds { test.when_true } else { test.when_false };
            match program.tests.get(next) {
                Some(following) => test = following,
                None => return next == MATCH,
            }
            if test.operand_id != this {
                break;
            }
        }
    }
}

fn uuid_holds(condition: &Condition, message: &MessageView<'_>) -> bool {
    let mut text = [0; 36];
    let text = uuid_text(message.uuid().unwrap_or_default(), &mut text);
    text_holds(condition, text.as_bytes())
}

#[inline(never)]
fn load<'a>(operand: &Operand, message: &MessageView<'a>) -> Loaded<'a> {
    match operand {
        Operand::Field(selector) => load_field(selector, message),
        Operand::Number(variable) => Loaded::Number(match variable {
            NumberVariable::Timestamp => message.timestamp().unwrap_or(0) as f64,
            NumberVariable::Severity => f64::from(message.severity().unwrap_or(DEFAULT_SEVERITY)),
            NumberVariable::Pid => f64::from(message.pid().unwrap_or(0)),
        }),
        Operand::Text(variable) => Loaded::Text(message.delimited(*variable as u8).unwrap_or_default()),
        Operand::Uuid => Loaded::Uuid,
        Operand::Constant(_) => Loaded::Unknown,
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

#[inline(never)]
fn holds(condition: &Condition, loaded: Loaded<'_>, message: &MessageView<'_>) -> bool {
    match loaded {
        Loaded::Uuid => uuid_holds(condition, message),
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
pub(super) fn text_holds(condition: &Condition, text: &[u8]) -> bool {
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
