//! Which `Type`s lie where in a segment.
//!
//! Whoever reads records for the first time notes their `Type`s here, in memory, so that readers who want none of
//! them pass without a look at the records. Only records that follow each other in sequence, and whose CRC was checked or
//! that this process appended, are noted; all else is a run that everybody has to walk through.
//!
//! So damage that comes to what this process appended is not seen by readers that refuse the record's type.

use crate::core::lock;
use std::sync::Mutex;

/// Bit of a run that has to be walked through: its records are damaged, copies, out of sequence, or of types unknown.
pub(crate) const WALK: u64 = 1 << 63;
/// Types told apart in a segment: the other bits of a run.
const MAX_TYPES: usize = 63;
/// A longer `Type` is not kept.
const MAX_TYPE_BYTES: usize = 256;
/// Runs kept of a segment: 128 KiB. When there are more, neighbours are joined.
const MAX_RUNS: usize = 8192;
/// Runs shorter than this are joined once there were too many, and twice as long ones each time after, in bytes.
const FIRST_GRAIN: u32 = 1 << 10;

/// A stretch of records, from the end of the run before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// The types that occur, by their numbers, and [`WALK`].
    pub(crate) types: u64,
    /// Offset of its end.
    pub(crate) end: u32,
    /// Low bits of the last record's sequence.
    pub(crate) last: u32,
}

/// What is known of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// The runs from there on were handed out.
    Runs,
    /// Nothing is known before this offset.
    From(u32),
    /// The place is where the index ends, or it is empty: whoever reads on may extend it.
    End,
    /// The index ends before the place.
    Nothing,
}

/// The runs of a segment, without a gap between the first and the last.
#[derive(Debug, Default)]
pub(crate) struct TypeIndex {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    start: u32,
    runs: Vec<Run>,
    types: Vec<Box<[u8]>>,
    /// Shorter runs are joined.
    grain: u32,
}

impl TypeIndex {
    /// The bit of a `Type`; [`WALK`] when there is no room for it.
    pub(crate) fn bit_of(&self, text: &[u8]) -> u64 {
        let types = &mut lock(&self.inner).types;
        let known = types.iter().position(|known| **known == *text);
        let number = match known {
            Some(number) => number,
            None if types.len() == MAX_TYPES || text.len() > MAX_TYPE_BYTES => return WALK,
            None => {
                types.push(text.into());
                types.len() - 1
            }
        };
        1 << number
    }

    /// Calls `judge` with each type from number `from` on and its bit; returns how many there are.
    pub(crate) fn judge(&self, from: usize, mut judge: impl FnMut(&[u8], u64)) -> usize {
        let types = &lock(&self.inner).types;
        for (number, text) in types.iter().enumerate().skip(from) {
            judge(text, 1 << number);
        }
        types.len()
    }

    /// Adds runs, the first of which begins at `start`. What is known already stays as it is; what does not continue
    /// it is dropped.
    pub(crate) fn extend(&self, start: u32, runs: &[Run]) {
        let mut inner = lock(&self.inner);
        if inner.runs.is_empty() {
            inner.start = start;
        } else if start > inner.end() {
            return;
        }
        for &run in runs {
            // A run that begins before the known end tells of records that are noted, and holds for those after it.
            if run.end > inner.end() {
                inner.push(run);
            }
        }
    }

    /// Fills `ahead` with the runs at and after `offset`, as many as fit `limit`.
    pub(crate) fn look(&self, offset: u32, limit: usize, ahead: &mut Vec<Run>) -> Known {
        let inner = lock(&self.inner);
        ahead.clear();
        if inner.runs.is_empty() || offset == inner.end() {
            return Known::End;
        }
        if offset < inner.start {
            return Known::From(inner.start);
        }
        let from = inner.runs.partition_point(|run| run.end <= offset);
        ahead.extend(inner.runs[from..].iter().take(limit));
        if ahead.is_empty() { Known::Nothing } else { Known::Runs }
    }
}

