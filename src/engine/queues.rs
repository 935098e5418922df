//! The two queues and the cursors, in `<base_dir>/queue`.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use heka_queue::fs::RealFs;
use heka_queue::{Cursors, EventCount, Options, Queue, QueueError, SyncMode};

use crate::log::Logger;
use crate::place::Place;

/// Name of the queue that inputs write.
pub const INPUT: &str = "input";
/// Name of the queue that filters write.
pub const FILTER: &str = "filter";

/// The queues of a running hekad.
pub struct Queues {
    /// Written by inputs.
    pub input: Queue,
    /// Written by filters and by hekad itself.
    pub filter: Queue,
    /// Where every reader stands.
    pub cursors: Cursors,
    /// Wakes readers of both queues.
    pub events: Arc<EventCount>,
    /// Locked as long as this hekad runs.
    _lock: File,
}

/// Why the queues were not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file cannot be read or made.
    #[error("{0}")]
    Queue(#[from] QueueError),
    /// Another hekad has the same `base_dir`.
    #[error("base_dir {} is in use by another hekad (it holds the lock {})", base_dir.display(), lock.display())]
    InUse {
        /// The folder.
        base_dir: PathBuf,
        /// The lock file.
        lock: PathBuf,
    },
}

impl Queues {
    /// Opens or creates the queues.
    ///
    /// # Errors
    /// Another hekad has them open, or a file cannot be read or made.
    pub fn open(
        base_dir: &Path,
        sync: SyncMode,
        segment_size_bytes: u64,
        logger: &Logger,
    ) -> Result<Queues, OpenError> {
        let dir = base_dir.join("queue");
        let fs = Arc::new(RealFs);
        std::fs::create_dir_all(&dir).map_err(|source| QueueError::Io {
            action: "create",
            path: dir.clone(),
            source,
        })?;
        let lock = lock(base_dir, &dir)?;
        let cursors = match Cursors::open(&dir, fs.clone(), sync) {
            Err(error @ QueueError::DamagedCursors { .. }) => {
                // Without cursors every reader begins at the oldest record: repeated messages rather than lost ones.
                logger.error(&format!(
                    "{error}; it is set aside, every filter and output starts at the oldest record"
                ));
                Cursors::start_anew(&dir, fs.clone(), sync)?
            }
            opened => opened?,
        };
        let events = Arc::new(EventCount::new());
        let open = |name: &str| {
            let log = logger.clone();
            let options = Options {
                name: name.into(),
                segment_size_bytes,
                sync,
                first_segment: cursors.highest_segment(name).map_or(0, |segment| segment + 1),
                fs: fs.clone(),
                log: Arc::new(move |event| log.error(&event.to_string())),
                events: events.clone(),
            };
            Queue::open(&dir.join(name), options)
        };
        let (input, filter) = (open(INPUT)?, open(FILTER)?);
        Ok(Queues { input, filter, cursors, events, _lock: lock })
    }

    /// The end of both queues.
    pub fn tail(&self) -> Place {
        Place { input: self.input.tail(), filter: self.filter.tail() }
    }

    /// Where a reader begins: at its cursor, or, when it has none, at the oldest record (`from_oldest`) or the end.
    pub fn start_of(&self, reader: &str, from_oldest: bool) -> Place {
        let fallback = if from_oldest {
            Place { input: self.input.oldest(), filter: self.filter.oldest() }
        } else {
            self.tail()
        };
        Place {
            input: self.cursors.get(reader, INPUT).unwrap_or(fallback.input),
            filter: self.cursors.get(reader, FILTER).unwrap_or(fallback.filter),
        }
    }

    /// Notes where a reader stands.
    pub fn set_cursor(&self, reader: &str, place: Place) {
        self.cursors.set(reader, INPUT, place.input);
        self.cursors.set(reader, FILTER, place.filter);
    }

    /// Forgets where a reader stands: it needs nothing any more.
    pub fn forget(&self, reader: &str) {
        self.cursors.remove(reader, INPUT);
        self.cursors.remove(reader, FILTER);
    }

    /// Bytes between a place and the end of both queues.
    pub fn lag_bytes(&self, place: Place) -> u64 {
        let tail = self.tail();
        self.input.bytes_between(place.input, tail.input)
            + self.filter.bytes_between(place.filter, tail.filter)
    }

    /// Saves the cursors and unlinks what no reader needs any more.
    ///
    /// # Errors
    /// The cursors cannot be saved; nothing is unlinked then.
    pub fn save(&self) -> Result<(), QueueError> {
        let saved = self.cursors.save_if_changed()?;
        self.input.prune(saved.lowest(INPUT).unwrap_or_else(|| self.input.tail()), &saved);
        self.filter.prune(saved.lowest(FILTER).unwrap_or_else(|| self.filter.tail()), &saved);
        Ok(())
    }
}

/// Two daemons on one folder would write over each other: the second one is refused.
fn lock(base_dir: &Path, dir: &Path) -> Result<File, OpenError> {
    let path = dir.join("lock");
    let io = |source| QueueError::Io { action: "lock", path: path.clone(), source };
    let file = File::create(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { base_dir: base_dir.into(), lock: path }),
        Err(TryLockError::Error(source)) => Err(io(source).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_hekad_on_the_same_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Queues::open(dir.path(), SyncMode::Ack, 1 << 20, &Logger::default());
        let first = open().unwrap();
        let refused = open().err().unwrap().to_string();
        assert!(refused.contains("is in use by another hekad"), "{refused}");
        drop(first);
        assert!(open().is_ok());
    }
}
