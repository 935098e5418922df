//! How far each partition has been read, and how far the queue holds that.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use heka_plugin::Receipt;

/// A partition: the place of its topic in the list of topics, and its number.
type Key = (usize, i32);

/// The offset from which a partition is to be read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

/// A message that was handed to the queue.
struct Pending {
    key: Key,
    /// The offset behind it.
    next: i64,
    receipt: Receipt,
}

/// How far a partition is.
#[derive(Default)]
struct Progress {
    /// The queue holds everything before this offset.
    held: i64,
    /// That was saved.
    saved: Option<i64>,
}

/// The positions of all partitions that are read.
#[derive(Default)]
pub(super) struct Positions {
    topics: Vec<String>,
    /// In the order in which they were handed over, which is the order in which they become held.
    pending: VecDeque<Pending>,
    progress: HashMap<Key, Progress>,
}

impl Positions {
    /// A message was handed over; `next` is the offset behind it.
    pub(super) fn add(&mut self, topic: &str, partition: i32, next: i64, receipt: Receipt) {
        let known = self.topics.iter().position(|name| name == topic);
        let topic = known.unwrap_or_else(|| {
            self.topics.push(topic.into());
            self.topics.len() - 1
        });
        self.pending.push_back(Pending { key: (topic, partition), next, receipt });
    }

    /// Takes note of what the queue holds by now.
    pub(super) fn settle(&mut self) {
        while let Some(Pending { key, next, .. }) = self.pending.pop_front_if(|first| first.receipt.is_held())
        {
            self.progress.entry(key).or_default().held = next;
        }
    }

    /// Messages that the queue does not hold yet.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The receipt of the last of them.
    pub(super) fn last_receipt(&self) -> Option<Receipt> {
        self.pending.back().map(|pending| pending.receipt.clone())
    }

    /// What is held and not saved.
    pub(super) fn unsaved(&self) -> Vec<Position> {
        let mut unsaved: Vec<_> = self
            .progress
            .iter()
            .filter(|(_, progress)| progress.saved != Some(progress.held))
            .filter_map(|((topic, partition), progress)| {
                let topic = self.topics.get(*topic)?.clone();
                Some(Position { topic, partition: *partition, offset: progress.held })
            })
            .collect();
        unsaved.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        unsaved
    }

    /// These were saved.
    pub(super) fn saved(&mut self, positions: &[Position]) {
        for position in positions {
            if let Some(progress) = self.progress_of(&position.topic, position.partition) {
                progress.saved = Some(position.offset);
            }
        }
    }

    /// They were not, after all.
    pub(super) fn not_saved(&mut self, topic: &str, partition: i32) {
        if let Some(progress) = self.progress_of(topic, partition) {
            progress.saved = None;
        }
    }

    fn progress_of(&mut self, topic: &str, partition: i32) -> Option<&mut Progress> {
        let topic = self.topics.iter().position(|name| name == topic)?;
        self.progress.get_mut(&(topic, partition))
    }

    /// The partition is another's now.
    pub(super) fn forget(&mut self, topic: &str, partition: i32) {
        let Some(topic) = self.topics.iter().position(|name| name == topic) else { return };
        self.pending.retain(|pending| pending.key != (topic, partition));
        self.progress.remove(&(topic, partition));
    }
}

/// Waits until the queue holds all that was handed over, for at most `time`. `lock` lends the positions.
pub(super) fn settle_within(mut lock: impl FnMut(&mut dyn FnMut(&mut Positions)), time: Duration) {
    let deadline = Instant::now() + time;
    loop {
        let mut last = None;
        lock(&mut |positions| {
            positions.settle();
            last = positions.last_receipt();
        });
        let Some(receipt) = last else { return };
        let left = deadline.saturating_duration_since(Instant::now());
        if !receipt.wait(left) {
            lock(&mut Positions::settle);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use heka_plugin::HeldMark;

    use super::*;

    #[derive(Default)]
    struct Mark(AtomicU64);

    impl HeldMark for Mark {
        fn held(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }

        fn wait(&self, sequence: u64, _: Duration) -> bool {
            self.held() >= sequence
        }
    }

    fn at(topic: &str, partition: i32, offset: i64) -> Position {
        Position { topic: topic.into(), partition, offset }
    }

    #[test]
    fn only_what_is_held_is_to_be_saved() {
        let mark = Arc::new(Mark::default());
        let receipt = |sequence| Receipt::new(sequence, mark.clone());
        let mut positions = Positions::default();
        positions.add("t", 0, 11, receipt(1));
        positions.add("t", 1, 21, receipt(2));
        positions.add("t", 0, 12, receipt(3));
        positions.settle();
        assert_eq!(positions.unsaved(), []);
        mark.0.store(2, Ordering::Relaxed);
        positions.settle();
        let unsaved = positions.unsaved();
        assert_eq!(unsaved, [at("t", 0, 11), at("t", 1, 21)]);
        positions.saved(&unsaved);
        assert_eq!(positions.unsaved(), []);
        positions.not_saved("t", 1);
        assert_eq!(positions.unsaved(), [at("t", 1, 21)]);
        mark.0.store(3, Ordering::Relaxed);
        positions.settle();
        assert_eq!(positions.unsaved(), [at("t", 0, 12), at("t", 1, 21)]);
    }

    #[test]
    fn a_partition_that_went_elsewhere_is_not_saved_any_more() {
        let mark = Arc::new(Mark(AtomicU64::new(1)));
        let mut positions = Positions::default();
        positions.add("t", 0, 11, Receipt::new(1, mark.clone()));
        positions.add("t", 0, 12, Receipt::new(2, mark.clone()));
        positions.add("u", 0, 31, Receipt::new(3, mark.clone()));
        positions.settle();
        positions.forget("t", 0);
        assert_eq!(positions.pending(), 1);
        mark.0.store(9, Ordering::Relaxed);
        positions.settle();
        assert_eq!(positions.unsaved(), [at("u", 0, 31)]);
    }

    #[test]
    fn a_wait_ends_when_all_is_held_or_the_time_is_over() {
        let mark = Arc::new(Mark::default());
        let mut positions = Positions::default();
        positions.add("t", 0, 11, Receipt::new(1, mark.clone()));
        settle_within(|work| work(&mut positions), Duration::ZERO);
        assert_eq!(positions.pending(), 1);
        mark.0.store(1, Ordering::Relaxed);
        settle_within(|work| work(&mut positions), Duration::ZERO);
        assert_eq!(positions.unsaved(), [at("t", 0, 11)]);
    }
}
