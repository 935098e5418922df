//! What became of numbered records: sent ids against the ids that arrived, in order of arrival.

use std::fmt;

/// The result of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many ids were sent: 0, 1, ... `sent - 1`.
    pub sent: u64,
    /// Ids that never arrived.
    pub lost: Vec<u64>,
    /// Ids that were never sent.
    pub unknown: Vec<u64>,
    /// Arrivals beyond the first of an id.
    pub duplicates: u64,
    /// The longest run of arrivals beyond the first: what one restart repeated.
    pub longest_repeat: u64,
    /// Ids whose first arrival came after that of a later id.
    pub out_of_order: Vec<u64>,
}

impl Tally {
    /// Compares the ids `0..sent` with those that arrived.
    pub fn of(sent: u64, arrived: impl IntoIterator<Item = u64>) -> Tally {
        let mut seen = vec![false; usize::try_from(sent).unwrap_or(usize::MAX)];
        let mut tally = Tally { sent, ..Tally::default() };
        let mut highest = None;
        let mut repeat = 0;
        for id in arrived {
            let Some(seen) = usize::try_from(id).ok().and_then(|index| seen.get_mut(index)) else {
                tally.unknown.push(id);
                continue;
            };
            if std::mem::replace(seen, true) {
                tally.duplicates += 1;
                repeat += 1;
                tally.longest_repeat = tally.longest_repeat.max(repeat);
                continue;
            }
            repeat = 0;
            if highest.is_some_and(|highest| id < highest) {
                tally.out_of_order.push(id);
            }
            highest = highest.max(Some(id));
        }
        tally.lost = (0..sent).zip(&seen).filter(|(_, seen)| !**seen).map(|(id, _)| id).collect();
        tally
    }

    /// Every id arrived, in order, and nothing else did; repeats are allowed.
    pub fn is_complete(&self) -> bool {
        self.lost.is_empty() && self.unknown.is_empty() && self.out_of_order.is_empty()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = |ids: &[u64]| ids.first().map_or(String::new(), |id| format!(" (first {id})"));
        write!(
            f,
            "{} sent, {} lost{}, {} twice (longest repeat {}), {} out of order{}, {} unknown",
            self.sent,
            self.lost.len(),
            first(&self.lost),
            self.duplicates,
            self.longest_repeat,
            self.out_of_order.len(),
            first(&self.out_of_order),
            self.unknown.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_trouble_is_counted() {
        let tally = Tally::of(6, [0, 1, 0, 1, 3, 2, 9]);
        assert_eq!((tally.lost.as_slice(), tally.unknown.as_slice()), (&[4, 5][..], &[9][..]));
        assert_eq!((tally.duplicates, tally.longest_repeat), (2, 2));
        assert_eq!(tally.out_of_order, [2]);
        assert!(!tally.is_complete());
        assert!(Tally::of(3, [0, 0, 1, 2, 1]).is_complete());
    }
}
