//! The one place that decides when and with which code hekad ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

/// What the main thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A signal from outside, by number.
    Signal(i32),
    /// A part of hekad asks to end with this exit code.
    Shutdown(i32),
}

/// Asks the main thread to end hekad. Only the first request's code counts.
#[derive(Clone, Debug)]
pub struct Shutdown {
    wake: Sender<Wake>,
    begun: std::sync::Arc<AtomicBool>,
}

impl Shutdown {
    /// Requests go to `wake`.
    pub fn new(wake: Sender<Wake>) -> Shutdown {
        Shutdown { wake, begun: std::sync::Arc::default() }
    }

    /// Ends hekad with this exit code.
    pub fn request(&self, code: i32) {
        // Without a main thread that listens hekad is ending already.
        let _ending = self.wake.send(Wake::Shutdown(code));
    }

    /// Marks that the stop sequence has begun: plugins that end now end because they were asked to.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Release);
    }

    /// Whether the stop sequence has begun.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }
}
