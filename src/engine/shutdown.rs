//! The one place that decides when and with which code hekad ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

/// What the main thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A signal from outside, by number.
    Signal(i32),
    /// A part of hekad asks to end with this exit code.
    Shutdown(i32),
    /// The same, from a plugin that came with a reload a moment ago.
    Undo {
        /// The reload's number.
        reload: u64,
        /// The exit code.
        code: i32,
    },
}

/// Asks the main thread to end hekad. Only the first request's code counts.
#[derive(Clone, Debug)]
pub struct Shutdown {
    wake: Sender<Wake>,
    begun: std::sync::Arc<AtomicBool>,
    trial: Option<Trial>,
}

/// The first moments after a reload.
#[derive(Clone, Copy, Debug)]
struct Trial {
    reload: u64,
    until: Instant,
}

impl Shutdown {
    /// Requests go to `wake`.
    pub fn new(wake: Sender<Wake>) -> Shutdown {
        Shutdown { wake, begun: std::sync::Arc::default(), trial: None }
    }

    /// For the plugins that come with a reload: until then their requests ask to go back instead.
    pub fn on_trial(&self, reload: u64, until: Instant) -> Shutdown {
        Shutdown { trial: Some(Trial { reload, until }), ..self.clone() }
    }

    /// Ends hekad with this exit code.
    pub fn request(&self, code: i32) {
        let wake = match self.trial {
            Some(Trial { reload, until }) if Instant::now() < until => Wake::Undo { reload, code },
            _ => Wake::Shutdown(code),
        };
        // Without a main thread that listens hekad is ending already.
        let _ending = self.wake.send(wake);
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_in_its_first_moments_a_plugin_of_a_reload_asks_to_go_back() {
        let (wake, woken) = channel();
        let shutdown = Shutdown::new(wake);
        let now = Instant::now();
        shutdown.on_trial(7, now + Duration::from_secs(3600)).request(1);
        shutdown.on_trial(8, now).request(1);
        shutdown.request(2);
        let all: Vec<Wake> = woken.try_iter().collect();
        assert_eq!(all, [Wake::Undo { reload: 7, code: 1 }, Wake::Shutdown(1), Wake::Shutdown(2)]);
    }
}
