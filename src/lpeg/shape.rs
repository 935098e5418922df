//! Caches that let a table capture be allocated at its final size without changing what `pairs` shows.
//!
//! A Lua 5.1 table that grows from empty is rehashed at every power of two, and the order in which it is traversed
//! depends on that history. A *shape* is a sequence of field names, with the order in which the fields must be stored
//! into a table of the final size to get the very layout that growing gives: at the last rehash the old entries were
//! reinserted from last to first, and the rest followed in their own order.

/// Fields of the largest table that is cached.
pub(crate) const MAX_FIELDS: usize = 24;

const WAYS: usize = 3;
const MAX_LEARNED: u8 = 64;

/// One known sequence of fields.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Shape {
    len: u16,
    keys: [u16; MAX_FIELDS],
    order: [u8; MAX_FIELDS],
    pad: [u8; 6],
}

/// The shapes that one table capture has had.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct Shapes {
    ways: [Shape; WAYS],
    next: u8,
    learned: u8,
}

impl Shapes {
    /// An empty cache.
    pub(crate) fn new() -> Self {
        let none = Shape { len: 0, keys: [0; MAX_FIELDS], order: [0; MAX_FIELDS], pad: [0; 6] };
        Self { ways: [none; WAYS], next: 0, learned: 0 }
    }

    /// The order in which to store fields of these names, if known.
    pub(crate) fn find(&self, keys: &[u16]) -> Option<[u8; MAX_FIELDS]> {
        self.ways
            .iter()
            .find(|way| usize::from(way.len) == keys.len() && way.keys[..keys.len()] == *keys)
            .map(|way| way.order)
    }

    /// Whether one more shape may be learned: a capture whose fields vary without end is not worth the work.
    pub(crate) fn can_learn(&self) -> bool {
        self.learned < MAX_LEARNED
    }

    /// Remembers a shape, forgetting the oldest.
    pub(crate) fn learn(&mut self, keys: &[u16], order: &[u8; MAX_FIELDS]) {
        let way = &mut self.ways[usize::from(self.next)];
        way.len = keys.len() as u16;
        way.keys[..keys.len()].copy_from_slice(keys);
        way.order = *order;
        self.next = (self.next + 1) % WAYS as u8;
        self.learned += 1;
    }
}

const _: () = assert!(size_of::<Shapes>().is_multiple_of(size_of::<u64>()));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_it_learned_until_it_is_replaced() {
        let mut shapes = Shapes::new();
        let order = |n: u8| std::array::from_fn(|i| i as u8 ^ n);
        for n in 1..=4 {
            assert!(shapes.find(&[n, n + 1]).is_none());
            shapes.learn(&[n, n + 1], &order(n as u8));
            assert_eq!(shapes.find(&[n, n + 1]), Some(order(n as u8)));
        }
        assert!(shapes.find(&[1, 2]).is_none());
        assert!(shapes.find(&[2]).is_none());
        assert_eq!(shapes.find(&[2, 3]), Some(order(2)));
    }
}
