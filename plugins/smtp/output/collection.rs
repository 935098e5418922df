//! Messages that wait for the next mail.

use std::time::{Duration, Instant};

/// What stands between two messages in a mail.
const BETWEEN: &[u8] = b"\r\n\r\n";
/// With so many bytes no more are taken.
const FULL: usize = 1 << 20;
/// What a message takes beside its bytes, about.
const PER_MESSAGE: usize = 64;

/// Messages for one mail, and when it may be sent.
pub(super) struct Collection {
    interval: Duration,
    messages: Vec<Vec<u8>>,
    bytes: usize,
    /// When the next mail may be sent; `None`: at once.
    due_at: Option<Instant>,
}

impl Collection {
    /// For mails that are at least so long apart.
    pub(super) fn new(interval: Duration) -> Collection {
        Collection { interval, messages: Vec::new(), bytes: 0, due_at: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Whether more should wait in the queue.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= FULL
    }

    pub(super) fn push(&mut self, message: &[u8]) {
        self.bytes += message.len() + PER_MESSAGE;
        self.messages.push(message.to_vec());
    }

    /// The text of a mail, if there is one to send now.
    pub(super) fn due_text(&self) -> Option<Vec<u8>> {
        let due = self.due_at.is_none_or(|at| Instant::now() >= at);
        (due && !self.is_empty()).then(|| self.messages.join(BETWEEN))
    }

    /// How many messages there are.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// The first message alone.
    pub(super) fn first(&self) -> Option<&[u8]> {
        self.messages.first().map(Vec::as_slice)
    }

    /// The first message is done with.
    pub(super) fn drop_first(&mut self) {
        if !self.messages.is_empty() {
            self.bytes -= self.messages.remove(0).len() + PER_MESSAGE;
        }
    }

    /// All messages are done with: the next mail has to wait.
    pub(super) fn clear(&mut self) {
        self.messages.clear();
        self.bytes = 0;
        self.due_at = Some(Instant::now() + self.interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_goes_at_once_and_the_next_together() {
        let mut collection = Collection::new(Duration::from_secs(1000));
        assert_eq!(collection.due_text(), None);
        collection.push(b"one");
        assert_eq!(collection.due_text().unwrap(), b"one");
        collection.clear();
        collection.push(b"two");
        collection.push(b"");
        collection.push(b"four");
        assert_eq!(collection.due_text(), None);
        collection.due_at = Some(Instant::now());
        assert_eq!(collection.due_text().unwrap(), b"two\r\n\r\n\r\n\r\nfour");
        assert_eq!((collection.len(), collection.first()), (3, Some(&b"two"[..])));
        collection.drop_first();
        assert_eq!(collection.due_text().unwrap(), b"\r\n\r\nfour");
    }

    #[test]
    fn it_is_full_at_some_time() {
        let mut collection = Collection::new(Duration::ZERO);
        collection.push(&vec![0; FULL - 1 - PER_MESSAGE]);
        assert!(!collection.is_full());
        collection.push(b"x");
        assert!(collection.is_full());
        collection.clear();
        assert!(!collection.is_full() && collection.is_empty());
    }
}
