//! Message variables: what a topic or a key is taken from.

use std::borrow::Cow;

use heka_message::golang::write_float_g;
use heka_message::{MessageView, Value};

/// A part of a message, by its name in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Variable {
    Type,
    Logger,
    Hostname,
    Payload,
    /// A value of a dynamic field: its name, which of several fields of that name, which of its values.
    Field(String, usize, usize),
}

impl Variable {
    /// `Type`, `Logger`, `Hostname`, `Payload`, or `Fields[name]` with up to two indexes: `Fields[name][1][0]`.
    pub(super) fn parse(text: &str) -> Option<Variable> {
        Some(match text {
            "Type" => Variable::Type,
            "Logger" => Variable::Logger,
            "Hostname" => Variable::Hostname,
            "Payload" => Variable::Payload,
            _ => {
                let (name, rest) = text.strip_prefix("Fields[")?.split_once(']')?;
                let (field, rest) = index(rest)?;
                let (value, rest) = index(rest)?;
                if !rest.is_empty() {
                    return None;
                }
                Variable::Field(name.into(), field, value)
            }
        })
    }

    /// Its text in a message; empty if the message has none.
    pub(super) fn text<'a>(&self, message: &MessageView<'a>) -> Cow<'a, [u8]> {
        let header = match self {
            Variable::Type => message.msg_type(),
            Variable::Logger => message.logger(),
            Variable::Hostname => message.hostname(),
            Variable::Payload => message.payload(),
            Variable::Field(name, field, value) => {
                let field = message.field(name.as_bytes(), *field);
                return field.and_then(|field| field.value(*value)).map_or(Cow::Borrowed(b""), words);
            }
        };
        Cow::Borrowed(header.map_or(&b""[..], |text| text.as_ref()))
    }
}

/// Takes `[digits]` off the front; 0 if there are no brackets.
fn index(text: &str) -> Option<(usize, &str)> {
    let Some(rest) = text.strip_prefix('[') else { return Some((0, text)) };
    let (digits, rest) = rest.split_once(']')?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i32 = digits.parse().ok()?;
    Some((usize::try_from(number).ok()?, rest))
}

fn words(value: Value<'_>) -> Cow<'_, [u8]> {
    match value {
        Value::String(text) => Cow::Borrowed(text.as_ref()),
        Value::Bytes(bytes) => Cow::Borrowed(bytes),
        Value::Integer(number) => Cow::Owned(number.to_string().into_bytes()),
        Value::Double(number) => {
            let mut text = Vec::new();
            write_float_g(number, &mut text);
            Cow::Owned(text)
        }
        Value::Bool(truth) => Cow::Borrowed(if truth { b"true" } else { b"false" }),
    }
}

#[cfg(test)]
mod tests {
    use heka_message::{Field, Message};

    use super::*;

    #[test]
    fn only_these_forms_are_variables() {
        let field = |name: &str, field, value| Some(Variable::Field(name.into(), field, value));
        assert_eq!(Variable::parse("Type"), Some(Variable::Type));
        assert_eq!(Variable::parse("Payload"), Some(Variable::Payload));
        assert_eq!(Variable::parse("Fields[a b]"), field("a b", 0, 0));
        assert_eq!(Variable::parse("Fields[]"), field("", 0, 0));
        assert_eq!(Variable::parse("Fields[a][2]"), field("a", 2, 0));
        assert_eq!(Variable::parse("Fields[a][2][3]"), field("a", 2, 3));
        let wrong = [
            "",
            "Uuid",
            "Timestamp",
            "Severity",
            "Pid",
            "type",
            "Fields",
            "Fields[a",
            "Fields[a]x",
            "Fields[a][]",
            "Fields[a][x]",
            "Fields[a][-1]",
            "Fields[a][0][0][0]",
            "Fields[a][99999999999]",
            " Fields[a]",
        ];
        for text in wrong {
            assert_eq!(Variable::parse(text), None, "{text}");
        }
    }

    #[test]
    fn values_are_written_as_go_prints_them() {
        let mut message =
            Message { msg_type: Some("T".into()), payload: Some("P".into()), ..Message::default() };
        message.add_field(Field::string("s", "", "one"));
        message.add_field(Field::string("s", "", "two"));
        message.add_field(Field::integer("i", "", -3));
        message.add_field(Field::double("d", "", 1e21));
        message.add_field(Field::boolean("b", "", true));
        message.add_field(Field::bytes("raw", "", &b"\xff\x00"[..]));
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        let view = MessageView::new(&bytes);
        let text = |variable: &str| Variable::parse(variable).unwrap().text(&view).into_owned();
        assert_eq!(text("Type"), b"T");
        assert_eq!(text("Payload"), b"P");
        assert_eq!(text("Logger"), b"");
        assert_eq!(text("Fields[s]"), b"one");
        assert_eq!(text("Fields[s][1]"), b"two");
        assert_eq!(text("Fields[s][0][1]"), b"");
        assert_eq!(text("Fields[s][2]"), b"");
        assert_eq!(text("Fields[i]"), b"-3");
        assert_eq!(text("Fields[d]"), b"1e+21");
        assert_eq!(text("Fields[b]"), b"true");
        assert_eq!(text("Fields[raw]"), b"\xff\x00");
        assert_eq!(text("Fields[none]"), b"");
    }
}
