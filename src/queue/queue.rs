//! The queue's handle: open, append, read, prune, close.

use crate::batch::Batch;
use crate::commit::{self, Commit};
use crate::core::{Core, Counters};
use crate::cursors::Durable;
use crate::error::{AppendError, EventKind, LogFn, QueueError, silent};
use crate::events::EventCount;
use crate::fs::{Fs, RealFs, uninterrupted};
use crate::reader::Reader;
use crate::receipt::{Progress, Receipt};
use crate::recovery::recover;
use crate::writer::Writer;
use crate::{Position, batch::MAX_BATCH_BYTES};
use heka_fault::fault;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;

/// What a receipt promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncMode {
    /// Receipts resolve after `fdatasync`; one every 10 ms at most, one after the other on a slow disk. A held record
    /// survives a power cut.
    #[default]
    Ack,
    /// Receipts resolve at once, and `fdatasync` follows within 100 ms. A held record survives the death of the
    /// process, and a power cut once it is that old.
    Interval,
    /// Receipts resolve at once and nothing is ever synced. A held record survives the death of the process.
    None,
}

/// How to open a queue.
#[derive(Clone)]
pub struct Options {
    /// Name of the queue, for messages.
    pub name: String,
    /// Segments are rolled at this size, in bytes; 4 KiB to 2 GiB, 64 MiB unless told. A batch that is larger gets a
    /// segment of its own.
    pub segment_size_bytes: u64,
    /// What a receipt promises.
    pub sync: SyncMode,
    /// Segments are numbered from this at least. Pass one more than the highest segment of any cursor of the queue, so
    /// that a segment whose name a power cut took is not numbered again under a cursor that points into it.
    pub first_segment: u64,
    /// The disk.
    pub fs: Arc<dyn Fs>,
    /// Where to report.
    pub log: LogFn,
    /// Whom to wake when the queue grows; queues that one reader waits for share it.
    pub events: Arc<EventCount>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            name: "queue".to_owned(),
            segment_size_bytes: 64 << 20,
            sync: SyncMode::default(),
            first_segment: 1,
            fs: Arc::new(RealFs),
            log: silent(),
            events: Arc::new(EventCount::new()),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("name", &self.name)
            .field("segment_size_bytes", &self.segment_size_bytes)
            .field("sync", &self.sync)
            .field("first_segment", &self.first_segment)
            .finish_non_exhaustive()
    }
}

/// What a queue counted since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Records appended; also the number of the next one, counted from the first that the queue ever held.
    pub next_sequence: u64,
    /// Live segments.
    pub segments: u64,
    /// Bytes of records in them.
    pub bytes: u64,
    /// Bad stretches that readers skipped.
    pub bad_records: u64,
    /// Bytes of torn records that were cut off at open.
    pub cut_bytes: u64,
    /// Group commits.
    pub commits: u64,
    /// Syncs that failed.
    pub failed_syncs: u64,
    /// Records that neither a sync nor a rescue could save.
    pub lost_records: u64,
}

/// A disk queue. Cheap to clone; all clones are the same queue.
///
/// It is closed by [`Queue::close`] or with its last clone. Readers may outlive it.
#[derive(Clone)]
pub struct Queue {
    handle: Arc<Handle>,
}

struct Handle {
    core: Arc<Core>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let core = &self.handle.core;
        f.debug_struct("Queue").field("name", &core.name).field("dir", &core.dir).finish_non_exhaustive()
    }
}

impl Queue {
    /// Opens the queue in folder `dir`, which is created if it is missing, and repairs what a crash left.
    ///
    /// # Errors
    ///
    /// [`QueueError::InUse`] if the folder is open in this process, [`QueueError::BadOption`], or
    /// [`QueueError::Io`] if the folder or its last segment cannot be read.
    pub fn open(dir: &Path, options: Options) -> Result<Queue, QueueError> {
        let sync = options.sync;
        let queue = Queue::open_without_commits(dir, options)?;
        if sync != SyncMode::None {
            let core = queue.handle.core.clone();
            let thread = std::thread::Builder::new()
                .name(format!("sync {}", core.name))
                .spawn(move || commit::run(&core))
                .map_err(QueueError::io("start the sync thread of", dir))?;
            *crate::core::lock(&queue.handle.committer) = Some(thread);
        }
        Ok(queue)
    }

