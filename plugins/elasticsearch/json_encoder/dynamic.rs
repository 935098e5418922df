//! Dynamic fields as members of a JSON object.

use heka_message::golang::write_float_g;
use heka_message::{FieldView, MessageView, Value};

use super::text::{write_escaped, write_string};
use crate::base64_text::write_base64;

/// Which dynamic fields are written, and how.
pub(crate) struct DynamicFields {
    /// Names of those that are written; empty: all.
    only: Vec<Vec<u8>>,
    /// Names of those whose text is JSON already.
    raw: Vec<Vec<u8>>,
    /// What replaces dots in names, if anything does.
    dot: Option<Vec<u8>>,
}

impl DynamicFields {
    pub(crate) fn new(only: &[String], raw: &[String], replace_dots_with: &str) -> DynamicFields {
        let bytes = |names: &[String]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
        let dot = (replace_dots_with != ".").then(|| replace_dots_with.into());
        DynamicFields { only: bytes(only), raw: bytes(raw), dot }
    }

    /// Appends the fields, each after a comma unless `first`.
    pub(crate) fn write(&self, message: MessageView<'_>, mut first: bool, out: &mut Vec<u8>) -> bool {
        for field in message.fields() {
            let name: &[u8] = field.name();
            if !self.only.is_empty() && !self.only.iter().any(|only| only == name) {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            self.write_name(name, out);
            out.push(b':');
            let raw = !self.raw.is_empty() && self.raw.iter().any(|raw| raw == name);
            write_values(&field, raw, out);
        }
        first
    }

    fn write_name(&self, name: &[u8], out: &mut Vec<u8>) {
        let Some(dot) = &self.dot else { return write_string(name, out) };
        out.push(b'"');
        for (at, part) in name.split(|&byte| byte == b'.').enumerate() {
            if at > 0 {
                write_escaped(dot, out);
            }
            write_escaped(part, out);
        }
        out.push(b'"');
    }
}

/// A single value stands for itself, several or none are a list.
fn write_values(field: &FieldView<'_>, raw: bool, out: &mut Vec<u8>) {
    let mut values = field.values();
    let Some(first) = values.next() else {
        out.extend_from_slice(b"[]");
        return;
    };
    let Some(second) = values.next() else { return write_value(first, raw, false, out) };
    out.push(b'[');
    write_value(first, raw, true, out);
    for value in std::iter::once(second).chain(values) {
        out.push(b',');
        write_value(value, raw, true, out);
    }
    out.push(b']');
}

fn write_value(value: Value<'_>, raw: bool, in_list: bool, out: &mut Vec<u8>) {
    match value {
        Value::String(text) if raw => out.extend_from_slice(text),
        Value::Bytes(bytes) if raw => out.extend_from_slice(bytes),
        Value::String(text) => write_string(text, out),
        // Heka gives base64 only in lists.
        Value::Bytes(bytes) if in_list => {
            out.push(b'"');
            write_base64(bytes, out);
            out.push(b'"');
        }
        Value::Bytes(bytes) => write_string(bytes, out),
        Value::Integer(number) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
        Value::Double(number) => write_float_g(number, out),
        Value::Bool(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
    }
}
