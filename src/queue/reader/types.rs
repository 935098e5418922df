//! Passing records whose `Type` is not wanted, by what the segment's index knows of them.

use crate::record::Frame;
use crate::segment::{Known, Run, Segment, TypeIndex, WALK};
use heka_message::MessageView;
use std::collections::VecDeque;
use std::sync::Arc;

/// Says whether records of a `Type` may be left out.
pub(super) type Refuses = Box<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// After this many bytes what was noted goes to the index.
const SHARE_STEP: usize = 16 << 10;
/// Runs taken from the index at once.
const AHEAD: usize = 64;
/// Indexes of segments that were left, kept for readers that follow.
const KEPT: usize = 4;

/// What a reader knows of the types ahead of it, and its notes of those that it passed.
#[derive(Default)]
pub(super) struct Types {
    /// `None`: everything is wanted.
    refuses: Option<Refuses>,
    /// Offset from which [`Types::ask`] is to be asked; before it there is nothing to pass.
    pub(super) next_look: usize,
    /// Records are new to the index: they are to be noted.
    pub(super) noting: bool,
    index: Option<Arc<TypeIndex>>,
    /// Bits of the types that are refused, and how many types were judged.
    refused: u64,
    judged: usize,
    /// Runs ahead, and the next of them.
    ahead: Vec<Run>,
    next: usize,
    notes: Notes,
    left: VecDeque<Arc<TypeIndex>>,
}

/// What the index does not know yet.
#[derive(Default)]
struct Notes {
    start: u32,
    runs: Vec<Run>,
    /// Type and bit of the record before: most have the same. No bit: there is none.
    text: Vec<u8>,
    bit: u64,
    /// All types that were met in the segment.
    met: Vec<(Box<[u8]>, u64)>,
}

impl Types {
    /// Changes what is wanted.
    pub(super) fn set_refuses(&mut self, refuses: Refuses, segment: Option<&Segment>) {
        self.leave();
        self.refuses = Some(refuses);
        if let Some(segment) = segment {
            self.enter(segment);
        }
    }

    /// Prepares for a segment.
    pub(super) fn enter(&mut self, segment: &Segment) {
        // Where everybody wants everything no index is needed.
        self.index = segment.types(self.refuses.is_some());
        self.next_look = if self.index.is_some() { 0 } else { usize::MAX };
    }

    /// Ends the work on a segment.
    pub(super) fn leave(&mut self) {
        self.share();
        if let Some(index) = self.index.take() {
            self.left.truncate(KEPT - 1);
            self.left.push_front(index);
        }
        (self.refused, self.judged) = (0, 0);
        self.next_look = usize::MAX;
        self.ahead.clear();
        self.notes.bit = 0;
        self.notes.met.clear();
    }

    /// Hands to the index what was noted. What comes next is asked for anew.
    pub(super) fn share(&mut self) {
        let Some(index) = &self.index else { return };
        if !self.notes.runs.is_empty() {
            index.extend(self.notes.start, &self.notes.runs);
            self.notes.runs.clear();
        }
        self.noting = false;
        self.next_look = 0;
    }

    /// Where to go on from `offset`, and the sequence of the record before that place; `None` if not further on.
    /// `last` is the sequence of the record that ends at `offset`, if one was read there.
    pub(super) fn ask(&mut self, offset: usize, last: Option<u64>) -> Option<(usize, u64)> {
        self.share();
        let mut place = (offset, last.unwrap_or_default());
        while let Some(run) = self.run_at(place.0) {
            let end = run.end as usize;
            if run.types & !self.refused != 0 {
                self.next_look = end;
                break;
            }
            // The sequence only tells where in the run the place is when the record before was read.
            let records = run.last.wrapping_sub(place.1 as u32);
            if last.is_none() || records.cast_signed() <= 0 {
                self.next_look = place.0 + 1;
                break;
            }
            place = (end, place.1 + u64::from(records));
        }
        (place.0 > offset).then_some(place)
    }

    /// The run that the record at `offset` is in. If there is none says what is to be done there.
    fn run_at(&mut self, offset: usize) -> Option<Run> {
        while let Some(&run) = self.ahead.get(self.next) {
            if run.end as usize > offset {
                return Some(run);
            }
            self.next += 1;
        }
        let index = self.index.as_ref()?;
        let at = u32::try_from(offset).unwrap_or(u32::MAX);
        match index.look(at, AHEAD, &mut self.ahead) {
            Known::Runs => {
                if let Some(refuses) = &self.refuses {
                    let refused = &mut self.refused;
                    self.judged = index.judge(self.judged, |text, bit| {
                        if refuses(text) {
                            *refused |= bit;
                        }
                    });
                }
                self.next = 0;
                return self.ahead.first().copied();
            }
            Known::From(start) => self.next_look = start as usize,
            Known::End => {
                self.noting = true;
                self.notes.start = at;
                self.next_look = offset + SHARE_STEP;
            }
            Known::Nothing => self.next_look = offset + SHARE_STEP,
        }
        None
    }

    /// Notes a record that was checked and ends at `end`; `follows` says that it follows the one before in sequence.
    #[inline]
    pub(super) fn note(&mut self, frame: &Frame, message: &[u8], end: usize, follows: bool) {
        let types = if follows { self.bit_of(frame, message) } else { WALK };
        self.add(types, end, frame.sequence as u32);
    }

    /// Notes that there is no good record before `end`.
    pub(super) fn note_bad(&mut self, end: usize) {
        if self.noting {
            self.add(WALK, end, 0);
        }
    }

    #[inline]
    fn add(&mut self, types: u64, end: usize, last: u32) {
        let Ok(end) = u32::try_from(end) else {
            self.noting = false;
            return;
        };
        let run = Run { types, end, last };
        match self.notes.runs.last_mut() {
            Some(before) if before.types == types => *before = run,
            _ => self.notes.runs.push(run),
        }
    }

    #[inline]
    fn bit_of(&mut self, frame: &Frame, message: &[u8]) -> u64 {
        let view = if frame.is_canonical() {
            MessageView::new_canonical(message)
        } else {
            MessageView::new(message)
        };
        let text: &[u8] = view.msg_type().map_or(&[], |text| text);
        if *text != *self.notes.text || self.notes.bit == 0 {
            self.change_type(text);
        }
        self.notes.bit
    }

    #[cold]
    fn change_type(&mut self, text: &[u8]) {
        let notes = &mut self.notes;
        notes.text.clear();
        notes.text.extend_from_slice(text);
        notes.bit = match notes.met.iter().find(|(met, _)| **met == *text) {
            Some(&(_, bit)) => bit,
            None => {
                let bit = self.index.as_ref().map_or(WALK, |index| index.bit_of(text));
                if bit != WALK {
                    notes.met.push((text.into(), bit));
                }
                bit
            }
        };
    }
}
