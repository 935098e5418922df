//! Reading: records as slices of a map that all readers of a segment share.

use crate::Position;
use crate::core::Core;
use crate::error::EventKind;
use crate::fs::Map;
use crate::record::{Frame, Record, next_good, parse};
use crate::segment::Segment;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// After this many bytes readers tell each other which records they checked.
const SHARE_STEP: usize = 4 << 10;

/// How many gaps in the sequence a reader remembers. Copies that fill one follow it closely.
const MAX_GAPS: usize = 64;

/// Hands out the records of a queue in order.
///
/// Each record is checked by its CRC once per map of its segment: by the first reader that comes past.
pub struct Reader {
    core: Arc<Core>,
    /// `None` before the first read, after a seek, and when what was read is gone.
    segment: Option<Arc<Segment>>,
    map: Arc<Map>,
    /// Number of the segment to read, also while none is open.
    segment_id: u64,
    offset: usize,
    /// How far the segment was published when last looked at.
    end: usize,
    checks: Checks,
    history: History,
    /// Reading failed, and that was reported.
    stalled: bool,
}

/// What is known of the open segment's records.
#[derive(Debug, Default)]
struct Checks {
    /// What other readers checked.
    known: (usize, usize),
    /// What this reader checked since it last told the others.
    own: (usize, usize),
    /// A record was found to be good, so the place is the start of a record.
    aligned: bool,
}

/// What was handed out, as far as it takes to tell whether a copy is still wanted.
#[derive(Debug, Default)]
struct History {
    /// Sequence of the last record.
    last: Option<u64>,
    /// Sequences below `last` that were not handed out: from, and up to and with.
    gaps: Vec<(u64, u64)>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.position();
        f.debug_struct("Reader")
            .field("queue", &self.core.name)
            .field("position", &position)
            .finish_non_exhaustive()
    }
}

impl Reader {
    pub(crate) fn new(core: Arc<Core>, position: Position) -> Reader {
        Reader {
            core,
            segment: None,
            map: Arc::new(Map::of_bytes(Vec::new())),
            segment_id: position.segment,
            offset: to_offset(position.offset),
            end: 0,
            checks: Checks::default(),
            history: History::default(),
            stalled: false,
        }
    }

