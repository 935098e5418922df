//! From one segment to the next.

use super::{Checks, Reader, to_offset};
use crate::error::EventKind;
use crate::fs::Map;
use crate::segment::Segment;
use std::io;
use std::sync::Arc;

impl Reader {
    /// Looks for more to read after all that was known is read.
    #[cold]
    pub(super) fn look(&mut self) -> bool {
        loop {
            let Some(segment) = self.segment.clone() else {
                let Some(segment) = self.core.segment_from(self.segment_id) else { return false };
                self.enter(segment);
                continue;
            };
            // In this order: a segment that is sealed has reached its end.
            let sealed = segment.is_sealed();
            let end = to_offset(segment.end());
            if self.offset < end {
                match self.map_to(&segment, end, sealed) {
                    Ok(0) => {}
                    Ok(end) => {
                        self.end = end;
                        return true;
                    }
                    Err(error) => {
                        self.stall(&segment, error);
                        return false;
                    }
                }
            }
            if !sealed {
                return false;
            }
            let Some(next) = self.core.segment_from(segment.id + 1) else { return false };
            self.leave();
            self.offset = 0;
            self.enter(next);
        }
    }

    /// Maps the segment up to `end`; returns how far it can be read, 0 if not past what was read.
    pub(super) fn map_to(&mut self, segment: &Arc<Segment>, end: usize, sealed: bool) -> io::Result<usize> {
        if self.map.len() < end {
            match segment.map(self.core.fs.as_ref(), end as u64) {
                Ok(map) => self.map = map,
                // Removed by another hand.
                Err(error) if error.kind() == io::ErrorKind::NotFound && sealed => {
                    self.stall(segment, error);
                    return Ok(0);
                }
                Err(error) => return Err(error),
            }
            self.checks.known = self.map.checked();
        }
        self.stalled = false;
        if self.map.len() < end {
            if !sealed {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.stall(segment, io::ErrorKind::UnexpectedEof.into());
        }
        let readable = end.min(self.map.len());
        Ok(if readable > self.offset { readable } else { 0 })
    }

    pub(super) fn stall(&mut self, segment: &Segment, error: io::Error) {
        if !self.stalled {
            self.stalled = true;
            self.core.report(&segment.path, EventKind::Unreadable(error));
        }
    }

    pub(super) fn enter(&mut self, segment: Arc<Segment>) {
        // A place in a segment that is gone means the start of the next; so does one past the end of a segment that
        // still grows, which no reader can have come from.
        if segment.id != self.segment_id || (!segment.is_sealed() && self.offset as u64 > segment.end()) {
            self.offset = 0;
        }
        self.segment_id = segment.id;
        self.types.enter(&segment);
        self.segment = Some(segment);
        self.stalled = false;
    }

    pub(super) fn leave(&mut self) {
        self.share_checks();
        self.types.leave();
        self.segment = None;
        self.map = Arc::new(Map::of_bytes(Vec::new()));
        self.end = 0;
        self.checks = Checks::default();
    }
}
