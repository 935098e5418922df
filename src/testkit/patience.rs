//! Waiting for a condition instead of sleeping.

use std::thread;
use std::time::{Duration, Instant};

/// How long to pause between two looks.
const STEP: Duration = Duration::from_millis(10);

/// Looks until `done` holds or `limit` has passed; tells which.
pub fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(STEP);
    }
}

/// Waits until `size` has not changed for `quiet`; false when it still changed after `limit`.
pub fn wait_until_quiet(limit: Duration, quiet: Duration, mut size: impl FnMut() -> u64) -> bool {
    let mut last = size();
    let mut since = Instant::now();
    wait_until(limit, || {
        let now = size();
        if now != last {
            last = now;
            since = Instant::now();
        }
        since.elapsed() >= quiet
    })
}
