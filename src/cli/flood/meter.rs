//! Counts what is sent, and tells of it each second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use heka_engine::log::Logger;
use heka_message::golang::write_fixed;

const SECOND: Duration = Duration::from_secs(1);
/// So many lines in a row may say that nothing was sent.
const IDLE_LINES: u32 = 3;

/// What was sent so far.
#[derive(Default)]
pub(super) struct Counts {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Counts {
    /// One more message of so many bytes.
    pub(super) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.messages.fetch_add(1, Ordering::Relaxed);
    }

    /// So many messages were not sent after all.
    pub(super) fn take_back(&self, messages: u64) {
        self.messages.fetch_sub(messages, Ordering::Relaxed);
    }

    /// Messages sent.
    pub(super) fn sent(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }
}

/// The thread that tells. Dropping it ends it.
pub(super) struct Meter {
    end: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Meter {
    /// Begins to tell.
    pub(super) fn start(counts: Arc<Counts>, logger: Logger) -> Meter {
        let (end, ended) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut teller = Teller::default();
            let mut last = Instant::now();
            while ended.recv_timeout(SECOND) == Err(RecvTimeoutError::Timeout) {
                let now = Instant::now();
                let bytes = counts.bytes.load(Ordering::Relaxed);
                if let Some(line) = teller.line(counts.sent(), bytes, now - last) {
                    logger.info(&line);
                }
                last = now;
            }
        });
        Meter { end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It only prints; there is nothing to learn from its end.
            let _ = thread.join();
        }
    }
}

/// What was told last.
#[derive(Default)]
struct Teller {
    messages: u64,
    bytes: u64,
    idle: u32,
}

impl Teller {
    /// The line for the time since the last call; none while nothing was ever sent, and after some that said so.
    fn line(&mut self, messages: u64, bytes: u64, elapsed: Duration) -> Option<String> {
        let fresh = messages.saturating_sub(std::mem::replace(&mut self.messages, messages));
        let fresh_bytes = bytes.saturating_sub(std::mem::replace(&mut self.bytes, bytes));
        if fresh > 0 {
            self.idle = 0;
        } else if messages == 0 || self.idle == IDLE_LINES {
            return None;
        } else {
            self.idle += 1;
        }
        let seconds = elapsed.as_secs_f64();
        let rate = two_decimals(fresh as f64 / seconds);
        let bits = two_decimals((fresh_bytes * 8) as f64 / 1e6 / seconds);
        Some(format!("Sent {messages} messages. {rate} msg/sec {bits} Mbit/sec"))
    }
}

fn two_decimals(value: f64) -> String {
    let mut text = Vec::new();
    write_fixed(value, 2, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stop_when_nothing_is_sent() {
        let mut teller = Teller::default();
        assert_eq!(teller.line(0, 0, SECOND), None);
        let line = teller.line(1000, 250_000, 2 * SECOND).unwrap();
        assert_eq!(line, "Sent 1000 messages. 500.00 msg/sec 1.00 Mbit/sec");
        for _ in 0..3 {
            let idle = teller.line(1000, 250_000, SECOND).unwrap();
            assert_eq!(idle, "Sent 1000 messages. 0.00 msg/sec 0.00 Mbit/sec");
        }
        assert_eq!(teller.line(1000, 250_000, SECOND), None);
        assert!(teller.line(1001, 250_100, SECOND).is_some());
        assert!(teller.line(1001, 250_100, SECOND).is_some());
    }
}
