//! Which kind of message is due: each share of the messages is spread evenly.

use super::options::Test;

/// What a message is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Signed,
    Oversized,
}

/// The next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) kind: Kind,
    /// One of its bytes is to be replaced.
    pub(super) corrupt: bool,
}

/// When which kind is due.
pub(super) struct Schedule {
    corrupt: Share,
    signed: Share,
    oversized: Share,
}

impl Schedule {
    /// The shares of a test.
    pub(super) fn new(test: &Test) -> Schedule {
        Schedule {
            corrupt: Share::percent(test.corrupt_percentage),
            signed: Share::percent(test.signed_percentage),
            oversized: Share::percent(test.oversized_percentage),
        }
    }

    /// What follows after `sent` messages.
    pub(super) fn next(&mut self, sent: u64) -> Due {
        let corrupt = self.corrupt.is_due(sent);
        let kind = if self.signed.is_due(sent) {
            Kind::Signed
        } else if self.oversized.is_due(sent) {
            Kind::Oversized
        } else {
            Kind::Plain
        };
        Due { kind, corrupt }
    }
}

/// A share of the messages.
struct Share {
    share: f64,
    /// How many were due so far.
    past: f64,
}

impl Share {
    fn percent(percent: f64) -> Share {
        Share { share: percent / 100.0, past: 0.0 }
    }

    fn is_due(&mut self, sent: u64) -> bool {
        let now = (sent as f64 * self.share).floor();
        std::mem::replace(&mut self.past, now) != now
    }
}
