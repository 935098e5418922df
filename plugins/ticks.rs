//! Ticks for inputs that do something every so many seconds.

use std::time::{Duration, Instant};

use heka_plugin::Stop;

/// Longest single wait: an interval may be longer than the clock can add up.
const WAIT_MAX: Duration = Duration::from_secs(3600);

/// Ticks at a fixed pace. Ticks that pass while nobody waits are dropped, all but one.
pub(crate) struct Ticks {
    every: Duration,
    due: Option<Instant>,
}

impl Ticks {
    /// The first tick comes after `interval_s` seconds; with 0 there is none.
    pub(crate) fn new(interval_s: u64) -> Ticks {
        let every = Duration::from_secs(interval_s);
        Ticks { every, due: Instant::now().checked_add(every).filter(|_| interval_s > 0) }
    }

    /// Waits for the next tick; false when hekad stops instead.
    pub(crate) fn wait(&mut self, stop: &Stop) -> bool {
        loop {
            let now = Instant::now();
            let left = match self.due {
                Some(due) if due <= now => {
                    let passed = now.duration_since(due).as_nanos() / self.every.as_nanos().max(1) + 1;
                    let passed = u32::try_from(passed).unwrap_or(u32::MAX);
                    self.due = due.checked_add(self.every.saturating_mul(passed));
                    return !stop.is_requested();
                }
                Some(due) => (due - now).min(WAIT_MAX),
                None => WAIT_MAX,
            };
            if stop.wait(left) {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_ticks_are_one_and_the_pace_is_kept() {
        let stop = Stop::new();
        let mut ticks = Ticks::new(1000);
        let first = ticks.due.unwrap() - Duration::from_millis(3_500_000);
        ticks.due = Some(first);
        assert!(ticks.wait(&stop), "one for all that were missed");
        assert_eq!(ticks.due.unwrap(), first + Duration::from_secs(3000));
        stop.request();
        assert!(!ticks.wait(&stop));
    }

    #[test]
    fn without_an_interval_only_a_stop_comes() {
        let stop = Stop::new();
        stop.request();
        assert!(!Ticks::new(0).wait(&stop));
        assert!(!Ticks::new(u64::MAX).wait(&stop));
    }
}
