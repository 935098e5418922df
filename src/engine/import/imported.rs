//! The queues of imported records while hekad runs: each is read by one reader only, and gone once that has read it up.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use heka_queue::{Cursors, Durable, Options, Position, Queue, QueueError, Reader, SyncMode};

use super::places::Places;
use super::take_over::{ImportError, failed, remove_folder};
use crate::log::Logger;

/// The queues of imported records by reader.
#[derive(Default)]
pub struct Imported {
    places: Option<Places>,
    queues: Mutex<BTreeMap<String, Queue>>,
}

/// What a reader's queue of imported records is called among the cursors.
pub fn queue_name(reader: &str) -> String {
    format!("imported/{reader}")
}

impl Imported {
    /// Opens the queues of these readers, where they have one.
    pub fn open<'a>(
        places: &Places,
        readers: impl IntoIterator<Item = &'a str>,
        logger: &Logger,
    ) -> Imported {
        let mut queues = BTreeMap::new();
        for reader in readers {
            match open(places, reader, logger) {
                Ok(None) => {}
                Ok(Some(queue)) => drop(queues.insert(reader.to_owned(), queue)),
                Err(error) => logger.error(&format!(
                    "Plugin '{reader}' error: what was imported for it is not delivered now: {error}"
                )),
            }
        }
        Imported { places: Some(places.clone()), queues: Mutex::new(queues) }
    }

    /// Whether a reader has such a queue.
    pub fn has(&self, reader: &str) -> bool {
        self.lock().contains_key(reader)
    }

    /// A reader of the queue from `position` on.
    pub fn reader(&self, reader: &str, position: Position) -> Option<Reader> {
        self.lock().get(reader).map(|queue| queue.reader(position))
    }

    /// The end of a reader's queue; the start if it has none.
    pub fn tail(&self, reader: &str) -> Position {
        self.lock().get(reader).map_or(Position::default(), Queue::tail)
    }

    /// Bytes that a reader at `position` has not read.
    pub fn lag_bytes(&self, reader: &str, position: Position) -> u64 {
        self.lock().get(reader).map_or(0, |queue| queue.bytes_between(position, queue.tail()))
    }

    /// Unlinks what readers are past, as far as `saved` has it, and removes queues that were read up.
    ///
    /// # Errors
    /// A queue cannot be removed. It is tried again at the next start.
    pub fn prune(&self, cursors: &Cursors, saved: &Durable) -> Result<(), ImportError> {
        let mut queues = self.lock();
        let mut read_up = Vec::new();
        for (reader, queue) in queues.iter() {
            let Some(at) = saved.lowest(&queue_name(reader)) else { continue };
            if queue.bytes_between(at, queue.tail()) == 0 {
                read_up.push(reader.clone());
            } else {
                queue.prune(at, saved);
            }
        }
        for reader in read_up {
            if let Some(queue) = queues.remove(&reader) {
                queue.close();
            }
            if let Some(places) = &self.places {
                // The cursor goes after the queue: without one, a queue is read from its start.
                let (queue, done) = (places.queue(&reader), places.done(&reader));
                fs::rename(&queue, &done).map_err(failed("move", &queue))?;
                remove_folder(&done)?;
            }
            cursors.remove(&reader, &queue_name(&reader));
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(places: &Places, reader: &str, logger: &Logger) -> Result<Option<Queue>, QueueError> {
    let dir = places.queue(reader);
    if !dir.exists() {
        return Ok(None);
    }
    let log = logger.clone();
    // Nothing is ever appended, so there is nothing to sync.
    let options = Options {
        name: queue_name(reader),
        sync: SyncMode::None,
        log: Arc::new(move |event| log.error(&event.to_string())),
        ..Options::default()
    };
    Queue::open(&dir, options).map(Some)
}

#[cfg(test)]
mod tests;
