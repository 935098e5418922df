//! Uuids seen lately, in bounded memory.

use std::collections::HashSet;

/// So many uuids are kept at least. What a kill repeats is far less.
const KEPT: usize = 1 << 16;

/// Counts different uuids; one that comes again does so soon.
#[derive(Debug, Default)]
pub struct Recent {
    now: HashSet<u128>,
    before: HashSet<u128>,
    different: u64,
}

impl Recent {
    /// Takes a uuid; true if it is new.
    pub fn insert(&mut self, uuid: &[u8]) -> bool {
        let number = uuid.iter().fold(0, |number: u128, byte| number << 8 | u128::from(*byte));
        if self.before.contains(&number) || !self.now.insert(number) {
            return false;
        }
        self.different += 1;
        if self.now.len() >= KEPT {
            self.before = std::mem::take(&mut self.now);
        }
        true
    }

    /// How many different uuids there were.
    pub fn different(&self) -> u64 {
        self.different
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_known_across_generations() {
        let mut recent = Recent::default();
        let count = KEPT as u64 * 3;
        for n in 0..count {
            assert!(recent.insert(&n.to_be_bytes()));
            assert!(!recent.insert(&n.saturating_sub(5000).to_be_bytes()));
        }
        assert_eq!(recent.different(), count);
        assert!(recent.now.len() + recent.before.len() <= 2 * KEPT);
    }
}
