//! Writing frames.

use super::varint::{pad_varint, push_varint};
use super::*;
use crate::batch::Meta;

/// Appends a header, its length, CRC, sequence and time still to be filled in.
pub(crate) fn push_header(out: &mut Vec<u8>, meta: &Meta<'_>) {
    let start = out.len();
    let flags = if meta.canonical { FLAG_CANONICAL } else { 0 };
    let mut fixed = [0u8; REST + 3];
    fixed[0] = RECORD_SEPARATOR;
    fixed[LENGTH] = 0x08;
    fixed[CRC..CRC + 2].copy_from_slice(&[0xA5, 0x06]);
    fixed[SEQUENCE..SEQUENCE + 2].copy_from_slice(&[0xA9, 0x06]);
    fixed[TIME..TIME + 2].copy_from_slice(&[0xB1, 0x06]);
    fixed[REST..].copy_from_slice(&[0xB8, 0x06, flags as u8]);
    out.extend_from_slice(&fixed);
    if meta.loop_count != 0 {
        push_varint(out, FIELD_LOOP_COUNT << 3);
        push_varint(out, u64::from(meta.loop_count));
    }
    if !meta.signer.is_empty() {
        push_varint(out, FIELD_SIGNER << 3 | 2);
        push_varint(out, meta.signer.len() as u64);
        out.extend_from_slice(meta.signer);
    }
    let header_len = out.len() - start - 2;
    out[start + 1] = header_len as u8;
    out.push(UNIT_SEPARATOR);
}

/// Fills in the message length; returns the CRC so far. `frame` is the header and the message after it.
pub(crate) fn finish_message(frame: &mut [u8]) -> u32 {
    let len = frame.len() - 3 - usize::from(frame[1]);
    frame[LENGTH + 1..CRC].copy_from_slice(&pad_varint(len));
    crc32c::crc32c_append(len as u32, &frame[REST..])
}

/// Fills in what is known only when the record gets its place.
pub(crate) fn stamp(frame: &mut [u8], crc_so_far: u32, sequence: u64, time_ns: u64) {
    frame[SEQUENCE + 2..TIME].copy_from_slice(&sequence.to_le_bytes());
    frame[TIME + 2..REST].copy_from_slice(&time_ns.to_le_bytes());
    let crc = crc32c::crc32c_append(crc_so_far, &frame[SEQUENCE..REST]);
    frame[CRC + 2..SEQUENCE].copy_from_slice(&crc.to_le_bytes());
}

/// Marks a whole frame as a copy of one that may still be readable elsewhere.
pub(crate) fn mark_copy(frame: &mut [u8]) {
    // The flags come right after the fixed fields and fit one byte: this crate wrote them.
    frame[REST + 2] |= FLAG_COPY as u8;
    let message_len = frame.len() - 3 - usize::from(frame[1]);
    let crc = crc32c::crc32c_append(message_len as u32, &frame[REST..]);
    let crc = crc32c::crc32c_append(crc, &frame[SEQUENCE..REST]);
    frame[CRC + 2..SEQUENCE].copy_from_slice(&crc.to_le_bytes());
}

/// Whether the frame, which this crate wrote, holds a canonical message; and the message.
pub(crate) fn message_of(frame: &[u8]) -> (bool, &[u8]) {
    (u64::from(frame[REST + 2]) & FLAG_CANONICAL != 0, &frame[3 + usize::from(frame[1])..])
}
