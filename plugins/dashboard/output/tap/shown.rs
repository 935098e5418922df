//! A message as the page gets it.

use heka_message::golang::{write_float_json, write_json_string};
use heka_message::{FieldView, MessageView, Value, uuid_text};

use crate::base64_text::write_base64;

/// Longest payload that is shown.
const PAYLOAD_MAX: usize = 4096;
/// Longest value of a field that is shown.
const VALUE_MAX: usize = 1024;
/// Fields that are shown.
const FIELDS_MAX: usize = 64;
/// Values of a field that are shown.
const VALUES_MAX: usize = 16;

/// Appends a message as an event whose data is a JSON object. What is long is cut; `cut` tells that.
pub(super) fn write_message(message: &MessageView<'_>, out: &mut Vec<u8>) {
    let mut cut = false;
    let mut uuid = [0; 36];
    let uuid = uuid_text(message.uuid().unwrap_or_default(), &mut uuid);
    out.extend_from_slice(
        format!("data: {{\"timestamp\":{}", message.timestamp().unwrap_or(0) / 1_000_000).as_bytes(),
    );
    let severity = message.severity().unwrap_or(heka_message::DEFAULT_SEVERITY);
    out.extend_from_slice(
        format!(",\"severity\":{severity},\"pid\":{}", message.pid().unwrap_or(0)).as_bytes(),
    );
    for (key, value, most) in [
        ("uuid", uuid.as_bytes(), VALUE_MAX),
        ("type", message.msg_type().map_or(b"".as_slice(), AsRef::as_ref), VALUE_MAX),
        ("logger", message.logger().map_or(b"".as_slice(), AsRef::as_ref), VALUE_MAX),
        ("hostname", message.hostname().map_or(b"".as_slice(), AsRef::as_ref), VALUE_MAX),
        ("env_version", message.env_version().map_or(b"".as_slice(), AsRef::as_ref), VALUE_MAX),
        ("payload", message.payload().map_or(b"".as_slice(), AsRef::as_ref), PAYLOAD_MAX),
    ] {
        out.extend_from_slice(format!(",\"{key}\":").as_bytes());
        write_cut(value, most, &mut cut, out);
    }
    out.extend_from_slice(b",\"fields\":[");
    for (at, field) in message.fields().enumerate() {
        if at == FIELDS_MAX {
            cut = true;
            break;
        }
        if at > 0 {
            out.push(b',');
        }
        write_field(&field, &mut cut, out);
    }
    out.extend_from_slice(format!("],\"cut\":{cut}}}\n\n").as_bytes());
}

fn write_cut(text: &[u8], most: usize, cut: &mut bool, out: &mut Vec<u8>) {
    *cut |= text.len() > most;
    write_json_string(text.get(..most).unwrap_or(text), out);
}

fn write_field(field: &FieldView<'_>, cut: &mut bool, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"name\":");
    write_cut(field.name(), VALUE_MAX, cut, out);
    out.extend_from_slice(b",\"representation\":");
    write_cut(field.representation().map_or(b"".as_slice(), AsRef::as_ref), VALUE_MAX, cut, out);
    out.extend_from_slice(b",\"values\":[");
    for (at, value) in field.values().enumerate() {
        if at == VALUES_MAX {
            *cut = true;
            break;
        }
        if at > 0 {
            out.push(b',');
        }
        match value {
            Value::String(text) => write_cut(text, VALUE_MAX, cut, out),
            Value::Bytes(bytes) => {
                let mut text = Vec::new();
                write_base64(bytes.get(..VALUE_MAX).unwrap_or(bytes), &mut text);
                *cut |= bytes.len() > VALUE_MAX;
                write_json_string(&text, out);
            }
            // Beyond 2^53 a script would round it.
            Value::Integer(number) => out.extend_from_slice(format!("\"{number}\"").as_bytes()),
            Value::Double(number) => {
                if !write_float_json(number, out) {
                    write_json_string(number.to_string().as_bytes(), out);
                }
            }
            Value::Bool(flag) => out.extend_from_slice(if flag { b"true" } else { b"false" }),
        }
    }
    out.extend_from_slice(b"]}");
}

#[cfg(test)]
mod tests {
    use heka_message::{Field, Message};
    use proptest::prelude::*;

    use super::*;

    fn shown(message: &Message) -> serde_json::Value {
        let (mut bytes, mut out) = (Vec::new(), Vec::new());
        message.encode(&mut bytes);
        write_message(&MessageView::new(&bytes), &mut out);
        let text = String::from_utf8(out).unwrap();
        let data = text.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap();
        assert!(!data.contains('\n'), "an event's data is one line");
        serde_json::from_str(data).unwrap()
    }

    #[test]
    fn what_is_long_is_cut() {
        let mut message = Message { payload: Some("x".repeat(PAYLOAD_MAX).into()), ..Message::default() };
        message.fields.push(Field::integer("n", "B", i64::MAX));
        let whole = shown(&message);
        assert_eq!(
            (&whole["cut"], &whole["fields"][0]["values"][0]),
            (&false.into(), &i64::MAX.to_string().into())
        );
        message.payload = Some("x".repeat(PAYLOAD_MAX + 1).into());
        assert_eq!(shown(&message)["cut"], true);
    }

    proptest! {
        #[test]
        fn any_message_is_one_event(payload: Vec<u8>, name: Vec<u8>, number: f64, bytes: Vec<u8>) {
            let mut message = Message { payload: Some(payload.into()), ..Message::default() };
            message.fields.push(Field::string(name.clone(), "", bytes));
            let mut field = Field::new(name, heka_message::ValueType::Double, "");
            field.value_double.push(number);
            message.fields.push(field);
            shown(&message);
        }

        #[test]
        fn any_bytes_are_one_event(bytes: Vec<u8>) {
            let mut out = Vec::new();
            write_message(&MessageView::new(&bytes), &mut out);
            let text = String::from_utf8(out).unwrap();
            let ends = text.ends_with("}\n\n");
            prop_assert!(ends && text.matches('\n').count() == 2);
        }
    }
}
