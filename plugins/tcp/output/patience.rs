//! How long to wait for a peer.

use std::time::{Duration, Instant};

use heka_plugin::Stop;

/// Ends when a stop is requested, or when nothing has moved for a while.
pub(super) struct Patience {
    span: Duration,
    until: Instant,
    stop: Stop,
    nap: Duration,
}

const NAP_MIN: Duration = Duration::from_micros(100);
const NAP_MAX: Duration = Duration::from_millis(5);

impl Patience {
    /// Patience for `span` at a time.
    pub(super) fn new(span: Duration, stop: Stop) -> Patience {
        Patience { span, until: Instant::now() + span, stop, nap: NAP_MIN }
    }

    /// Something has moved.
    pub(super) fn renew(&mut self) {
        self.until = Instant::now() + self.span;
        self.nap = NAP_MIN;
    }

    /// Whether to give up.
    pub(super) fn is_over(&self) -> bool {
        self.stop.is_requested() || Instant::now() >= self.until
    }

    /// Waits a moment, longer each time that nothing has moved.
    pub(super) fn nap(&mut self) {
        self.stop.wait(self.nap);
        self.nap = (self.nap * 2).min(NAP_MAX);
    }
}