    /// The next record; `None` when there is none yet, or the disk does not let it be read (see
    /// [`Reader::is_stalled`]).
    #[allow(
        clippy::should_implement_trait,
        reason = "records borrow from the reader, which Iterator cannot say"
    )]
    #[inline]
    pub fn next(&mut self) -> Option<Record<'_>> {
        let (start, frame) = self.advance()?;
        frame.record(self.map.bytes(self.end).get(start..)?, self.position())
    }

    /// The place after the last record that was handed out.
    pub fn position(&self) -> Position {
        Position::new(self.segment_id, self.offset as u64)
    }

    /// Goes to `position`, or to the next live segment if that is gone.
    pub fn seek(&mut self, position: Position) {
        self.leave();
        self.segment_id = position.segment;
        self.offset = to_offset(position.offset);
        self.history = History::default();
    }

    /// Whether [`Reader::next`] has something to hand out (or to skip).
    pub fn has_more(&mut self) -> bool {
        self.offset < self.end || self.look()
    }

    /// Waits until there is more to read, for at most `timeout`; any use of the event count's
    /// [`notify`](crate::EventCount::notify) that `stop` answers to ends it too. Says whether there is more.
    pub fn wait(&mut self, timeout: Duration, stop: impl Fn() -> bool) -> bool {
        let events = self.core.events.clone();
        events.wait_for(timeout, || if self.has_more() { Some(true) } else { stop().then_some(false) })
            == Some(true)
    }

    /// Bytes of records not handed out yet.
    pub fn lag_bytes(&self) -> u64 {
        self.core.bytes_between(self.position(), self.core.tail())
    }

    /// Whether the last read failed at the disk. Reading goes on where it stopped once that works again.
    pub fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Finds the next record to hand out: where it starts, and its header.
    #[inline]
    fn advance(&mut self) -> Option<(usize, Frame)> {
        loop {
            if self.offset >= self.end && !self.look() {
                self.share_checks();
                return None;
            }
            let start = self.offset;
            let bytes = self.map.bytes(self.end).get(start..)?;
            match parse(bytes) {
                Some(frame)
                    if self.checks.covers(&self.map, start, start + frame.end) || frame.verify(bytes) =>
                {
                    self.offset = start + frame.end;
                    self.checks.add(start, self.offset);
                    if start / SHARE_STEP != self.offset / SHARE_STEP {
                        self.step(start);
                    }
                    if self.history.is_next(frame.sequence) || self.history.wants(&frame) {
                        return Some((start, frame));
                    }
                }
                _ => self.skip_bad(),
            }
        }
    }

    /// Done every so many bytes.
    #[cold]
    fn step(&mut self, before: usize) {
        self.share_checks();
        self.map.release(before, self.offset);
    }

    fn share_checks(&mut self) {
        let (from, to) = self.checks.own;
        if from < to {
            self.map.add_checked(from, to);
        }
        self.checks.own = (to, to);
        self.checks.known = self.map.checked();
    }

    /// Goes to the next good record of what is published, or to its end.
    #[cold]
    fn skip_bad(&mut self) {
        self.share_checks();
        self.checks.aligned = false;
        let bytes = self.map.bytes(self.end);
        let from = self.offset;
        match next_good(bytes, from) {
            Some((good, _)) => self.offset = good,
            // The padding of a segment that was not closed is not worth a word.
            None => self.offset = self.end,
        }
        let padding = self.offset == self.end && bytes[from..].iter().all(|&byte| byte == 0);
        if let (false, Some(segment)) = (padding, &self.segment) {
            self.core.note_bad(segment, from, self.offset);
        }
    }

    /// Looks for more to read after all that was known is read.
    #[cold]
    fn look(&mut self) -> bool {
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
    fn map_to(&mut self, segment: &Arc<Segment>, end: usize, sealed: bool) -> io::Result<usize> {
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

    fn stall(&mut self, segment: &Segment, error: io::Error) {
        if !self.stalled {
            self.stalled = true;
            self.core.report(&segment.path, EventKind::Unreadable(error));
        }
    }

    fn enter(&mut self, segment: Arc<Segment>) {
        // A place in a segment that is gone means the start of the next; so does one past the end of a segment that
        // still grows, which no reader can have come from.
        if segment.id != self.segment_id || (!segment.is_sealed() && self.offset as u64 > segment.end()) {
            self.offset = 0;
        }
        self.segment_id = segment.id;
        self.segment = Some(segment);
        self.stalled = false;
    }

    fn leave(&mut self) {
        self.share_checks();
        self.segment = None;
        self.map = Arc::new(Map::of_bytes(Vec::new()));
        self.end = 0;
        self.checks = Checks::default();
    }
}

impl History {
    /// The usual case: the record follows the one before. Notes it.
    #[inline]
    fn is_next(&mut self, sequence: u64) -> bool {
        let next = self.last.is_some_and(|last| sequence == last.wrapping_add(1));
        if next {
            self.last = Some(sequence);
        }
        next
    }

    /// Whether a record is to be handed out: not if it is a copy of one that was. Notes it if so.
    #[cold]
    fn wants(&mut self, frame: &Frame) -> bool {
        let sequence = frame.sequence;
        let missed_from = match self.last {
            Some(last) if frame.is_copy() && sequence <= last => {
                return self.gaps.iter().any(|&(from, to)| (from..=to).contains(&sequence));
            }
            Some(last) => last.wrapping_add(1),
            // What was handed out before reading began here is unknown.
            None => 0,
        };
        if missed_from < sequence {
            if self.gaps.len() == MAX_GAPS {
                self.gaps.remove(0);
            }
            self.gaps.push((missed_from, sequence - 1));
        }
        self.last = Some(sequence);
        true
    }
}

impl Checks {
    /// Whether the record was checked before, by this reader or another.
    #[inline]
    fn covers(&mut self, map: &Map, from: usize, to: usize) -> bool {
        if !self.aligned {
            return false;
        }
        if to > self.known.1 {
            self.known = map.checked();
        }
        from >= self.known.0 && to <= self.known.1
    }

    #[inline]
    fn add(&mut self, from: usize, to: usize) {
        self.aligned = true;
        if from == self.own.1 {
            self.own.1 = to;
        } else {
            self.own = (from, to);
        }
    }
}

fn to_offset(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
