//! Message templates: the `message_fields` of decoders.

use heka_message::golang::number::parse_int32;
use heka_message::{Field, Message, UUID_SIZE, parse_uuid};

use crate::placeholders::Text;

/// What to write into a message.
pub(crate) struct MessageTemplate {
    entries: Vec<(Target, Text)>,
}

enum Target {
    Logger,
    Type,
    Payload,
    Hostname,
    Pid,
    Severity,
    Uuid,
    Field { name: String, representation: String },
}

impl Target {
    fn new(key: &str) -> Target {
        match key {
            "Logger" => Target::Logger,
            "Type" => Target::Type,
            "Payload" => Target::Payload,
            "Hostname" => Target::Hostname,
            "Pid" => Target::Pid,
            "Severity" => Target::Severity,
            "Uuid" => Target::Uuid,
            _ => {
                let (name, representation) = key.split_once('|').unwrap_or((key, ""));
                Target::Field { name: name.into(), representation: representation.into() }
            }
        }
    }
}

impl MessageTemplate {
    /// A template whose texts stand for themselves.
    pub(crate) fn fixed(entries: &[(String, String)]) -> MessageTemplate {
        let entries = entries.iter().map(|(key, text)| (Target::new(key), Text::fixed(text))).collect();
        MessageTemplate { entries }
    }

    /// A template whose texts may hold placeholders, `%name%`.
    pub(crate) fn interpolated(entries: &[(String, String)]) -> MessageTemplate {
        let entries =
            entries.iter().map(|(key, text)| (Target::new(key), Text::interpolated(text))).collect();
        MessageTemplate { entries }
    }

    /// Writes into a message. `value_of` gives what a placeholder stands for.
    ///
    /// # Errors
    /// A text does not fit its header; the message keeps what was written before.
    pub(crate) fn apply<'v>(
        &self,
        message: &mut Message,
        value_of: impl Fn(&str) -> Option<&'v [u8]>,
    ) -> Result<(), String> {
        for (target, text) in &self.entries {
            let value = text.fill(&value_of);
            match target {
                Target::Logger => message.logger = Some(value.into()),
                Target::Type => message.msg_type = Some(value.into()),
                Target::Payload => message.payload = Some(value.into()),
                Target::Hostname => message.hostname = Some(value.into()),
                Target::Pid => message.pid = Some(whole_number(&value)?),
                Target::Severity => {
                    message.severity = Some(parse_int32(&value).map_err(|error| error.to_string())?);
                }
                Target::Uuid => message.uuid = Some(uuid(value)?.into()),
                Target::Field { name, representation } => {
                    message.add_field(Field::string(name.as_str(), representation.as_str(), value));
                }
            }
        }
        Ok(())
    }
}

/// The number before the first point.
fn whole_number(text: &[u8]) -> Result<i32, String> {
    let whole = text.split(|&byte| byte == b'.').next().unwrap_or_default();
    parse_int32(whole).map_err(|error| error.to_string())
}

/// Sixteen bytes are a UUID as they are, anything else must be its text.
fn uuid(text: Vec<u8>) -> Result<Vec<u8>, String> {
    if text.len() == UUID_SIZE {
        return Ok(text);
    }
    parse_uuid(&text).map(Into::into).ok_or_else(|| "Invalid UUID string.".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(entries: &[(&str, &str)], values: &[(&str, &str)]) -> Result<Message, String> {
        let entries: Vec<(String, String)> =
            entries.iter().map(|(key, text)| ((*key).to_string(), (*text).to_string())).collect();
        let mut message = Message::default();
        let value_of =
            |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_bytes());
        MessageTemplate::interpolated(&entries).apply(&mut message, value_of).map(|()| message)
    }

    #[test]
    fn placeholders_are_words_between_percent_signs() {
        let values = [("n", "7"), ("w_1", "word"), ("empty", "")];
        for (text, filled) in [
            ("%n%", "7"),
            ("a %n% b %w_1% c", "a 7 b word c"),
            ("[%empty%]", "[]"),
            ("%Type%Decoded", "<Type>Decoded"),
            ("100%% %n %%n%", "100%% %n %7"),
            ("%n%w_1%", "7w_1%"),
            ("%ü%%n%", "%ü%7"),
            ("50% of %n%", "50% of 7"),
        ] {
            let message = applied(&[("Payload", text)], &values).unwrap();
            assert_eq!(message.payload.unwrap(), filled, "{text}");
        }
    }

    #[test]
    fn headers_and_fields() {
        let message = applied(
            &[
                ("Type", "t"),
                ("Severity", "-1"),
                ("Pid", "-7.5"),
                ("Uuid", "00112233-4455-6677-8899-aabbccddeeff"),
                ("Timestamp", "x"),
                ("EnvVersion", "1"),
                ("payload", "lower"),
                ("Payload|json", "{}"),
                ("a|b|c", "two bars"),
                ("|rep", "no name"),
            ],
            &[],
        )
        .unwrap();
        assert_eq!((message.severity, message.pid), (Some(-1), Some(-7)));
        assert_eq!(message.uuid.unwrap()[..3], [0x00, 0x11, 0x22]);
        assert_eq!((message.timestamp, message.env_version, message.payload), (None, None, None));
        let fields: Vec<Field> = [
            ("Timestamp", "", "x"),
            ("EnvVersion", "", "1"),
            ("payload", "", "lower"),
            ("Payload", "json", "{}"),
            ("a", "b|c", "two bars"),
            ("", "rep", "no name"),
        ]
        .map(|(name, representation, value)| Field::string(name, representation, value))
        .into();
        assert_eq!(message.fields, fields);
    }

    #[test]
    fn sixteen_bytes_are_a_uuid() {
        let message = applied(&[("Uuid", "0123456789ABCDEF")], &[]).unwrap();
        assert_eq!(message.uuid.unwrap(), "0123456789ABCDEF");
    }

    #[test]
    fn texts_that_do_not_fit() {
        let error = |key, text| applied(&[(key, text)], &[]).unwrap_err();
        assert_eq!(error("Pid", "x"), r#"strconv.ParseInt: parsing "x": invalid syntax"#);
        assert_eq!(
            error("Pid", "2147483648"),
            r#"strconv.ParseInt: parsing "2147483648": value out of range"#
        );
        assert_eq!(error("Severity", "4.0"), r#"strconv.ParseInt: parsing "4.0": invalid syntax"#);
        assert_eq!(error("Uuid", "short"), "Invalid UUID string.");
    }
}
