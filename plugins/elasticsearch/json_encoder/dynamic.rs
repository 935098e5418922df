//! Dynamic fields as members of a JSON object.

use heka_message::golang::write_float_g;
use heka_message::{FieldView, MessageView, Value};

use super::single::single;
use super::text::{write_escaped, write_string};
use crate::base64_text::write_base64;

/// Which dynamic fields are written, and how.
pub(crate) struct DynamicFields {
    choice: Choice,
    /// What was made of the name of the n-th field of an earlier message: names tend to come again in the same order.
    keys: Vec<Key>,
}

struct Choice {
    /// Names of those that are written; empty: all.
    only: Vec<Vec<u8>>,
    /// Names of those whose text is JSON already.
    raw: Vec<Vec<u8>>,
    /// What replaces dots in names, if anything does.
    dot: Option<Vec<u8>>,
}

/// What is made of a name.
#[derive(Default)]
struct Key {
    name: Vec<u8>,
    /// The name quoted, with a comma before and a colon behind it; empty if the field is not written.
    text: Vec<u8>,
    raw: bool,
}

/// Names of so many fields are remembered; one more entry serves all others.
const KEPT_KEYS: usize = 128;
/// Longest name that is remembered in its place.
const KEPT_NAME_SIZE: usize = 256;

impl DynamicFields {
    pub(crate) fn new(only: &[String], raw: &[String], replace_dots_with: &str) -> DynamicFields {
        let bytes = |names: &[String]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
        let dot = (replace_dots_with != ".").then(|| replace_dots_with.into());
        DynamicFields { choice: Choice { only: bytes(only), raw: bytes(raw), dot }, keys: Vec::new() }
    }

    /// Appends the fields, each after a comma unless `first`; gives whether nothing was written.
    pub(crate) fn write(&mut self, message: MessageView<'_>, mut first: bool, out: &mut Vec<u8>) -> bool {
        for (at, field) in message.fields().enumerate() {
            let quick = single(field.bytes());
            let name = quick.map_or_else(|| field.name().as_ref(), |(name, _)| name);
            let key = self.key(if name.len() > KEPT_NAME_SIZE { KEPT_KEYS } else { at.min(KEPT_KEYS) }, name);
            if key.text.is_empty() {
                continue;
            }
            out.extend_from_slice(&key.text[usize::from(first)..]);
            first = false;
            match quick {
                Some((_, value)) => write_value(value, key.raw, false, out),
                None => write_values(&field, key.raw, out),
            }
        }
        first
    }

    #[inline]
    fn key(&mut self, at: usize, name: &[u8]) -> &Key {
        if self.keys.len() <= at {
            self.keys.resize_with(at + 1, Key::default);
        }
        let key = &mut self.keys[at];
        if key.name != name || key.text.is_empty() {
            self.choice.make_key(name, key);
        }
        key
    }
}

impl Choice {
    #[cold]
    fn make_key(&self, name: &[u8], key: &mut Key) {
        key.name.clear();
        key.name.extend_from_slice(name);
        key.text.clear();
        key.raw = self.raw.iter().any(|raw| raw == name);
        if !self.only.is_empty() && !self.only.iter().any(|only| only == name) {
            return;
        }
        key.text.push(b',');
        match &self.dot {
            None => write_string(name, &mut key.text),
            Some(dot) => {
                key.text.push(b'"');
                for (at, part) in name.split(|&byte| byte == b'.').enumerate() {
                    if at > 0 {
                        write_escaped(dot, &mut key.text);
                    }
                    write_escaped(part, &mut key.text);
                }
                key.text.push(b'"');
            }
        }
        key.text.push(b':');
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

#[inline]
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
