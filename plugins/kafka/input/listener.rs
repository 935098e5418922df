//! Hears what the client tells, and sees to the positions when partitions come and go.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::{Offset, TopicPartitionList};

use super::positions::{Position, Positions, settle_within};
use crate::complaint::Complaint;
use crate::kafka_client::{gist, sums_up};

/// When partitions go to another consumer, so long is waited for the queue to hold what was read of them.
const REVOKE_PATIENCE: Duration = Duration::from_secs(5);

/// What the consumer's thread shares with its callbacks. All of them run inside a poll.
#[derive(Default)]
pub(super) struct Listener {
    positions: Mutex<Positions>,
    /// Lines for the log: whether an error, and the text.
    lines: Mutex<Vec<(bool, String)>>,
    /// What was complained of, by kind.
    complaints: Mutex<HashMap<String, Complaint>>,
    /// The input is ending and has seen to its positions.
    is_closing: AtomicBool,
    /// Commits that the brokers have answered.
    commits: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Listener {
    /// The positions. They must not be held over a poll.
    pub(super) fn positions(&self) -> MutexGuard<'_, Positions> {
        locked(&self.positions)
    }

    /// Waits until the queue holds all that was handed over, for at most `time`.
    pub(super) fn settle_within(&self, time: Duration) {
        settle_within(|work| work(&mut self.positions()), time);
    }

    /// What there is to log since the last call.
    pub(super) fn lines(&self) -> Vec<(bool, String)> {
        std::mem::take(&mut *locked(&self.lines))
    }

    fn inform(&self, text: String) {
        locked(&self.lines).push((false, text));
    }

    /// Has an error logged; the same kind once a minute.
    pub(super) fn complain(&self, kind: &str, text: &str) {
        if locked(&self.complaints).entry(kind.into()).or_default().is_due(kind) {
            locked(&self.lines).push((true, text.into()));
        }
    }

    /// From now on partitions go without a word.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    /// Commits that the brokers have answered.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Partitions go to another consumer, which reads on from what is committed.
    fn give_up(&self, consumer: &BaseConsumer<Listener>, partitions: &TopicPartitionList) {
        let gone: Vec<_> = partitions
            .elements()
            .iter()
            .map(|element| (element.topic().to_string(), element.partition()))
            .collect();
        let is_gone = |position: &Position| {
            gone.iter().any(|(topic, partition)| *topic == position.topic && *partition == position.partition)
        };
        // Of those that were lost, somebody else may have committed more by now.
        if !self.is_closing.load(Ordering::Relaxed) && !consumer.assignment_lost() {
            self.settle_within(REVOKE_PATIENCE);
            let mut unsaved = self.positions().unsaved();
            unsaved.retain(is_gone);
            if !unsaved.is_empty()
                && let Err(error) = consumer.commit(&list(&unsaved), CommitMode::Sync)
            {
                self.complain("commit", &format!("offsets cannot be committed: {error}"));
            }
        }
        let mut positions = self.positions();
        gone.iter().for_each(|(topic, partition)| positions.forget(topic, *partition));
    }
}

/// Positions as the client wants them.
pub(super) fn list(positions: &[Position]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(positions.len());
    for Position { topic, partition, offset } in positions {
        // Only an offset that is no offset is refused.
        let _ = list.add_partition_offset(topic, *partition, Offset::Offset(*offset));
    }
    list
}

/// `topic [0, 1], other [2]`
fn words(partitions: &TopicPartitionList) -> String {
    let mut by_topic: Vec<(String, Vec<i32>)> = Vec::new();
    for element in partitions.elements() {
        match by_topic.iter_mut().find(|(topic, _)| topic == element.topic()) {
            Some((_, numbers)) => numbers.push(element.partition()),
            None => by_topic.push((element.topic().into(), vec![element.partition()])),
        }
    }
    let words: Vec<_> = by_topic
        .into_iter()
        .map(|(topic, mut numbers)| {
            numbers.sort_unstable();
            format!("{topic} {numbers:?}")
        })
        .collect();
    if words.is_empty() { "none".into() } else { words.join(", ") }
}

impl ClientContext for Listener {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        if !sums_up(&error) {
            let kind = error.rdkafka_error_code().map_or_else(String::new, |code| format!("{code:?}"));
            self.complain(&kind, gist(reason));
        }
    }
}

impl ConsumerContext for Listener {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Listener>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => {
                self.inform(format!("partitions assigned by the group: {}", words(partitions)));
            }
            Rebalance::Revoke(partitions) => {
                self.give_up(consumer, partitions);
                self.inform(format!("partitions given back to the group: {}", words(partitions)));
            }
            Rebalance::Error(error) => self.complain("rebalance", &error.to_string()),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let Err(error) = result else { return };
        let mut positions = self.positions();
        offsets
            .elements()
            .iter()
            .for_each(|element| positions.not_saved(element.topic(), element.partition()));
        drop(positions);
        let is_usual = matches!(
            error.rdkafka_error_code(),
            Some(
                Code::NoOffset | Code::RebalanceInProgress | Code::IllegalGeneration | Code::UnknownMemberId
            )
        );
        if !is_usual {
            self.complain("commit", &format!("offsets cannot be committed: {error}"));
        }
    }
}
