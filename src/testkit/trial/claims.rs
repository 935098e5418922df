//! What one input was given, and what it answers for.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The ids of one input. Ids are given out in order: 0, 1, 2 and so on.
#[derive(Debug, Default)]
pub struct Claims {
    issued: AtomicU64,
    confirmed: AtomicU64,
    owed: Mutex<Vec<Range<u64>>>,
}

impl Claims {
    /// Gives out the next ids. From now on they may arrive.
    pub fn issue(&self, count: u64) -> Range<u64> {
        let first = self.issued.fetch_add(count, Ordering::SeqCst);
        first..first + count
    }

    /// These ids were acknowledged: from now on they must arrive. Called in order.
    pub fn owe(&self, ids: Range<u64>) {
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        match owed.last_mut() {
            Some(last) if last.end == ids.start => last.end = ids.end,
            _ => owed.push(ids),
        }
    }

    /// How many ids were given out.
    pub fn issued(&self) -> u64 {
        self.issued.load(Ordering::SeqCst)
    }

    /// How many ids must arrive.
    pub fn owed_count(&self) -> u64 {
        self.owed().into_iter().map(|ids| ids.end - ids.start).sum()
    }

    /// All ids that must arrive.
    pub fn owed(&self) -> Vec<Range<u64>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says that no output waits for an id below `next` any more.
    pub fn confirm(&self, next: u64) {
        self.confirmed.fetch_max(next, Ordering::SeqCst);
    }

    /// No output waits for an id below this one.
    pub fn confirmed(&self) -> u64 {
        self.confirmed.load(Ordering::SeqCst)
    }

    /// How many ids are on their way.
    pub fn on_the_way(&self) -> u64 {
        self.issued().saturating_sub(self.confirmed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owed_ids_are_merged_and_unanswered_ones_left_out() {
        let claims = Claims::default();
        for answered in [true, true, false, true] {
            let ids = claims.issue(5);
            if answered {
                claims.owe(ids);
            }
        }
        assert_eq!(claims.owed(), [0..10, 15..20]);
        assert_eq!((claims.owed_count(), claims.issued()), (15, 20));
        claims.confirm(7);
        claims.confirm(3);
        assert_eq!((claims.confirmed(), claims.on_the_way()), (7, 13));
    }
}
