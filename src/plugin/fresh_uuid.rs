//! Random (version 4) UUIDs without a system call each.

use std::cell::RefCell;

thread_local! {
    static GENERATOR: RefCell<[u64; 4]> = RefCell::new(seed());
}

/// A new random UUID, version 4, variant 1.
pub fn fresh_uuid() -> [u8; 16] {
    let (high, low) = GENERATOR.with_borrow_mut(|state| (next(state), next(state)));
    let mut uuid = [0; 16];
    uuid[..8].copy_from_slice(&high.to_le_bytes());
    uuid[8..].copy_from_slice(&low.to_le_bytes());
    uuid[6] = (uuid[6] & 0x0f) | 0x40;
    uuid[8] = (uuid[8] & 0x3f) | 0x80;
    uuid
}

/// A seed from the operating system; without one, from the clock and this thread's stack address.
fn seed() -> [u64; 4] {
    let mut bytes = [0u8; 32];
    if getrandom::fill(&mut bytes).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        bytes[..16].copy_from_slice(&now.as_nanos().to_le_bytes());
        let place = std::ptr::from_ref(&now).addr() as u64;
        bytes[16..24].copy_from_slice(&place.to_le_bytes());
        bytes[31] = 1;
    }
    let word = |i: usize| u64::from_le_bytes(std::array::from_fn(|k| bytes[8 * i + k]));
    [word(0), word(1), word(2), word(3) | 1]
}

/// xoshiro256++ 1.0 (Blackman and Vigna): fast, and good enough where nobody must guess the next one.
fn next(s: &mut [u64; 4]) -> u64 {
    let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
    let t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3].rotate_left(45);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_of_version_4_and_differ() {
        let (a, b) = (fresh_uuid(), fresh_uuid());
        assert_ne!(a, b);
        for uuid in [a, b] {
            assert_eq!(uuid[6] >> 4, 4);
            assert_eq!(uuid[8] >> 6, 0b10);
        }
    }
}
