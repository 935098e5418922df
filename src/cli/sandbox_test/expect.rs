//! Holds what came out against what a case expects.

use anyhow::{Context, Result, bail, ensure};
use bstr::{BString, ByteSlice};
use heka_message::{Field, Message, Regex, Value as FieldValue};
use heka_plugin::{Table, Value};

use super::message::{field, message_of, text};
use super::rig::Came;

/// What must come of a step.
#[derive(Debug)]
pub(super) enum Expected {
    /// Whatever, but no failure.
    Anything,
    /// Just these messages.
    Messages(Vec<ExpectedMessage>),
    /// These bytes of an encoder.
    Bytes(Vec<u8>),
    /// An encoder passes the message over.
    Skip,
    /// An error that contains this.
    Failure(String),
}

/// What is expected of a message: the headers that are named. `Fields` names all of them, unless `more_fields` is set.
#[derive(Debug)]
pub(super) struct ExpectedMessage {
    headers: Message,
    fields: Option<Vec<(String, ExpectedField)>>,
    more_fields: bool,
    payload_matches: Option<Regex>,
}

#[derive(Debug)]
enum ExpectedField {
    /// Values, and the representation if it was given.
    Values { field: Box<Field>, with_representation: bool },
    /// There is no such field.
    Absent,
}

impl ExpectedMessage {
    /// What a table asks for. Beside headers it may have `more_fields` and `payload_matches`.
    pub(super) fn of(table: &Table) -> Result<ExpectedMessage> {
        let mut headers = table.clone();
        headers
            .entries
            .retain(|entry| !["Fields", "more_fields", "payload_matches"].contains(&entry.key.as_str()));
        let fields = match table.get("Fields") {
            None => None,
            Some(Value::Table(fields)) => Some(
                fields
                    .entries
                    .iter()
                    .map(|entry| Ok((entry.key.clone(), expected_field(&entry.key, &entry.value)?)))
                    .collect::<Result<_>>()?,
            ),
            Some(_) => bail!("Fields is a table"),
        };
        let payload_matches = match table.get("payload_matches") {
            None => None,
            Some(value) => {
                Some(Regex::new(text(value)?).map_err(|error| anyhow::anyhow!("payload_matches: {error}"))?)
            }
        };
        let more_fields = matches!(table.get("more_fields"), Some(Value::Bool(true)));
        Ok(ExpectedMessage { headers: message_of(&headers)?, fields, more_fields, payload_matches })
    }

    fn check(&self, came: &Message) -> Result<()> {
        let Message {
            uuid, timestamp, msg_type, logger, severity, payload, env_version, pid, hostname, ..
        } = &self.headers;
        same_text("Uuid", uuid, &came.uuid)?;
        same("Timestamp", timestamp, &came.timestamp)?;
        same_text("Type", msg_type, &came.msg_type)?;
        same_text("Logger", logger, &came.logger)?;
        same("Severity", severity, &Some(came.severity()))?;
        same_text("Payload", payload, &came.payload)?;
        same_text("EnvVersion", env_version, &came.env_version)?;
        same("Pid", pid, &came.pid)?;
        same_text("Hostname", hostname, &came.hostname)?;
        if let Some(pattern) = &self.payload_matches {
            let payload = came.payload.clone().unwrap_or_default();
            ensure!(pattern.is_match(&payload), "Payload does not match: {payload:?}");
        }
        self.check_fields(came)
    }

    fn check_fields(&self, came: &Message) -> Result<()> {
        let Some(fields) = &self.fields else { return Ok(()) };
        for (name, expected) in fields {
            let found = came.field(name.as_bytes());
            match (expected, found) {
                (ExpectedField::Absent, None) => {}
                (ExpectedField::Absent, Some(field)) => {
                    bail!("Fields[{name}] is {}, expected none", shown(field))
                }
                (ExpectedField::Values { .. }, None) => bail!("Fields[{name}] is missing"),
                (ExpectedField::Values { field, with_representation }, Some(found)) => {
                    ensure!(
                        same_values(field, found),
                        "Fields[{name}] is {}, expected {}",
                        shown(found),
                        shown(field)
                    );
                    let given = found.representation.clone().unwrap_or_default();
                    let wanted = field.representation.clone().unwrap_or_default();
                    ensure!(
                        !with_representation || given == wanted,
                        "Fields[{name}] has the representation {given:?}, expected {wanted:?}"
                    );
                }
            }
        }
        if !self.more_fields {
            for field in &came.fields {
                let name = field.name().to_str_lossy();
                ensure!(
                    fields.iter().any(|(known, _)| *known == name),
                    "Fields[{name}] is {}, expected no such field",
                    shown(field)
                );
            }
        }
        Ok(())
    }
}

