//! An event count: lets readers sleep until one of several queues grew.

use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A timeout that fits any clock.
pub(crate) const FOREVER: Duration = Duration::from_secs(10 * 365 * 86_400);
/// Short beside what anyone notices, long beside what it takes to write a batch.
const NAP: Duration = Duration::from_micros(200);

/// Lets threads sleep until something happened, without a lock where it happens.
///
/// Queues that share one wake the sleepers of each other. To sleep: [`listen`](EventCount::listen), look once more
/// whether there is something to do, and if not [`wait`](Listener::wait). What happens after `listen` is not missed.
#[derive(Debug, Default)]
pub struct EventCount {
    listeners: AtomicUsize,
    happened: Mutex<u64>,
    changed: Condvar,
}

impl EventCount {
    /// A count that nobody listens to yet.
    pub fn new() -> EventCount {
        EventCount::default()
    }

    /// Says that something happened: a queue grew, or the listeners are to stop. Costs a fence when nobody listens.
    pub fn notify(&self) {
        // Orders what happened before the look for listeners; pairs with the fence in `listen`.
        fence(Ordering::SeqCst);
        if self.listeners.load(Ordering::Relaxed) != 0 {
            *self.happened.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.changed.notify_all();
        }
    }

    /// Starts to listen.
    pub fn listen(&self) -> Listener<'_> {
        self.listeners.fetch_add(1, Ordering::Relaxed);
        let seen = *self.happened.lock().unwrap_or_else(PoisonError::into_inner);
        fence(Ordering::SeqCst);
        Listener { events: self, seen }
    }

    /// Sleeps until `ready` answers, for at most `timeout`. `ready` is asked again after each event.
    ///
    /// Naps before it listens: under load more has come after the nap, and the writer did not have to wake anyone.
    pub fn wait_for<T>(&self, timeout: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
        if let Some(answer) = ready() {
            return Some(answer);
        }
        let deadline = Instant::now() + timeout.min(FOREVER);
        std::thread::sleep(NAP.min(timeout));
        loop {
            let listener = self.listen();
            if let Some(answer) = ready() {
                return Some(answer);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !listener.wait(left) {
                return ready();
            }
        }
    }
}

/// A thread that is about to sleep. Stops listening when dropped.
#[derive(Debug)]
pub struct Listener<'a> {
    events: &'a EventCount,
    seen: u64,
}

impl Listener<'_> {
    /// Sleeps until something happened since [`EventCount::listen`], for at most `timeout`; says whether it did.
    pub fn wait(self, timeout: Duration) -> bool {
        let happened = self.events.happened.lock().unwrap_or_else(PoisonError::into_inner);
        let (happened, _) = self
            .events
            .changed
            .wait_timeout_while(happened, timeout.min(FOREVER), |happened| *happened == self.seen)
            .unwrap_or_else(PoisonError::into_inner);
        *happened != self.seen
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        self.events.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn what_happens_after_listen_is_not_missed() {
        let events = EventCount::new();
        let listener = events.listen();
        events.notify();
        assert!(listener.wait(LONG));
        assert!(!events.listen().wait(Duration::ZERO), "what happened before does not count");
    }

    #[test]
    fn all_listeners_wake() {
        let (events, stop) = (EventCount::new(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let sleepers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| events.wait_for(LONG, || stop.load(Ordering::Acquire).then_some(()))))
                .collect();
            while events.listeners.load(Ordering::Relaxed) < 4 {
                std::thread::yield_now();
            }
            stop.store(true, Ordering::Release);
            events.notify();
            for sleeper in sleepers {
                assert_eq!(sleeper.join().unwrap(), Some(()));
            }
        });
        assert_eq!(events.listeners.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_wait_ends_at_its_timeout() {
        assert_eq!(EventCount::new().wait_for(Duration::from_millis(5), || None::<()>), None);
    }
}
