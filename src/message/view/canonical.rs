//! The short way through canonical bytes.
//!
//! There the tag of every known field is one byte, tags ascend, and a number has one wire type. Positions
//! may lead past the end of other bytes; a read there finds nothing.

use crate::wire::{Reader, VARINT};

/// Finds a field: where its tag is and true, or where a higher one (or the end) is and false.
#[inline]
pub(super) fn seek(bytes: &[u8], number: u8) -> (usize, bool) {
    let wanted = number << 3;
    let mut position = 0;
    loop {
        let Some(&tag) = bytes.get(position) else { return (bytes.len(), false) };
        if tag >= wanted {
            return (position, tag & !7 == wanted);
        }
        position = if tag & 7 == VARINT {
            varint_end(bytes, position + 1)
        } else {
            delimited_end(bytes, position + 1)
        };
    }
}

/// The bytes whose length is at `position`.
#[inline]
pub(super) fn delimited(bytes: &[u8], position: usize) -> Option<&[u8]> {
    match bytes.get(position) {
        Some(&length) if length < 0x80 => bytes.get(position + 1..position + 1 + usize::from(length)),
        _ => Reader::at(bytes, position).delimited().ok(),
    }
}

/// Where the bytes end whose length is at `position`.
#[inline]
pub(super) fn delimited_end(bytes: &[u8], position: usize) -> usize {
    match bytes.get(position) {
        Some(&length) if length < 0x80 => position + 1 + usize::from(length),
        _ => long_end(bytes, position),
    }
}

fn long_end(bytes: &[u8], position: usize) -> usize {
    let mut reader = Reader::at(bytes, position);
    if reader.delimited().is_ok() { reader.position() } else { bytes.len() }
}

/// Where the varint at `position` ends.
#[inline]
fn varint_end(bytes: &[u8], position: usize) -> usize {
    match bytes.get(position) {
        Some(&byte) if byte < 0x80 => return position + 1,
        _ => {}
    }
    // The only long one as a rule is the timestamp: nine bytes until the year 2262.
    match bytes.get(position..position + 9) {
        Some(&[a, b, c, d, e, f, g, h, last]) => {
            let word = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
            if word & TOP_BITS == TOP_BITS && last < 0x80 {
                return position + 9;
            }
        }
        _ => {}
    }
    let mut reader = Reader::at(bytes, position);
    if reader.skip_varint().is_ok() { reader.position() } else { bytes.len() }
}

const TOP_BITS: u64 = 0x8080_8080_8080_8080;
