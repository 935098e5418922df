//! Positions that wait for the queue's word.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heka_plugin::Receipt;

use super::journal::{Position, hash};

/// Most positions that wait at a time; beyond it a newer one takes its predecessor's place.
const MAX_WAITING: usize = 256;

/// A position that may be journalled once the queue holds what lies before it.
#[derive(Debug)]
pub(super) struct Mark {
    /// The file.
    pub(super) file: Arc<Path>,
    /// Bytes of it that are done with.
    pub(super) seek: u64,
    /// The bytes before `seek`, at most 500. They are copied, because by the time the hash is due the file may have been
    /// rewritten.
    pub(super) before: Vec<u8>,
    /// Records delivered since the mark before.
    pub(super) records: u64,
    /// The queue's word for them.
    pub(super) receipt: Receipt,
}

/// Marks in the order of delivery, and the newest one that is held.
#[derive(Debug, Default)]
pub(super) struct Marks {
    waiting: VecDeque<Mark>,
    held: Option<Mark>,
    held_records: u64,
}

impl Marks {
    /// Adds the newest mark.
    pub(super) fn push(&mut self, mark: Mark) {
        let mut mark = mark;
        if self.waiting.len() >= MAX_WAITING {
            // A receipt of no records says nothing of those before it.
            if mark.records == 0 {
                return;
            }
            if let Some(last) = self.waiting.pop_back() {
                mark.records += last.records;
            }
        }
        self.waiting.push_back(mark);
    }

    /// Looks at the receipts. A mark counts as held only after all before it.
    pub(super) fn settle(&mut self) {
        while self.waiting.front().is_some_and(|mark| mark.receipt.is_held()) {
            self.take_front();
        }
    }

    /// Waits until all are held, at most until `deadline`.
    pub(super) fn wait(&mut self, deadline: Instant) {
        while let Some(mark) = self.waiting.front() {
            let left = deadline.saturating_duration_since(Instant::now());
            if !mark.receipt.is_held()
                && (left.is_zero() || !mark.receipt.wait(left.min(Duration::from_secs(1))))
            {
                if left.is_zero() {
                    return;
                }
                continue;
            }
            self.take_front();
        }
    }

    fn take_front(&mut self) {
        if let Some(mark) = self.waiting.pop_front() {
            self.held_records += mark.records;
            self.held = Some(mark);
        }
    }

    /// Records that are held since the last [`Marks::position`] was [`Marks::saved`].
    pub(super) fn held_records(&self) -> u64 {
        self.held_records
    }

    /// The newest position that may be journalled.
    pub(super) fn position(&self) -> Option<Position> {
        let mark = self.held.as_ref()?;
        Some(Position { file: mark.file.clone(), seek: mark.seek, hash: hash(&mark.before) })
    }

    /// The position that [`Marks::position`] gave is in the journal.
    pub(super) fn saved(&mut self) {
        self.held = None;
        self.held_records = 0;
    }

    /// Whether there is nothing to journal, now or later.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.held.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use heka_plugin::HeldMark;

    use super::*;

    #[derive(Default)]
    struct Queue(AtomicU64);

    impl HeldMark for Queue {
        fn held(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
        fn wait(&self, sequence: u64, _: Duration) -> bool {
            self.held() >= sequence
        }
    }

    fn mark(seek: u64, records: u64, receipt: Receipt) -> Mark {
        Mark { file: Path::new("/a").into(), seek, before: Vec::new(), records, receipt }
    }

    #[test]
    fn nothing_overtakes_a_receipt() {
        let queue = Arc::new(Queue::default());
        let mut marks = Marks::default();
        marks.push(mark(10, 1, Receipt::new(1, queue.clone())));
        marks.push(mark(20, 0, Receipt::resolved()));
        marks.push(mark(30, 2, Receipt::new(2, queue.clone())));
        marks.settle();
        assert_eq!(marks.position(), None);
        queue.0.store(1, Ordering::Relaxed);
        marks.settle();
        assert_eq!(marks.position().unwrap().seek, 20);
        assert_eq!(marks.held_records(), 1);
        marks.saved();
        queue.0.store(2, Ordering::Relaxed);
        marks.wait(Instant::now());
        assert_eq!(marks.position().unwrap().seek, 30);
        assert_eq!(marks.held_records(), 2);
        marks.saved();
        assert!(marks.is_empty());
    }

    #[test]
    fn the_list_stays_short_and_strict_while_the_queue_stalls() {
        let queue = Arc::new(Queue::default());
        let mut marks = Marks::default();
        for sequence in 1..=1000 {
            marks.push(mark(sequence * 10, 1, Receipt::new(sequence, queue.clone())));
            marks.push(mark(sequence * 10 + 1, 0, Receipt::resolved()));
        }
        assert!(marks.waiting.len() <= MAX_WAITING);
        queue.0.store(999, Ordering::Relaxed);
        marks.settle();
        assert!(marks.position().unwrap().seek < 10_000);
        queue.0.store(1000, Ordering::Relaxed);
        marks.settle();
        assert_eq!(marks.position().unwrap().seek, 10_000);
        assert_eq!(marks.held_records(), 1000);
    }
}
