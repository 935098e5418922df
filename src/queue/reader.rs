//! Reading: records as slices of a map that all readers of a segment share.

mod checks;
mod history;
mod segments;
mod types;

use crate::Position;
use crate::core::Core;
use crate::fs::Map;
use crate::record::{Frame, Record, good_at, next_good, parse};
use crate::segment::Segment;
use checks::Checks;
use history::History;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use types::Types;

/// After this many bytes readers tell each other which records they checked.
const SHARE_STEP: usize = 4 << 10;

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
    types: Types,
    /// Where reading began, until it is known what came before.
    origin: Option<Position>,
    /// Reading failed, and that was reported.
    stalled: bool,
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
            types: Types::default(),
            origin: Some(position),
            stalled: false,
        }
    }

    /// Lets the reader leave out records, from now on, of whose `Type` (empty for none) `refuses` says true. It need
    /// not leave out all of them: it does where that saves the look at them, and then passes any number at once. A record
    /// that was damaged since this process appended it is then passed without being counted as bad.
    ///
    /// `refuses` must always give the same answer.
    pub fn leave_out(&mut self, refuses: impl Fn(&[u8]) -> bool + Send + Sync + 'static) {
        self.types.set_refuses(Box::new(refuses), self.segment.as_deref());
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
        self.origin = Some(position);
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
                self.types.share();
                return None;
            }
            let start = self.offset;
            if start >= self.types.next_look && self.pass() {
                continue;
            }
            let bytes = self.map.bytes(self.end).get(start..)?;
            match parse(bytes) {
                Some(frame)
                    if self.checks.covers(&self.map, start, start + frame.end) || frame.verify(bytes) =>
                {
                    self.offset = start + frame.end;
                    self.checks.add(start, self.offset);
                    let follows = self.history.is_next(frame.sequence);
                    if self.types.noting {
                        self.types.note(&frame, &bytes[frame.message..frame.end], self.offset, follows);
                    }
                    if start / SHARE_STEP != self.offset / SHARE_STEP {
                        self.step(start);
                    }
                    if follows || self.wants(&frame) {
                        return Some((start, frame));
                    }
                }
                _ => self.skip_bad(),
            }
        }
    }

    /// Passes records that are not wanted; says whether there were any.
    #[inline(never)]
    fn pass(&mut self) -> bool {
        let last = if self.checks.aligned { self.history.last } else { None };
        let before = self.offset;
        let Some((offset, last)) = self.types.ask(before, last) else { return false };
        self.offset = offset;
        self.history.last = Some(last);
        self.step(before);
        true
    }

    /// Whether a record that does not follow the last one is to be handed out.
    #[cold]
    fn wants(&mut self, frame: &Frame) -> bool {
        if frame.is_copy() {
            self.remember();
        }
        self.history.wants(frame)
    }

    /// Learns what was handed out before reading began in the middle of a segment: a process that died may have read the
    /// records whose copies come now.
    fn remember(&mut self) {
        let Some(origin) = self.origin.take() else { return };
        let Some(segment) = self.core.segment_from(origin.segment) else { return };
        let end = origin.offset.min(segment.end());
        if segment.id != origin.segment || end == 0 {
            return;
        }
        // What cannot be read is not known; a record handed out twice is better than none.
        let Ok(map) = segment.map(self.core.fs.as_ref(), end) else { return };
        let (bytes, mut at) = (map.bytes(to_offset(end)), 0);
        // All before this segment was handed out as well; what is missing in it was not, and a copy may bring it.
        let mut runs: Vec<(u64, u64)> = Vec::new();
        // `next_good` passes what is at its place, for that is bad as a rule.
        while let Some((good, frame)) =
            good_at(bytes, at).map(|frame| (at, frame)).or_else(|| next_good(bytes, at))
        {
            match runs.last_mut() {
                Some((_, to)) if frame.sequence <= to.saturating_add(1) => *to = frame.sequence.max(*to),
                Some(_) => runs.push((frame.sequence, frame.sequence)),
                None => runs.push((0, frame.sequence)),
            }
            at = good + frame.end;
        }
        self.history.add_earlier(&runs);
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
        self.types.note_bad(self.offset);
        let padding = self.offset == self.end && bytes[from..].iter().all(|&byte| byte == 0);
        if let (false, Some(segment)) = (padding, &self.segment) {
            self.core.note_bad(segment, from, self.offset);
        }
    }
}

fn to_offset(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
