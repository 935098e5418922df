//! Messages on their way. A stream has no boundaries, so many can go in one write; a datagram takes one.

use std::collections::VecDeque;

use super::random::Random;
use crate::sender::{Sender, Unsent};

/// So many bytes are enough for one write.
pub(super) const FULL: usize = 64 * 1024;

/// Frames that are to be sent, in order.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// Length of each.
    lengths: VecDeque<usize>,
}

impl Batch {
    /// Appends a frame; with `corruption` one byte of it is replaced by a random one.
    pub(super) fn add(&mut self, frame: &[u8], corruption: Option<&mut Random>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(frame);
        self.lengths.push_back(frame.len());
        if let Some(random) = corruption {
            let place = start + random.below(frame.len());
            if let Some(byte) = self.bytes.get_mut(place) {
                *byte = random.next() as u8;
            }
        }
    }

    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Frames that wait.
    pub(super) fn messages(&self) -> u64 {
        self.lengths.len() as u64
    }

    /// Sends all.
    ///
    /// # Errors
    /// The connection failed. Frames that had been written whole are gone, the first that is left is the one that failed.
    pub(super) fn send(&mut self, sender: &mut Sender) -> Result<(), Unsent> {
        let failed = sender.send(&self.bytes).err();
        match failed {
            None => {
                self.bytes.clear();
                self.lengths.clear();
                Ok(())
            }
            Some(unsent) => {
                self.drop_written(unsent.written);
                Err(unsent)
            }
        }
    }

    /// Drops the frames that lie whole in the first `written` bytes.
    fn drop_written(&mut self, written: usize) {
        let mut whole = 0;
        while let Some(length) = self.lengths.front().copied().filter(|length| whole + length <= written) {
            whole += length;
            self.lengths.pop_front();
        }
        self.bytes.drain(..whole);
    }

    /// Gives the first frame up.
    pub(super) fn drop_first(&mut self) {
        if let Some(length) = self.lengths.pop_front() {
            self.bytes.drain(..length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_written_whole_stays() {
        let mut batch = Batch::default();
        for frame in [&b"one"[..], b"three", b"six"] {
            batch.add(frame, None);
        }
        batch.drop_written(7);
        assert_eq!((batch.bytes.as_slice(), batch.messages()), (&b"threesix"[..], 2));
        batch.drop_first();
        assert_eq!((batch.bytes.as_slice(), batch.messages()), (&b"six"[..], 1));
    }

    #[test]
    fn corruption_stays_in_its_frame() {
        let mut random = Random::default();
        let mut changed = 0;
        for _ in 0..100 {
            let mut batch = Batch::default();
            batch.add(b"before", None);
            batch.add(&[7; 20], Some(&mut random));
            batch.add(b"after", None);
            assert!(batch.bytes.starts_with(b"before") && batch.bytes.ends_with(b"after"));
            let differing = batch.bytes[6..26].iter().filter(|byte| **byte != 7).count();
            assert!(differing <= 1);
            changed += differing;
        }
        assert!(changed > 50, "{changed}");
    }
}
