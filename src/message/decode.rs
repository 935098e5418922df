//! Decoding, with the original's idea of what is acceptable.
//!
//! The last of several scalars wins, lists grow, packed and unpacked lists are both read, nothing is
//! required, and unknown fields are kept. Damage inside a dynamic field is no error: the field ends there.
//! [`scan`] walks the same grammar without building anything.

use bstr::BString;

use crate::error::DecodeError;
use crate::field::{Field, ValueType};
use crate::message::Message;
use crate::wire::{BYTES, FIXED64, Reader, VARINT};

impl Message {
    /// Decodes protobuf bytes into this message: resets it first and reuses its allocations.
    ///
    /// # Errors
    /// As [`validate`]. The message then holds what came before the error.
    pub fn decode_into(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut texts = [
            self.uuid.take(),
            self.msg_type.take(),
            self.logger.take(),
            self.payload.take(),
            self.env_version.take(),
            self.hostname.take(),
        ];
        let mut fields = std::mem::take(&mut self.fields);
        self.clear();
        let mut used = 0;
        let result = self.decode_over(bytes, &mut texts, &mut fields, &mut used);
        fields.truncate(used);
        self.fields = fields;
        result
    }

    /// Decodes into a cleared message; `texts` and `fields` are old allocations to use, of the latter
    /// the first `used` are taken.
    fn decode_over(
        &mut self,
        bytes: &[u8],
        texts: &mut [Option<BString>; 6],
        fields: &mut Vec<Field>,
        used: &mut usize,
    ) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let tag = reader.tag()?;
            let Some(name) = message_field_name(tag.number) else {
                let unknown = reader.unknown(&tag)?;
                self.unknown.extend_from_slice(unknown);
                continue;
            };
            tag.expect(message_wire_type(tag.number), name)?;
            match tag.number {
                1 => refill(&mut self.uuid, &mut texts[0], reader.delimited()?),
                2 => self.timestamp = Some(reader.varint()? as i64),
                3 => refill(&mut self.msg_type, &mut texts[1], reader.delimited()?),
                4 => refill(&mut self.logger, &mut texts[2], reader.delimited()?),
                5 => self.severity = Some(reader.varint()? as i32),
                6 => refill(&mut self.payload, &mut texts[3], reader.delimited()?),
                7 => refill(&mut self.env_version, &mut texts[4], reader.delimited()?),
                8 => self.pid = Some(reader.varint()? as i32),
                9 => refill(&mut self.hostname, &mut texts[5], reader.delimited()?),
                _ => {
                    let bytes = reader.delimited()?;
                    if *used == fields.len() {
                        fields.push(Field::default());
                    }
                    *used += 1;
                    // The original ignores this error: the field keeps what came before.
                    let _ = fields[*used - 1].decode_into(bytes);
                }
            }
        }
        Ok(())
    }
}

impl Field {
    /// Decodes a field's protobuf bytes (without tag and length) into this field, which is reset first.
    ///
    /// # Errors
    /// On damage; the field then holds what came before it. A message ignores such an error.
    pub fn decode_into(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let (mut name, mut representation) = (self.name.take(), self.representation.take());
        self.clear();
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let tag = reader.tag()?;
            match (tag.number, tag.wire_type) {
                (1, BYTES) => refill(&mut self.name, &mut name, reader.delimited()?),
                (2, VARINT) => self.value_type = Some(ValueType::from_raw(reader.varint()? as i32)),
                (3, BYTES) => refill(&mut self.representation, &mut representation, reader.delimited()?),
                (4, BYTES) => self.value_string.push(reader.delimited()?.into()),
                (5, BYTES) => self.value_bytes.push(reader.delimited()?.into()),
                (6, VARINT) => self.value_integer.push(reader.varint()? as i64),
                (6, BYTES) => drop(reader.packed(|reader| {
                    self.value_integer.push(reader.varint()? as i64);
                    Ok(())
                })?),
                (7, FIXED64) => self.value_double.push(f64::from_bits(reader.fixed64()?)),
                (7, BYTES) => drop(reader.packed(|reader| {
                    self.value_double.push(f64::from_bits(reader.fixed64()?));
                    Ok(())
                })?),
                (8, VARINT) => self.value_bool.push(reader.varint()? != 0),
                (8, BYTES) => drop(reader.packed(|reader| {
                    self.value_bool.push(reader.varint()? != 0);
                    Ok(())
                })?),
                (number, _) => match field_field_name(number) {
                    Some(name) => return Err(tag.wrong_type(name)),
                    None => self.unknown.extend_from_slice(reader.unknown(&tag)?),
                },
            }
        }
        Ok(())
    }
}

