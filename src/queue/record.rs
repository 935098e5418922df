//! The record on disk: a Heka stream frame with more in its header.
//!
//! ```text
//! offset  bytes
//!      0  1E                   record separator
//!      1  H                    header length, 34..=255
//!      2  08 llllllll          message_length (field 1), a varint padded to 4 bytes
//!      7  A5 06 cccccccc       field 100, fixed32: CRC-32C
//!     13  A9 06 8 bytes        field 101, fixed64: sequence
//!     23  B1 06 8 bytes        field 102, fixed64: append time, ns since 1970
//!     33  B8 06 varint         field 103: flags, 1 = canonical, 2 = copy
//!         C0 06 varint         field 104: loop count, left out when 0
//!         CA 06 varint bytes   field 105: signer, left out when empty
//!    2+H  1F                   unit separator
//!    3+H  message
//! ```
//!
//! Fixed-width fields come first, so that they are found without parsing and can be filled in late; unknown
//! fields after them are skipped. Other readers of Heka streams skip all fields from 100 on.
//!
//! The CRC continues a CRC-32C whose value so far is the message length, over the bytes from 33 to the end of
//! the frame and then the bytes 13 to 33. The part that is known only under the queue's lock comes last, so the
//! rest is computed before.

use crate::Position;
use crate::batch::Meta;

/// First byte of a frame.
pub const RECORD_SEPARATOR: u8 = 0x1E;
/// The byte between header and message.
pub const UNIT_SEPARATOR: u8 = 0x1F;
/// Longest message, in bytes: what a varint of 4 bytes can say (256 MiB - 1).
pub const MAX_MESSAGE_BYTES: usize = (1 << 28) - 1;
/// Longest signer name, in bytes: the header of a frame holds at most 255.
pub const MAX_SIGNER_BYTES: usize = 200;

const LENGTH: usize = 2;
const CRC: usize = 7;
const SEQUENCE: usize = 13;
const TIME: usize = 23;
const REST: usize = 33;
/// The header up to and with the flags; none is shorter.
const MIN_HEADER: usize = REST - LENGTH + 3;

const FLAG_CANONICAL: u64 = 1;
const FLAG_COPY: u64 = 2;

const FIELD_FLAGS: u64 = 103;
const FIELD_LOOP_COUNT: u64 = 104;
const FIELD_SIGNER: u64 = 105;

/// A record as a reader hands it out; its bytes borrow from the map of the segment.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The protobuf message.
    pub message: &'a [u8],
    /// How often the message has been injected by filters on its way here.
    pub loop_count: u32,
    /// Number of the record in its queue, from 0, ascending in reading order.
    pub sequence: u64,
    /// When the record was appended, in nanoseconds since 1970.
    pub append_time_ns: u64,
    /// Verified signer of the message; empty for none.
    pub signer: &'a [u8],
    /// The message's fields are known to be in ascending order.
    pub canonical: bool,
    /// The place after the record: what a cursor holds once it is dealt with.
    pub position: Position,
}

/// A frame whose header was understood. Offsets count from the start of the frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) message: usize,
    pub(crate) end: usize,
    pub(crate) signer: usize,
    pub(crate) signer_len: usize,
    pub(crate) sequence: u64,
    pub(crate) time_ns: u64,
    pub(crate) crc: u32,
    pub(crate) loop_count: u32,
    pub(crate) flags: u64,
}

