//! A place in a queue.

use std::fmt;

/// A place in a queue: a segment number and a byte offset in it. Later records have greater positions.
///
/// `Position::default()` lies before every record (segments are numbered from 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// Number of the segment, as in its file name.
    pub segment: u64,
    /// Offset in the segment, in bytes.
    pub offset: u64,
}

impl Position {
    /// The place `offset` bytes into segment `segment`.
    pub const fn new(segment: u64, offset: u64) -> Position {
        Position { segment, offset }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.segment, self.offset)
    }
}
