//! Random UUIDs without a system call each.

/// xoshiro256++, seeded by the operating system once for every sandbox.
#[derive(Debug)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    /// A generator of its own. Should the system have no entropy to give, clock and address serve: the numbers name
    /// messages, they keep no secrets.
    pub(crate) fn new() -> Random {
        let mut seed = [0; 32];
        let mut state = [0; 4];
        if getrandom::fill(&mut seed).is_err() {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            seed[..16].copy_from_slice(&now.as_nanos().to_le_bytes());
            let address = &raw const seed as usize as u64;
            seed[16..24].copy_from_slice(&address.to_le_bytes());
            seed[24..28].copy_from_slice(&std::process::id().to_le_bytes());
        }
        for (word, bytes) in state.iter_mut().zip(seed.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        }
        // All zero is the one state that the generator cannot leave.
        state[0] |= 1;
        Random { state }
    }

    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A UUID as Heka's sandboxes make it: version 4, variant nibble always A.
    pub(crate) fn uuid(&mut self) -> [u8; 16] {
        let mut uuid = [0; 16];
        uuid[..8].copy_from_slice(&self.next().to_le_bytes());
        uuid[8..].copy_from_slice(&self.next().to_le_bytes());
        uuid[6] = uuid[6] & 0x0f | 0x40;
        uuid[8] = uuid[8] & 0x0f | 0xa0;
        uuid
    }
}

/// A random UUID for a message that brings none.
pub fn random_uuid() -> [u8; 16] {
    Random::new().uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_version_4_and_differ() {
        let mut random = Random::new();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..10_000 {
            let uuid = random.uuid();
            assert_eq!((uuid[6] >> 4, uuid[8] >> 4), (4, 0xa));
            assert!(seen.insert(uuid));
        }
        assert_ne!(Random::new().uuid(), Random::new().uuid());
    }
}
