//! The gate that holds inputs back while a reader that may not lose anything is too far behind.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use heka_plugin::Stop;

/// Open: inputs append freely. Closed: they wait.
#[derive(Default)]
pub struct Gate {
    closed: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
    /// Whether the queue behind it refuses records, told once for all inputs.
    pub refusals: Arc<Refusals>,
}

/// Whether a queue refuses records (its disk is full), so that this is told once and not by each who waits for it.
#[derive(Debug, Default)]
pub struct Refusals(AtomicBool);

impl Refusals {
    /// The queue refuses; returns whether that is new.
    pub fn begin(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// Whether the queue refused what came last.
    pub fn last(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// The queue took something; returns whether that is new.
    pub fn end(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl Gate {
    /// Closes or opens the gate; returns whether that changed anything.
    pub fn set_closed(&self, closed: bool) -> bool {
        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = self.closed.swap(closed, Ordering::AcqRel) != closed;
        if changed {
            self.changed.notify_all();
        }
        changed
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Returns true once the gate is open, false when `stop` was requested first.
    pub fn pass(&self, stop: &Stop) -> bool {
        if !self.closed.load(Ordering::Acquire) {
            return true;
        }
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while self.closed.load(Ordering::Acquire) {
            if stop.is_requested() {
                return false;
            }
            // The stop signal does not know this condition variable, hence the short naps.
            let nap = Duration::from_millis(20);
            guard = self.changed.wait_timeout(guard, nap).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_once() {
        let refusals = Refusals::default();
        assert!(!refusals.end());
        assert!(refusals.begin() && !refusals.begin());
        assert!(refusals.end() && !refusals.end());
    }

    #[test]
    fn a_closed_gate_holds_until_it_opens_or_a_stop_is_requested() {
        let gate = Arc::new(Gate::default());
        let stop = Stop::new();
        assert!(gate.pass(&stop));
        assert!(gate.set_closed(true));
        assert!(!gate.set_closed(true));
        let (held, ask) = (gate.clone(), stop.clone());
        let waiting = std::thread::spawn(move || held.pass(&ask));
        gate.set_closed(false);
        assert!(waiting.join().unwrap());
        gate.set_closed(true);
        stop.request();
        assert!(!gate.pass(&stop));
    }
}
