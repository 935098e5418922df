//! A segment of a queue, as all threads of the process share it.

mod noted;
mod types;

pub(crate) use noted::Noted;
pub(crate) use types::{Known, Run, TypeIndex, WALK};

use crate::core::lock;
use crate::fs::{Fs, Map, uninterrupted};
use crate::{Position, SyncMode};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

/// A segment: a file of records, growing or sealed.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) id: u64,
    pub(crate) path: PathBuf,
    /// Bytes in all segments before this one, to tell the distance of two positions.
    pub(crate) base: u64,
    /// What is below is published: it never changes (invariant 1).
    end: AtomicU64,
    sealed: AtomicBool,
    /// What is below is durable.
    synced: AtomicU64,
    /// The one map that all readers of the segment share; gone when the last of them leaves.
    map: Mutex<Weak<Map>>,
    types: Mutex<Types>,
    /// Bad records below were counted, whichever reader met them.
    bad_counted_to: AtomicU64,
    bad_logged: AtomicBool,
}

/// The index of types and who keeps it.
#[derive(Debug, Default)]
struct Types {
    index: Weak<TypeIndex>,
    /// Kept while the segment grows; after that by the readers that were here lately.
    kept: Option<Arc<TypeIndex>>,
}

impl Segment {
    /// A segment that ends at `end`, all of it durable.
    pub(crate) fn new(id: u64, path: PathBuf, base: u64, end: u64, sealed: bool) -> Segment {
        Segment {
            id,
            path,
            base,
            end: AtomicU64::new(end),
            sealed: AtomicBool::new(sealed),
            synced: AtomicU64::new(end),
            map: Mutex::new(Weak::new()),
            types: Mutex::default(),
            bad_counted_to: AtomicU64::new(0),
            bad_logged: AtomicBool::new(false),
        }
    }

    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Makes what was written below `end` visible to readers.
    pub(crate) fn publish(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }

    /// Whether nothing will be added. Ask before [`Segment::end`].
    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    pub(crate) fn seal(&self) {
        self.sealed.store(true, Ordering::Release);
        lock(&self.types).kept = None;
    }

    pub(crate) fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    /// The end of what is held as firmly as `sync` asks for.
    pub(crate) fn synced_or(&self, sync: SyncMode) -> u64 {
        if sync == SyncMode::None { self.end() } else { self.synced() }
    }

    pub(crate) fn set_synced(&self, end: u64) {
        self.synced.store(end, Ordering::Release);
    }

    /// The place after its last record.
    pub(crate) fn tail(&self) -> Position {
        Position::new(self.id, self.end())
    }

    /// The shared map, made anew if it is shorter than `need`. It may be shorter still if the file is.
    pub(crate) fn map(&self, fs: &dyn Fs, need: u64) -> io::Result<Arc<Map>> {
        let mut shared = lock(&self.map);
        if let Some(map) = shared.upgrade().filter(|map| map.len() as u64 >= need) {
            return Ok(map);
        }
        let published = usize::try_from(self.end()).unwrap_or(usize::MAX);
        let map = Arc::new(uninterrupted(|| fs.map(&self.path))?.limited_to(published));
        *shared = Arc::downgrade(&map);
        Ok(map)
    }

    /// The shared index of types. Made anew, if nobody holds one, only when `make` says so.
    pub(crate) fn types(&self, make: bool) -> Option<Arc<TypeIndex>> {
        let mut types = lock(&self.types);
        let index = types.index.upgrade().or_else(|| make.then(Arc::default))?;
        types.index = Arc::downgrade(&index);
        Some(index)
    }

    /// Notes the types of a batch that was published at `start`, its first record with this sequence.
    pub(crate) fn note_types(&self, noted: &Noted, start: u64, sequence: u64) {
        if let Some(index) = self.types(true) {
            noted.tell(&index, start, sequence);
            lock(&self.types).kept = Some(index);
        }
    }

    /// Notes bad bytes up to `to`: whether they were not counted yet, and whether this is the first to be logged.
    pub(crate) fn note_bad(&self, to: u64) -> (bool, bool) {
        let new = self.bad_counted_to.fetch_max(to, Ordering::Relaxed) < to;
        (new, new && !self.bad_logged.swap(true, Ordering::Relaxed))
    }
}

/// Path of a segment's file.
pub(crate) fn path_of(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{id:08}.log"))
}

/// Number of the segment with this file name, if it is one.
pub(crate) fn id_of(name: &str) -> Option<u64> {
    let id = name.strip_suffix(".log")?.parse().ok()?;
    (format!("{id:08}.log") == name).then_some(id)
}
