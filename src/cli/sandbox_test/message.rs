//! Messages written as TOML tables: headers by their names in matchers, `Fields` as a table.
//!
//! A field is a value, a list of values, or a table of `value`, `representation` and `type` (`bytes`, `integer`, `double`,
//! ...). Integers and floats are what they look like.

use anyhow::{Context, Result, bail};
use heka_message::golang::{Layout, Zone};
use heka_message::{Field, Message, ValueType, parse_uuid};
use heka_plugin::{Table, Value};

/// The message that a table stands for.
pub(super) fn message_of(table: &Table) -> Result<Message> {
    let mut message = Message::default();
    for entry in &table.entries {
        set(&mut message, &entry.key, &entry.value).with_context(|| format!("message: {}", entry.key))?;
    }
    Ok(message)
}

fn set(message: &mut Message, header: &str, value: &Value) -> Result<()> {
    match header {
        "Uuid" => {
            let Some(uuid) = parse_uuid(text(value)?.as_bytes()) else { bail!("is no UUID") };
            message.uuid = Some(uuid[..].into());
        }
        "Timestamp" => message.timestamp = Some(timestamp_ns(value)?),
        "Type" => message.msg_type = Some(text(value)?.into()),
        "Logger" => message.logger = Some(text(value)?.into()),
        "Severity" => message.severity = Some(i32::try_from(integer(value)?)?),
        "Payload" => message.payload = Some(text(value)?.into()),
        "EnvVersion" => message.env_version = Some(text(value)?.into()),
        "Pid" => message.pid = Some(i32::try_from(integer(value)?)?),
        "Hostname" => message.hostname = Some(text(value)?.into()),
        "Fields" => {
            let Value::Table(fields) = value else { bail!("is a table of fields") };
            for entry in &fields.entries {
                message.fields.push(field(&entry.key, &entry.value)?);
            }
        }
        _ => bail!(
            "no such header (there are Uuid, Timestamp, Type, Logger, Severity, Payload, EnvVersion, Pid, Hostname, Fields)"
        ),
    }
    Ok(())
}

/// Nanoseconds since the epoch: an integer of them, or a date.
fn timestamp_ns(value: &Value) -> Result<i64> {
    match value {
        Value::Integer(ns) => Ok(*ns),
        Value::String(date) => {
            let utc = Zone::load("UTC").map_err(anyhow::Error::msg)?;
            match Layout::new("2006-01-02T15:04:05.999999999Z07:00").parse(date.as_bytes(), &utc) {
                Ok(time) => Ok(time.unix_nanos()),
                Err(_) => bail!("{date:?} is no date like 2006-01-02T15:04:05.5Z"),
            }
        }
        _ => bail!("is nanoseconds since the epoch or a date in quotes"),
    }
}

/// A field of this name.
pub(super) fn field(name: &str, value: &Value) -> Result<Field> {
    let Value::Table(table) = value else { return values(name, "", value, None) };
    let representation = table.get("representation").map(text).transpose()?.unwrap_or_default();
    let value_type = table.get("type").map(text).transpose()?;
    for entry in &table.entries {
        if !["value", "representation", "type"].contains(&entry.key.as_str()) {
            bail!("field {name}: {} is none of value, representation and type", entry.key);
        }
    }
    match table.get("value") {
        Some(value) => values(name, representation, value, value_type),
        None => bail!("field {name} has no value"),
    }
}

fn values(name: &str, representation: &str, value: &Value, value_type: Option<&str>) -> Result<Field> {
    let one = std::slice::from_ref(value);
    let list = if let Value::Array(list) = value { list.as_slice() } else { one };
    let value_type = match value_type {
        Some("string") => ValueType::String,
        Some("bytes") => ValueType::Bytes,
        Some("integer") => ValueType::Integer,
        Some("double") => ValueType::Double,
        Some("bool") => ValueType::Bool,
        Some(other) => bail!("field {name}: {other} is no type of a field"),
        None => match list.first() {
            Some(Value::Integer(_)) => ValueType::Integer,
            Some(Value::Float(_)) => ValueType::Double,
            Some(Value::Bool(_)) => ValueType::Bool,
            _ => ValueType::String,
        },
    };
    let mut field = Field::new(name, value_type, representation);
    for value in list {
        match (value_type, value) {
            (ValueType::String, Value::String(text)) => field.value_string.push(text.as_str().into()),
            (ValueType::Bytes, Value::String(text)) => field.value_bytes.push(text.as_str().into()),
            (ValueType::Integer, Value::Integer(number)) => field.value_integer.push(*number),
            (ValueType::Double, Value::Float(number)) => field.value_double.push(*number),
            #[allow(clippy::cast_precision_loss, reason = "the writer asked for a double")]
            (ValueType::Double, Value::Integer(number)) => field.value_double.push(*number as f64),
            (ValueType::Bool, Value::Bool(truth)) => field.value_bool.push(*truth),
            _ => bail!("field {name}: a value is not of the field's type"),
        }
    }
    Ok(field)
}

pub(super) fn text(value: &Value) -> Result<&str> {
    match value {
        Value::String(text) => Ok(text),
        _ => bail!("is a string"),
    }
}

fn integer(value: &Value) -> Result<i64> {
    match value {
        Value::Integer(number) => Ok(*number),
        _ => bail!("is an integer"),
    }
}
