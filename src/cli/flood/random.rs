//! Random numbers: many, and of no secrecy.

use heka_plugin::fresh_uuid;

/// A source of random numbers.
pub(super) struct Random {
    state: u64,
}

impl Default for Random {
    fn default() -> Random {
        let seed = fresh_uuid();
        let (low, high) = seed.split_at(8);
        let number = |half: &[u8]| half.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Random { state: number(low) ^ number(high).rotate_left(17) }
    }
}

impl Random {
    /// SplitMix64 (Steele, Lea and Flood).
    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 if there is none.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        match limit {
            0 => 0,
            limit => (self.next() % limit as u64) as usize,
        }
    }

    /// Appends so many bytes; with `ascii_only` from 32 to 125.
    pub(super) fn append(&mut self, size: usize, ascii_only: bool, out: &mut Vec<u8>) {
        let end = out.len() + size;
        while out.len() < end {
            let mut word = self.next().to_le_bytes();
            if ascii_only {
                word = word.map(|byte| 32 + byte % 94);
            }
            let wanted = word.len().min(end - out.len());
            out.extend_from_slice(&word[..wanted]);
        }
    }
}
