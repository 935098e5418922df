//! Following a queue from outside: the records that a running hekad appends, as they come.
//!
//! The segments are only read: no lock, no map, no cursor, so hekad unlinks them as if nobody looked. A segment that goes
//! away before it was read to its end is passed. The one that is being read is kept open and let go when the next one is
//! begun.

use super::{Listing, SegmentFile};
use crate::fs::RealFs;
use crate::record::{MAX_MESSAGE_BYTES, RECORD_SEPARATOR, good_at, next_good};
use crate::{Position, QueueError, Record};
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes that are read at once, unless a record is longer.
const CHUNK: usize = 256 << 10;
/// A frame is at most this much longer than its message.
const MAX_FRAME: usize = MAX_MESSAGE_BYTES + 258;

/// A place in a queue that moves with the records that come.
#[derive(Debug)]
pub struct Follower {
    dir: PathBuf,
    open: Option<Open>,
    /// Where to go on when no segment is open.
    next: Position,
    /// Of the last record that was handed out.
    last_sequence: Option<u64>,
}

#[derive(Debug)]
struct Open {
    id: u64,
    path: PathBuf,
    file: File,
    offset: u64,
    /// Bytes at the offset were no record when they were last looked at.
    is_stuck: bool,
}

impl Follower {
    /// Follows the queue in `dir` from its oldest record on.
    pub fn from_oldest(dir: &Path) -> Follower {
        Follower { dir: dir.into(), open: None, next: Position::default(), last_sequence: None }
    }

    /// Follows the queue in `dir` from its end on.
    ///
    /// # Errors
    ///
    /// [`QueueError::Io`] if the queue cannot be read.
    pub fn from_now(dir: &Path) -> Result<Follower, QueueError> {
        let mut follower = Follower::from_oldest(dir);
        follower.next = match follower.list(0)?.last() {
            Some(last) => Position::new(last.id, 0),
            None => Position::default(),
        };
        // Only the last segment is read; what it holds is passed.
        while follower.poll(|_| ControlFlow::Continue(()))? {}
        Ok(follower)
    }

    /// Hands out the records that are there, until `take` breaks or a while has passed. Returns whether there may be more
    /// at once.
    ///
    /// # Errors
    ///
    /// [`QueueError::Io`] if the queue cannot be read.
    pub fn poll(&mut self, mut take: impl FnMut(Record<'_>) -> ControlFlow<()>) -> Result<bool, QueueError> {
        if self.open.is_none() && !self.advance(self.next)? {
            return Ok(false);
        }
        // Listed before the segment is read: if there is a later one now, this one is complete.
        let Some(open) = &mut self.open else { return Ok(false) };
        let later = open.id + 1;
        let is_complete = !Listing::read(&self.dir, &RealFs)?.segments.iter().all(|file| file.id < later);
        let moved = open.read(is_complete, &mut self.last_sequence, &mut take)?;
        if !moved && is_complete {
            return self.advance(Position::new(later, 0));
        }
        Ok(moved)
    }

    /// Opens the first segment at or after a position; false if there is none.
    fn advance(&mut self, from: Position) -> Result<bool, QueueError> {
        (self.open, self.next) = (None, from);
        for SegmentFile { id, path, .. } in self.list(from.segment)? {
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(QueueError::io("open", &path)(error)),
            };
            let offset = if id == from.segment { from.offset } else { 0 };
            self.open = Some(Open { id, path, file, offset, is_stuck: false });
            return Ok(true);
        }
        Ok(false)
    }

    fn list(&self, from: u64) -> Result<Vec<SegmentFile>, QueueError> {
        let mut segments = Listing::read(&self.dir, &RealFs)?.segments;
        segments.retain(|segment| segment.id >= from);
        Ok(segments)
    }
}

