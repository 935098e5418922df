//! How long calls took, counted by bounds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use heka_plugin::telemetry;

/// Upper bounds in nanoseconds, from a microsecond to a minute.
const BOUNDS_NS: [u64; 14] = [
    1_000,
    10_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
    500_000_000,
    1_000_000_000,
    5_000_000_000,
    10_000_000_000,
    60_000_000_000,
];

/// Durations that one thread adds and others read.
#[derive(Debug, Default)]
pub struct Histogram {
    /// Calls up to each bound and above the one before; the last are those above all bounds.
    counts: [AtomicU64; BOUNDS_NS.len() + 1],
    sum_ns: AtomicU64,
}

impl Histogram {
    /// Adds a call's time.
    pub fn add(&self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let at = BOUNDS_NS.partition_point(|bound| *bound < ns);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// What was added so far.
    pub fn get(&self) -> telemetry::Histogram {
        let sum_s = self.sum_ns.load(Ordering::Relaxed) as f64 / 1e9;
        let mut count = 0;
        let mut buckets = Vec::with_capacity(BOUNDS_NS.len());
        for (at, of_bound) in self.counts.iter().enumerate() {
            count += of_bound.load(Ordering::Relaxed);
            if let Some(bound) = BOUNDS_NS.get(at) {
                buckets.push((*bound as f64 / 1e9, count));
            }
        }
        telemetry::Histogram { buckets, count, sum_s }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_at_a_bound_counts_below_it_and_all_count_in_the_end() {
        let histogram = Histogram::default();
        for ns in [1_000, 1_001, 60_000_000_001] {
            histogram.add(Duration::from_nanos(ns));
        }
        let got = histogram.get();
        assert_eq!(got.buckets.first(), Some(&(1e-6, 1)));
        assert_eq!(got.buckets.get(1), Some(&(1e-5, 2)));
        assert_eq!((got.buckets.last(), got.count), (Some(&(60.0, 2)), 3));
        assert!((got.sum_s - 60.000_002_002).abs() < 1e-9);
    }
}
