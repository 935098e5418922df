//! Counts that reports show.

mod histogram;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use heka_plugin::telemetry::Problem;

pub use histogram::Histogram;

use crate::place::PublishedPlace;

/// A longer error is cut in the figures; the log has all of it.
const PROBLEM_BYTES_MAX: usize = 500;

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

/// Since when somebody has been at one step.
#[derive(Debug, Default)]
pub struct Busy(AtomicU64);

/// The start of the clock of [`Busy`].
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Busy {
    /// A new step begins.
    pub fn begin(&self) {
        // 0 means that there is none.
        let now = u64::try_from(BEGAN.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1);
        self.0.store(now, Ordering::Relaxed);
    }

    /// There is nothing to do.
    pub fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// How long the step has taken so far; 0 if there is none.
    pub fn time(&self) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => BEGAN.elapsed().saturating_sub(Duration::from_nanos(since)),
        }
    }
}

/// Errors that were logged: how many, and the last.
#[derive(Debug, Default)]
pub struct Problems(Mutex<(u64, Option<Problem>)>);

impl Problems {
    /// Notes one.
    pub fn note(&self, text: &str) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let time_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let end = (0..=text.len().min(PROBLEM_BYTES_MAX)).rev().find(|at| text.is_char_boundary(*at));
        let text = text.get(..end.unwrap_or(0)).unwrap_or_default().trim_end().to_string();
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        problems.0 += 1;
        problems.1 = Some(Problem { time_ms, text });
    }

    /// How many, and the last.
    pub fn get(&self) -> (u64, Option<Problem>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a filter or output has done.
#[derive(Debug, Default)]
pub struct PluginCounters {
    /// Messages that its matcher let through.
    pub processed: Count,
    /// Bytes of these messages.
    pub bytes: Count,
    /// Messages that it could not handle.
    pub failed: Count,
    /// Those among them that an output has rejected and that were kept as dead letters.
    pub rejected: Count,
    /// Batches that had to be sent again.
    pub retries: Count,
    /// Bytes of queued messages that were dropped because it lagged too far behind.
    pub dropped: Count,
    /// What it is at.
    pub busy: Busy,
    /// Where a filter is done with what came before. The place that is saved may lag behind, as it goes with the filter's state,
    /// which is not saved so often.
    pub done: PublishedPlace,
    /// Time of one hand-over of a batch, or, sampled, of one message in a filter.
    pub durations: Histogram,
}

/// What was appended to a queue by one plugin.
#[derive(Debug, Default)]
pub struct AppendCounters {
    /// Messages.
    pub messages: Count,
    /// Bytes of them, with what the queue puts around them.
    pub bytes: Count,
    /// Time of one append, waiting included.
    pub durations: Histogram,
}

/// What an input's decoders have done.
#[derive(Debug, Default)]
pub struct DecodeCounters {
    /// Records that were given to a decoder.
    pub records: Count,
    /// Those that it failed on.
    pub failed: Count,
    /// Sampled time of decoding one record.
    pub durations: Histogram,
    /// Why.
    pub problems: Problems,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_problem_is_cut_between_characters() {
        let problems = Problems::default();
        problems.note(&"é".repeat(400));
        problems.note(&format!("x{}", "é".repeat(400)));
        let (count, last) = problems.get();
        assert_eq!((count, last.map(|last| last.text.len())), (2, Some(499)));
    }

    #[test]
    fn a_step_is_timed_until_it_ends() {
        let busy = Busy::default();
        assert_eq!(busy.time(), Duration::ZERO);
        busy.begin();
        let first = busy.time();
        assert!(busy.time() >= first);
        busy.end();
        assert_eq!(busy.time(), Duration::ZERO);
    }
}
