//! Appending: numbers, one write, and the new end for all to see.

use crate::batch::Batch;
use crate::core::Core;
use crate::error::{AppendError, EventKind, is_full};
use crate::fs::{File, uninterrupted, write_all_at};
use crate::queue::SyncMode;
use crate::receipt::Receipt;
use crate::segment::{Segment, path_of};
use heka_fault::{fail, fault};
use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes that a segment's file has beyond its capacity until it is synced and cut to its size. So it ends in a zero
/// even when it is full, which tells recovery that it may not have been synced.
const PADDING: u64 = 1;

/// What the writer's lock guards.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) active: Option<Active>,
    /// Sealed segments that are not durable yet, oldest first.
    pub(crate) retired: Vec<Retired>,
    pub(crate) next_segment: u64,
    pub(crate) next_sequence: u64,
    pub(crate) last_time_ns: u64,
    /// A sync failed and its records are not safe elsewhere yet: nothing may be added before they are.
    pub(crate) rescue_pending: bool,
    pub(crate) closed: bool,
}

/// The segment that takes records.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) segment: Arc<Segment>,
    pub(crate) file: Arc<dyn File>,
    pub(crate) capacity: u64,
    /// Space is reserved up to `capacity`, and reads as zeros.
    pub(crate) preallocated: bool,
}

/// A sealed segment that waits for its sync.
#[derive(Debug, Clone)]
pub(crate) struct Retired {
    pub(crate) segment: Arc<Segment>,
    pub(crate) file: Arc<dyn File>,
}

impl Core {
    /// See [`crate::Queue::append`].
    pub(crate) fn append(&self, batch: &mut Batch) -> Result<Receipt, AppendError> {
        let mut guard = self.writer();
        let writer = &mut *guard;
        self.check_open(writer)?;
        if batch.is_empty() {
            return Ok(Receipt::new(self.progress.clone(), writer.next_sequence));
        }
        // Times never go back in a queue, whatever the clock does.
        let time_ns = now_ns().max(writer.last_time_ns);
        let records = batch.len() as u64;
        let bytes = batch.stamp(writer.next_sequence, time_ns);
        let wrote = self.write(writer, bytes);
        wrote.map_err(|error| AppendError::from_io(&self.name, error))?;
        if let Some(active) = &writer.active {
            let start = active.segment.end() - batch.bytes() as u64;
            active.segment.note_types(batch.noted(), start, writer.next_sequence);
        }
        batch.clear();
        writer.last_time_ns = time_ns;
        writer.next_sequence += records;
        let next = writer.next_sequence;
        match self.sync {
            SyncMode::Ack => self.commit.want(),
            SyncMode::Interval => {
                self.progress.advance_quietly(next);
                self.commit.want();
            }
            SyncMode::None => self.progress.advance_quietly(next),
        }
        drop(guard);
        self.events.notify();
        Ok(Receipt::new(self.progress.clone(), next))
    }

    fn check_open(&self, writer: &Writer) -> Result<(), AppendError> {
        if writer.closed {
            return Err(AppendError::Closed { queue: self.name.clone() });
        }
        if self.progress.has_failed() {
            let source = io::Error::other("records could not be synced, the queue takes no more");
            return Err(AppendError::Io { queue: self.name.clone(), source });
        }
        if writer.rescue_pending {
            let source = io::Error::other("a failed sync is being repaired, try again");
            return Err(AppendError::Io { queue: self.name.clone(), source });
        }
        Ok(())
    }

    /// Writes at the tail and publishes the new one; on failure all is as before.
    fn write(&self, writer: &mut Writer, bytes: &[u8]) -> io::Result<()> {
        let active = self.make_room(writer, bytes.len() as u64)?;
        let end = active.segment.end();
        fault!("batch-torn", write_all_at(active.file.as_ref(), &bytes[..bytes.len() * 2 / 3], end));
        let wrote = fail!("write").and_then(|()| write_all_at(active.file.as_ref(), bytes, end));
        match wrote {
            Ok(()) => {
                fault!("batch-written");
                active.segment.publish(end + bytes.len() as u64);
                fault!("tail-published");
                Ok(())
            }
            Err(error) => {
                self.undo(writer, &error);
                Err(error)
            }
        }
    }

