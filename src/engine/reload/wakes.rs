//! What wakes the main thread.

use std::collections::VecDeque;
use std::sync::mpsc::Receiver;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::shutdown::Wake;

/// Wake-ups in their order. Those that come while the main thread is busy are kept.
pub(crate) struct Wakes {
    woken: Receiver<Wake>,
    kept: VecDeque<Wake>,
}

impl Wakes {
    /// Of this channel.
    pub(crate) fn new(woken: Receiver<Wake>) -> Wakes {
        Wakes { woken, kept: VecDeque::new() }
    }

    /// The next one; `None` when nobody is left who could wake. Several requests for a reload in a row are one.
    pub(crate) fn next(&mut self) -> Option<Wake> {
        self.look();
        let wake = match self.kept.pop_front() {
            Some(wake) => wake,
            None => self.woken.recv().ok()?,
        };
        if wake == Wake::Signal(SIGHUP) {
            self.look();
            while self.kept.front() == Some(&wake) {
                self.kept.pop_front();
            }
        }
        Some(wake)
    }

    /// Whether hekad is to end.
    pub(crate) fn is_ending(&mut self) -> bool {
        self.look();
        self.kept.iter().any(|wake| matches!(wake, Wake::Signal(SIGINT | SIGTERM) | Wake::Shutdown(_)))
    }

    fn look(&mut self) {
        self.kept.extend(self.woken.try_iter());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn nothing_is_lost_and_reloads_in_a_row_are_one() {
        let (wake, woken) = channel();
        let mut wakes = Wakes::new(woken);
        for signal in [SIGHUP, SIGHUP, 99, SIGHUP] {
            wake.send(Wake::Signal(signal)).unwrap();
        }
        assert!(!wakes.is_ending());
        wake.send(Wake::Signal(SIGTERM)).unwrap();
        assert!(wakes.is_ending());
        drop(wake);
        let all: Vec<Wake> = std::iter::from_fn(|| wakes.next()).collect();
        assert_eq!(all, [SIGHUP, 99, SIGHUP, SIGTERM].map(Wake::Signal));
    }
}
