//! The queue's word that it holds a record.

use std::sync::Arc;
use std::time::Duration;

/// Tells how far the queue holds what was appended to it.
pub trait HeldMark: Send + Sync {
    /// Every record with a sequence number up to this one is held.
    fn held(&self) -> u64;
    /// Waits until `sequence` is held; false when `time` passed first.
    fn wait(&self, sequence: u64, time: Duration) -> bool;
}

/// Resolves once the queue holds a record in the sense of `[hekad] queue_sync`. An input moves its own position (journal,
/// acknowledgement, reply) only after that.
#[derive(Clone)]
pub struct Receipt {
    sequence: u64,
    mark: Option<Arc<dyn HeldMark>>,
}

impl Receipt {
    /// The receipt of the record `sequence`.
    pub fn new(sequence: u64, mark: Arc<dyn HeldMark>) -> Receipt {
        Receipt { sequence, mark: Some(mark) }
    }

    /// The receipt of nothing: resolved from the start.
    pub fn resolved() -> Receipt {
        Receipt { sequence: 0, mark: None }
    }

    /// Whether the record, and so every one before it, is held.
    pub fn is_held(&self) -> bool {
        self.mark.as_ref().is_none_or(|mark| mark.held() >= self.sequence)
    }

    /// Waits for at most `time`; true once the record is held.
    pub fn wait(&self, time: Duration) -> bool {
        self.mark.as_ref().is_none_or(|mark| mark.wait(self.sequence, time))
    }
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipt").field("sequence", &self.sequence).field("held", &self.is_held()).finish()
    }
}
