//! Waiting: timeouts of sockets, and how a stop ends a wait.

use std::ffi::c_int;
use std::time::{Duration, Instant};

use heka_plugin::Stop;

use super::failure::Failure;
use crate::host::Host;

/// How long a stop may go unnoticed.
const SLICE: Duration = Duration::from_millis(20);
/// What a plugin that cannot be interrupted waits at most for one thing.
const UNINTERRUPTED: Duration = Duration::from_secs(5);
/// Seconds that are as good as no limit.
pub(super) const FOREVER_S: f64 = 1e9;

/// Seconds since the epoch.
pub(super) fn now() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap_or_default().as_secs_f64()
}

/// What ends a wait besides its timeout: the stop of a plugin that hears of it; in other plugins time.
#[derive(Clone, Copy)]
pub(super) struct Patience<'a> {
    stop: Option<&'a Stop>,
    began: Instant,
}

impl<'a> Patience<'a> {
    pub(super) fn of(host: &'a Host) -> Patience<'a> {
        Patience { stop: host.budget.stop.as_ref(), began: Instant::now() }
    }

    /// Whether a wait must end now, and how it does.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self.stop {
            Some(stop) if stop.is_requested() => Err(Failure::Interrupted),
            None if self.began.elapsed() >= UNINTERRUPTED => Err(Failure::Timeout),
            _ => Ok(()),
        }
    }

    pub(super) fn sleep(&self, time: Duration) -> Result<(), Failure> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            match self.stop {
                Some(stop) if stop.wait(left) => return Err(Failure::Interrupted),
                Some(_) => return Ok(()),
                None => std::thread::sleep(left.min(SLICE)),
            }
            if self.check().is_err() {
                return Ok(());
            }
        }
    }

    /// Waits for a value from another thread.
    pub(super) fn receive<T>(&self, source: &std::sync::mpsc::Receiver<T>) -> Result<Option<T>, Failure> {
        use std::sync::mpsc::RecvTimeoutError;
        loop {
            match source.recv_timeout(SLICE) {
                Ok(value) => return Ok(Some(value)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => self.check()?,
            }
        }
    }

    /// Polls until something is ready, at most for `left` (`None` is no limit). The count of ready ones; 0 is a timeout.
    pub(super) fn poll(&self, polled: &mut [libc::pollfd], left: Option<Duration>) -> Result<usize, Failure> {
        let end = left.map(|left| Instant::now() + left);
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let slice = left.map_or(SLICE, |left| left.min(SLICE));
            let length = polled.len() as libc::nfds_t;
            // Rounded up, so that what is left does not become a busy loop.
            let millis = c_int::try_from(slice.as_micros().div_ceil(1000)).unwrap_or(0);
            // SAFETY: pointer and length are of one slice.
            let ready = unsafe { libc::poll(polled.as_mut_ptr(), length, millis) };
            match ready {
                1.. => return Ok(usize::try_from(ready).unwrap_or(0)),
                0 if left.is_some_and(|left| left <= slice) => return Ok(0),
                0 => self.check()?,
                _ => match Failure::last() {
                    Failure::Os(libc::EINTR) => self.check()?,
                    why => return Err(why),
                },
            }
        }
    }
}

/// What `settimeout` sets, and when the running operation began. Seconds; less than 0 is no limit.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Timeout {
    /// For each wait.
    pub(super) block: f64,
    /// For an operation as a whole.
    pub(super) total: f64,
    start: f64,
}

impl Timeout {
    pub(super) const NONE: Timeout = Timeout { block: -1.0, total: -1.0, start: 0.0 };

    /// An operation begins.
    pub(super) fn begin(&mut self) {
        self.start = now();
    }

    fn is_zero(&self) -> bool {
        self.block == 0.0 || self.total == 0.0
    }

    /// What is left; `None` is no limit.
    fn left(&self) -> Option<Duration> {
        let spent = now() - self.start;
        let left = match (self.block < 0.0, self.total < 0.0) {
            (true, true) => return None,
            (true, false) => self.total - spent,
            (false, true) => self.block - spent,
            (false, false) => (self.total - spent).min(self.block),
        };
        Some(Duration::from_secs_f64(left.clamp(0.0, FOREVER_S)))
    }

    /// Waits until the socket can be read (`POLLIN`) or written (`POLLOUT`). What it is ready for.
    pub(super) fn wait(&self, fd: c_int, events: i16, patience: Patience<'_>) -> Result<i16, Failure> {
        if self.is_zero() {
            return Err(Failure::Timeout);
        }
        let mut polled = [libc::pollfd { fd, events, revents: 0 }];
        match patience.poll(&mut polled, self.left())? {
            0 => Err(Failure::Timeout),
            _ => Ok(polled[0].revents),
        }
    }
}