    /// Opens a queue that syncs only on [`Queue::sync`], so that a test decides when.
    pub(crate) fn open_without_commits(dir: &Path, options: Options) -> Result<Queue, QueueError> {
        if !(4 << 10..=2 << 30).contains(&options.segment_size_bytes) {
            let what = format!("{} is not between 4096 and 2147483648", options.segment_size_bytes);
            return Err(QueueError::BadOption { option: "segment_size_bytes", what });
        }
        let fs = options.fs.as_ref();
        uninterrupted(|| fs.create_dir_all(dir)).map_err(QueueError::io("create folder", dir))?;
        if options.sync != SyncMode::None
            && let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty())
        {
            uninterrupted(|| fs.fsync_dir(parent)).map_err(QueueError::io("sync folder", parent))?;
        }
        let claim = uninterrupted(|| fs.claim(dir)).map_err(QueueError::io("claim folder", dir))?;
        let claim = claim.ok_or_else(|| QueueError::InUse { path: dir.to_owned() })?;
        let found = recover(dir, &options)?;
        let counters = Counters::default();
        counters.cut_bytes.store(found.cut_bytes, Ordering::Relaxed);
        let core = Core {
            name: options.name,
            dir: dir.to_owned(),
            segment_size: options.segment_size_bytes,
            sync: options.sync,
            fs: options.fs,
            log: options.log,
            events: options.events,
            writer: Mutex::new(Writer {
                active: None,
                retired: Vec::new(),
                next_segment: found.next_segment,
                next_sequence: found.next_sequence,
                last_time_ns: found.last_time_ns,
                rescue_pending: false,
                closed: false,
            }),
            segments: RwLock::new(found.segments),
            first_position: Position::new(found.next_segment, 0),
            progress: Arc::new(Progress::new(found.next_sequence)),
            commit: Commit::default(),
            counters,
            _claim: claim,
        };
        Ok(Queue { handle: Arc::new(Handle { core: Arc::new(core), committer: Mutex::new(None) }) })
    }

    /// Appends all records of `batch` and empties it. The records are visible to readers when this returns, and
    /// the receipt resolves as [`SyncMode`] says. An empty batch is fine, and its receipt stands for all before it.
    ///
    /// # Errors
    ///
    /// See [`AppendError`]; the batch is as before and nothing of it is visible.
    pub fn append(&self, batch: &mut Batch) -> Result<Receipt, AppendError> {
        if batch.bytes() > MAX_BATCH_BYTES {
            let (len, limit) = (batch.bytes() as u64, MAX_BATCH_BYTES as u64);
            return Err(AppendError::TooLarge { what: "batch", len, limit });
        }
        self.handle.core.append(batch)
    }

    /// A reader that begins at `position`, or at the next live segment if that is gone.
    pub fn reader(&self, position: Position) -> Reader {
        Reader::new(self.handle.core.clone(), position)
    }

    /// The first place that can be read.
    pub fn oldest(&self) -> Position {
        let core = &self.handle.core;
        core.segments().first_key_value().map_or(core.first_position, |(&id, _)| Position::new(id, 0))
    }

    /// The place after the last record.
    pub fn tail(&self) -> Position {
        self.handle.core.tail()
    }

    /// Bytes of records between two positions; 0 if `to` is not after `from`. Cheap.
    pub fn bytes_between(&self, from: Position, to: Position) -> u64 {
        self.handle.core.bytes_between(from, to)
    }

    /// The event count that the queue notifies.
    pub fn events(&self) -> &Arc<EventCount> {
        &self.handle.core.events
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        let core = &self.handle.core;
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let next_sequence = core.writer().next_sequence;
        let segments = core.segments();
        Stats {
            next_sequence,
            segments: segments.len() as u64,
            bytes: segments.values().map(|segment| segment.end()).sum(),
            bad_records: count(&core.counters.bad_records),
            cut_bytes: count(&core.counters.cut_bytes),
            commits: count(&core.counters.commits),
            failed_syncs: count(&core.counters.failed_syncs),
            lost_records: count(&core.counters.lost_records),
        }
    }

    /// Whether the queue takes no more because records that could not be synced could not be saved in any other way.
    pub fn failed(&self) -> bool {
        self.handle.core.progress.has_failed()
    }

    /// Commits now instead of at the next period. Says whether all that was appended before is durable.
    /// Does nothing, well, with [`SyncMode::None`].
    pub fn sync(&self) -> bool {
        self.handle.core.commit()
    }

    /// Unlinks the segments that lie entirely below `before`, and returns how many. `saved` proves that the cursors
    /// were saved; what one of them still needs is kept even if `before` is greater.
    ///
    /// A segment also stays until a later one has a durable record, so that the queue's sequence is never lost.
    pub fn prune(&self, before: Position, saved: &Durable) -> usize {
        let core = &self.handle.core;
        let before = saved.lowest(&core.name).map_or(before, |lowest| lowest.min(before)).segment;
        let doomed: Vec<_> = {
            let segments = core.segments();
            let keep_from = segments.values().rev().find(|segment| segment.synced_or(core.sync) > 0);
            let keep_from = keep_from.map_or(0, |segment| segment.id);
            segments.range(..before.min(keep_from)).map(|(_, segment)| segment.clone()).collect()
        };
        let mut pruned = 0;
        for segment in doomed {
            fault!("prune-before-unlink");
            match uninterrupted(|| core.fs.unlink(&segment.path)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    core.report(&segment.path, EventKind::CleanupFailed(error));
                }
                _ => {
                    fault!("prune-after-unlink");
                    core.segments_mut().remove(&segment.id);
                    pruned += 1;
                }
            }
        }
        pruned
    }

    /// Ends the queue: makes all records durable (as the [`SyncMode`] goes), resolves their receipts and cuts the
    /// last segment to its size. Later appends fail with [`AppendError::Closed`]; readers may go on.
    /// Says whether all is held.
    pub fn close(&self) -> bool {
        self.handle.close()
    }
}

impl Handle {
    fn close(&self) -> bool {
        let core = &self.core;
        core.writer().closed = true;
        core.commit.stop();
        if let Some(thread) = crate::core::lock(&self.committer).take()
            && thread.join().is_err()
        {
            core.report(&core.dir, EventKind::Failed("the sync thread died".to_owned()));
        }
        core.retire_active(&mut core.writer());
        let held = core.commit();
        fault!("queue-closed");
        core.events.notify();
        held
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}