fn refill(slot: &mut Option<BString>, old: &mut Option<BString>, bytes: &[u8]) {
    let mut text = slot.take().or_else(|| old.take()).unwrap_or_default();
    text.clear();
    text.extend_from_slice(bytes);
    *slot = Some(text);
}

/// Whether bytes are a message that Heka decodes.
///
/// # Errors
/// The error that decoding gives, in the original's words.
pub fn validate(bytes: &[u8]) -> Result<(), DecodeError> {
    scan(bytes).map(drop)
}

/// Whether bytes are a decodable message whose lookups may stop early: known fields in ascending
/// order, each scalar once, unknown ones behind them, inside dynamic fields as well.
pub fn is_canonical(bytes: &[u8]) -> bool {
    scan(bytes) == Ok(true)
}

/// Checks bytes in one pass; `Ok` says whether they are canonical, as [`is_canonical`] defines it.
///
/// # Errors
/// As [`validate`].
pub fn scan(bytes: &[u8]) -> Result<bool, DecodeError> {
    let mut reader = Reader::new(bytes);
    let mut canonical = true;
    let mut last = 0;
    while !reader.is_empty() {
        let tag = reader.tag()?;
        canonical &= tag.minimal && (last < tag.number || (last == tag.number && last >= 10));
        last = tag.number;
        let Some(name) = message_field_name(tag.number) else {
            reader.unknown(&tag)?;
            continue;
        };
        let wire_type = message_wire_type(tag.number);
        tag.expect(wire_type, name)?;
        match (tag.number, wire_type) {
            (10, _) => canonical &= scan_field(reader.delimited()?).unwrap_or(false),
            (_, BYTES) => drop(reader.delimited()?),
            _ => reader.skip_varint()?,
        }
    }
    Ok(canonical)
}

fn scan_field(bytes: &[u8]) -> Result<bool, DecodeError> {
    let mut reader = Reader::new(bytes);
    let mut canonical = true;
    let mut last = 0;
    while !reader.is_empty() {
        let tag = reader.tag()?;
        canonical &= tag.minimal && (last < tag.number || (last == tag.number && last >= 4));
        last = tag.number;
        match (tag.number, tag.wire_type) {
            (1 | 3..=5, BYTES) => drop(reader.delimited()?),
            (2 | 6 | 8, VARINT) => reader.skip_varint()?,
            (6 | 8, BYTES) => canonical &= reader.packed(Reader::skip_varint)?,
            (7, FIXED64) => drop(reader.fixed64()?),
            (7, BYTES) => canonical &= reader.packed(|reader| reader.fixed64().map(drop))?,
            (number, _) => match field_field_name(number) {
                Some(name) => return Err(tag.wrong_type(name)),
                None => drop(reader.unknown(&tag)?),
            },
        }
    }
    Ok(canonical)
}

/// Wire type of a known field of a message.
fn message_wire_type(number: i32) -> u8 {
    if matches!(number, 2 | 5 | 8) { VARINT } else { BYTES }
}

fn message_field_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "Uuid",
        2 => "Timestamp",
        3 => "Type",
        4 => "Logger",
        5 => "Severity",
        6 => "Payload",
        7 => "EnvVersion",
        8 => "Pid",
        9 => "Hostname",
        10 => "Fields",
        _ => return None,
    })
}

fn field_field_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "Name",
        2 => "ValueType",
        3 => "Representation",
        4 => "ValueString",
        5 => "ValueBytes",
        6 => "ValueInteger",
        7 => "ValueDouble",
        8 => "ValueBool",
        _ => return None,
    })
}
