//! Where a reader stands in the two queues.

use std::sync::{Mutex, PoisonError};

use heka_queue::Position;

/// A place in both queues, and in what was imported for the reader: everything before it is done with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// In the queue that inputs write.
    pub input: Position,
    /// In the queue that filters write.
    pub filter: Position,
    /// In the reader's own queue of records that an old hekad left; the start if there is none.
    pub imported: Position,
}

/// The place that a reader has published: what may be saved as its cursor.
#[derive(Debug, Default)]
pub struct PublishedPlace(Mutex<Place>);

impl PublishedPlace {
    /// Starts at a place.
    pub fn new(place: Place) -> PublishedPlace {
        PublishedPlace(Mutex::new(place))
    }

    /// Publishes a new place.
    pub fn set(&self, place: Place) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// The place last published.
    pub fn get(&self) -> Place {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
