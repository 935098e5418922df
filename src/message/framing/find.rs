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

#[cfg(test)]
mod tests {
    use super::*;

    const HI: &[u8] = &[0x1e, 2, 8, 2, 0x1f, b'h', b'i'];

    #[track_caller]
    fn check(buffer: &[u8], consumed: usize, record: Option<Range<usize>>, problems: &[&str]) {
        let found = find_frame(buffer, 100);
        assert_eq!((found.consumed, found.record), (consumed, record));
        assert_eq!(found.problems.iter().map(ToString::to_string).collect::<Vec<_>>(), problems);
    }

    #[test]
    fn a_frame_with_and_without_garbage_before_it() {
        check(HI, 7, Some(0..7), &[]);
        check(&[b"garbage", HI, b"more"].concat(), 14, Some(7..14), &[]);
        check(&[HI, HI].concat(), 7, Some(0..7), &[]);
    }

    #[test]
    fn garbage_is_consumed_and_a_beginning_is_kept() {
        check(b"", 0, None, &[]);
        check(b"no separator", 12, None, &[]);
        for length in 1..HI.len() {
            check(&[b"xyz", &HI[..length]].concat(), 3, None, &[]);
        }
    }

    #[test]
    fn a_header_without_length_is_of_an_empty_message() {
        check(&[0x1e, 0, 0x1f, b'x'], 3, Some(0..3), &[]);
        check(&[0x1e, 2, 8, 0, 0x1f, b'x'], 5, Some(0..5), &[]);
    }

    #[test]
    fn a_separator_without_header_is_passed_over() {
        check(&[&[0x1e, 2, 8, 2, b'!'], HI].concat(), 12, Some(5..12), &[]);
        // The false header spans the true one.
        check(&[&[0x1e, 3, b'x'], HI].concat(), 10, Some(3..10), &[]);
        check(&[&[0x1e, 0x1e], HI, &[0; 40]].concat(), 9, Some(2..9), &[]);
    }

    #[test]
    fn a_message_that_is_too_long_is_passed_over() {
        let long = [0x1e, 2, 8, 101, 0x1f];
        let problem = "message exceeds the maximum length [100 bytes] len: 101";
        check(&[&long, HI].concat(), 12, Some(5..12), &[problem]);
        check(&[&long, &long, HI].concat(), 17, Some(10..17), &[problem, problem]);
        check(&long, 5, None, &[problem]);
        let longest = [&[0x1e, 2, 8, 100, 0x1f], [b'x'; 100].as_slice()].concat();
        check(&longest, 105, Some(0..105), &[]);
    }

    #[test]
    fn a_broken_header_counts_if_it_gave_the_length() {
        let broken = [0x1e, 4, 8, 2, 0x22, 9, 0x1f, b'h', b'i'];
        check(&broken, 9, Some(0..9), &["error unmarshaling header: unexpected EOF"]);
        check(&broken[..8], 0, None, &[]);
        let lost = [&[0x1e, 2, 0x22, 9, 0x1f], HI].concat();
        check(&lost, 12, Some(5..12), &["error unmarshaling header: unexpected EOF"]);
        let wrong = [&[0x1e, 2, 0x0a, 0, 0x1f], HI].concat();
        check(
            &wrong,
            12,
            Some(5..12),
            &["error unmarshaling header: proto: wrong wireType = 2 for field MessageLength"],
        );
    }

    #[test]
    fn a_long_run_of_separators_does_not_recurse() {
        let separators = [RECORD_SEPARATOR; 100_000];
        let found = find_frame(&[&separators, HI, &[0; 40]].concat(), 100);
        assert_eq!((found.consumed, found.record), (100_007, Some(100_000..100_007)));
    }
}
