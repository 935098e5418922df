//! When to try again: the `[retries]` of a section.

use std::time::{Duration, Instant};

use heka_message::golang::duration::parse_duration;
use schemars::JsonSchema;
use serde::Deserialize;

/// How a connection is made again.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "pipeline.RetryOptions", default)]
pub struct Retries {
    /// How often in a row, before the plugin gives up; -1 is for ever.
    pub max_retries: i64,
    /// Wait before the first time, as a duration such as `250ms`; it doubles each time.
    pub delay: String,
    /// The wait doubles up to here.
    pub max_delay: String,
    /// Up to so much is added to each wait at random.
    pub max_jitter: String,
}

impl Default for Retries {
    fn default() -> Retries {
        Retries {
            max_retries: -1,
            delay: "250ms".into(),
            max_delay: "30s".into(),
            max_jitter: "500ms".into(),
        }
    }
}

/// Counts failures and spreads attempts out.
pub(crate) struct Pace {
    failures_max: Option<u32>,
    delay: Duration,
    delay_max: Duration,
    jitter_max: Duration,
    failures: u32,
    next: Option<Instant>,
}

impl Pace {
    /// No failure yet.
    ///
    /// # Errors
    /// A duration is none.
    pub(crate) fn new(retries: &Retries) -> Result<Pace, String> {
        let duration = |text: &str| match parse_duration(text) {
            Ok(nanoseconds) => Ok(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))),
            Err(error) => Err(error.to_string()),
        };
        let failures_max = match retries.max_retries {
            -1 => None,
            number => Some(u32::try_from(number.max(0)).unwrap_or(u32::MAX)),
        };
        Ok(Pace {
            failures_max,
            delay: duration(&retries.delay)?,
            delay_max: duration(&retries.max_delay)?,
            jitter_max: duration(&retries.max_jitter)?,
            failures: 0,
            next: None,
        })
    }

    /// An attempt has failed. False: there were too many.
    pub(crate) fn failed(&mut self) -> bool {
        if self.failures_max.is_some_and(|max| self.failures >= max) {
            return false;
        }
        let doubled = self.delay.saturating_mul(1 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        let random = u32::from_le_bytes(std::array::from_fn(|i| heka_plugin::fresh_uuid()[i]));
        let jitter = self.jitter_max.mul_f64(f64::from(random) / f64::from(u32::MAX));
        // A wait that no clock can hold is no reason to try at once.
        let now = Instant::now();
        let wait = doubled.min(self.delay_max) + jitter;
        self.next = Some(now.checked_add(wait).unwrap_or(now + Duration::from_secs(3600)));
        true
    }

    /// An attempt has worked: the next failure is the first.
    pub(crate) fn worked(&mut self) {
        self.failures = 0;
        self.next = None;
    }

    /// How long to wait before the next attempt.
    pub(crate) fn left(&self) -> Duration {
        self.next.map_or(Duration::ZERO, |next| next.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_begin_again() {
        let mut pace = Pace::new(&Retries {
            max_retries: 3,
            delay: "10s".into(),
            max_delay: "25s".into(),
            max_jitter: "0s".into(),
        })
        .unwrap();
        assert_eq!(pace.left(), Duration::ZERO);
        for wait_s in [10, 20, 25] {
            assert!(pace.failed());
            let left = pace.left();
            assert!(
                left > Duration::from_secs(wait_s - 5) && left <= Duration::from_secs(wait_s),
                "{left:?}"
            );
        }
        assert!(!pace.failed());
        pace.worked();
        assert_eq!(pace.left(), Duration::ZERO);
        assert!(pace.failed());
    }

    #[test]
    fn no_number_of_failures_is_too_many_for_minus_one() {
        let mut pace = Pace::new(&Retries { delay: "1h".into(), ..Retries::default() }).unwrap();
        assert!((0..100).all(|_| pace.failed()));
        assert!(pace.left() <= Duration::from_secs(31));
        assert!(Pace::new(&Retries { delay: "soon".into(), ..Retries::default() }).is_err());
    }
}
