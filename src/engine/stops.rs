//! How a plugin's thread is asked to end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use heka_plugin::Stop;
use heka_queue::EventCount;

use crate::desk::Desk;
use crate::place::Place;

/// What a reader is to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Where it goes on.
    pub to: Place,
    /// How many bytes of messages it gives up with that.
    pub bytes: u64,
}

/// The signals that one filter or output listens to.
#[derive(Clone, Default)]
pub struct Stops {
    /// Finish what is queued, then end.
    pub drain: Stop,
    /// End now; what is left stays queued.
    pub now: Stop,
    /// End after the batch in hand; what is left stays queued for the next of this name.
    leave: Stop,
    /// Its end is wanted: nothing follows from it.
    retired: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
    skip: Arc<Mutex<Option<Skip>>>,
    slow: Arc<AtomicBool>,
    /// Where its report goes.
    pub desk: Desk,
    /// Where its encoder's report goes.
    pub encoder_desk: Desk,
}

impl Stops {
    /// Asks to finish what is queued and to end then.
    pub fn ask_to_drain(&self, events: &EventCount) {
        self.drain.request();
        events.notify();
    }

    /// Asks to end after the batch in hand.
    pub fn ask_to_leave(&self, events: &EventCount) {
        self.leave.request();
        self.drain.request();
        events.notify();
    }

    /// Whether it is to end although there may be more to read.
    pub fn ends_here(&self) -> bool {
        self.now.is_requested() || self.leave.is_requested()
    }

    /// Marks that its end is wanted, as a reload takes it out: neither hekad's end nor a message follows from it.
    pub fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Whether its end is wanted.
    pub fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Asks to end at once.
    pub fn ask_to_end(&self, events: &EventCount) {
        self.drain.request();
        self.now.request();
        events.notify();
    }

    /// Asks a filter to end at once because it is so slow that it holds up others.
    pub fn ask_slow_one_to_end(&self, events: &EventCount) {
        self.slow.store(true, Ordering::Release);
        self.ask_to_end(events);
    }

    /// Whether it is to end because it is too slow.
    pub fn is_too_slow(&self) -> bool {
        self.slow.load(Ordering::Acquire)
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

    /// Asks to give up what is queued: `full_action = "drop"`. Takes the place of what was asked before and not yet done.
    pub fn ask_to_skip(&self, skip: Skip, events: &EventCount) {
        *self.skip.lock().unwrap_or_else(PoisonError::into_inner) = Some(skip);
        events.notify();
    }

    /// What to give up, if asked to; answers once.
    pub fn take_skip(&self) -> Option<Skip> {
        self.skip.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Asks for a report.
    pub fn ask_to_report(&self, events: &EventCount) {
        self.encoder_desk.ask();
        self.desk.ask();
        events.notify();
    }

    /// Whether there is something to see to.
    pub fn is_pending(&self) -> bool {
        self.drain.is_requested() || self.reload.load(Ordering::Acquire) || self.desk.is_asked()
    }
}
