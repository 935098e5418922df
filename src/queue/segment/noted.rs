//! The types of a batch's records, noted while they are at hand.

use super::types::{Run, TypeIndex, WALK};
use heka_message::MessageView;

/// Types told apart in a batch.
const MAX_TYPES: usize = 32;

/// Which types follow each other in a batch.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    runs: Vec<NotedRun>,
    /// Texts of the types, kept from batch to batch.
    types: Vec<Box<[u8]>>,
}

#[derive(Debug, Clone, Copy)]
struct NotedRun {
    /// Number of the type; `None`: there were too many.
    number: Option<usize>,
    /// Where it ends in the batch.
    end: usize,
    /// Records in it.
    records: u32,
}

impl Noted {
    /// Notes a message whose record ends at `end` in the batch.
    #[inline]
    pub(crate) fn add(&mut self, message: &[u8], canonical: bool, end: usize) {
        let view = if canonical { MessageView::new_canonical(message) } else { MessageView::new(message) };
        let text: &[u8] = view.msg_type().map_or(&[], |text| text);
        if let Some(last) = self.runs.last_mut()
            && last.number.and_then(|number| self.types.get(number)).is_some_and(|last| **last == *text)
        {
            last.end = end;
            last.records += 1;
            return;
        }
        let number = self.number_of(text);
        self.runs.push(NotedRun { number, end, records: 1 });
    }

    fn number_of(&mut self, text: &[u8]) -> Option<usize> {
        let known = self.types.iter().position(|known| **known == *text);
        if known.is_none() && self.types.len() < MAX_TYPES {
            self.types.push(text.into());
            return Some(self.types.len() - 1);
        }
        known
    }

    /// For the next batch.
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        if self.types.len() == MAX_TYPES {
            self.types.clear();
        }
    }

    /// Tells `index` of a batch that lies at `start`, the first record of which has this sequence.
    pub(crate) fn tell(&self, index: &TypeIndex, start: u64, sequence: u64) {
        let Ok(first) = u32::try_from(start) else { return };
        let mut next = sequence as u32;
        let mut told = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            let Ok(end) = u32::try_from(start + run.end as u64) else { return };
            let text = run.number.and_then(|number| self.types.get(number));
            next = next.wrapping_add(run.records);
            told.push(Run {
                types: text.map_or(WALK, |text| index.bit_of(text)),
                end,
                last: next.wrapping_sub(1),
            });
        }
        index.extend(first, &told);
    }
}
