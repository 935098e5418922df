//! Ticks every `ticker_interval` seconds.

use std::time::{Duration, Instant};

/// A ticker. Ticks that nobody could take are dropped, all but one.
pub struct Ticker {
    every: Option<Duration>,
    due: Instant,
}

impl Ticker {
    /// First tick after `interval_s` seconds; 0 never ticks.
    pub fn new(interval_s: u64) -> Ticker {
        let every = (interval_s > 0).then(|| Duration::from_secs(interval_s));
        let now = Instant::now();
        Ticker { every, due: every.and_then(|every| now.checked_add(every)).unwrap_or(now) }
    }

    /// Whether a tick is due; if so the next one is planned.
    pub fn take(&mut self) -> bool {
        let Some(every) = self.every else { return false };
        let now = Instant::now();
        if now < self.due {
            return false;
        }
        while self.due <= now {
            self.due += every;
        }
        true
    }

    /// Time until the next tick, at most `limit`.
    pub fn left(&self, limit: Duration) -> Duration {
        match self.every {
            Some(_) => self.due.saturating_duration_since(Instant::now()).min(limit),
            None => limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_ticks_count_once() {
        let mut ticker = Ticker::new(1);
        assert!(!ticker.take());
        ticker.due -= Duration::from_secs(5);
        assert!(ticker.take());
        assert!(!ticker.take());
        assert!(ticker.left(Duration::from_secs(9)) <= Duration::from_secs(1));
    }

    #[test]
    fn zero_never_ticks() {
        let mut ticker = Ticker::new(0);
        assert!(!ticker.take());
        assert_eq!(ticker.left(Duration::from_secs(3)), Duration::from_secs(3));
    }
}
