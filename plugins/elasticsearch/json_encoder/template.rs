//! Interpolation of index, type and id: `logs-%{Type}-%{%Y.%m.%d}`.
//!
//! The text is cut at each `%{`; in every piece what stands before the first `}` is a placeholder (also in the piece
//! before the first `%{`, if it has a `}`). It names a header, else a field of the message, else it is a time format.

use heka_message::golang::clock::Civil;
use heka_message::golang::{Strftime, write_float_g};
use heka_message::{Headers, MessageView, Value, uuid_text};
use memchr::memmem::Finder;

/// A text with placeholders.
pub(crate) struct Template {
    text: Vec<u8>,
    pieces: Vec<Piece>,
}

enum Piece {
    Literal(Vec<u8>),
    Placeholder {
        /// What stands between the braces.
        name: Vec<u8>,
        source: Source,
        /// The text behind it. The placeholder with its closing brace may occur in it again, which counts too: so several
        /// texts with the value between them.
        behind: Vec<Vec<u8>>,
    },
}

enum Source {
    Type,
    Hostname,
    Pid,
    Uuid,
    Logger,
    EnvVersion,
    Severity,
    FieldOrTime { format: Strftime, name: Box<Finder<'static>> },
}

/// How long a template's text stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lasts {
    /// For one message.
    Message,
    /// For a second, unless a message has a field of a placeholder's name.
    Second,
    /// For ever.
    Always,
}

impl Template {
    pub(crate) fn new(text: &str) -> Template {
        let pieces = text.split("%{").map(Piece::new).collect();
        Template { text: text.into(), pieces }
    }

    /// The text as configured.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    pub(crate) fn lasts(&self) -> Lasts {
        self.pieces.iter().map(Piece::lasts).min().unwrap_or(Lasts::Always)
    }

    /// Whether a message may have a field of a placeholder's name. A cheap test that may say yes wrongly.
    pub(crate) fn may_name_field_of(&self, message: MessageView<'_>) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Placeholder { source: Source::FieldOrTime { name, .. }, .. } => {
                name.find(message.bytes()).is_some()
            }
            _ => false,
        })
    }

    /// Appends the text; false if a placeholder stands for nothing but itself.
    pub(crate) fn write(
        &self,
        message: MessageView<'_>,
        headers: &Headers<'_>,
        time: &Civil,
        out: &mut Vec<u8>,
    ) -> bool {
        let mut found_all = true;
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text),
                Piece::Placeholder { name, source, behind } => {
                    let start = out.len();
                    for text in behind {
                        source.write(name, message, headers, time, out);
                        out.extend_from_slice(text);
                    }
                    found_all &= out[start..] != name[..];
                }
            }
        }
        found_all
    }
}

impl Piece {
    fn new(text: &str) -> Piece {
        let Some(end) = text.find('}') else { return Piece::Literal(text.into()) };
        let name = &text[..end];
        let source = match name {
            "Type" => Source::Type,
            "Hostname" => Source::Hostname,
            "Pid" => Source::Pid,
            "UUID" => Source::Uuid,
            "Logger" => Source::Logger,
            "EnvVersion" => Source::EnvVersion,
            "Severity" => Source::Severity,
            _ => Source::FieldOrTime {
                format: Strftime::new(name),
                name: Box::new(Finder::new(name).into_owned()),
            },
        };
        let behind = text.split(&text[..=end]).skip(1).map(Into::into).collect();
        Piece::Placeholder { name: name.into(), source, behind }
    }

    fn lasts(&self) -> Lasts {
        match self {
            Piece::Literal(_) => Lasts::Always,
            Piece::Placeholder { source: Source::FieldOrTime { format, .. }, .. }
                if !format.shows_fractions() =>
            {
                Lasts::Second
            }
            Piece::Placeholder { .. } => Lasts::Message,
        }
    }
}

impl Source {
    fn write(
        &self,
        name: &[u8],
        message: MessageView<'_>,
        headers: &Headers<'_>,
        time: &Civil,
        out: &mut Vec<u8>,
    ) {
        let mut number = itoa::Buffer::new();
        let text = match self {
            Source::Type => headers.msg_type.map_or(&[][..], |text| text),
            Source::Hostname => headers.hostname.map_or(&[][..], |text| text),
            Source::Logger => headers.logger.map_or(&[][..], |text| text),
            Source::EnvVersion => headers.env_version.map_or(&[][..], |text| text),
            Source::Pid => number.format(headers.pid.unwrap_or(0)).as_bytes(),
            Source::Severity => {
                number.format(headers.severity.unwrap_or(heka_message::DEFAULT_SEVERITY)).as_bytes()
            }
            Source::Uuid => {
                let mut text = [0; 36];
                out.extend_from_slice(uuid_text(headers.uuid.unwrap_or_default(), &mut text).as_bytes());
                return;
            }
            Source::FieldOrTime { format, name: finder } => {
                let may_be_field = finder.find(message.bytes()).is_some();
                match may_be_field.then(|| message.field(name, 0)).flatten() {
                    Some(field) => write_value(field.value(0), out),
                    None => format.write(time, out),
                }
                return;
            }
        };
        out.extend_from_slice(text);
    }
}

