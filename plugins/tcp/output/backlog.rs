//! Messages that the peer has not acknowledged, and some that it has.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Bytes that were let go of are removed when there are so many.
const WASTE_MAX: usize = 1 << 20;
/// What was acknowledged so short a time ago may wait in the peer's system, unread ...
const UNREAD_TIME: Duration = Duration::from_secs(1);
/// ... and no more than so much does.
const UNREAD_SIZE_MAX: u64 = 1 << 20;

/// Messages in the order in which they are sent. Offsets count all bytes that were ever pushed.
#[derive(Default)]
pub(super) struct Backlog {
    bytes: Vec<u8>,
    /// Bytes at the front that were let go of.
    waste: usize,
    /// Offset of the first byte kept.
    start: u64,
    /// Number of the first message kept.
    first: u64,
    /// Where each message ends.
    ends: VecDeque<u64>,
    /// All before this offset is acknowledged. A message begins here.
    acknowledged: u64,
    /// Number of that message.
    next: u64,
    /// When what was acknowledged, as far as it is kept.
    recent: VecDeque<(Instant, u64)>,
}

impl Backlog {
    /// All before this offset is acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Number of the first message that is not acknowledged.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Offset of what will be pushed next.
    pub(super) fn end(&self) -> u64 {
        self.start + (self.bytes.len() - self.waste) as u64
    }

    /// Bytes that are not acknowledged.
    pub(super) fn len(&self) -> usize {
        usize::try_from(self.end() - self.acknowledged).unwrap_or(usize::MAX)
    }

    /// Adds a message; one of no bytes is none.
    pub(super) fn push(&mut self, message: &[u8]) {
        if !message.is_empty() {
            self.bytes.extend_from_slice(message);
            self.ends.push_back(self.end());
        }
    }

    /// Where the message of this number ends; `None` if it is yet to come.
    pub(super) fn end_of(&self, number: u64) -> Option<u64> {
        match number.checked_sub(self.first).map(usize::try_from) {
            // It was let go of, and with it all before `start`.
            None => Some(self.start),
            Some(Ok(index)) => self.ends.get(index).copied(),
            Some(Err(_)) => None,
        }
    }

    /// The bytes from one offset to another, as far as they are kept.
    pub(super) fn between(&self, from: u64, to: u64) -> &[u8] {
        let index = |offset: u64| {
            let into = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
            self.waste + into.min(self.bytes.len() - self.waste)
        };
        self.bytes.get(index(from)..index(to)).unwrap_or_default()
    }

    /// The peer's system has everything before an offset. Says whether that completes a message.
    pub(super) fn acknowledge(&mut self, offset: u64) -> bool {
        let before = self.acknowledged;
        while let Some(end) = self.end_of(self.next).filter(|end| *end <= offset) {
            self.acknowledged = end;
            self.next += 1;
        }
        if self.acknowledged != before {
            self.recent.push_back((Instant::now(), self.acknowledged));
            self.forget(self.acknowledged.saturating_sub(UNREAD_SIZE_MAX));
        }
        self.acknowledged != before
    }

    /// The peer's system may have thrown away what the peer had not read: what was acknowledged lately is not any more.
    pub(super) fn doubt(&mut self) {
        let now = Instant::now();
        let old = self.recent.iter().take_while(|(when, _)| now.duration_since(*when) > UNREAD_TIME);
        if let Some((_, offset)) = old.last().copied() {
            self.forget(offset);
        }
        self.acknowledged = self.start;
        self.next = self.first;
        self.recent.clear();
    }

    /// Lets go of the messages that end at or before an offset that is acknowledged.
    fn forget(&mut self, offset: u64) {
        while let Some(end) = self.ends.front().copied().filter(|end| *end <= offset) {
            self.ends.pop_front();
            self.first += 1;
            self.waste += usize::try_from(end - self.start).unwrap_or(0);
            self.start = end;
        }
        while self.recent.pop_front_if(|(_, offset)| *offset <= self.start).is_some() {}
        if self.waste == self.bytes.len() || self.waste > WASTE_MAX {
            self.bytes.drain(..self.waste);
            self.waste = 0;
        }
    }

    /// Whether just these messages were pushed from the offset `start` on. Those that were let go of are believed.
    pub(super) fn holds_from<'a>(&self, start: u64, messages: impl Iterator<Item = &'a [u8]>) -> bool {
        let mut at = start;
        for message in messages {
            let end = at + message.len() as u64;
            if end > self.end() || (at >= self.start && self.between(at, end) != message) {
                return false;
            }
            at = end;
        }
        at == self.end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_are_acknowledged_whole() {
        let mut backlog = Backlog::default();
        [&b"one"[..], b"", b"two", b"three"].iter().for_each(|message| backlog.push(message));
        assert_eq!((backlog.end(), backlog.end_of(1), backlog.end_of(3)), (11, Some(6), None));
        assert!(!backlog.acknowledge(2));
        assert!(backlog.acknowledge(5));
        assert_eq!((backlog.acknowledged(), backlog.next(), backlog.len()), (3, 1, 8));
        assert_eq!(backlog.between(3, 11), b"twothree");
        assert!(backlog.holds_from(0, [&b"one"[..], b"two", b"three"].into_iter()));
        assert!(backlog.holds_from(3, [&b"two"[..], b"", b"three"].into_iter()));
        assert!(!backlog.holds_from(3, [&b"two"[..]].into_iter()));
        assert!(!backlog.holds_from(3, [&b"two"[..], b"tree!"].into_iter()));
        assert!(backlog.acknowledge(11));
        assert_eq!(backlog.len(), 0);
    }

    #[test]
    fn what_was_acknowledged_lately_can_be_doubted() {
        let mut backlog = Backlog::default();
        backlog.push(b"old");
        backlog.acknowledge(3);
        backlog.recent[0].0 -= 2 * UNREAD_TIME;
        backlog.push(b"new");
        backlog.push(b"next");
        backlog.acknowledge(6);
        backlog.doubt();
        assert_eq!((backlog.acknowledged(), backlog.next()), (3, 1));
        assert_eq!(backlog.between(backlog.acknowledged(), backlog.end()), b"newnext");
        assert!(backlog.acknowledge(10));
    }

    #[test]
    fn no_more_is_kept_than_a_peer_may_have_left_unread() {
        let mut backlog = Backlog::default();
        let message = vec![b'x'; 100_000];
        for _ in 0..100 {
            backlog.push(&message);
            backlog.acknowledge(backlog.end());
        }
        backlog.doubt();
        // The message at the limit is kept whole.
        assert_eq!(backlog.len(), 1_100_000);
        assert!(backlog.bytes.len() < 3 << 20);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_was_pushed_last(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..9), 1..40),
            acknowledged in prop::collection::vec((0u64..200, any::<bool>()), 0..40),
        ) {
            let mut backlog = Backlog::default();
            let all = messages.concat();
            for (number, message) in messages.iter().enumerate() {
                backlog.push(message);
                if let Some((offset, doubted)) = acknowledged.get(number) {
                    backlog.acknowledge(*offset);
                    if *doubted {
                        backlog.doubt();
                    }
                }
                let end = usize::try_from(backlog.end()).unwrap();
                let start = usize::try_from(backlog.acknowledged()).unwrap();
                prop_assert_eq!(backlog.between(backlog.acknowledged(), backlog.end()), &all[start..end]);
                prop_assert_eq!(backlog.len(), end - start);
                prop_assert_eq!(backlog.end_of(number as u64), Some(backlog.end()));
            }
            prop_assert_eq!(backlog.end(), all.len() as u64);
        }
    }
}
