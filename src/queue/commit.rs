//! The group commit: one thread per queue syncs what was appended and resolves the receipts.

use crate::core::{Core, lock};
use crate::error::EventKind;
use crate::fs::uninterrupted;
use crate::queue::SyncMode;
use crate::writer::Retired;
use heka_fault::{fail, fault};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// With [`SyncMode::Ack`] a commit starts at most this often. On a slow disk the next starts when the last ended.
const ACK_PERIOD: Duration = Duration::from_millis(10);
/// With [`SyncMode::Interval`] a record waits this long for its sync.
const INTERVAL: Duration = Duration::from_millis(100);

/// How the appenders and the commit thread meet.
#[derive(Debug, Default)]
pub(crate) struct Commit {
    /// Held through a commit: there is one at a time.
    one: Mutex<()>,
    wanted: AtomicBool,
    stop: Mutex<bool>,
    wake: Condvar,
}

impl Commit {
    /// Asks for a commit. Costs an atomic exchange while one is asked for already.
    pub(crate) fn want(&self) {
        if !self.wanted.swap(true, Ordering::AcqRel) {
            drop(lock(&self.stop));
            self.wake.notify_all();
        }
    }

    /// Ends the commit thread, soon.
    pub(crate) fn stop(&self) {
        *lock(&self.stop) = true;
        self.wake.notify_all();
    }

    /// Sleeps until a commit is wanted and due; false to stop.
    fn wait(&self, due: impl FnOnce() -> Instant) -> bool {
        let idle = self
            .wake
            .wait_while(lock(&self.stop), |stop| !*stop && !self.wanted.load(Ordering::Acquire))
            .unwrap_or_else(PoisonError::into_inner);
        let pause = due().saturating_duration_since(Instant::now());
        let (stop, _) =
            self.wake.wait_timeout_while(idle, pause, |stop| !*stop).unwrap_or_else(PoisonError::into_inner);
        !*stop
    }
}

/// The body of the commit thread.
pub(crate) fn run(core: &Arc<Core>) {
    let mut last_start = Instant::now();
    loop {
        let due = || match core.sync {
            SyncMode::Interval => Instant::now() + INTERVAL,
            SyncMode::Ack | SyncMode::None => last_start + ACK_PERIOD,
        };
        if !core.commit.wait(due) {
            return;
        }
        last_start = Instant::now();
        core.commit();
    }
}

impl Core {
    /// Makes all that was appended so far durable and resolves its receipts. Says whether that worked.
    pub(crate) fn commit(&self) -> bool {
        if self.sync == SyncMode::None {
            return true;
        }
        let _one = lock(&self.commit.one);
        if self.progress.has_failed() {
            return false;
        }
        // Before looking: what is appended after the look asks again.
        self.commit.wanted.store(false, Ordering::Release);
        let (work, next_sequence) = {
            let writer = self.writer();
            if writer.rescue_pending {
                drop(writer);
                return self.rescue();
            }
            let mut work = writer.retired.clone();
            work.extend(
                writer
                    .active
                    .as_ref()
                    .map(|active| Retired { segment: active.segment.clone(), file: active.file.clone() }),
            );
            (work, writer.next_sequence)
        };
        for retired in &work {
            let sealed = retired.segment.is_sealed();
            let end = retired.segment.end();
            if retired.segment.synced() < end {
                if let Err(error) = uninterrupted(|| fail!("sync").and_then(|()| retired.file.fdatasync())) {
                    self.counters.failed_syncs.fetch_add(1, Ordering::Relaxed);
                    self.report(&retired.segment.path, EventKind::SyncFailed(error));
                    return self.rescue();
                }
                fault!("segment-synced");
                retired.segment.set_synced(end);
            }
            if sealed {
                self.cut(retired);
                self.writer().retired.retain(|other| other.segment.id != retired.segment.id);
            }
        }
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        self.progress.advance(next_sequence);
        fault!("receipt-resolved");
        true
    }
}
