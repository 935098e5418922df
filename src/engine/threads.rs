//! Threads that can be waited for with a limit.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

/// A running thread.
pub(crate) struct Task {
    ended: Receiver<()>,
}

impl Task {
    /// Starts a thread.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(crate) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<Task> {
        let (alive, ended): (Sender<()>, _) = channel();
        // Linux keeps 15 bytes of a thread's name.
        std::thread::Builder::new().name(name.chars().take(15).collect()).spawn(move || {
            run();
            drop(alive);
        })?;
        Ok(Task { ended })
    }

    /// Waits until the thread has ended, at most until `deadline`; says whether it has.
    pub(crate) fn wait(&self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        !matches!(self.ended.recv_timeout(left), Err(RecvTimeoutError::Timeout))
    }
}
