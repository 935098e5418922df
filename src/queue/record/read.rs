//! Understanding and finding frames.

use super::varint::{padded_varint, varint};
use super::*;

/// Understands the frame at the start of `bytes`; `None` if none is there, or not the whole of it.
///
/// Does not check the CRC: see [`Frame::verify`].
#[inline]
pub(crate) fn parse(bytes: &[u8]) -> Option<Frame> {
    let fixed: &[u8; REST] = bytes.first_chunk()?;
    let tags_fit = fixed[0] == RECORD_SEPARATOR
        && fixed[LENGTH] == 0x08
        && fixed[CRC..CRC + 2] == [0xA5, 0x06]
        && fixed[SEQUENCE..SEQUENCE + 2] == [0xA9, 0x06]
        && fixed[TIME..TIME + 2] == [0xB1, 0x06];
    let header_len = usize::from(fixed[1]);
    if !tags_fit || header_len < MIN_HEADER {
        return None;
    }
    let length = padded_varint([fixed[3], fixed[4], fixed[5], fixed[6]])?;
    let message = 3 + header_len;
    let end = message + length;
    if end > bytes.len() || bytes[message - 1] != UNIT_SEPARATOR {
        return None;
    }
    let mut frame = Frame {
        message,
        end,
        signer: 0,
        signer_len: 0,
        sequence: u64::from_le_bytes(*fixed[SEQUENCE + 2..].first_chunk()?),
        time_ns: u64::from_le_bytes(*fixed[TIME + 2..].first_chunk()?),
        crc: u32::from_le_bytes(*fixed[CRC + 2..].first_chunk()?),
        loop_count: 0,
        flags: 0,
    };
    let rest = &bytes[REST..message - 1];
    // Nearly every record has the flags and nothing else.
    if let [0xB8, 0x06, flags @ 0..=0x7F] = *rest {
        frame.flags = u64::from(flags);
        return Some(frame);
    }
    parse_rest(rest, &mut frame)?;
    Some(frame)
}

/// The fields after the fixed ones.
fn parse_rest(rest: &[u8], frame: &mut Frame) -> Option<()> {
    let mut at = 0;
    while at < rest.len() {
        let key = varint(rest, &mut at)?;
        match (key >> 3, key & 7) {
            (FIELD_FLAGS, 0) => frame.flags = varint(rest, &mut at)?,
            (FIELD_LOOP_COUNT, 0) => frame.loop_count = u32::try_from(varint(rest, &mut at)?).ok()?,
            (field, 2) => {
                let len = usize::try_from(varint(rest, &mut at)?).ok()?;
                if len > rest.len() - at {
                    return None;
                }
                if field == FIELD_SIGNER {
                    (frame.signer, frame.signer_len) = (REST + at, len);
                }
                at += len;
            }
            (_, 0) => {
                varint(rest, &mut at)?;
            }
            (_, 1) => at += 8,
            (_, 5) => at += 4,
            _ => return None,
        }
    }
    (at == rest.len()).then_some(())
}

/// Offset of the next whole, good frame in `bytes` at or after `from`.
///
/// A damaged message is passed by the length in its header, so that bytes inside it that look like a frame are not taken
/// for one. The length may be what is damaged: the frame behind it must be the next in sequence, or nothing that comes
/// before it in sequence may lie between.
pub(crate) fn next_good(bytes: &[u8], from: usize) -> Option<(usize, Frame)> {
    let behind = bytes.get(from..).and_then(parse).and_then(|bad| {
        let at = from + bad.end;
        good_at(bytes, at).map(|good| (bad.sequence, at, good))
    });
    if let Some((sequence, at, good)) = behind
        && good.sequence == sequence.wrapping_add(1)
    {
        return Some((at, good));
    }
    let first = memchr::memchr_iter(RECORD_SEPARATOR, bytes.get(from..)?)
        .map(|at| from + at)
        .find_map(|at| good_at(bytes, at).map(|frame| (at, frame)));
    match (behind, first) {
        (Some((_, _, good)), Some((_, frame))) if frame.sequence < good.sequence => first,
        (Some((_, at, good)), _) => Some((at, good)),
        (None, first) => first,
    }
}

/// The frame at `at`, if it is whole and good.
pub(crate) fn good_at(bytes: &[u8], at: usize) -> Option<Frame> {
    let bytes = bytes.get(at..)?;
    parse(bytes).filter(|frame| frame.verify(bytes))
}
