//! Encoding, byte for byte as the original's generated code does it.
//!
//! Fields come in ascending order, only what is set is written, and unknown fields follow the known
//! ones. A negative severity or pid takes five bytes where other protobuf libraries write ten.

use crate::field::Field;
use crate::message::Message;
use crate::wire::{delimited_len, put_bytes, put_number, put_varint, varint_len};

impl Message {
    /// Appends the message's protobuf bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(self.encoded_len());
        put_optional(out, 1, self.uuid.as_deref());
        if let Some(timestamp) = self.timestamp {
            put_number(out, 2, timestamp as u64);
        }
        put_optional(out, 3, self.msg_type.as_deref());
        put_optional(out, 4, self.logger.as_deref());
        if let Some(severity) = self.severity {
            put_number(out, 5, u64::from(severity as u32));
        }
        put_optional(out, 6, self.payload.as_deref());
        put_optional(out, 7, self.env_version.as_deref());
        if let Some(pid) = self.pid {
            put_number(out, 8, u64::from(pid as u32));
        }
        put_optional(out, 9, self.hostname.as_deref());
        for field in &self.fields {
            out.push(10 << 3 | 2);
            put_varint(out, field.encoded_len() as u64);
            field.encode(out);
        }
        out.extend_from_slice(&self.unknown);
    }

    /// Bytes that [`Message::encode`] appends.
    pub fn encoded_len(&self) -> usize {
        let texts =
            [&self.uuid, &self.msg_type, &self.logger, &self.payload, &self.env_version, &self.hostname];
        let texts: usize = texts.into_iter().flatten().map(|text| delimited_len(text.len())).sum();
        let numbers = self.timestamp.map_or(0, |timestamp| 1 + varint_len(timestamp as u64))
            + self.severity.map_or(0, |severity| 1 + varint_len(u64::from(severity as u32)))
            + self.pid.map_or(0, |pid| 1 + varint_len(u64::from(pid as u32)));
        let fields: usize = self.fields.iter().map(|field| delimited_len(field.encoded_len())).sum();
        texts + numbers + fields + self.unknown.len()
    }
}

impl Field {
    /// Appends the field's protobuf bytes, without tag and length.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_optional(out, 1, self.name.as_deref());
        if let Some(value_type) = self.value_type {
            put_number(out, 2, i64::from(value_type.raw()) as u64);
        }
        put_optional(out, 3, self.representation.as_deref());
        for text in &self.value_string {
            put_bytes(out, 4, text);
        }
        for bytes in &self.value_bytes {
            put_bytes(out, 5, bytes);
        }
        if !self.value_integer.is_empty() {
            put_list_head(out, 6, packed_integers_len(&self.value_integer));
            for &number in &self.value_integer {
                put_varint(out, number as u64);
            }
        }
        if !self.value_double.is_empty() {
            put_list_head(out, 7, self.value_double.len() * 8);
            for number in &self.value_double {
                out.extend_from_slice(&number.to_bits().to_le_bytes());
            }
        }
        if !self.value_bool.is_empty() {
            put_list_head(out, 8, self.value_bool.len());
            out.extend(self.value_bool.iter().map(|&truth| u8::from(truth)));
        }
        out.extend_from_slice(&self.unknown);
    }

    /// Bytes that [`Field::encode`] appends.
    pub fn encoded_len(&self) -> usize {
        let texts = [&self.name, &self.representation].into_iter().flatten();
        let texts: usize = texts
            .chain(&self.value_string)
            .chain(&self.value_bytes)
            .map(|text| delimited_len(text.len()))
            .sum();
        let list = |bytes: usize| if bytes == 0 { 0 } else { delimited_len(bytes) };
        texts
            + self.value_type.map_or(0, |value_type| 1 + varint_len(i64::from(value_type.raw()) as u64))
            + list(packed_integers_len(&self.value_integer))
            + list(self.value_double.len() * 8)
            + list(self.value_bool.len())
            + self.unknown.len()
    }
}

fn put_optional<T: AsRef<[u8]> + ?Sized>(out: &mut Vec<u8>, number: u8, value: Option<&T>) {
    if let Some(value) = value {
        put_bytes(out, number, value.as_ref());
    }
}

fn put_list_head(out: &mut Vec<u8>, number: u8, length: usize) {
    out.push(number << 3 | 2);
    put_varint(out, length as u64);
}

fn packed_integers_len(numbers: &[i64]) -> usize {
    numbers.iter().map(|&number| varint_len(number as u64)).sum()
}