impl Frame {
    /// The record in `frame`, the bytes that were parsed.
    pub(crate) fn record<'a>(&self, frame: &'a [u8], position: Position) -> Option<Record<'a>> {
        Some(Record {
            message: frame.get(self.message..self.end)?,
            loop_count: self.loop_count,
            sequence: self.sequence,
            append_time_ns: self.time_ns,
            signer: frame.get(self.signer..self.signer + self.signer_len)?,
            canonical: self.flags & FLAG_CANONICAL != 0,
            position,
        })
    }

    /// Written again after a failed sync: its first copy may be readable too.
    pub(crate) fn is_copy(&self) -> bool {
        self.flags & FLAG_COPY != 0
    }

    /// Whether the CRC fits the bytes that were parsed.
    pub(crate) fn verify(&self, bytes: &[u8]) -> bool {
        match (bytes.get(REST..self.end), bytes.get(SEQUENCE..REST)) {
            (Some(body), Some(late)) => {
                let crc = crc32c::crc32c_append((self.end - self.message) as u32, body);
                crc32c::crc32c_append(crc, late) == self.crc
            }
            _ => false,
        }
    }
}

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

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn padded_varint(b: [u8; 4]) -> Option<usize> {
    let word = u32::from_le_bytes(b);
    if word & 0x8080_8080 != 0x0080_8080 {
        return None;
    }
    Some((word & 0x7F | word >> 1 & 0x3F80 | word >> 2 & 0x1F_C000 | word >> 3 & 0xFE0_0000) as usize)
}

fn pad_varint(len: usize) -> [u8; 4] {
    let len = len as u32;
    let word = len & 0x7F | (len & 0x3F80) << 1 | (len & 0x1F_C000) << 2 | (len & 0xFE0_0000) << 3;
    (word | 0x0080_8080).to_le_bytes()
}

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

/// Offset of the next whole, good frame in `bytes` at or after `from`.
///
/// A damaged message is passed by the length in its header first, so that bytes inside it that look like a
/// frame are not taken for one.
pub(crate) fn next_good(bytes: &[u8], from: usize) -> Option<(usize, Frame)> {
    if let Some(bad) = bytes.get(from..).and_then(parse)
        && let Some(good) = good_at(bytes, from + bad.end)
    {
        return Some((from + bad.end, good));
    }
    memchr::memchr_iter(RECORD_SEPARATOR, bytes.get(from..)?)
        .map(|at| from + at)
        .find_map(|at| good_at(bytes, at).map(|frame| (at, frame)))
}

