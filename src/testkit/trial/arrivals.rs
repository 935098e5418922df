//! The ids of one input as they arrive at one output.

use std::ops::Range;

use super::recent::Recent;

/// What came again between two kills.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repeats {
    /// The same queued record again: the output sent it again.
    pub resent: u64,
    /// The record from the queue a second time: the input read it again. Also counted here: repeats of which it is not
    /// known, as text has no uuid.
    pub reread: u64,
    /// How often the ids went back.
    pub steps_back: u64,
}

/// What has arrived. Memory grows with gaps only.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// One more than the highest id.
    next: u64,
    /// The id that came last.
    last: Option<u64>,
    /// Ids below `next` that have not arrived.
    missing: Vec<Range<u64>>,
    recent: Recent,
    /// Ids that came late, after higher ones.
    late: u64,
    /// Ids that were left out while others were repeated.
    skips: u64,
    repeats: Repeats,
}

impl Arrivals {
    /// Takes an id. `uuid` is that of the queued record, if the output tells it.
    pub fn take(&mut self, id: u64, uuid: Option<&[u8]>) {
        let is_new_record = uuid.is_some_and(|uuid| self.recent.insert(uuid));
        let expected = self.last.map_or(0, |last| last + 1);
        self.last = Some(id);
        if id >= self.next {
            if id > self.next {
                self.missing.push(self.next..id);
            }
            // A repeat that stops in the middle is as bad as a gap.
            self.skips += u64::from(expected < self.next && !self.all_missing(expected..self.next));
            self.next = id + 1;
            return;
        }
        if self.take_missing(id) {
            self.late += 1;
            return;
        }
        match uuid {
            Some(_) if !is_new_record => self.repeats.resent += 1,
            _ => self.repeats.reread += 1,
        }
        if id < expected {
            self.repeats.steps_back += 1;
        } else if id > expected {
            self.skips += u64::from(!self.all_missing(expected..id));
        }
    }

    fn take_missing(&mut self, id: u64) -> bool {
        let Some(at) = self.missing.iter().rposition(|range| range.contains(&id)) else { return false };
        let range = self.missing.remove(at);
        for left in [range.start..id, id + 1..range.end].into_iter().rev().filter(|left| !left.is_empty()) {
            self.missing.insert(at, left);
        }
        true
    }

    fn all_missing(&self, ids: Range<u64>) -> bool {
        let inside = |range: &Range<u64>| range.end.min(ids.end).saturating_sub(range.start.max(ids.start));
        self.missing.iter().map(inside).sum::<u64>() == ids.end - ids.start
    }

    /// One more than the highest id that has arrived.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// How many different queued records have arrived, as far as uuids tell.
    pub fn records(&self) -> u64 {
        self.recent.different()
    }

    /// Ids out of their order, or left out of a repeat.
    pub fn unordered(&self) -> u64 {
        self.late + self.skips
    }

    /// Those of `owed` that have not arrived.
    pub fn lost(&self, owed: &[Range<u64>]) -> Vec<Range<u64>> {
        let gaps = self.missing.iter().cloned().chain(std::iter::once(self.next..u64::MAX));
        let both = gaps
            .flat_map(|gap| owed.iter().map(move |owed| gap.start.max(owed.start)..gap.end.min(owed.end)));
        both.filter(|range| !range.is_empty()).collect()
    }

    /// Ends the time between two kills; gives what came again in it.
    pub fn take_repeats(&mut self) -> Repeats {
        std::mem::take(&mut self.repeats)
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "ids come in ranges, be it one")]
mod tests {
    use super::*;

    fn taken(ids: &[u64]) -> Arrivals {
        let mut arrivals = Arrivals::default();
        for id in ids {
            arrivals.take(*id, None);
        }
        arrivals
    }

    #[test]
    fn what_was_owed_and_did_not_come_is_lost() {
        let arrivals = taken(&[0, 1, 4, 5]);
        assert_eq!(arrivals.lost(&[0..3, 5..7]), [2..3, 6..7]);
        assert!(arrivals.lost(&[0..2, 4..6]).is_empty());
        assert_eq!(arrivals.unordered(), 0);
    }

    #[test]
    fn a_late_id_is_no_repeat() {
        let mut arrivals = taken(&[0, 3, 1]);
        assert_eq!((arrivals.unordered(), arrivals.take_repeats().reread), (1, 0));
        assert_eq!(arrivals.lost(&[0..4]), [2..3]);
    }

    #[test]
    fn a_repeat_must_go_on_where_it_ends() {
        let mut whole = taken(&[0, 1, 2, 3, 1, 2, 3, 4]);
        assert_eq!(whole.unordered(), 0);
        assert_eq!(whole.take_repeats(), Repeats { reread: 3, resent: 0, steps_back: 1 });
        assert_eq!(whole.take_repeats(), Repeats::default());
        assert_eq!(taken(&[0, 1, 2, 3, 1, 3, 4]).unordered(), 1);
        assert_eq!(taken(&[0, 1, 2, 3, 1, 4]).unordered(), 1);
        // A gap that was there before is none of the repeat's.
        assert_eq!(taken(&[0, 3, 4, 0, 3, 4, 5]).unordered(), 0);
    }

    #[test]
    fn uuids_tell_who_repeats() {
        let mut arrivals = Arrivals::default();
        for (id, uuid) in [(0, b"a"), (1, b"b"), (1, b"b"), (1, b"c"), (1, b"c")] {
            arrivals.take(id, Some(uuid));
        }
        assert_eq!(arrivals.take_repeats(), Repeats { resent: 2, reread: 1, steps_back: 3 });
        assert_eq!(arrivals.records(), 3);
    }
}