impl Open {
    /// Reads a chunk; returns whether the offset moved.
    fn read(
        &mut self,
        is_complete: bool,
        last_sequence: &mut Option<u64>,
        take: &mut impl FnMut(Record<'_>) -> ControlFlow<()>,
    ) -> Result<bool, QueueError> {
        // What is preallocated and not yet written is zeros: most looks end here.
        if self.bytes(1)?.first().is_none_or(|&byte| byte == 0 && !is_complete) {
            return Ok(false);
        }
        let mut bytes = self.bytes(CHUNK)?;
        if good_at(&bytes, 0).is_none() {
            let long = frame_len(&bytes).unwrap_or(CHUNK);
            // A whole look at the rest is due once, before bytes are passed.
            let len = if self.is_stuck || is_complete { MAX_FRAME } else { long };
            bytes = self.bytes(len)?;
        }
        let mut at = 0;
        if good_at(&bytes, 0).is_none() {
            let may_pass = std::mem::replace(&mut self.is_stuck, true) || is_complete;
            match next_good(&bytes, 0).filter(|_| may_pass) {
                Some((good, _)) => at = good,
                None => return Ok(false),
            }
        }
        self.is_stuck = false;
        let start = self.offset;
        while let Some(frame) = good_at(&bytes, at) {
            let end = start + (at + frame.end) as u64;
            let record = frame.record(bytes.get(at..).unwrap_or_default(), Position::new(self.id, end));
            at += frame.end;
            self.offset = end;
            // Written again after a failed sync.
            let is_old = frame.is_copy() && last_sequence.is_some_and(|last| frame.sequence <= last);
            if let Some(record) = record.filter(|_| !is_old) {
                *last_sequence = Some(frame.sequence);
                if take(record).is_break() {
                    break;
                }
            }
        }
        Ok(self.offset > start)
    }

    /// At most `len` bytes from the offset on.
    fn bytes(&self, len: usize) -> Result<Vec<u8>, QueueError> {
        let failed = QueueError::io("read", &self.path);
        let size = match self.file.metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) => return Err(failed(error)),
        };
        let rest = usize::try_from(size.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len.min(rest)];
        let mut read = 0;
        while read < bytes.len() {
            match self.file.read_at(&mut bytes[read..], self.offset + read as u64) {
                Ok(0) => break,
                Ok(count) => read += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
        bytes.truncate(read);
        Ok(bytes)
    }
}

/// How long the frame at the start of `bytes` is by its header, whose message may not be there yet.
fn frame_len(bytes: &[u8]) -> Option<usize> {
    let [RECORD_SEPARATOR, header, 0x08, length @ ..] = bytes else { return None };
    // A varint padded to four bytes.
    let length: &[u8; 4] = length.first_chunk()?;
    let message = length.iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7F));
    Some(3 + usize::from(*header) + message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Meta, Options, Queue, SyncMode};

    fn queue(dir: &Path) -> Queue {
        let options = Options { segment_size_bytes: 4096, sync: SyncMode::None, ..Options::default() };
        Queue::open(dir, options).unwrap()
    }

    fn append(queue: &Queue, byte: u8, len: usize) {
        let mut batch = Batch::new();
        batch.push(&vec![byte; len], Meta::default()).unwrap();
        queue.append(&mut batch).unwrap();
    }

    /// First bytes of all messages that are there.
    fn seen(follower: &mut Follower) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut idle = 0;
        // A second look is needed to pass damage.
        while idle < 2 {
            let moved = follower.poll(|record| {
                bytes.push(record.message[0]);
                ControlFlow::Continue(())
            });
            idle = if moved.unwrap() { 0 } else { idle + 1 };
        }
        bytes
    }

    #[test]
    fn records_are_followed_through_segments() {
        let dir = tempfile::tempdir().unwrap();
        let queue = queue(dir.path());
        append(&queue, 1, 1000);
        let mut now = Follower::from_now(dir.path()).unwrap();
        let mut oldest = Follower::from_oldest(dir.path());
        assert_eq!(seen(&mut now), []);
        assert_eq!(seen(&mut oldest), [1]);
        for byte in 2..20 {
            append(&queue, byte, 1000);
        }
        assert_eq!(seen(&mut now), (2..20).collect::<Vec<u8>>());
        assert_eq!(seen(&mut oldest), (2..20).collect::<Vec<u8>>());
        append(&queue, 20, 700_000);
        append(&queue, 21, 10);
        assert_eq!(seen(&mut now), [20, 21]);
    }

    #[test]
    fn a_queue_may_begin_later_and_segments_may_go() {
        let dir = tempfile::tempdir().unwrap();
        let mut follower = Follower::from_now(dir.path()).unwrap();
        let queue = queue(dir.path());
        append(&queue, 1, 3000);
        assert_eq!(seen(&mut follower), [1]);
        for byte in 2..8 {
            append(&queue, byte, 3000);
        }
        for file in &Listing::read(dir.path(), &RealFs).unwrap().segments[1..3] {
            std::fs::remove_file(&file.path).unwrap();
        }
        let rest = seen(&mut follower);
        assert_eq!(rest.last(), Some(&7), "{rest:?}");
        assert!(rest.len() < 6, "{rest:?}");
    }

    #[test]
    fn taking_can_stop_between_records() {
        let dir = tempfile::tempdir().unwrap();
        let queue = queue(dir.path());
        (1..4).for_each(|byte| append(&queue, byte, 100));
        let mut follower = Follower::from_oldest(dir.path());
        let mut first = 0;
        follower
            .poll(|record| {
                first = record.message[0];
                ControlFlow::Break(())
            })
            .unwrap();
        assert_eq!(first, 1);
        assert_eq!(seen(&mut follower), [2, 3]);
    }

    #[test]
    fn damage_is_passed() {
        let dir = tempfile::tempdir().unwrap();
        let queue = queue(dir.path());
        (1..4).for_each(|byte| append(&queue, byte, 100));
        let file = &Listing::read(dir.path(), &RealFs).unwrap().segments[0].path;
        let bytes = std::fs::read(file).unwrap();
        let second = bytes.iter().position(|&byte| byte == 2).map(|at| at + 50).unwrap();
        let second = bytes[second..].iter().position(|&byte| byte == 2).map_or(second, |at| second + at);
        std::fs::OpenOptions::new().write(true).open(file).unwrap().write_at(b"x", second as u64).unwrap();
        assert_eq!(seen(&mut Follower::from_oldest(dir.path())), [1, 3]);
    }
}
