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

mod read;
mod varint;
mod write;

pub(crate) use read::{good_at, next_good, parse};
pub(crate) use write::{finish_message, mark_copy, message_of, push_header, stamp};

use crate::Position;

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
            canonical: self.is_canonical(),
            position,
        })
    }

    /// The message's fields are in ascending order.
    pub(crate) fn is_canonical(&self) -> bool {
        self.flags & FLAG_CANONICAL != 0
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

#[cfg(test)]
mod tests;