fn expected_field(name: &str, value: &Value) -> Result<ExpectedField> {
    if let Value::Table(table) = value {
        if let Some(Value::Bool(true)) = table.get("absent") {
            return Ok(ExpectedField::Absent);
        }
        let with_representation = table.get("representation").is_some();
        return Ok(ExpectedField::Values { field: Box::new(field(name, value)?), with_representation });
    }
    Ok(ExpectedField::Values { field: Box::new(field(name, value)?), with_representation: false })
}

/// Holds a result against what is expected of it.
pub(super) fn check(expected: &Expected, came: &Came) -> Result<()> {
    match (expected, came) {
        (Expected::Failure(text), Came::Failure(why)) => same_error(text, why),
        (Expected::Failure(text), other) => bail!("gave {}, expected the failure {text:?}", described(other)),
        (_, Came::Failure(why)) => bail!("failed: {why}"),
        (Expected::Anything, _) | (Expected::Skip, Came::Skip) => Ok(()),
        (Expected::Bytes(wanted), Came::Bytes(bytes)) => {
            ensure!(wanted == bytes, "gave {:?}, expected {:?}", bytes.as_bstr(), wanted.as_bstr());
            Ok(())
        }
        (Expected::Messages(wanted), Came::Messages(messages)) => {
            for (number, (wanted, message)) in wanted.iter().zip(messages).enumerate() {
                wanted.check(message).with_context(|| format!("message {}", number + 1))?;
            }
            ensure!(
                wanted.len() == messages.len(),
                "gave {} messages, expected {}",
                messages.len(),
                wanted.len()
            );
            Ok(())
        }
        (_, other) => bail!("gave {}", described(other)),
    }
}

/// Whether an error says what is expected of it.
pub(super) fn same_error(expected: &str, why: &str) -> Result<()> {
    ensure!(why.contains(expected), "failed with {why:?}, expected {expected:?}");
    Ok(())
}

fn described(came: &Came) -> String {
    match came {
        Came::Messages(messages) => format!("{} messages", messages.len()),
        Came::Bytes(bytes) => format!("the bytes {:?}", bytes.as_bstr()),
        Came::Skip => "nothing: the message was passed over".into(),
        Came::Failure(why) => format!("the failure {why:?}"),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(header: &str, wanted: &Option<T>, came: &Option<T>) -> Result<()> {
    ensure!(wanted.is_none() || wanted == came, "{header} is {came:?}, expected {wanted:?}");
    Ok(())
}

/// An absent text reads as an empty one.
fn same_text(header: &str, wanted: &Option<BString>, came: &Option<BString>) -> Result<()> {
    let Some(wanted) = wanted else { return Ok(()) };
    let came = came.clone().unwrap_or_default();
    ensure!(*wanted == came, "{header} is {came:?}, expected {wanted:?}");
    Ok(())
}

/// Lua knows one kind of number, so integers equal doubles; texts equal bytes.
fn same_values(wanted: &Field, came: &Field) -> bool {
    wanted.value_count() == came.value_count()
        && wanted.values().zip(came.values()).all(|pair| match pair {
            (FieldValue::Integer(integer), FieldValue::Double(double))
            | (FieldValue::Double(double), FieldValue::Integer(integer)) => {
                #[allow(clippy::cast_precision_loss, reason = "so does Lua")]
                let equal = integer as f64 == double;
                equal
            }
            (FieldValue::String(text), FieldValue::Bytes(bytes))
            | (FieldValue::Bytes(bytes), FieldValue::String(text)) => *text == *bytes,
            (wanted, came) => wanted == came,
        })
}

fn shown(field: &Field) -> String {
    let value = |value: FieldValue<'_>| match value {
        FieldValue::String(text) => format!("{text:?}"),
        FieldValue::Bytes(bytes) => format!("{:?}", bytes.as_bstr()),
        FieldValue::Integer(number) => number.to_string(),
        FieldValue::Double(number) => number.to_string(),
        FieldValue::Bool(truth) => truth.to_string(),
    };
    let values: Vec<String> = field.values().map(value).collect();
    if let [one] = values.as_slice() { one.clone() } else { format!("[{}]", values.join(", ")) }
}
