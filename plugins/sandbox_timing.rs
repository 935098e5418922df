//! Counts and times of a sandbox's calls.

use std::time::Instant;

use heka_plugin::Globals;
use heka_plugin::report::{ReportRow, row};
use heka_sandbox::{Counts, Figures};

/// What is counted and which calls are timed.
pub(crate) struct Timing {
    pub(crate) counts: Counts,
    /// Calls of `timer_event`; all are timed.
    pub(crate) ticks: u64,
    /// Nanoseconds that they took together.
    pub(crate) ticks_ns: u64,
    /// With `profile`: samples and nanoseconds of the time when every call was timed.
    pub(crate) profile: Option<(u64, u64)>,
    /// Every call is timed until there are so many samples; 0 is not at all.
    profile_samples: u64,
    sample_denominator: u64,
    /// Calls of `process_message` so far.
    calls: u64,
}

impl Timing {
    pub(crate) fn new(globals: &Globals, profile: bool) -> Timing {
        let samples = u64::from(globals.plugin_chansize.saturating_sub(1)) * 10;
        Timing {
            counts: Counts::default(),
            ticks: 0,
            ticks_ns: 0,
            profile: None,
            profile_samples: if profile { samples } else { 0 },
            sample_denominator: u64::from(globals.sample_denominator.max(1)),
            calls: 0,
        }
    }

    /// A call of `process_message` begins.
    pub(crate) fn begin(&mut self) -> Option<Instant> {
        let sampled = self.profile_samples > 0 || self.calls.is_multiple_of(self.sample_denominator);
        self.calls += 1;
        sampled.then(Instant::now)
    }

    /// It has ended.
    pub(crate) fn processed(&mut self, began: Option<Instant>, injected: u64) {
        self.counts.injected += injected;
        let Some(began) = began else { return };
        self.counts.samples += 1;
        self.counts.sampled_ns += elapsed_ns(began);
        if self.profile_samples > 0 {
            self.profile = Some((self.counts.samples, self.counts.sampled_ns));
            if self.counts.samples >= self.profile_samples {
                // What follows is not to be hidden behind so many samples.
                self.profile_samples = 0;
                self.counts.sampled_ns = self.counts.average_ns();
                self.counts.samples = 1;
            }
        }
    }

    /// Rows for the report, in Heka's order. An output has no output buffer and injects nothing.
    pub(crate) fn report(&self, figures: Figures, injects: bool) -> Vec<ReportRow> {
        let average = self.ticks_ns.checked_div(self.ticks).unwrap_or(0);
        let mut rows = sandbox_rows(figures, injects);
        rows.push(row("ProcessMessageCount", self.counts.processed, "count"));
        rows.push(row("ProcessMessageFailures", self.counts.failures, "count"));
        if injects {
            rows.push(row("InjectMessageCount", self.counts.injected, "count"));
        }
        rows.push(row("ProcessMessageSamples", self.counts.samples, "count"));
        rows.push(row("TimerEventSamples", self.ticks, "count"));
        rows.push(row("ProcessMessageAvgDuration", self.counts.average_ns(), "ns"));
        if let Some((samples, ns)) = self.profile {
            rows.push(row("ProfileMessageSamples", samples, "count"));
            rows.push(row("ProfileMessageAvgDuration", ns.checked_div(samples).unwrap_or(0), "ns"));
        }
        rows.push(row("TimerEventAvgDuration", average, "ns"));
        rows
    }

    /// A call of `timer_event` has ended.
    pub(crate) fn ticked(&mut self, began: Instant, injected: u64) {
        self.counts.injected += injected;
        self.ticks += 1;
        self.ticks_ns += elapsed_ns(began);
    }
}

/// What a sandbox uses.
pub(crate) fn sandbox_rows(figures: Figures, has_output: bool) -> Vec<ReportRow> {
    let mut rows = vec![
        row("Memory", figures.memory as u64, "B"),
        row("MaxMemory", figures.max_memory as u64, "B"),
        row("MaxInstructions", figures.max_instructions as u64, "count"),
    ];
    if has_output {
        rows.push(row("MaxOutput", figures.max_output as u64, "B"));
    }
    rows
}

/// Rows of a decoder or encoder.
pub(crate) fn call_rows(figures: Figures, counts: Counts) -> Vec<ReportRow> {
    let mut rows = sandbox_rows(figures, true);
    rows.push(row("ProcessMessageCount", counts.processed, "count"));
    rows.push(row("ProcessMessageFailures", counts.failures, "count"));
    rows.push(row("ProcessMessageSamples", counts.samples, "count"));
    rows.push(row("ProcessMessageAvgDuration", counts.average_ns(), "ns"));
    rows
}

fn elapsed_ns(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
