//! The request to stop, which every waiting plugin hears at once.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shared stop signal of one plugin. Clones see the same state.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: std::sync::atomic::AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Stop {
    /// A signal that nobody has given yet.
    pub fn new() -> Stop {
        Stop::default()
    }

    /// Asks to stop. Calling it again changes nothing.
    pub fn request(&self) {
        let _guard = self.shared.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.stopped.store(true, std::sync::atomic::Ordering::Release);
        self.shared.changed.notify_all();
    }

    /// Whether a stop was asked for.
    pub fn is_requested(&self) -> bool {
        self.shared.stopped.load(std::sync::atomic::Ordering::Acquire)
    }

    /// Waits for at most `time`; returns true as soon as a stop is asked for.
    pub fn wait(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        let mut guard = self.shared.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_requested() {
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                return false;
            };
            guard = self.shared.changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiter_is_woken_at_once() {
        let stop = Stop::new();
        let waiting = stop.clone();
        let thread = std::thread::spawn(move || waiting.wait(Duration::from_secs(60)));
        stop.request();
        assert!(thread.join().unwrap());
        assert!(stop.is_requested());
    }

    #[test]
    fn a_wait_without_a_request_ends_by_itself() {
        assert!(!Stop::new().wait(Duration::from_millis(1)));
    }
}
