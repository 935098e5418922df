//! Going through one segment, record by record, damage included.

use super::SegmentFile;
use crate::fs::{Fs, uninterrupted};
use crate::record::{good_at, next_good};
use crate::{Position, QueueError, Record};
use std::io;
use std::ops::Range;
use std::path::PathBuf;

/// A segment in memory.
#[derive(Debug)]
pub struct Segment {
    /// Its number.
    pub id: u64,
    /// Its file.
    pub path: PathBuf,
    bytes: Vec<u8>,
}

/// A record and where it lies.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Offset of its first byte in the segment.
    pub start: u64,
    /// It was written again after a failed sync: it may have come before.
    pub is_copy: bool,
    /// The record; its position is the place after it.
    pub record: Record<'a>,
}

/// A part of a segment.
#[derive(Debug)]
pub enum Piece<'a> {
    /// A whole record whose CRC fits.
    Record(Entry<'a>),
    /// Bytes that are none; zeros after the last record do not count.
    Bad {
        /// Where they lie.
        range: Range<u64>,
        /// No record follows in this segment.
        is_tail: bool,
    },
}

impl Segment {
    /// Reads a segment; `None` if it is gone, as one is that every reader has passed.
    ///
    /// # Errors
    ///
    /// [`QueueError::Io`] if it is there and cannot be read.
    pub fn read(file: &SegmentFile, fs: &dyn Fs) -> Result<Option<Segment>, QueueError> {
        match uninterrupted(|| fs.read(&file.path)) {
            Ok(bytes) => Ok(Some(Segment { id: file.id, path: file.path.clone(), bytes })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(QueueError::io("read", &file.path)(error)),
        }
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its pieces from an offset on.
    pub fn walk(&self, from: u64) -> Walk<'_> {
        Walk { segment: self, at: usize::try_from(from).unwrap_or(usize::MAX) }
    }

    /// The place after the last record.
    pub fn end(&self) -> u64 {
        let records = self.walk(0).filter_map(|piece| match piece {
            Piece::Record(entry) => Some(entry.record.position.offset),
            Piece::Bad { .. } => None,
        });
        records.last().unwrap_or(0)
    }
}

/// The pieces of a segment in order.
#[derive(Debug)]
pub struct Walk<'a> {
    segment: &'a Segment,
    at: usize,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let bytes = self.segment.bytes.as_slice();
        let start = self.at;
        let rest = bytes.get(start..)?;
        if let Some(frame) = good_at(bytes, start) {
            self.at = start + frame.end;
            let record = frame.record(rest, Position::new(self.segment.id, self.at as u64))?;
            return Some(Piece::Record(Entry { start: start as u64, is_copy: frame.is_copy(), record }));
        }
        let (to, is_tail) = match next_good(bytes, start) {
            Some((good, _)) => (good, false),
            None => (start + rest.iter().rposition(|&byte| byte != 0)? + 1, true),
        };
        self.at = if is_tail { bytes.len() } else { to };
        Some(Piece::Bad { range: start as u64..to as u64, is_tail })
    }
}
