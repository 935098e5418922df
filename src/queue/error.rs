//! What can go wrong, and what is reported through the log callback.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a queue or the cursors file could not be opened, saved or pruned.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// A call to the file system failed.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The queue folder is open already in this process.
    #[error("queue folder {} is already open", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The cursors file cannot be trusted. The caller decides: stop, or begin anew with
    /// [`Cursors::start_anew`](crate::Cursors::start_anew).
    #[error("cursors file {} is damaged: {what}", path.display())]
    DamagedCursors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// An option is out of its range.
    #[error("queue option {option}: {what}")]
    BadOption {
        /// Name of the option.
        option: &'static str,
        /// What is wrong with it.
        what: String,
    },
}

impl QueueError {
    /// Whether all that is missing is space on the disk (or in the quota).
    pub fn is_disk_full(&self) -> bool {
        matches!(self, QueueError::Io { source, .. } if is_full(source))
    }

    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> QueueError {
        let path = path.into();
        move |source| QueueError::Io { action, path, source }
    }
}

/// Why a batch was not appended. Nothing of the batch is visible or will become so; it can be appended again.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// No space left on the disk (or in the quota). Try again later: the queue goes on once there is space.
    #[error("queue {queue}: disk full: {source}")]
    Full {
        /// Name of the queue.
        queue: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The disk failed. The queue stays usable and the append may be tried again, unless
    /// [`Queue::failed`](crate::Queue::failed) says otherwise.
    #[error("queue {queue}: {source}")]
    Io {
        /// Name of the queue.
        queue: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A record or batch is over a limit of the format and can never be appended.
    #[error("{what} of {len} bytes is over the limit of {limit} bytes")]
    TooLarge {
        /// What is too large: "message", "signer" or "batch".
        what: &'static str,
        /// Its size, in bytes.
        len: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The queue was closed.
    #[error("queue {queue} is closed")]
    Closed {
        /// Name of the queue.
        queue: String,
    },
}

impl AppendError {
    /// Sorts a failed call into "disk full" and the rest.
    pub(crate) fn from_io(queue: &str, source: io::Error) -> AppendError {
        let queue = queue.to_owned();
        if is_full(&source) { AppendError::Full { queue, source } } else { AppendError::Io { queue, source } }
    }
}

/// Whether the system said that the disk or quota is full.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT))
        || matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether the system is short of something that it may have again soon: space, descriptors or memory.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    is_full(error) || matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM))
}

/// Where a queue reports what it had to deal with. Called on the thread that noticed; must not call the queue.
pub type LogFn = Arc<dyn Fn(&Event) + Send + Sync>;

/// A [`LogFn`] that drops everything.
pub fn silent() -> LogFn {
    Arc::new(|_| {})
}

/// Something worth a log line. `Display` gives the line.
#[derive(Debug)]
pub struct Event {
    /// Name of the queue.
    pub queue: String,
    /// The segment's file, where one is concerned.
    pub path: PathBuf,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug)]
pub enum EventKind {
    /// At open, bytes after the last good record of the last segment were cut off.
    TailTruncated {
        /// Where the segment ends now.
        at: u64,
        /// How many bytes that were not zero padding went.
        bytes: u64,
    },
    /// At open, a file that has not one record in it was renamed to `NNNNNNNN.log.damaged`.
    SetAside,
    /// A bad record was skipped. Reported once per segment, counted each time.
    BadRecord {
        /// Where it begins.
        at: u64,
        /// How many bytes were skipped.
        bytes: u64,
    },
    /// A segment that is listed could not be opened or mapped.
    Unreadable(io::Error),
    /// `fdatasync` failed. The records it was to hold are written again to a new segment.
    SyncFailed(io::Error),
    /// The records of a segment that could not be synced are now durable in this one.
    Rescued {
        /// How many bytes were written again.
        bytes: u64,
    },
    /// Records that could not be synced could not be saved in any other way: the queue takes no more.
    Failed(String),
    /// Writing failed, and the segment was given up for a new one.
    WriteFailed(io::Error),
    /// A segment that is no longer needed could not be removed or cut to size; tried again later if it matters.
    CleanupFailed(io::Error),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "queue {}: {}: ", self.queue, self.path.display())?;
        match &self.kind {
            EventKind::TailTruncated { at, bytes } => {
                write!(f, "unfinished record at offset {at}, {bytes} bytes cut off")
            }
            EventKind::SetAside => f.write_str("no record in it, set aside as .log.damaged"),
            EventKind::BadRecord { at, bytes } => {
                write!(
                    f,
                    "bad record at offset {at}, {bytes} bytes skipped; more in this segment are only counted"
                )
            }
            EventKind::Unreadable(error) => write!(f, "cannot be read: {error}"),
            EventKind::SyncFailed(error) => write!(f, "sync failed, its records are written again: {error}"),
            EventKind::Rescued { bytes } => write!(f, "{bytes} bytes written again after a failed sync"),
            EventKind::Failed(why) => write!(f, "{why}; the queue takes no more records"),
            EventKind::WriteFailed(error) => write!(f, "write failed, going on in a new segment: {error}"),
            EventKind::CleanupFailed(error) => write!(f, "clean-up failed: {error}"),
        }
    }
}
