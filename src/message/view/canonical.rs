//! The short way through canonical bytes.
//!
//! There the tag of every known field is one byte, tags ascend, and a number has one wire type but for
//! packed lists. Positions may lead past the end of other bytes; a read there finds nothing.

use bstr::BStr;

use crate::field::Value;
use crate::wire::{Reader, VARINT};

/// The top bit of each of eight bytes.
const TOP_BITS: u64 = 0x8080_8080_8080_8080;

/// Finds a field: where its tag is and true, or where a higher one (or the end) is and false.
#[inline]
pub(super) fn seek(bytes: &[u8], number: u8) -> (usize, bool) {
    let wanted = number << 3;
    let mut position = if number > 2 { usual_start(bytes) } else { 0 };
    loop {
        let Some(&tag) = bytes.get(position) else { return (bytes.len(), false) };
        if tag >= wanted {
            return (position, tag & !7 == wanted);
        }
        position = skip(bytes, position, tag);
    }
}

/// Where to look for what follows the timestamp: nearly every message begins with a UUID of 16 bytes and a
/// time between 1971 and 2262, which are passed over at once.
#[inline]
fn usual_start(bytes: &[u8]) -> usize {
    const LENGTH: usize = 28;
    let Some(&[0x0a, 16, ref rest @ ..]) = bytes.first_chunk::<LENGTH>() else { return 0 };
    let [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, 0x10, a, b, c, d, e, f, g, h, last] = *rest else {
        return 0;
    };
    let word = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    if word & TOP_BITS == TOP_BITS && last < 0x80 { LENGTH } else { 0 }
}

/// Where the field ends whose tag is at `position`.
#[inline]
fn skip(bytes: &[u8], position: usize, tag: u8) -> usize {
    let value = position + 1;
    if tag & 7 != VARINT {
        return match length(bytes, value) {
            Some((length, start)) => start + length,
            None => skip_long(bytes, value, false),
        };
    }
    match bytes.get(value) {
        Some(&byte) if byte < 0x80 => value + 1,
        _ => skip_long(bytes, value, true),
    }
}

/// A length of at most two bytes at `position`, and where what it measures begins.
#[inline]
fn length(bytes: &[u8], position: usize) -> Option<(usize, usize)> {
    let low = usize::from(*bytes.get(position)?);
    if low < 0x80 {
        return Some((low, position + 1));
    }
    let high = usize::from(*bytes.get(position + 1)?);
    if high < 0x80 { Some((high << 7 | low & 0x7f, position + 2)) } else { None }
}

#[cold]
fn skip_long(bytes: &[u8], position: usize, varint: bool) -> usize {
    let mut reader = Reader::at(bytes, position);
    let skipped = if varint { reader.skip_varint() } else { reader.delimited().map(drop) };
    if skipped.is_ok() { reader.position() } else { bytes.len() }
}

/// The bytes whose length is at `position`, and where they end.
#[inline]
pub(super) fn delimited(bytes: &[u8], position: usize) -> Option<(&[u8], usize)> {
    match length(bytes, position) {
        Some((length, start)) => Some((bytes.get(start..start + length)?, start + length)),
        None => long_delimited(bytes, position),
    }
}

#[inline(never)]
fn long_delimited(bytes: &[u8], position: usize) -> Option<(&[u8], usize)> {
    let mut reader = Reader::at(bytes, position);
    Some((reader.delimited().ok()?, reader.position()))
}

/// The first value of a dynamic field, if it is where it usually is; `None` does not mean that there is
/// none.
#[inline]
pub(super) fn first_value(field: &[u8]) -> Option<Value<'_>> {
    let mut position = 0;
    let mut tag = *field.first()?;
    if tag == 0x0a {
        position = skip(field, position, tag);
        tag = *field.get(position)?;
    }
    let mut value_type = 0;
    if tag == 0x10 {
        value_type = *field.get(position + 1)?;
        position += 2;
        tag = *field.get(position)?;
    }
    if tag == 0x1a {
        position = skip(field, position, tag);
        tag = *field.get(position)?;
    }
    let length = *field.get(position + 1)?;
    let value = position + 2;
    Some(match (value_type, tag) {
        (0, 0x22) => Value::String(BStr::new(delimited(field, position + 1)?.0)),
        (1, 0x2a) => Value::Bytes(delimited(field, position + 1)?.0),
        (2, 0x32) if (1..0x80).contains(&length) => {
            Value::Integer(Reader::at(field, value).varint().ok()? as i64)
        }
        (3, 0x3a) if (8..0x80).contains(&length) => {
            Value::Double(f64::from_bits(Reader::at(field, value).fixed64().ok()?))
        }
        (4, 0x42) if (1..0x80).contains(&length) => Value::Bool(Reader::at(field, value).varint().ok()? != 0),
        _ => return None,
    })
}
