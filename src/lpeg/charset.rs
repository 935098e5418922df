//! Sets of bytes.

/// A set of bytes, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct Charset(pub(crate) [u64; 4]);

impl Charset {
    /// No byte.
    pub(crate) const EMPTY: Self = Self([0; 4]);
    /// Every byte.
    pub(crate) const FULL: Self = Self([u64::MAX; 4]);

    /// The set of one byte.
    pub(crate) fn single(byte: u8) -> Self {
        let mut set = Self::EMPTY;
        set.insert(byte);
        set
    }

    /// The set of the bytes that satisfy a predicate.
    pub(crate) fn of(accepts: impl Fn(u8) -> bool) -> Self {
        let mut set = Self::EMPTY;
        (0..=u8::MAX).filter(|&b| accepts(b)).for_each(|b| set.insert(b));
        set
    }

    /// Adds a byte.
    pub(crate) fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Whether a byte is in the set.
    #[inline(always)]
    pub(crate) fn has(&self, byte: u8) -> bool {
        (self.0[usize::from(byte >> 6)] >> (byte & 63)) & 1 != 0
    }

    /// Bytes in either set.
    pub(crate) fn union(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    /// Bytes in both sets.
    pub(crate) fn intersection(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    /// Bytes of this set that are not in the other.
    pub(crate) fn minus(self, other: Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    /// Bytes that are not in the set.
    pub(crate) fn complement(self) -> Self {
        Self::FULL.minus(self)
    }

    /// Whether every byte of this set is in the other.
    pub(crate) fn is_subset(self, other: Self) -> bool {
        self.minus(other) == Self::EMPTY
    }

    /// Whether no byte is in both sets.
    pub(crate) fn is_disjoint(self, other: Self) -> bool {
        self.intersection(other) == Self::EMPTY
    }

    /// Number of bytes in the set.
    pub(crate) fn len(self) -> u32 {
        self.0.iter().map(|w| w.count_ones()).sum()
    }

    /// The bytes of the set, ascending.
    pub(crate) fn bytes(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |&b| self.has(b))
    }

    fn zip(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

#[cfg(test)]
mod tests {
    use super::Charset;

    #[test]
    fn algebra_agrees_with_membership() {
        let even = Charset::of(|b| b % 2 == 0);
        let low = Charset::of(|b| b < 100);
        for b in 0..=u8::MAX {
            assert_eq!(even.union(low).has(b), b % 2 == 0 || b < 100);
            assert_eq!(even.intersection(low).has(b), b % 2 == 0 && b < 100);
            assert_eq!(even.minus(low).has(b), b % 2 == 0 && b >= 100);
            assert_eq!(even.complement().has(b), b % 2 == 1);
        }
        assert_eq!(even.len(), 128);
        assert!(even.is_disjoint(even.complement()));
        assert!(even.intersection(low).is_subset(low));
        assert_eq!(low.bytes().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    }
}
