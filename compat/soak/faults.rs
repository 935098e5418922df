//! Disturbances that a daemon survives: it is stopped and continued, or its TCP peer does not read.

use std::fmt;
use std::time::{Duration, Instant};

use heka_testkit::{Random, Signal, TestkitError, Trial};

/// Time between two faults, and how long one lasts, in milliseconds: from, to.
const BETWEEN_MS: (u64, u64) = (1000, 6000);
const STOPPED_MS: (u64, u64) = (50, 2000);
const WEDGED_MS: (u64, u64) = (500, 5000);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Stopped,
    Wedged,
}

/// A schedule of faults, one at a time.
pub(super) struct Faults {
    random: Random,
    /// `None`: there are none.
    until: Option<Instant>,
    now: Fault,
    stops: u64,
    wedges: u64,
}

impl Faults {
    /// The schedule of a seed.
    pub(super) fn new(seed: u64) -> Faults {
        Faults { until: Some(Instant::now()), random: Random::new(!seed), ..Faults::none() }
    }

    /// No faults.
    pub(super) fn none() -> Faults {
        Faults { random: Random::new(0), until: None, now: Fault::None, stops: 0, wedges: 0 }
    }

    /// A new daemon begins undisturbed.
    pub(super) fn begin(&mut self) {
        self.now = Fault::None;
        let pause = self.between(BETWEEN_MS);
        self.until = self.until.map(|_| Instant::now() + pause);
    }

    /// No fault is on.
    pub(super) fn is_quiet(&self) -> bool {
        self.now == Fault::None
    }

    /// Begins or ends a fault when it is time.
    pub(super) fn step(&mut self, trial: &mut Trial) -> Result<(), TestkitError> {
        let Some(_) = self.until.filter(|until| *until <= Instant::now()) else { return Ok(()) };
        let lasts = match self.now {
            Fault::None if self.random.below(2) == 0 => {
                trial.boot()?.signal(Signal::STOP)?;
                self.now = Fault::Stopped;
                self.stops += 1;
                STOPPED_MS
            }
            Fault::None => {
                trial.set_wedged(true);
                self.now = Fault::Wedged;
                self.wedges += 1;
                WEDGED_MS
            }
            Fault::Stopped => {
                trial.boot()?.signal(Signal::CONT)?;
                self.now = Fault::None;
                BETWEEN_MS
            }
            Fault::Wedged => {
                trial.set_wedged(false);
                self.now = Fault::None;
                BETWEEN_MS
            }
        };
        self.until = Some(Instant::now() + self.between(lasts));
        Ok(())
    }

    fn between(&mut self, (from, to): (u64, u64)) -> Duration {
        Duration::from_millis(from + self.random.below(to - from))
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} times stopped, {} times a wedged peer", self.stops, self.wedges)
    }
}
