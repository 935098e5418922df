//! Counts and times of a decoder's or encoder's calls.

use std::time::Instant;

use heka_plugin::Globals;
use heka_plugin::report::{ReportRow, row};

/// What is counted of calls. One in so many of them is timed, the first one always.
#[derive(Debug)]
pub(crate) struct CallTiming {
    calls: u64,
    failures: u64,
    samples: u64,
    /// Nanoseconds that the timed calls took together.
    sampled_ns: u64,
    /// Calls until the next one that is timed.
    untimed: u32,
    sample_denominator: u32,
}

impl CallTiming {
    /// No calls so far.
    pub(crate) fn new(globals: &Globals) -> CallTiming {
        let sample_denominator = globals.sample_denominator.max(1);
        CallTiming { calls: 0, failures: 0, samples: 0, sampled_ns: 0, untimed: 0, sample_denominator }
    }

    /// A call begins. What this returns goes to [`CallTiming::end`].
    #[inline]
    pub(crate) fn begin(&mut self) -> Option<Instant> {
        self.calls += 1;
        let timed = self.untimed == 0;
        self.untimed = if timed { self.sample_denominator } else { self.untimed } - 1;
        timed.then(Instant::now)
    }

    /// The call has ended.
    #[inline]
    pub(crate) fn end(&mut self, began: Option<Instant>, failed: bool) {
        self.failures += u64::from(failed);
        if let Some(began) = began {
            self.samples += 1;
            self.sampled_ns += u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        }
    }

    /// Rows for the report, `suffix` behind their names.
    pub(crate) fn rows(&self, suffix: &str) -> Vec<ReportRow> {
        let average = self.sampled_ns.checked_div(self.samples).unwrap_or(0);
        vec![
            row(&format!("ProcessMessageCount{suffix}"), self.calls, "count"),
            row(&format!("ProcessMessageFailures{suffix}"), self.failures, "count"),
            row(&format!("ProcessMessageSamples{suffix}"), self.samples, "count"),
            row(&format!("ProcessMessageAvgDuration{suffix}"), average, "ns"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_call_and_then_one_in_so_many_is_timed() {
        let mut timing = CallTiming::new(&Globals { sample_denominator: 4, ..Globals::default() });
        let timed: Vec<bool> = (0..9)
            .map(|call| {
                let began = timing.begin();
                timing.end(began, call % 3 == 0);
                began.is_some()
            })
            .collect();
        assert_eq!(timed, [true, false, false, false, true, false, false, false, true]);
        let rows = timing.rows("-x");
        assert_eq!(rows[0], row("ProcessMessageCount-x", 9, "count"));
        assert_eq!(rows[1], row("ProcessMessageFailures-x", 3, "count"));
        assert_eq!(rows[2], row("ProcessMessageSamples-x", 3, "count"));
        assert_eq!((rows[3].0.as_str(), rows[3].2), ("ProcessMessageAvgDuration-x", "ns"));
    }
}
