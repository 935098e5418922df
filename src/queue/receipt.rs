//! Receipts, and the progress of a queue that resolves them.

use crate::events::FOREVER;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whether the queue holds what a receipt stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptState {
    /// Held, as firmly as the queue's [`SyncMode`](crate::SyncMode) promises.
    Held,
    /// Not yet.
    Pending,
    /// Never: the disk failed, and so did every way around it. The records may be lost at a power cut.
    Failed,
}

/// Proof of an append. Resolves once the queue holds all of the batch; cheap to clone and to keep.
#[derive(Debug, Clone)]
pub struct Receipt {
    progress: Arc<Progress>,
    /// Sequence after the batch's last record.
    next: u64,
}

impl Receipt {
    pub(crate) fn new(progress: Arc<Progress>, next: u64) -> Receipt {
        Receipt { progress, next }
    }

    /// Sequence of the next record after the batch.
    pub fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Whether the queue holds the batch. An atomic load.
    pub fn is_held(&self) -> bool {
        self.progress.held.load(Ordering::Acquire) >= self.next
    }

    /// Where it stands.
    pub fn state(&self) -> ReceiptState {
        if self.is_held() {
            ReceiptState::Held
        } else if self.progress.failed.load(Ordering::Acquire) {
            ReceiptState::Failed
        } else {
            ReceiptState::Pending
        }
    }

    /// Waits for the receipt to resolve, for at most `timeout`; returns where it stands then.
    pub fn wait(&self, timeout: Duration) -> ReceiptState {
        if self.is_held() {
            return ReceiptState::Held;
        }
        let deadline = Instant::now() + timeout.min(FOREVER);
        let mut guard = self.progress.lock.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let state = self.state();
            let left = deadline.saturating_duration_since(Instant::now());
            if state != ReceiptState::Pending || left.is_zero() {
                return state;
            }
            let woken = self.progress.moved.wait_timeout(guard, left);
            guard = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// How far a queue holds its records.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Receipts up to this sequence are resolved.
    held: AtomicU64,
    failed: AtomicBool,
    lock: Mutex<()>,
    moved: Condvar,
}

impl Progress {
    pub(crate) fn new(held: u64) -> Progress {
        Progress { held: AtomicU64::new(held), ..Progress::default() }
    }

    /// Resolves all receipts up to `held`.
    pub(crate) fn advance(&self, held: u64) {
        self.held.fetch_max(held, Ordering::AcqRel);
        self.wake();
    }

    /// The same where no receipt is ever waited for: each is resolved from the start.
    pub(crate) fn advance_quietly(&self, held: u64) {
        self.held.store(held, Ordering::Release);
    }

    /// Fails all receipts that are not resolved.
    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
        self.wake();
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    fn wake(&self) {
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
        self.moved.notify_all();
    }
}
