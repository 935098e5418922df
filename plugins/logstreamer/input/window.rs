//! The bytes just before the place where reading goes on.

use super::journal::CONTEXT_SIZE;

/// Keeps what was read but is not done with, and the 500 bytes before that: they identify a position, tell whether a file
/// was rewritten under the reader, and hold an unfinished record.
#[derive(Debug, Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    /// Offset in the file of the first byte.
    start: u64,
}

impl Window {
    /// Nothing read, or `before` read and done with, which ends at `end`.
    pub(super) fn at(end: u64, before: &[u8]) -> Window {
        Window { start: end - before.len() as u64, bytes: before.to_vec() }
    }

    /// Where reading goes on.
    pub(super) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// The last bytes read, at most 500.
    pub(super) fn last(&self) -> &[u8] {
        &self.bytes[self.bytes.len().saturating_sub(CONTEXT_SIZE)..]
    }

    /// Takes note of bytes read and of how far the stream is done with now.
    pub(super) fn advance(&mut self, chunk: &[u8], done: u64) {
        let chunk_start = self.end();
        let wanted = done.saturating_sub(CONTEXT_SIZE as u64);
        match usize::try_from(wanted.saturating_sub(chunk_start)) {
            Ok(skip) if wanted >= chunk_start && skip <= chunk.len() => {
                self.bytes.clear();
                self.bytes.extend_from_slice(&chunk[skip..]);
                self.start = wanted;
            }
            _ => {
                self.bytes.extend_from_slice(chunk);
                self.forget_before(wanted);
            }
        }
    }

    fn forget_before(&mut self, wanted: u64) {
        let surplus = usize::try_from(wanted.saturating_sub(self.start)).unwrap_or(usize::MAX);
        if surplus > 0 && surplus <= self.bytes.len() {
            self.bytes.drain(..surplus);
            self.start = wanted;
        }
    }

    /// Forgets what was read from `position` on.
    pub(super) fn rewind(&mut self, position: u64) {
        self.bytes.truncate(self.index(position));
    }

    /// The bytes before `position`, at most 500, as far as they are known.
    pub(super) fn before(&self, position: u64) -> &[u8] {
        let end = self.index(position);
        &self.bytes[end.saturating_sub(CONTEXT_SIZE)..end]
    }

    /// The bytes from `position` on.
    pub(super) fn from(&self, position: u64) -> &[u8] {
        &self.bytes[self.index(position)..]
    }

    fn index(&self, position: u64) -> usize {
        usize::try_from(position.saturating_sub(self.start))
            .map_or(self.bytes.len(), |at| at.min(self.bytes.len()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn knows_what_a_copy_of_everything_would(
            steps in proptest::collection::vec((1_usize..2000, any::<prop::sample::Index>()), 1..20),
        ) {
            let mut all: Vec<u8> = Vec::new();
            let mut window = Window::default();
            let mut done = 0;
            for (size, to) in steps {
                let chunk: Vec<u8> = (all.len()..all.len() + size).map(|n| (n * 7 % 251) as u8).collect();
                all.extend_from_slice(&chunk);
                done += to.index(all.len() - done + 1);
                window.advance(&chunk, done as u64);
                prop_assert_eq!(window.end(), all.len() as u64);
                prop_assert_eq!(window.before(done as u64), &all[done.saturating_sub(500)..done]);
                prop_assert_eq!(window.from(done as u64), &all[done..]);
                prop_assert_eq!(window.last(), &all[all.len().saturating_sub(500)..]);
                prop_assert!(window.bytes.len() <= all.len() - done + 500);
            }
        }
    }
}