    /// The active segment, with room for `len` bytes.
    fn make_room<'a>(&self, writer: &'a mut Writer, len: u64) -> io::Result<&'a mut Active> {
        // An empty segment grows instead of being rolled: one without records before others means a loss to recovery.
        if let Some(active) = &mut writer.active
            && (active.segment.end() + len <= active.capacity || active.segment.end() == 0)
        {
            if len > active.capacity {
                active.capacity = len;
                active.preallocated = false;
            }
            if !active.preallocated {
                uninterrupted(|| active.file.fallocate(active.capacity + PADDING))?;
                active.preallocated = true;
            }
        } else {
            let base = self.segments().last_key_value().map_or(0, |(_, last)| last.base + last.end());
            let new = self.create_segment(&mut writer.next_segment, base, len)?;
            self.segments_mut().insert(new.segment.id, new.segment.clone());
            self.retire_active(writer);
            writer.active = Some(new);
            fault!("segment-rolled");
        }
        writer.active.as_mut().ok_or_else(|| io::Error::other("no active segment"))
    }

    /// Creates a segment with room for at least `len` bytes. On failure no file is left behind.
    pub(crate) fn create_segment(&self, next_id: &mut u64, base: u64, len: u64) -> io::Result<Active> {
        let (path, file) = loop {
            let path = path_of(&self.dir, *next_id);
            match uninterrupted(|| self.fs.create(&path)) {
                // Left over from a failure whose clean-up failed as well.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => *next_id += 1,
                created => break (path, created?),
            }
        };
        fault!("segment-created");
        let prepared = self.preallocate(file.as_ref(), len).and_then(|capacity| {
            fault!("segment-preallocated");
            if self.sync != SyncMode::None {
                uninterrupted(|| self.fs.fsync_dir(&self.dir))?;
            }
            Ok(capacity)
        });
        match prepared {
            Ok(capacity) => {
                fault!("segment-dir-synced");
                let segment = Arc::new(Segment::new(*next_id, path, base, 0, false));
                *next_id += 1;
                Ok(Active { segment, file, capacity, preallocated: true })
            }
            Err(error) => {
                if let Err(error) = uninterrupted(|| self.fs.unlink(&path)) {
                    self.report(&path, EventKind::CleanupFailed(error));
                }
                Err(error)
            }
        }
    }

    /// Reserves a segment's size, or less on a disk that is nearly full, but at least `len`.
    fn preallocate(&self, file: &dyn File, len: u64) -> io::Result<u64> {
        let mut capacity = self.segment_size.max(len);
        loop {
            match uninterrupted(|| file.fallocate(capacity + PADDING)) {
                Ok(()) => return Ok(capacity),
                Err(error) if is_full(&error) && capacity > len => {
                    uninterrupted(|| file.truncate(0))?;
                    capacity = (capacity / 4).max(len);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes what a failed write left past the tail, so that it can never come to light.
    fn undo(&self, writer: &mut Writer, error: &io::Error) {
        let Some(active) = &mut writer.active else { return };
        let end = active.segment.end();
        let cut = uninterrupted(|| active.file.truncate(end)).and_then(|()| {
            // The padding tells that the segment may not have been synced; this needs no space.
            uninterrupted(|| active.file.truncate(active.capacity + PADDING))
        });
        active.preallocated = false;
        fault!("write-undone");
        if cut.is_ok() && (is_full(error) || end == 0) {
            return;
        }
        // The disk does not take this place: the next append tries another.
        let error = io::Error::new(error.kind(), error.to_string());
        self.report(&active.segment.path, EventKind::WriteFailed(error));
        if end > 0 {
            self.retire_active(writer);
        } else if let Some(active) = writer.active.take() {
            self.segments_mut().remove(&active.segment.id);
            active.segment.seal();
            if let Err(error) = uninterrupted(|| self.fs.unlink(&active.segment.path)) {
                self.report(&active.segment.path, EventKind::CleanupFailed(error));
            }
        }
    }

    /// Seals the active segment. It is cut to its size at once, or after its sync where there is one.
    pub(crate) fn retire_active(&self, writer: &mut Writer) {
        let Some(Active { segment, file, .. }) = writer.active.take() else { return };
        segment.seal();
        fault!("segment-sealed");
        let retired = Retired { segment, file };
        if self.sync == SyncMode::None {
            self.cut(&retired);
        } else {
            writer.retired.push(retired);
        }
    }

    /// Cuts a sealed segment to its size; an empty one is removed.
    pub(crate) fn cut(&self, Retired { segment, file }: &Retired) {
        if segment.end() == 0 {
            self.segments_mut().remove(&segment.id);
            if let Err(error) = uninterrupted(|| self.fs.unlink(&segment.path)) {
                self.report(&segment.path, EventKind::CleanupFailed(error));
            }
            return;
        }
        if let Err(error) = uninterrupted(|| file.truncate(segment.end())) {
            self.report(&segment.path, EventKind::CleanupFailed(error));
        }
        fault!("segment-cut");
    }
}

/// Nanoseconds since 1970.
fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
