//! How a plugin's thread is asked to end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use heka_plugin::Stop;
use heka_queue::EventCount;

use crate::place::Place;

/// The signals that one filter or output listens to.
#[derive(Clone, Default)]
pub struct Stops {
    /// Finish what is queued, then end.
    pub drain: Stop,
    /// End now; what is left stays queued.
    pub now: Stop,
    reload: Arc<AtomicBool>,
    skip: Arc<Mutex<Option<Place>>>,
}

impl Stops {
    /// Asks to finish what is queued and to end then.
    pub fn ask_to_drain(&self, events: &EventCount) {
        self.drain.request();
        events.notify();
    }

    /// Asks to end at once.
    pub fn ask_to_end(&self, events: &EventCount) {
        self.drain.request();
        self.now.request();
        events.notify();
    }

    /// Asks to reopen files.
    pub fn ask_to_reload(&self, events: &EventCount) {
        self.reload.store(true, Ordering::Release);
        events.notify();
    }

    /// Whether files are to be reopened; answers yes once.
    pub fn take_reload(&self) -> bool {
        self.reload.swap(false, Ordering::AcqRel)
    }

    /// Asks to give up what is queued before `place`: `full_action = "drop"`.
    pub fn ask_to_skip(&self, place: Place, events: &EventCount) {
        *self.skip.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
        events.notify();
    }

    /// The place to skip to, if asked to; answers once.
    pub fn take_skip(&self) -> Option<Place> {
        self.skip.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether there is something to see to.
    pub fn is_pending(&self) -> bool {
        self.drain.is_requested() || self.reload.load(Ordering::Acquire)
    }
}