impl Inner {
    fn end(&self) -> u32 {
        self.runs.last().map_or(self.start, |run| run.end)
    }

    fn push(&mut self, run: Run) {
        let before = self.runs.len().checked_sub(2).map_or(self.start, |index| self.runs[index].end);
        match self.runs.last_mut() {
            Some(last) if last.types == run.types || last.end - before < self.grain => {
                *last = Run { types: last.types | run.types, ..run };
            }
            _ => self.runs.push(run),
        }
        if self.runs.len() > MAX_RUNS {
            self.grain = (self.grain * 2).max(FIRST_GRAIN);
            let pairs = self.runs.chunks(2);
            self.runs = pairs.filter_map(joined).collect();
        }
    }
}

fn joined(runs: &[Run]) -> Option<Run> {
    let types = runs.iter().fold(0, |types, run| types | run.types);
    runs.last().map(|last| Run { types, ..*last })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(types: u64, end: u32) -> Run {
        Run { types, end, last: end / 10 }
    }

    fn all(index: &TypeIndex) -> Vec<Run> {
        let mut runs = Vec::new();
        index.look(0, usize::MAX, &mut runs);
        runs
    }

    #[test]
    fn runs_of_two_readers_become_one_row() {
        let index = TypeIndex::default();
        index.extend(0, &[run(1, 100), run(2, 200)]);
        index.extend(50, &[run(1, 100), run(2, 250), run(1, 300)]);
        index.extend(400, &[run(1, 500)]);
        assert_eq!(all(&index), [run(1, 100), run(2, 250), run(1, 300)]);
        let mut ahead = Vec::new();
        assert_eq!(index.look(300, 9, &mut ahead), Known::End);
        assert_eq!(index.look(350, 9, &mut ahead), Known::Nothing);
        assert_eq!(index.look(120, 1, &mut ahead), Known::Runs);
        assert_eq!(ahead, [run(2, 250)]);
    }

    #[test]
    fn what_lies_before_the_first_run_is_not_known() {
        let index = TypeIndex::default();
        index.extend(100, &[run(1, 200)]);
        index.extend(0, &[run(2, 100)]);
        assert_eq!(index.look(0, 9, &mut Vec::new()), Known::From(100));
    }

    #[test]
    fn types_have_bits_as_long_as_there_are_some() {
        let index = TypeIndex::default();
        let bits: Vec<u64> = (0..70).map(|number| index.bit_of(format!("t{number}").as_bytes())).collect();
        assert_eq!((bits[0], bits[62], bits[63]), (1, 1 << 62, WALK));
        assert_eq!(index.bit_of(b"t5"), 1 << 5);
        assert_eq!(index.bit_of(&[b'x'; 257]), WALK);
        let mut seen = 0;
        assert_eq!(index.judge(60, |_, bit| seen |= bit), 63);
        assert_eq!(seen, 7 << 60);
    }

    #[test]
    fn many_short_runs_are_joined_and_none_of_their_types_is_lost() {
        let index = TypeIndex::default();
        for number in 0..200_000 {
            index.extend(number * 40, &[run(1 << (number % 3), number * 40 + 40)]);
            let inner = index.inner.lock().unwrap();
            assert!(inner.runs.len() <= MAX_RUNS && inner.end() == number * 40 + 40);
        }
        index.extend(8_000_000, &[run(8, 9_000_000)]);
        let runs = all(&index);
        assert!(runs.len() > MAX_RUNS / 4);
        for (number, run) in runs.iter().enumerate().skip(1) {
            let before = runs[number - 1].end;
            assert!(run.end > before);
            for record in before / 40..(run.end / 40).min(200_000) {
                assert_ne!(run.types & 1 << (record % 3), 0, "record {record}");
            }
        }
        assert_ne!(runs.last().unwrap().types & 8, 0);
    }
}
