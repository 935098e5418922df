//! Looking at a queue's folder from outside: while a hekad runs it, or after one died.
//!
//! Nothing here opens a queue, and nothing but [`Plan::apply`] writes. Segments are read into memory, one at a time, and
//! not mapped, since a running hekad may cut them.

mod check;
mod follow;
mod ledger;
mod outline;
mod repair;
#[cfg(test)]
mod tests;
mod walk;

pub use check::{Finding, Problem, QueueCheck, check};
pub use follow::Follower;
pub use ledger::Ledger;
pub use outline::{Outline, Stamp};
pub use repair::Plan;
pub use walk::{Entry, Piece, Segment, Walk};

use crate::fs::{Fs, uninterrupted};
use crate::segment::id_of;
use crate::{Position, QueueError};
use std::path::{Path, PathBuf};

/// A segment's file as the folder lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFile {
    /// Its number.
    pub id: u64,
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes, padding included.
    pub len: u64,
}

/// What a queue's folder holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Segments, oldest first.
    pub segments: Vec<SegmentFile>,
    /// Files that are none.
    pub foreign: Vec<PathBuf>,
}

impl Listing {
    /// Lists the folder of a queue.
    ///
    /// # Errors
    ///
    /// [`QueueError::Io`] if it cannot be read.
    pub fn read(dir: &Path, fs: &dyn Fs) -> Result<Listing, QueueError> {
        let mut listing = Listing::default();
        for (name, len) in uninterrupted(|| fs.list(dir)).map_err(QueueError::io("list", dir))? {
            let path = dir.join(&name);
            match id_of(&name) {
                Some(id) => listing.segments.push(SegmentFile { id, path, len }),
                None => listing.foreign.push(path),
            }
        }
        listing.segments.sort_by_key(|segment| segment.id);
        listing.foreign.sort();
        Ok(listing)
    }

    /// Whether a position points into a segment that is gone while later ones are there.
    pub fn lacks(&self, position: Position) -> bool {
        let newest = self.segments.last().map_or(0, |segment| segment.id);
        position.segment < newest && !self.segments.iter().any(|segment| segment.id == position.segment)
    }
}
