//! What feeds the inputs.

pub mod http;
pub mod log;
pub mod tcp;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::claims::Claims;
use crate::random::Random;

/// Feeds one input.
pub trait Source: Send + fmt::Debug {
    /// Hands over so many records. False: nobody is there to take them, and none was issued.
    ///
    /// # Errors
    /// The test itself cannot go on.
    fn burst(&mut self, count: u64) -> io::Result<bool>;
}

/// How a source feeds its input.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// At most so many records at once.
    pub most_records: u64,
    /// The pause between two bursts.
    pub pause: Duration,
    /// At most so many records may be on their way.
    pub window: u64,
}

/// A source that works on a thread of its own.
#[derive(Debug)]
pub struct Feeder {
    thread: Option<JoinHandle<io::Result<Box<dyn Source>>>>,
    stop: Arc<AtomicBool>,
}

impl Feeder {
    /// Starts to feed.
    pub fn start(mut source: Box<dyn Source>, claims: Arc<Claims>, pace: Pace, seed: u64) -> Feeder {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let mut random = Random::new(seed);
            while !stopped.load(Ordering::SeqCst) {
                if claims.on_the_way() < pace.window {
                    source.burst(1 + random.below(pace.most_records))?;
                }
                if !pace.pause.is_zero() || claims.on_the_way() >= pace.window {
                    thread::sleep(pace.pause.max(Duration::from_millis(1)));
                }
            }
            Ok(source)
        });
        Feeder { thread: Some(thread), stop }
    }

    /// Stops after the present burst, and gives the source back.
    pub fn stop(mut self) -> io::Result<Box<dyn Source>> {
        self.stop.store(true, Ordering::SeqCst);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            _ => Err(io::Error::other("a source panicked")),
        }
    }

    /// Whether it has ended by itself, which is a failure.
    pub fn has_failed(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}
