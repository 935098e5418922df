//! How messages are printed.

use std::io::Write;

use heka_message::golang::{Zone, proto_text, write_float_json, write_json_string, write_time_string};
use heka_message::{Field, Message, ValueType, uuid_text};

/// The formats of `-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    Text,
    /// One object a line.
    Json,
    /// The records as they are.
    Heka,
    /// Nothing.
    Count,
}

impl Format {
    /// An unknown name means text.
    pub(super) fn of(name: &str) -> Format {
        match name {
            "json" => Format::Json,
            "heka" => Format::Heka,
            "count" => Format::Count,
            _ => Format::Text,
        }
    }
}

/// A text or bytes, if set.
fn bytes<T: AsRef<[u8]>>(value: &Option<T>) -> Option<&[u8]> {
    value.as_ref().map(AsRef::as_ref)
}

/// Appends a line for each header, one for the fields, and a blank one.
pub(super) fn write_text(message: &Message, zone: &Zone, out: &mut Vec<u8>) {
    let mut uuid = [0; 36];
    let uuid = uuid_text(bytes(&message.uuid).unwrap_or_default(), &mut uuid).as_bytes();
    let pid = message.pid.unwrap_or(0).to_string();
    let severity = message.severity().to_string();
    out.extend_from_slice(b"Timestamp: ");
    write_time_string(message.timestamp.unwrap_or(0), zone, out);
    for (name, value) in [
        ("Type", bytes(&message.msg_type)),
        ("Hostname", bytes(&message.hostname)),
        ("Pid", Some(pid.as_bytes())),
        ("UUID", Some(uuid)),
        ("Logger", bytes(&message.logger)),
        ("Payload", bytes(&message.payload)),
        ("EnvVersion", bytes(&message.env_version)),
        ("Severity", Some(severity.as_bytes())),
    ] {
        out.push(b'\n');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.unwrap_or_default());
    }
    out.extend_from_slice(b"\nFields: [");
    for (number, field) in message.fields.iter().enumerate() {
        if number > 0 {
            out.push(b' ');
        }
        write_field_text(field, out);
    }
    out.extend_from_slice(b"]\n\n");
}

/// Protobuf's text form on one line; each part ends with a blank.
fn write_field_text(field: &Field, out: &mut Vec<u8>) {
    let text = |name: &str, value: &[u8], out: &mut Vec<u8>| {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        proto_text::write_string(value, out);
        out.push(b' ');
    };
    if let Some(name) = &field.name {
        text("name", name, out);
    }
    if let Some(value_type) = field.value_type {
        let (name, number) = type_name(value_type);
        // Writing to a vector cannot fail.
        let _ = match name {
            "" => write!(out, "value_type:{number} "),
            name => write!(out, "value_type:{name} "),
        };
    }
    if let Some(representation) = &field.representation {
        text("representation", representation, out);
    }
    field.value_string.iter().for_each(|value| text("value_string", value, out));
    field.value_bytes.iter().for_each(|value| text("value_bytes", value, out));
    for value in &field.value_integer {
        let _ = write!(out, "value_integer:{value} ");
    }
    for value in &field.value_double {
        out.extend_from_slice(b"value_double:");
        proto_text::write_double(*value, out);
        out.push(b' ');
    }
    for value in &field.value_bool {
        let _ = write!(out, "value_bool:{value} ");
    }
}

/// The schema's name of a value type, empty when it has none, and its number.
fn type_name(value_type: ValueType) -> (&'static str, i32) {
    match value_type {
        ValueType::String => ("STRING", 0),
        ValueType::Bytes => ("BYTES", 1),
        ValueType::Integer => ("INTEGER", 2),
        ValueType::Double => ("DOUBLE", 3),
        ValueType::Bool => ("BOOL", 4),
        ValueType::Other(number) => ("", number),
    }
}

/// Appends one JSON object and a newline; only the newline for a message that holds a number JSON does not know.
pub(super) fn write_json(message: &Message, out: &mut Vec<u8>) {
    let start = out.len();
    let mut object = Object::open(out);
    object.base64("uuid", bytes(&message.uuid));
    object.number("timestamp", message.timestamp);
    object.text("type", bytes(&message.msg_type));
    object.text("logger", bytes(&message.logger));
    object.number("severity", message.severity.map(i64::from));
    object.text("payload", bytes(&message.payload));
    object.text("env_version", bytes(&message.env_version));
    object.number("pid", message.pid.map(i64::from));
    object.text("hostname", bytes(&message.hostname));
    let mut known = true;
    if !message.fields.is_empty() {
        object.list("fields", &message.fields, |field, out| known &= write_field_json(field, out));
    }
    object.close();
    if !known {
        out.truncate(start);
    }
    out.push(b'\n');
}

fn write_field_json(field: &Field, out: &mut Vec<u8>) -> bool {
    let mut object = Object::open(out);
    object.text("name", bytes(&field.name));
    object.number("value_type", field.value_type.map(|value_type| i64::from(type_name(value_type).1)));
    object.text("representation", bytes(&field.representation));
    object.list("value_string", &field.value_string, |value, out| write_json_string(value, out));
    object.list("value_bytes", &field.value_bytes, |value, out| write_base64(value, out));
    object
        .list("value_integer", &field.value_integer, |value, out| out.extend(value.to_string().into_bytes()));
    let mut known = true;
    object.list("value_double", &field.value_double, |value, out| known &= write_float_json(*value, out));
    object.list("value_bool", &field.value_bool, |value, out| out.extend(value.to_string().into_bytes()));
    object.close();
    known
}

/// A JSON object being written; absent members are left out.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut Vec<u8>) -> Object<'a> {
        out.push(b'{');
        Object { out, empty: true }
    }

    fn key(&mut self, name: &str) {
        if !std::mem::replace(&mut self.empty, false) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn text(&mut self, name: &str, value: Option<&[u8]>) {
        if let Some(value) = value {
            self.key(name);
            write_json_string(value, self.out);
        }
    }

    fn number(&mut self, name: &str, value: Option<i64>) {
        if let Some(value) = value {
            self.key(name);
            self.out.extend(value.to_string().into_bytes());
        }
    }

    fn base64(&mut self, name: &str, value: Option<&[u8]>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.key(name);
            write_base64(value, self.out);
        }
    }

    fn list<T>(&mut self, name: &str, values: &[T], mut write: impl FnMut(&T, &mut Vec<u8>)) {
        if values.is_empty() {
            return;
        }
        self.key(name);
        self.out.push(b'[');
        for (number, value) in values.iter().enumerate() {
            if number > 0 {
                self.out.push(b',');
            }
            write(value, self.out);
        }
        self.out.push(b']');
    }

    fn close(self) {
        self.out.push(b'}');
    }
}

/// Appends base64 in quotes.
fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.push(b'"');
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 63;
            out.push(if digit <= group.len() { DIGITS[value as usize] } else { b'=' });
        }
    }
    out.push(b'"');
}
