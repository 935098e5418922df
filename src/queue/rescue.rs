//! After a failed sync: the records go to a new segment.
//!
//! When `fdatasync` fails the kernel may drop the pages or mark them clean, so a later success says nothing about
//! them. The segment is sealed, its records that are not durable are read back (each proves itself by its CRC) and
//! written to a new segment, marked as copies so that a reader that finds both hands out one. Receipts resolve
//! when that is durable. Until then nothing else is appended.

use crate::core::Core;
use crate::error::{EventKind, is_shortage};
use crate::fs::{uninterrupted, write_all_at};
use crate::record::{good_at, mark_copy};
use crate::segment::Segment;
use crate::writer::{Active, Retired, Writer};
use heka_fault::fault;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How often a rescue is tried before the queue gives up; while space or descriptors are short it goes on.
const ATTEMPTS: usize = 3;

/// Why a rescue did not succeed.
enum Setback {
    /// It may the next time.
    Retry(io::Error),
    /// Records are unreadable: it never will.
    Lost { segment: Arc<Segment>, at: usize },
}

impl Core {
    /// Writes all that is not durable to new segments. Must be called by the commit that holds `commit.one`.
    pub(crate) fn rescue(&self) -> bool {
        let mut guard = self.writer();
        let writer = &mut *guard;
        writer.rescue_pending = true;
        fault!("rescue-begun");
        for attempt in 1.. {
            match self.copy_suspects(writer) {
                Ok(copies) => {
                    self.adopt(writer, copies);
                    break;
                }
                Err(Setback::Retry(error)) if is_shortage(&error) => {
                    // Asked for again with each period until there is enough.
                    self.commit.want();
                    return false;
                }
                Err(Setback::Retry(error)) if attempt == ATTEMPTS => {
                    self.give_up(format!(
                        "records that could not be synced could not be written again: {error}"
                    ));
                    return false;
                }
                Err(Setback::Retry(_)) => {}
                Err(Setback::Lost { segment, at }) => {
                    self.counters.lost_records.fetch_add(1, Ordering::Relaxed);
                    let path = segment.path.display();
                    self.give_up(format!("after a failed sync a record in {path} at offset {at} is lost"));
                    return false;
                }
            }
        }
        let next_sequence = writer.next_sequence;
        drop(guard);
        self.progress.advance(next_sequence);
        self.events.notify();
        true
    }

    fn give_up(&self, why: String) {
        self.progress.fail();
        self.report(&self.dir, EventKind::Failed(why));
    }

    /// One new, durable, unpublished segment for each that could not be synced.
    fn copy_suspects(&self, writer: &mut Writer) -> Result<Vec<Active>, Setback> {
        let suspects = writer.retired.iter().map(|retired| &retired.segment);
        let suspects: Vec<_> =
            suspects.chain(writer.active.as_ref().map(|active| &active.segment)).cloned().collect();
        let mut base = self.segments().last_key_value().map_or(0, |(_, last)| last.base + last.end());
        let mut next_id = writer.next_segment;
        let mut copies: Vec<Active> = Vec::new();
        for suspect in suspects {
            let copied = self.read_back(&suspect).and_then(|bytes| {
                if bytes.is_empty() {
                    return Ok(None);
                }
                self.write_copy(&mut next_id, base, &bytes).map(Some).map_err(Setback::Retry)
            });
            match copied {
                Ok(copy) => {
                    base += copy.as_ref().map_or(0, |copy| copy.segment.end());
                    copies.extend(copy);
                }
                Err(setback) => {
                    for copy in &copies {
                        self.remove(&copy.segment);
                    }
                    return Err(setback);
                }
            }
        }
        writer.next_segment = next_id;
        Ok(copies)
    }

    /// The records that are not durable, marked as copies.
    fn read_back(&self, suspect: &Arc<Segment>) -> Result<Vec<u8>, Setback> {
        let (from, end) = (suspect.synced() as usize, suspect.end() as usize);
        if from == end {
            return Ok(Vec::new());
        }
        let map = suspect.map(self.fs.as_ref(), end as u64).map_err(Setback::Retry)?;
        let mut bytes = map.bytes(end).get(from..).unwrap_or_default().to_vec();
        let mut at = 0;
        while at < end - from {
            let Some(frame) = good_at(&bytes, at) else {
                return Err(Setback::Lost { segment: suspect.clone(), at: from + at });
            };
            mark_copy(&mut bytes[at..at + frame.end]);
            at += frame.end;
        }
        Ok(bytes)
    }

    fn write_copy(&self, next_id: &mut u64, base: u64, bytes: &[u8]) -> io::Result<Active> {
        let copy = self.create_segment(next_id, base, bytes.len() as u64)?;
        fault!("rescue-torn", write_all_at(copy.file.as_ref(), &bytes[..bytes.len() / 2], 0));
        let written =
            write_all_at(copy.file.as_ref(), bytes, 0).and_then(|()| uninterrupted(|| copy.file.fdatasync()));
        fault!("rescue-copied");
        match written {
            Ok(()) => {
                copy.segment.publish(bytes.len() as u64);
                copy.segment.set_synced(bytes.len() as u64);
                Ok(copy)
            }
            Err(error) => {
                self.remove(&copy.segment);
                Err(error)
            }
        }
    }

    fn remove(&self, segment: &Segment) {
        if let Err(error) = uninterrupted(|| self.fs.unlink(&segment.path)) {
            self.report(&segment.path, EventKind::CleanupFailed(error));
        }
    }

    /// Puts the copies in place of what they were copied from.
    fn adopt(&self, writer: &mut Writer, copies: Vec<Active>) {
        {
            let mut segments = self.segments_mut();
            for copy in &copies {
                segments.insert(copy.segment.id, copy.segment.clone());
            }
        }
        self.retire_active(writer);
        for suspect in std::mem::take(&mut writer.retired) {
            self.cut(&suspect);
        }
        let bytes = copies.iter().map(|copy| copy.segment.end()).sum();
        if let Some(copy) = copies.last() {
            self.report(&copy.segment.path, EventKind::Rescued { bytes });
        }
        for copy in copies {
            if let Some(full) = writer.active.replace(copy) {
                full.segment.seal();
                self.cut(&Retired { segment: full.segment, file: full.file });
            }
        }
        writer.rescue_pending = false;
        fault!("rescue-adopted");
    }
}
