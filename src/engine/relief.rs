//! Readers that start with more before them than they may lag: they get time to work it down while inputs are held back,
//! before what their `full_action` says is done.
//!
//! Heka looks at a queue that is nine tenths full `full_buffer_max_retries` times, after pauses from 250 ms that double up to
//! 1 s. Here a look that finds less than the one before does not count: a reader that gets on gets on.

use std::time::{Duration, Instant};

use crate::config::FullAction;
use crate::log::Logger;
use crate::shutdown::Shutdown;

/// First and longest pause between two looks.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A reader that starts with too much before it.
#[derive(Debug)]
struct Waiting {
    name: String,
    /// Relieved below so many bytes.
    enough_bytes: u64,
    full_action: FullAction,
    looks_left: u32,
    pause: Duration,
    next_look: Instant,
    last_lag_bytes: u64,
}

/// The readers that are waited for.
#[derive(Debug, Default)]
pub struct Relief {
    waiting: Vec<Waiting>,
}

impl Relief {
    /// Waits for a reader if `lag_bytes` is nine tenths of its limit; logs that. A limit of 0 is none.
    pub fn add(
        &mut self,
        name: &str,
        limit_bytes: u64,
        full_action: FullAction,
        lag_bytes: u64,
        looks: u32,
        logger: &Logger,
    ) {
        // It may have come back in a reload.
        self.waiting.retain(|reader| reader.name != name);
        let enough_bytes = limit_bytes / 10 * 9 + limit_bytes % 10 * 9 / 10;
        if limit_bytes == 0 || lag_bytes < enough_bytes {
            return;
        }
        logger.info(&format!("Plugin '{name}': Delaying start while trying to relieve back-pressure..."));
        self.waiting.push(Waiting {
            name: name.into(),
            enough_bytes,
            full_action,
            looks_left: looks,
            pause: PAUSE_MIN,
            next_look: Instant::now(),
            last_lag_bytes: lag_bytes,
        });
    }

    /// Whether anybody is waited for: inputs are held back as long.
    pub fn is_pending(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether this reader is waited for.
    pub fn waits_for(&self, name: &str) -> bool {
        self.waiting.iter().any(|reader| reader.name == name)
    }

    /// Looks at those whose time it is; `lag` tells how many bytes a reader has before it, `None` that it is no more.
    /// One that has not got on in all its looks is waited for no longer, and with `full_action = "shutdown"` ends hekad.
    pub fn look(
        &mut self,
        now: Instant,
        shutdown: &Shutdown,
        logger: &Logger,
        lag: impl Fn(&str) -> Option<u64>,
    ) {
        self.waiting.retain_mut(|reader| {
            if now < reader.next_look {
                return true;
            }
            let Some(lag) = lag(&reader.name) else { return false };
            if lag < reader.enough_bytes {
                return false;
            }
            if lag >= reader.last_lag_bytes {
                let Some(left) = reader.looks_left.checked_sub(1) else {
                    reader.give_up(shutdown, logger);
                    return false;
                };
                reader.looks_left = left;
            }
            reader.last_lag_bytes = lag;
            reader.next_look = now + reader.pause;
            reader.pause = (reader.pause * 2).min(PAUSE_MAX);
            true
        });
    }
}

impl Waiting {
    fn give_up(&self, shutdown: &Shutdown, logger: &Logger) {
        if self.full_action == FullAction::Shutdown && !shutdown.has_begun() {
            let text = "back-pressure not resolving: triggering shutdown";
            logger.error(&format!("Plugin '{}' error: {text}", self.name));
            shutdown.request(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::shutdown::Wake;

    fn relief(action: FullAction, looks: u32) -> (Relief, Shutdown, Receiver<Wake>) {
        let mut relief = Relief::default();
        relief.add("r", 100, action, 95, looks, &Logger::default());
        let (wake, woken) = channel();
        (relief, Shutdown::new(wake), woken)
    }

    /// Looks every 100 ms for `seconds`, with the lag that `lag` has for the number of the look.
    fn looks(relief: &mut Relief, shutdown: &Shutdown, seconds: u64, lag: impl Fn(u64) -> u64) -> u64 {
        let start = Instant::now();
        for n in 0..seconds * 10 {
            relief
                .look(start + Duration::from_millis(100 * n), shutdown, &Logger::default(), |_| Some(lag(n)));
            if !relief.is_pending() {
                return n;
            }
        }
        seconds * 10
    }

    #[test]
    fn only_a_reader_with_too_much_before_it_is_waited_for() {
        let mut relief = Relief::default();
        for (limit, lag) in [(0, u64::MAX), (100, 89), (10, 8)] {
            relief.add("r", limit, FullAction::Shutdown, lag, 10, &Logger::default());
        }
        assert!(!relief.is_pending());
        relief.add("r", u64::MAX, FullAction::Shutdown, u64::MAX, 10, &Logger::default());
        assert!(relief.waits_for("r") && !relief.waits_for("s"));
    }

    #[test]
    fn a_reader_that_does_not_get_on_ends_hekad_after_so_many_looks() {
        let (mut relief, shutdown, woken) = relief(FullAction::Shutdown, 10);
        // Pauses of 0.25, 0.5 and eight times 1 s.
        let n = looks(&mut relief, &shutdown, 60, |_| 95);
        assert!((87..=100).contains(&n), "after {n} tenths of a second");
        assert_eq!(woken.try_recv(), Ok(Wake::Shutdown(1)));
    }

    #[test]
    fn a_reader_that_gets_on_is_waited_for() {
        let (mut relief, shutdown, woken) = relief(FullAction::Shutdown, 3);
        let n = looks(&mut relief, &shutdown, 120, |n| if n < 600 { 10_000 - n } else { 89 });
        assert!((600..=610).contains(&n), "after {n} tenths of a second");
        assert!(woken.try_recv().is_err());
    }

    #[test]
    fn other_actions_follow_without_a_shutdown() {
        for action in [FullAction::Block, FullAction::Drop] {
            let (mut relief, shutdown, woken) = relief(action, 0);
            assert!(looks(&mut relief, &shutdown, 10, |_| 95) < 100);
            assert!(woken.try_recv().is_err());
        }
    }
}
