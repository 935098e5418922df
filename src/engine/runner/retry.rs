//! `[retries]`: how long to wait before a plugin is started again.

use std::time::Duration;

use crate::config::Retries;

/// Counts attempts and spreads them out.
pub struct Retry {
    options: Retries,
    delay: Duration,
    /// Attempts so far.
    pub times: u32,
}

impl Retry {
    /// No attempt yet.
    pub fn new(options: Retries) -> Retry {
        Retry { delay: options.delay, options, times: 0 }
    }

    /// The pause before the next attempt; `None` when there have been too many.
    pub fn next_pause(&mut self) -> Option<Duration> {
        if self.options.max_retries.is_some_and(|max| self.times >= max) {
            return None;
        }
        self.times += 1;
        let jitter_ns = u64::try_from(self.options.max_jitter.as_nanos()).unwrap_or(u64::MAX);
        let random = u64::from_le_bytes(std::array::from_fn(|i| heka_plugin::fresh_uuid()[i]));
        let jitter = if jitter_ns == 0 { 0 } else { random % jitter_ns };
        let pause = self.delay + Duration::from_nanos(jitter);
        self.delay = (self.delay * 2).min(self.options.max_delay);
        Some(pause)
    }

    /// A run succeeded: the next failure starts from the beginning.
    pub fn reset(&mut self) {
        self.times = 0;
        self.delay = self.options.delay;
    }

    /// `max_retries`, -1 for no end.
    pub fn max(&self) -> i64 {
        self.options.max_retries.map_or(-1, i64::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_and_end_after_max_retries() {
        let options = Retries {
            max_retries: Some(3),
            delay: Duration::from_millis(250),
            max_delay: Duration::from_millis(600),
            max_jitter: Duration::ZERO,
        };
        let mut retry = Retry::new(options);
        let pauses: Vec<_> =
            std::iter::from_fn(|| retry.next_pause()).map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [250, 500, 600]);
        retry.reset();
        assert_eq!(retry.next_pause(), Some(Duration::from_millis(250)));
    }
}
