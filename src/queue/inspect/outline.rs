//! What a queue holds, without reading all of it.

use super::{Listing, Piece, Segment, SegmentFile};
use crate::fs::Fs;
use crate::{Position, QueueError};
use std::path::Path;

/// A record's number and age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Its sequence.
    pub sequence: u64,
    /// When it was appended, in nanoseconds since 1970.
    pub append_time_ns: u64,
}

/// A queue's segments and its first and last record.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// Each with the place after its last record.
    segments: Vec<(SegmentFile, u64)>,
    /// The oldest record.
    pub first: Option<Stamp>,
    /// The newest record.
    pub last: Option<Stamp>,
}

impl Outline {
    /// Looks at the queue in `dir`. Only the last segments are read as a whole.
    ///
    /// # Errors
    ///
    /// [`QueueError::Io`] if the folder or a segment cannot be read.
    pub fn read(dir: &Path, fs: &dyn Fs) -> Result<Outline, QueueError> {
        let mut outline = Outline::default();
        let mut newest = true;
        for file in Listing::read(dir, fs)?.segments.into_iter().rev() {
            let mut end = file.len;
            // Those before were cut to their size when they were full.
            if newest {
                let Some(segment) = Segment::read(&file, fs)? else { continue };
                end = segment.end();
                outline.last = segment.walk(0).filter_map(stamp).last();
                newest = outline.last.is_none();
            }
            outline.segments.push((file, end));
        }
        outline.segments.reverse();
        outline.first = outline.next_after(Position::default(), fs)?;
        Ok(outline)
    }

    /// How many segments there are.
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    /// Bytes of records.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|(_, end)| end).sum()
    }

    /// The place after the last record.
    pub fn tail(&self) -> Position {
        self.segments.last().map_or(Position::default(), |(file, end)| Position::new(file.id, *end))
    }

    /// Bytes of records from `position` to the end.
    pub fn bytes_after(&self, position: Position) -> u64 {
        let later = self.segments.iter().filter(|(file, _)| file.id >= position.segment);
        let bytes = later.map(|(file, end)| match file.id == position.segment {
            true => end.saturating_sub(position.offset),
            false => *end,
        });
        bytes.sum()
    }

    /// The first record at or after `position`.
    ///
    /// # Errors
    ///
    /// [`QueueError::Io`] if a segment cannot be read.
    pub fn next_after(&self, position: Position, fs: &dyn Fs) -> Result<Option<Stamp>, QueueError> {
        for (file, end) in self.segments.iter().filter(|(file, _)| file.id >= position.segment) {
            let from = if file.id == position.segment { position.offset } else { 0 };
            if from >= *end {
                continue;
            }
            let Some(segment) = Segment::read(file, fs)? else { continue };
            if let Some(found) = segment.walk(from).find_map(stamp) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// How many records `next` and those after it are, by their numbers.
    pub fn records_from(&self, next: Option<Stamp>) -> u64 {
        match (next, self.last) {
            (Some(next), Some(last)) => (last.sequence + 1).saturating_sub(next.sequence),
            _ => 0,
        }
    }
}

fn stamp(piece: Piece<'_>) -> Option<Stamp> {
    match piece {
        Piece::Record(entry) => {
            Some(Stamp { sequence: entry.record.sequence, append_time_ns: entry.record.append_time_ns })
        }
        Piece::Bad { .. } => None,
    }
}
