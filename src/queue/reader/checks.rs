//! Which records were checked, by this reader or another.

use crate::fs::Map;

/// What is known of the open segment's records.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// What other readers checked.
    pub(super) known: (usize, usize),
    /// What this reader checked since it last told the others.
    pub(super) own: (usize, usize),
    /// A record was found to be good, so the place is the start of a record.
    pub(super) aligned: bool,
}

impl Checks {
    /// Whether the record was checked before, by this reader or another.
    #[inline]
    pub(super) fn covers(&mut self, map: &Map, from: usize, to: usize) -> bool {
        if !self.aligned {
            return false;
        }
        if to > self.known.1 {
            self.known = map.checked();
        }
        from >= self.known.0 && to <= self.known.1
    }

    #[inline]
    pub(super) fn add(&mut self, from: usize, to: usize) {
        self.aligned = true;
        if from == self.own.1 {
            self.own.1 = to;
        } else {
            self.own = (from, to);
        }
    }
}
