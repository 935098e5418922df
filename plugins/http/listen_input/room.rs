//! Memory for the bodies of requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is left of it. Clones share it.
#[derive(Clone)]
pub(super) struct Room(Arc<AtomicUsize>);

impl Room {
    /// So many bytes.
    pub(super) fn of(bytes: usize) -> Room {
        Room(Arc::new(AtomicUsize::new(bytes)))
    }

    /// A place that takes no room yet.
    pub(super) fn place(&self) -> Place {
        Place { room: self.clone(), taken: 0 }
    }
}

/// Room that was taken; given back when this is dropped.
pub(super) struct Place {
    room: Room,
    taken: usize,
}

impl Place {
    /// Makes sure that so many bytes are taken in all. False: there is no room for them.
    pub(super) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.taken);
        let take = |left: usize| left.checked_sub(more);
        let fits = self.room.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok();
        if fits {
            self.taken += more;
        }
        fits
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.0.fetch_add(self.taken, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_shared_and_comes_back() {
        let room = Room::of(10);
        let (mut one, mut two) = (room.place(), room.place());
        assert!(one.grow_to(6) && one.grow_to(4) && one.grow_to(7));
        assert!(!two.grow_to(4) && two.grow_to(3));
        drop(one);
        assert!(two.grow_to(10));
    }
}
