//! The two queues and the cursors, in `<base_dir>/queue`.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use heka_queue::fs::RealFs;
use heka_queue::{Cursors, EventCount, Options, Queue, QueueError, SyncMode};

use crate::import::{ImportError, Imported, imported};
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
    /// What was taken over from an old hekad, by reader.
    pub imported: Imported,
    /// Wakes readers of both queues.
    pub events: Arc<EventCount>,
    /// Locked as long as this hekad runs.
    _lock: Lock,
}

/// Keeps a second hekad off a `base_dir` for as long as it lives; the system releases it when the process ends, however
/// that happens.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for the lock on it")] File);

/// Why cursors were not saved or queues not pruned.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The cursors cannot be saved.
    #[error(transparent)]
    Cursors(#[from] QueueError),
    /// A queue of imported records cannot be removed.
    #[error(transparent)]
    Imported(#[from] ImportError),
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
        Queues::open_locked(Lock::take(base_dir)?, base_dir, sync, segment_size_bytes, logger)
    }

    /// Opens or creates the queues of a folder that was locked before.
    ///
    /// # Errors
    /// A file cannot be read or made.
    pub fn open_locked(
        lock: Lock,
        base_dir: &Path,
        sync: SyncMode,
        segment_size_bytes: u64,
        logger: &Logger,
    ) -> Result<Queues, OpenError> {
        let dir = base_dir.join("queue");
        let fs = Arc::new(RealFs);
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
        Ok(Queues { input, filter, cursors, imported: Imported::default(), events, _lock: lock })
    }

    /// The end of both queues, and nothing of what was imported.
    pub fn tail(&self) -> Place {
        Place { input: self.input.tail(), filter: self.filter.tail(), ..Place::default() }
    }

    /// Where a reader begins: at its cursor, or, when it has none, at the oldest record (`from_oldest`) or the end.
    pub fn start_of(&self, reader: &str, from_oldest: bool) -> Place {
        let fallback = if from_oldest {
            Place { input: self.input.oldest(), filter: self.filter.oldest(), ..Place::default() }
        } else {
            self.tail()
        };
        Place {
            input: self.cursors.get(reader, INPUT).unwrap_or(fallback.input),
            filter: self.cursors.get(reader, FILTER).unwrap_or(fallback.filter),
            imported: self.cursors.get(reader, &imported::queue_name(reader)).unwrap_or_default(),
        }
    }

    /// Notes where a reader stands.
    pub fn set_cursor(&self, reader: &str, place: Place) {
        self.cursors.set(reader, INPUT, place.input);
        self.cursors.set(reader, FILTER, place.filter);
        if self.imported.has(reader) {
            self.cursors.set(reader, &imported::queue_name(reader), place.imported);
        }
    }

    /// Forgets where a reader stands: it needs nothing of both queues any more.
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

    /// The same, with what was imported for the reader.
    pub fn whole_lag_bytes(&self, reader: &str, place: Place) -> u64 {
        self.lag_bytes(place) + self.imported.lag_bytes(reader, place.imported)
    }

    /// Saves the cursors and unlinks what no reader needs any more.
    ///
    /// # Errors
    /// The cursors cannot be saved, and nothing is unlinked then; or a queue that was read up cannot be removed.
    pub fn save(&self) -> Result<(), SaveError> {
        let saved = self.cursors.save_if_changed()?;
        self.input.prune(saved.lowest(INPUT).unwrap_or_else(|| self.input.tail()), &saved);
        self.filter.prune(saved.lowest(FILTER).unwrap_or_else(|| self.filter.tail()), &saved);
        Ok(self.imported.prune(&self.cursors, &saved)?)
    }
}

impl Lock {
    /// Two daemons on one folder would write over each other: the second one is refused.
    ///
    /// # Errors
    /// Another hekad has the folder, or the lock file cannot be made.
    pub fn take(base_dir: &Path) -> Result<Lock, OpenError> {
        let dir = base_dir.join("queue");
        let io = |action, path: &Path| {
            let path = path.to_owned();
            move |source| QueueError::Io { action, path, source }
        };
        std::fs::create_dir_all(&dir).map_err(io("create", &dir))?;
        let path = dir.join("lock");
        let file = File::create(&path).map_err(io("lock", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { base_dir: base_dir.into(), lock: path }),
            Err(TryLockError::Error(source)) => Err(io("lock", &path)(source).into()),
        }
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
