//! The queue of an output's dead letters: bounded, and with the place before which all letters are dealt with.

use std::sync::Arc;

use heka_queue::fs::RealFs;
use heka_queue::{
    AppendError, Batch, Cursors, Durable, LogFn, Options, Position, Queue, QueueError, Reader, SyncMode,
};

use super::Folder;

/// What the queue is called among its cursors, and who has one.
const QUEUE: &str = "letters";
const READER: &str = "done";
/// Letters are removed by whole segments: a bound is so many of them.
const SEGMENTS: u64 = 8;
/// Sizes of a segment in bytes.
const SEGMENT_MIN: u64 = 256 << 10;
const SEGMENT_MAX: u64 = 64 << 20;

/// How letters are kept.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Bytes that the letters of an output may take. Above that the oldest are given up.
    pub max_bytes: u64,
    /// When a letter counts as kept.
    pub sync: SyncMode,
}

/// An output's letters.
pub struct Store {
    queue: Queue,
    cursors: Cursors,
    max_bytes: u64,
}

impl Store {
    /// Opens or makes the store. `log` is told of damage.
    ///
    /// # Errors
    /// A file cannot be read or made, or the letters are open already.
    pub fn open(folder: &Folder, bound: Bound, log: LogFn) -> Result<Store, QueueError> {
        let made = folder.make();
        made.map_err(|source| QueueError::Io { action: "make", path: folder.dir().to_owned(), source })?;
        let fs = Arc::new(RealFs);
        let cursors = match Cursors::open(folder.dir(), fs.clone(), bound.sync) {
            // Letters that were dealt with come again rather than that one is lost.
            Err(QueueError::DamagedCursors { .. }) => {
                Cursors::start_anew(folder.dir(), fs.clone(), bound.sync)?
            }
            opened => opened?,
        };
        let options = Options {
            name: format!("dead/{}", folder.output),
            segment_size_bytes: (bound.max_bytes / SEGMENTS).clamp(SEGMENT_MIN, SEGMENT_MAX),
            sync: bound.sync,
            first_segment: cursors.highest_segment(QUEUE).map_or(0, |segment| segment + 1),
            fs,
            log,
            ..Options::default()
        };
        let queue = Queue::open(&folder.letters(), options)?;
        Ok(Store { queue, cursors, max_bytes: bound.max_bytes })
    }

    /// The place before which all letters of a folder are dealt with, without opening them; the very start if that is not
    /// known.
    pub fn look_done(folder: &Folder) -> Position {
        let cursors = Cursors::open(folder.dir(), Arc::new(RealFs), SyncMode::None);
        cursors.ok().and_then(|cursors| cursors.get(READER, QUEUE)).unwrap_or_default()
    }

    /// Adds letters. They outlive this process when this returns, and a power cut after [`Store::sync`].
    ///
    /// # Errors
    /// The disk does not take them: the batch is as before, and can be tried again.
    pub fn append(&self, letters: &mut Batch) -> Result<(), AppendError> {
        self.queue.append(letters).map(drop)
    }

    /// Removes the oldest letters as long as there are too many. Tells how many bytes of letters that were not dealt with are
    /// gone.
    pub fn keep_bound(&self) -> u64 {
        let mut lost = 0;
        while self.queue.stats().bytes > self.max_bytes {
            let oldest = self.queue.oldest();
            let next = Position::new(oldest.segment + 1, 0);
            let before = self.queue.bytes_between(self.done().max(oldest), self.queue.tail());
            if self.queue.prune(next, &Durable::default()) == 0 {
                break;
            }
            let left = self.done().max(self.queue.oldest());
            lost += before - before.min(self.queue.bytes_between(left, self.queue.tail()));
        }
        lost
    }

    /// Makes durable what was added, as far as the sync mode goes; says whether it is.
    pub fn sync(&self) -> bool {
        self.queue.sync()
    }

    /// Whether the disk has failed for good.
    pub fn failed(&self) -> bool {
        self.queue.failed()
    }

    /// A reader of the letters that are not dealt with.
    pub fn reader(&self) -> Reader {
        self.queue.reader(self.done())
    }

    /// All letters before this place are dealt with.
    pub fn done(&self) -> Position {
        self.cursors.get(READER, QUEUE).unwrap_or_default()
    }

    /// Notes durably that all letters before a place are dealt with, and removes them.
    ///
    /// # Errors
    /// The note cannot be written.
    pub fn set_done(&self, at: Position) -> Result<(), QueueError> {
        self.cursors.set(READER, QUEUE, at.max(self.done()));
        let saved = self.cursors.save_if_changed()?;
        self.queue.prune(at, &saved);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use heka_queue::{Meta, silent};

    use super::*;

    fn bound(max_bytes: u64) -> Bound {
        Bound { max_bytes, sync: SyncMode::None }
    }

    fn add(store: &Store, texts: &[String]) {
        let mut batch = Batch::new();
        for text in texts {
            batch.push(text.as_bytes(), Meta::default()).unwrap();
        }
        store.append(&mut batch).unwrap();
    }

    fn left(store: &Store) -> Vec<String> {
        let mut reader = store.reader();
        let mut texts = Vec::new();
        while let Some(record) = reader.next() {
            texts.push(String::from_utf8_lossy(record.message).chars().take(8).collect());
        }
        texts
    }

    #[test]
    fn what_is_dealt_with_stays_so() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path(), "es");
        let store = Store::open(&folder, bound(1 << 30), silent()).unwrap();
        add(&store, &["a".into(), "b".into()]);
        let mut reader = store.reader();
        reader.next().unwrap();
        let at = reader.position();
        store.set_done(at).unwrap();
        assert_eq!(left(&store), ["b"]);
        assert!(store.sync() && !store.failed());
        assert!(Store::open(&folder, bound(1), silent()).is_err(), "in use");
        drop((store, reader));
        let store = Store::open(&folder, bound(1 << 30), silent()).unwrap();
        assert_eq!((left(&store), Store::look_done(&folder)), (vec!["b".to_owned()], at));
        add(&store, &["c".into()]);
        assert_eq!(left(&store), ["b", "c"]);
        // Never back.
        store.set_done(Position::default()).unwrap();
        assert_eq!(left(&store), ["b", "c"]);
    }

    #[test]
    fn too_many_letters_cost_the_oldest() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path(), "es");
        let max = SEGMENTS * SEGMENT_MIN;
        let store = Store::open(&folder, bound(max), silent()).unwrap();
        let mut lost = 0;
        for number in 0..400 {
            add(&store, &[format!("{number:08}{}", "x".repeat(10_000))]);
            lost += store.keep_bound();
        }
        let stats = store.queue.stats();
        assert!(stats.bytes <= max + SEGMENT_MIN && lost > 1_000_000, "{lost} {stats:?}");
        let left = left(&store);
        assert!((150..300).contains(&left.len()), "{}", left.len());
        assert_eq!(left.last().unwrap(), "00000399");
        // What is dealt with is no loss.
        store.set_done(store.queue.tail()).unwrap();
        add(&store, &["x".repeat(2_000_000), "y".repeat(2_000_000)]);
        assert_eq!(store.keep_bound(), 0);
    }

    #[test]
    fn damaged_cursors_bring_letters_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path(), "es");
        let store = Store::open(&folder, bound(1 << 30), silent()).unwrap();
        add(&store, &["a".into()]);
        store.set_done(store.queue.tail()).unwrap();
        drop(store);
        std::fs::write(folder.dir().join("cursors"), "nonsense").unwrap();
        assert_eq!(left(&Store::open(&folder, bound(1 << 30), silent()).unwrap()), ["a"]);
    }
}
