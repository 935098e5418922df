//! Whether memory or open files grow in the long run.

use std::fmt;

/// Drift that is allowed, as a part of what was used at first. Less than [`SLACK`] bytes is none.
const MOST: f64 = 0.05;
const SLACK: f64 = (2 << 20) as f64;
/// More samples than this are thinned out.
const KEPT: usize = 20_000;

/// What the daemon used at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Resident bytes.
    pub(super) resident: u64,
    /// Those of them that no file backs.
    pub(super) anonymous: u64,
    /// Open files.
    pub(super) files: usize,
}

/// Samples in the order of time.
#[derive(Debug, Default)]
pub(super) struct Drift {
    samples: Vec<Sample>,
}

impl Drift {
    /// Adds a sample.
    pub(super) fn add(&mut self, sample: Sample) {
        if self.samples.len() >= KEPT {
            let mut at = 0;
            self.samples.retain(|_| {
                at += 1;
                at % 2 == 0
            });
        }
        self.samples.push(sample);
    }

    /// Medians of the first and the last quarter.
    fn medians(&self, value: impl Fn(&Sample) -> f64) -> (f64, f64) {
        let quarter = self.samples.len().div_ceil(4);
        let median = |samples: &[Sample]| {
            let mut values: Vec<f64> = samples.iter().map(&value).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(0.0)
        };
        (median(&self.samples[..quarter]), median(&self.samples[self.samples.len() - quarter..]))
    }

    /// What has grown too much.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let (first, last) = self.medians(|sample| sample.anonymous as f64);
        if last > first * (1.0 + MOST) && last > first + SLACK {
            problems.push(format!("memory grows: {:.1} to {:.1} MiB", mib(first), mib(last)));
        }
        let (first, last) = self.medians(|sample| sample.files as f64);
        if last > first + 2.0 {
            problems.push(format!("open files grow: {first} to {last}"));
        }
        problems
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resident = self.medians(|sample| sample.resident as f64);
        let anonymous = self.medians(|sample| sample.anonymous as f64);
        let files = self.medians(|sample| sample.files as f64);
        let drift =
            |(first, last): (f64, f64)| if first > 0.0 { 100.0 * (last - first) / first } else { 0.0 };
        write!(
            f,
            "resident {:.1} to {:.1} MiB ({:+.1} %), anonymous {:.1} to {:.1} MiB ({:+.1} %), open files {} to {} ({} samples)",
            mib(resident.0),
            mib(resident.1),
            drift(resident),
            mib(anonymous.0),
            mib(anonymous.1),
            drift(anonymous),
            files.0,
            files.1,
            self.samples.len()
        )
    }
}

fn mib(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drift(of: impl Fn(u64) -> (u64, usize)) -> Drift {
        let mut drift = Drift::default();
        for n in 0..100 {
            let (mib, files) = of(n);
            drift.add(Sample { resident: mib << 20, anonymous: mib << 20, files });
        }
        drift
    }

    #[test]
    fn growth_is_told_and_noise_is_not() {
        assert!(drift(|n| (20 + n % 3, 30 + n as usize % 2)).problems().is_empty());
        assert_eq!(drift(|n| (20 + n / 10, 30)).problems(), ["memory grows: 21.0 to 28.0 MiB"]);
        assert_eq!(drift(|n| (20, n as usize)).problems(), ["open files grow: 12 to 87"]);
    }
}