fn write_value(value: Option<Value<'_>>, out: &mut Vec<u8>) {
    match value {
        None => {}
        Some(Value::String(text)) => out.extend_from_slice(text),
        Some(Value::Bytes(bytes)) => out.extend_from_slice(bytes),
        Some(Value::Integer(number)) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
        Some(Value::Double(number)) => write_float_g(number, out),
        Some(Value::Bool(truth)) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
    }
}

#[cfg(test)]
mod tests {
    use heka_message::{Field, Message};

    use super::*;

    fn message(headers: bool) -> Vec<u8> {
        let mut message = Message::default();
        if headers {
            message.msg_type = Some("My.Type".into());
            message.logger = Some("Log\"ger".into());
            message.severity = Some(3);
            message.env_version = Some("E v".into());
            message.pid = Some(7);
            message.hostname = Some("HÖst".into());
            message.add_field(Field::string("s", "", "FieldValue"));
            message.add_field(Field::string("type", "", "lower"));
            message.add_field(Field::integer("i", "", -42));
            message.add_field(Field::double("d", "", 1e6));
            message.add_field(Field::boolean("b", "", true));
            message.add_field(Field::bytes("y", "", "raw"));
            message.add_field(Field::new("none", heka_message::ValueType::String, ""));
        }
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        bytes
    }

    fn interpolated(text: &str, bytes: &[u8]) -> (String, bool) {
        let view = MessageView::new(bytes);
        let mut out = Vec::new();
        // 14 May 2015, 10:40 in UTC.
        let time = Civil::utc(1_431_600_000_123_456_789);
        let found = Template::new(text).write(view, &view.headers(), &time, &mut out);
        (String::from_utf8(out).unwrap(), found)
    }

    #[test]
    fn placeholders() {
        let (full, empty) = (message(true), message(false));
        for (text, of_full, of_empty) in [
            ("%{Type}", ("My.Type", true), ("", true)),
            ("%{Logger}-%{Hostname}", ("Log\"ger-HÖst", true), ("-", true)),
            ("%{Uuid}", ("Uuid", false), ("Uuid", false)),
            ("%{Pid}/%{Severity}/%{EnvVersion}", ("7/3/E v", true), ("0/7/", true)),
            ("%{s}", ("FieldValue", true), ("s", false)),
            ("%{nope}", ("nope", false), ("nope", false)),
            ("pre-%{nope}-post", ("pre-nope-post", true), ("pre-nope-post", true)),
            ("%{%Y.%m.%d}", ("2015.05.14", true), ("2015.05.14", true)),
            ("%{%Y}-%{%j}", ("2015-134", true), ("2015-134", true)),
            ("MiXed-%{Type}", ("MiXed-My.Type", true), ("MiXed-", true)),
            ("%{", ("", true), ("", true)),
            ("%{Type", ("Type", true), ("Type", true)),
            ("Type}", ("My.Type", true), ("", true)),
            ("a}b%{Type}c", ("abMy.Typec", true), ("abc", true)),
            ("%{}", ("", false), ("", false)),
            ("%{type}", ("lower", true), ("type", false)),
            ("%{Payload}", ("Payload", false), ("Payload", false)),
            ("%Y.%m", ("%Y.%m", true), ("%Y.%m", true)),
            ("%{s}%{s}", ("FieldValueFieldValue", true), ("ss", false)),
            ("%{Type}%{nope}", ("My.Typenope", false), ("nope", false)),
            ("%{Type}Type}", ("My.TypeMy.Type", true), ("", true)),
            ("", ("", true), ("", true)),
        ] {
            assert_eq!(interpolated(text, &full), (of_full.0.to_string(), of_full.1), "{text}");
            assert_eq!(interpolated(text, &empty), (of_empty.0.to_string(), of_empty.1), "{text}");
        }
    }

    #[test]
    fn values_that_are_no_strings_are_written_too() {
        let full = message(true);
        assert_eq!(
            interpolated("%{i} %{d} %{b} %{y}|%{none}|", &full),
            ("-42 1e+06 true raw||".into(), true)
        );
    }

    #[test]
    fn how_long_a_text_lasts() {
        for (text, lasts) in [
            ("idx", Lasts::Always),
            ("idx-%{%Y}", Lasts::Second),
            ("idx-%{%f}", Lasts::Message),
            ("%{%Y}-%{Type}", Lasts::Message),
        ] {
            assert_eq!(Template::new(text).lasts(), lasts, "{text}");
        }
        let template = Template::new("%{type}");
        assert!(template.may_name_field_of(MessageView::new(&message(true))));
        assert!(!template.may_name_field_of(MessageView::new(&message(false))));
    }
}
