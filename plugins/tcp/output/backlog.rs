//! Messages that the peer has not acknowledged.

use std::collections::VecDeque;

/// Acknowledged bytes are let go of when there are so many.
const WASTE_MAX: usize = 1 << 20;

/// Messages in the order in which they are sent. Offsets count all bytes that were ever pushed.
#[derive(Default)]
pub(super) struct Backlog {
    bytes: Vec<u8>,
    /// Bytes at the front that are let go.
    waste: usize,
    /// Offset of the first byte kept.
    start: u64,
    /// Number of the first message kept.
    first: u64,
    /// Where each message ends.
    ends: VecDeque<u64>,
}

impl Backlog {
    /// Offset of the first message that is kept.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Offset of what will be pushed next.
    pub(super) fn end(&self) -> u64 {
        self.start + self.len() as u64
    }

    /// Bytes kept.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.waste
    }

    /// Number of the first message that is kept.
    pub(super) fn first(&self) -> u64 {
        self.first
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
            // It was let go, and with it all before `start`.
            None => Some(self.start),
            Some(Ok(index)) => self.ends.get(index).copied(),
            Some(Err(_)) => None,
        }
    }

    /// The bytes from one offset to another, as far as they are kept.
    pub(super) fn between(&self, from: u64, to: u64) -> &[u8] {
        let index = |offset: u64| {
            let into = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
            self.waste + into.min(self.len())
        };
        self.bytes.get(index(from)..index(to)).unwrap_or_default()
    }

    /// Lets go of the messages that end at or before an offset. Says whether there were any.
    pub(super) fn release(&mut self, offset: u64) -> bool {
        let before = self.start;
        while let Some(end) = self.ends.front().copied().filter(|end| *end <= offset) {
            self.ends.pop_front();
            self.first += 1;
            self.waste += usize::try_from(end - self.start).unwrap_or(0);
            self.start = end;
        }
        if self.waste == self.bytes.len() || self.waste > WASTE_MAX {
            self.bytes.drain(..self.waste);
            self.waste = 0;
        }
        self.start != before
    }

    /// Whether just these messages were pushed from the offset `start` on. Those that were let go are believed.
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
    fn messages_are_kept_until_all_of_them_is_acknowledged() {
        let mut backlog = Backlog::default();
        [&b"one"[..], b"", b"two", b"three"].iter().for_each(|message| backlog.push(message));
        assert_eq!((backlog.end(), backlog.end_of(1), backlog.end_of(3)), (11, Some(6), None));
        assert!(!backlog.release(2));
        assert!(backlog.release(5));
        assert_eq!((backlog.start(), backlog.first(), backlog.len()), (3, 1, 8));
        assert_eq!(backlog.between(3, 11), b"twothree");
        assert_eq!(backlog.end_of(0), Some(3));
        assert!(backlog.holds_from(0, [&b"one"[..], b"two", b"three"].into_iter()));
        assert!(backlog.holds_from(3, [&b"two"[..], b"", b"three"].into_iter()));
        assert!(!backlog.holds_from(3, [&b"two"[..]].into_iter()));
        assert!(!backlog.holds_from(3, [&b"two"[..], b"tree!"].into_iter()));
        assert!(backlog.release(11));
        assert_eq!(backlog.len(), 0);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_was_pushed_last(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..9), 1..40),
            acknowledged in prop::collection::vec(0u64..200, 0..9),
        ) {
            let mut backlog = Backlog::default();
            let all = messages.concat();
            for (number, message) in messages.iter().enumerate() {
                backlog.push(message);
                if let Some(offset) = acknowledged.get(number) {
                    backlog.release(*offset);
                }
                let end = usize::try_from(backlog.end()).unwrap();
                let start = usize::try_from(backlog.start()).unwrap();
                prop_assert_eq!(backlog.between(backlog.start(), backlog.end()), &all[start..end]);
                prop_assert_eq!(backlog.end_of(number as u64), Some(backlog.end()));
            }
            prop_assert_eq!(backlog.end(), all.len() as u64);
        }
    }
}
