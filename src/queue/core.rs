//! What the handles, readers and the commit thread of one queue share.

use crate::commit::Commit;
use crate::error::{Event, EventKind, LogFn};
use crate::events::EventCount;
use crate::fs::{Claim, Fs};
use crate::receipt::Progress;
use crate::segment::Segment;
use crate::writer::Writer;
use crate::{Position, SyncMode};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What the handles, readers and the commit thread of one queue share.
///
/// Locks are taken in this order: `commit.one`, `writer`, `segments`.
pub(crate) struct Core {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    pub(crate) segment_size: u64,
    pub(crate) sync: SyncMode,
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) log: LogFn,
    pub(crate) events: Arc<EventCount>,
    pub(crate) writer: Mutex<Writer>,
    pub(crate) segments: RwLock<BTreeMap<u64, Arc<Segment>>>,
    /// The tail while there is no segment.
    pub(crate) first_position: Position,
    pub(crate) progress: Arc<Progress>,
    pub(crate) commit: Commit,
    pub(crate) counters: Counters,
    pub(crate) _claim: Claim,
}

/// What a queue counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) bad_records: AtomicU64,
    pub(crate) cut_bytes: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) failed_syncs: AtomicU64,
    pub(crate) lost_records: AtomicU64,
}

impl Core {
    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        lock(&self.writer)
    }

    pub(crate) fn segments(&self) -> RwLockReadGuard<'_, BTreeMap<u64, Arc<Segment>>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn segments_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<u64, Arc<Segment>>> {
        self.segments.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The segment with this number, or the next live one.
    pub(crate) fn segment_from(&self, id: u64) -> Option<Arc<Segment>> {
        self.segments().range(id..).next().map(|(_, segment)| segment.clone())
    }

    pub(crate) fn tail(&self) -> Position {
        self.segments().last_key_value().map_or(self.first_position, |(_, segment)| segment.tail())
    }

    /// Bytes of records between two positions; 0 if `to` is not after `from`.
    pub(crate) fn bytes_between(&self, from: Position, to: Position) -> u64 {
        let segments = self.segments();
        let distance = |position: Position| match segments.range(position.segment..).next() {
            Some((&id, segment)) if id == position.segment => {
                segment.base + position.offset.min(segment.end())
            }
            Some((_, segment)) => segment.base,
            None => segments.last_key_value().map_or(0, |(_, last)| last.base + last.end()),
        };
        distance(to).saturating_sub(distance(from))
    }

    pub(crate) fn report(&self, path: &Path, kind: EventKind) {
        (self.log)(&Event { queue: self.name.clone(), path: path.to_owned(), kind });
    }

    /// Counts bad bytes that a reader skipped; logs the first of each segment.
    pub(crate) fn note_bad(&self, segment: &Segment, at: usize, to: usize) {
        let (new, log) = segment.note_bad(to as u64);
        if new {
            self.counters.bad_records.fetch_add(1, Ordering::Relaxed);
        }
        if log {
            self.report(&segment.path, EventKind::BadRecord { at: at as u64, bytes: (to - at) as u64 });
        }
    }
}

/// Locks, also after a thread died holding the lock: all state here is valid between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
