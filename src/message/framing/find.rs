//! Finding frames in a stream that may hold garbage.

use std::ops::Range;

use memchr::memchr;
use thiserror::Error;

use super::{HEADER_DELIMITER_SIZE, HEADER_FRAMING_SIZE, Header, RECORD_SEPARATOR, UNIT_SEPARATOR};
use crate::error::DecodeError;

/// What [`find_frame`] found at the front of a buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindFrame {
    /// Bytes from the front that are done with: garbage, and the frame if there is one. Without a frame
    /// the rest is its possible beginning and more data is needed.
    pub consumed: usize,
    /// Where the whole frame lies in the buffer, separator and header included.
    pub record: Option<Range<usize>>,
    /// Headers that were not what they seemed, to be logged by the caller.
    pub problems: Vec<HeaderProblem>,
}

/// Why bytes that look like a header are none.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HeaderProblem {
    /// The header's protobuf is broken. If the message's length came before the damage the frame is used.
    #[error("error unmarshaling header: {0}")]
    Decode(#[from] DecodeError),
    /// The message would be too large. The search goes on behind this separator.
    #[error("message exceeds the maximum length [{max} bytes] len: {length}")]
    TooLong {
        /// The limit in force, in bytes.
        max: usize,
        /// Length that the header gives, in bytes.
        length: u32,
    },
}

/// Finds the first frame in `buffer`. Garbage before it is consumed, and so is a separator that no header
/// follows: the search goes on at the next one.
pub fn find_frame(buffer: &[u8], max_message_size: usize) -> FindFrame {
    let mut found = FindFrame::default();
    loop {
        let rest = &buffer[found.consumed..];
        let Some(garbage) = memchr(RECORD_SEPARATOR, rest) else {
            found.consumed = buffer.len();
            return found;
        };
        found.consumed += garbage;
        match frame_at(&rest[garbage..], max_message_size, &mut found.problems) {
            Candidate::Frame(length) => {
                let start = found.consumed;
                found.consumed += length;
                found.record = Some(start..found.consumed);
                return found;
            }
            Candidate::Incomplete => return found,
            Candidate::NotAHeader => found.consumed += 1,
        }
    }
}

enum Candidate {
    /// A frame of so many bytes.
    Frame(usize),
    Incomplete,
    NotAHeader,
}

fn frame_at(bytes: &[u8], max_message_size: usize, problems: &mut Vec<HeaderProblem>) -> Candidate {
    let Some(&header_size) = bytes.get(1) else { return Candidate::Incomplete };
    let header_end = HEADER_FRAMING_SIZE + usize::from(header_size);
    if bytes.len() < header_end {
        return Candidate::Incomplete;
    }
    if bytes[header_end - 1] != UNIT_SEPARATOR {
        return Candidate::NotAHeader;
    }
    let (header, error) = Header::decode_partly(&bytes[HEADER_DELIMITER_SIZE..header_end - 1]);
    let length = header.message_length.unwrap_or(0);
    let problem = match error {
        None if length as usize > max_message_size => {
            problems.push(HeaderProblem::TooLong { max: max_message_size, length });
            return Candidate::NotAHeader;
        }
        Some(error) if header.message_length.is_none() || length as usize > max_message_size => {
            problems.push(HeaderProblem::Decode(error));
            return Candidate::NotAHeader;
        }
        other => other,
    };
    let end = header_end + length as usize;
    if bytes.len() < end {
        return Candidate::Incomplete;
    }
    problems.extend(problem.map(HeaderProblem::Decode));
    Candidate::Frame(end)
}
