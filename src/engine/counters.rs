//! Counts that reports show.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count that one thread adds to and others read.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds to it.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Its value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a filter or output has done.
#[derive(Debug, Default)]
pub struct PluginCounters {
    /// Messages that its matcher let through.
    pub processed: Count,
    /// Messages that it could not handle.
    pub failed: Count,
    /// Bytes of queued messages that were dropped because it lagged too far behind.
    pub dropped: Count,
}