/// The frame at `at`, if it is whole and good.
pub(crate) fn good_at(bytes: &[u8], at: usize) -> Option<Frame> {
    let bytes = bytes.get(at..)?;
    parse(bytes).filter(|frame| frame.verify(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(message: &[u8], meta: &Meta<'_>, sequence: u64, time_ns: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_header(&mut bytes, meta);
        bytes.extend_from_slice(message);
        let crc = finish_message(&mut bytes);
        stamp(&mut bytes, crc, sequence, time_ns);
        bytes
    }

    /// The header by a plain protobuf reader: field, wire type, value or length.
    fn fields(header: &[u8]) -> Vec<(u64, u64, u64)> {
        let (mut at, mut fields) = (0, Vec::new());
        while at < header.len() {
            let key = varint(header, &mut at).unwrap();
            let value = match key & 7 {
                0 => varint(header, &mut at).unwrap(),
                1 => {
                    at += 8;
                    u64::from_le_bytes(header[at - 8..at].try_into().unwrap())
                }
                2 => {
                    let len = varint(header, &mut at).unwrap();
                    at += len as usize;
                    len
                }
                5 => {
                    at += 4;
                    u64::from(u32::from_le_bytes(header[at - 4..at].try_into().unwrap()))
                }
                other => panic!("wire type {other}"),
            };
            fields.push((key >> 3, key & 7, value));
        }
        fields
    }

    #[test]
    fn the_header_is_protobuf_with_known_field_numbers() {
        let meta = Meta { loop_count: 300, signer: b"ops_1", canonical: true };
        let bytes = frame(b"hello", &meta, 7, 9);
        assert_eq!(bytes[0], RECORD_SEPARATOR);
        let header = &bytes[2..2 + usize::from(bytes[1])];
        assert_eq!(bytes[2 + header.len()], UNIT_SEPARATOR);
        let crc = u64::from(parse(&bytes).unwrap().crc);
        let expected =
            [(1, 0, 5), (100, 5, crc), (101, 1, 7), (102, 1, 9), (103, 0, 1), (104, 0, 300), (105, 2, 5)];
        assert_eq!(fields(header), expected);
    }

    #[test]
    fn the_crc_is_what_the_module_says() {
        let bytes = frame(b"hello", &Meta::default(), 7, 9);
        let mut covered = bytes[33..].to_vec();
        covered.extend_from_slice(&bytes[13..33]);
        assert_eq!(parse(&bytes).unwrap().crc, crc32c::crc32c_append(5, &covered));
    }

    #[test]
    fn a_copy_is_good_and_known_as_one() {
        let mut bytes = frame(b"hello", &Meta { canonical: true, ..Meta::default() }, 7, 9);
        assert!(!parse(&bytes).unwrap().is_copy());
        mark_copy(&mut bytes);
        let copy = good_at(&bytes, 0).unwrap();
        assert!(copy.is_copy());
        assert!(copy.record(&bytes, Position::default()).unwrap().canonical);
    }

    #[test]
    fn a_frame_inside_a_damaged_message_is_not_taken_for_a_record() {
        let inner = frame(b"forged", &Meta::default(), 99, 9);
        let mut bytes = frame(&inner, &Meta::default(), 1, 1);
        let outer = bytes.len();
        bytes.extend(frame(b"next", &Meta::default(), 2, 1));
        bytes[outer - 1] ^= 1;
        let (at, good) = next_good(&bytes, 0).unwrap();
        assert_eq!((at, good.sequence), (outer, 2));
    }

    #[test]
    fn the_header_holds_the_longest_signer() {
        let signer = [b's'; MAX_SIGNER_BYTES];
        let bytes =
            frame(b"", &Meta { loop_count: u32::MAX, signer: &signer, canonical: true }, u64::MAX, u64::MAX);
        let record = good_at(&bytes, 0).unwrap().record(&bytes, Position::default()).unwrap();
        assert_eq!((record.signer, record.loop_count), (&signer[..], u32::MAX));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read(
            message: Vec<u8>, loop_count: u32, sequence: u64, time_ns: u64, canonical: bool,
            signer in prop::collection::vec(any::<u8>(), 0..=MAX_SIGNER_BYTES),
        ) {
            let bytes = frame(&message, &Meta { loop_count, signer: &signer, canonical }, sequence, time_ns);
            let good = good_at(&bytes, 0).unwrap();
            prop_assert_eq!(good.end, bytes.len());
            let record = good.record(&bytes, Position::default()).unwrap();
            prop_assert_eq!(record.message, &message[..]);
            prop_assert_eq!(record.signer, &signer[..]);
            prop_assert_eq!(record.loop_count, loop_count);
            prop_assert_eq!((record.sequence, record.append_time_ns), (sequence, time_ns));
            prop_assert_eq!(record.canonical, canonical);
        }

        #[test]
        fn lengths_survive_padding(len in 0usize..=MAX_MESSAGE_BYTES) {
            prop_assert_eq!(padded_varint(pad_varint(len)), Some(len));
        }

        #[test]
        fn no_flip_of_one_bit_goes_unseen(message: Vec<u8>, bit: prop::sample::Index) {
            let mut bytes = frame(&message, &Meta { signer: b"s", ..Meta::default() }, 1, 2);
            // Bytes to read beyond the frame, should its length grow.
            bytes.resize(bytes.len() + 300, 0x1F);
            let bit = bit.index((bytes.len() - 300) * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(good_at(&bytes, 0).is_none());
        }

        #[test]
        fn any_bytes_are_parsed_without_a_panic(mut bytes: Vec<u8>, header in 0usize..80, at: prop::sample::Index) {
            next_good(&bytes, 0);
            let good = frame(b"m", &Meta { signer: b"signer", loop_count: 9, canonical: true }, 1, 2);
            let keep = header.min(good.len());
            bytes.splice(..0, good[..keep].iter().copied());
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = bytes[at].wrapping_add(1);
            }
            if let Some(frame) = parse(&bytes) {
                frame.verify(&bytes);
                frame.record(&bytes, Position::default());
            }
            next_good(&bytes, 0);
        }
    }
}
