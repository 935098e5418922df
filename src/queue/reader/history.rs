//! Which records were handed out: copies of those are not handed out again.

use crate::record::Frame;

/// How many gaps in the sequence a reader remembers. Copies that fill one follow it closely.
const MAX_GAPS: usize = 64;

/// What was handed out, as far as it takes to tell whether a copy is still wanted.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Sequence of the last record.
    pub(super) last: Option<u64>,
    /// Sequences below `last` that were not handed out: from, and up to and with.
    gaps: Vec<(u64, u64)>,
}

impl History {
    /// Notes runs of sequences, from and up to and with, ascending, that were handed out before reading began here.
    pub(super) fn add_earlier(&mut self, runs: &[(u64, u64)]) {
        let Some(&(_, last)) = runs.last() else { return };
        if self.last.is_none() {
            self.last = Some(last);
            self.gaps = vec![(0, last)];
        }
        for &(from, to) in runs {
            self.gaps = (self.gaps.iter())
                .flat_map(|&(a, b)| {
                    let below = from.checked_sub(1).map(|end| (a, b.min(end)));
                    [below, Some((a.max(to.saturating_add(1)), b))]
                })
                .flatten()
                .filter(|(a, b)| a <= b)
                .collect();
        }
    }

    /// The usual case: the record follows the one before. Notes it.
    #[inline]
    pub(super) fn is_next(&mut self, sequence: u64) -> bool {
        let next = self.last.is_some_and(|last| sequence == last.wrapping_add(1));
        if next {
            self.last = Some(sequence);
        }
        next
    }

    /// Whether a record is to be handed out: not if it is a copy of one that was. Notes it if so.
    #[cold]
    pub(super) fn wants(&mut self, frame: &Frame) -> bool {
        let sequence = frame.sequence;
        let missed_from = match self.last {
            Some(last) if frame.is_copy() && sequence <= last => {
                return self.gaps.iter().any(|&(from, to)| (from..=to).contains(&sequence));
            }
            Some(last) => last.wrapping_add(1),
            // What was handed out before reading began here is unknown.
            None => 0,
        };
        if missed_from < sequence {
            if self.gaps.len() == MAX_GAPS {
                self.gaps.remove(0);
            }
            self.gaps.push((missed_from, sequence - 1));
        }
        self.last = Some(sequence);
        true
    }
}
