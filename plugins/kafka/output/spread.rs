//! Which partition a record goes to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rdkafka::producer::Partitioner;

/// How records are spread over the partitions of their topic.
pub(super) enum Spread {
    /// By chance, over partitions that have a leader. Holds the state of a generator.
    Random(AtomicU64),
    /// In turn, over partitions that have a leader. Holds the next turn of each topic.
    RoundRobin(Mutex<HashMap<String, i32>>),
    /// By a hash of the key, over all partitions, so that a key has one partition for good.
    Hash,
}

impl Spread {
    /// By chance, beginning anywhere.
    pub(super) fn random(seed: u64) -> Spread {
        Spread::Random(AtomicU64::new(seed | 1))
    }

    /// In turn.
    pub(super) fn round_robin() -> Spread {
        Spread::RoundRobin(Mutex::default())
    }
}

impl Partitioner for Spread {
    fn partition(
        &self,
        topic: &str,
        key: Option<&[u8]>,
        count: i32,
        is_available: impl Fn(i32) -> bool,
    ) -> i32 {
        if count <= 0 {
            return 0;
        }
        let first = match self {
            Spread::Hash => return hashed(key.unwrap_or_default(), count),
            Spread::Random(state) => chance(state, count),
            Spread::RoundRobin(turns) => {
                let mut turns = turns.lock().unwrap_or_else(PoisonError::into_inner);
                // Most topics are known: their names are not copied.
                let turn = match turns.get_mut(topic) {
                    Some(turn) => turn,
                    None => turns.entry(topic.into()).or_insert(0),
                };
                let first = *turn % count;
                let chosen = from(first, count, &is_available);
                *turn = (chosen + 1) % count;
                return chosen;
            }
        };
        from(first, count, &is_available)
    }
}

/// The first partition from `first` on that has a leader; `first` if none has.
fn from(first: i32, count: i32, is_available: &impl Fn(i32) -> bool) -> i32 {
    let all = (first..count).chain(0..first);
    all.into_iter().find(|partition| is_available(*partition)).unwrap_or(first)
}

/// A number below `count`.
fn chance(state: &AtomicU64, count: i32) -> i32 {
    // A step of a Weyl sequence, then the finalizer of SplitMix64.
    let mut mixed = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let count = u64::try_from(count).unwrap_or(1);
    i32::try_from(mixed % count).unwrap_or(0)
}

/// The partition of a key: the 32-bit FNV-1a hash, as a signed number made positive, modulo the number of partitions. So do
/// Heka and other clients in Go.
fn hashed(key: &[u8], count: i32) -> i32 {
    let hash =
        key.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    let signed = i32::from_ne_bytes(hash.to_ne_bytes());
    i32::try_from(signed.unsigned_abs() % u32::try_from(count).unwrap_or(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_counted_for_each_topic_and_skip_the_leaderless() {
        let spread = Spread::round_robin();
        let go =
            |topic: &str, without: i32| spread.partition(topic, None, 3, |partition| partition != without);
        assert_eq!([go("a", -1), go("a", -1), go("b", -1), go("a", -1), go("a", -1)], [0, 1, 0, 2, 0]);
        assert_eq!([go("a", 1), go("a", 1), go("a", 1)], [2, 0, 2]);
        // A topic may be made anew with fewer partitions.
        assert_eq!(spread.partition("a", None, 1, |_| true), 0);
        assert_eq!(spread.partition("a", None, 4, |_| false), 0);
    }

    #[test]
    fn chance_reaches_every_partition_that_has_a_leader() {
        let spread = Spread::random(7);
        let mut counts = [0; 4];
        for _ in 0..4000 {
            let partition = spread.partition("a", None, 4, |partition| partition != 2);
            counts[usize::try_from(partition).unwrap()] += 1;
        }
        assert_eq!(counts[2], 0);
        assert!(counts[0] > 700 && counts[1] > 700 && counts[3] > 700, "{counts:?}");
    }

    #[test]
    fn a_key_has_the_partition_that_fnv_gives_it() {
        // FNV-1a of "" is 2166136261, of "a" 3826002220, of "foobar" 3214735720: as signed numbers -2128831035,
        // -468965076 and -1080231576.
        let partition = |key: &[u8], count| Spread::Hash.partition("t", Some(key), count, |_| false);
        assert_eq!(partition(b"", 12), 2_128_831_035 % 12);
        assert_eq!(partition(b"a", 12), 468_965_076 % 12);
        assert_eq!(partition(b"foobar", 1000), 1_080_231_576 % 1000);
        assert_eq!(partition(b"foobar", 0), 0);
    }
}
