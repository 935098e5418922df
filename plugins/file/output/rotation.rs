//! When a file is rotated, and what the next one is called.

use std::time::{SystemTime, UNIX_EPOCH};

use heka_message::golang::clock::Civil;
use heka_message::golang::{Strftime, Zone};

/// Rotation by the clock. Boundaries are multiples of the interval in UTC, while names show the local time.
pub(super) struct Rotation {
    format: Strftime,
    zone: Zone,
    interval_s: i64,
    /// The next boundary, in seconds since the epoch.
    next_s: i64,
}

impl Rotation {
    pub(super) fn new(format: &str, hours: u32, now_s: i64) -> Rotation {
        let interval_s = i64::from(hours) * 3600;
        let next_s = (now_s.div_euclid(interval_s) + 1) * interval_s;
        Rotation { format: Strftime::new(format), zone: Zone::local(), interval_s, next_s }
    }

    /// The file's name for the time `at_s`, in seconds since the epoch.
    pub(super) fn path(&self, at_s: i64) -> String {
        let mut path = Vec::new();
        self.format.write(&Civil::at(at_s.saturating_mul(1_000_000_000), &self.zone), &mut path);
        String::from_utf8_lossy(&path).into_owned()
    }

    /// The latest boundary, if one was reached since the last.
    pub(super) fn boundary_passed(&mut self, now_s: i64) -> Option<i64> {
        (now_s >= self.next_s).then(|| now_s.div_euclid(self.interval_s) * self.interval_s)
    }

    /// The rotation at this boundary was done.
    pub(super) fn passed(&mut self, boundary_s: i64) {
        self.next_s = boundary_s + self.interval_s;
    }
}

/// Seconds since the epoch.
pub(super) fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDNIGHT_S: i64 = 1_431_561_600;

    #[test]
    fn boundaries_are_multiples_of_the_interval_in_utc() {
        let mut rotation = Rotation::new("x-%s", 4, MIDNIGHT_S + 5);
        assert_eq!(rotation.boundary_passed(MIDNIGHT_S + 4 * 3600 - 1), None);
        assert_eq!(rotation.boundary_passed(MIDNIGHT_S + 4 * 3600), Some(MIDNIGHT_S + 4 * 3600));
        rotation.passed(MIDNIGHT_S + 4 * 3600);
        assert_eq!(rotation.boundary_passed(MIDNIGHT_S + 4 * 3600 + 1), None);
        // Several may pass at once; the latest counts.
        assert_eq!(rotation.boundary_passed(MIDNIGHT_S + 13 * 3600), Some(MIDNIGHT_S + 12 * 3600));
        assert_eq!(rotation.path(MIDNIGHT_S), format!("x-{MIDNIGHT_S}"));
        for hours in [1, 12, 24] {
            let mut rotation = Rotation::new("x", hours, MIDNIGHT_S - 1);
            assert_eq!(rotation.boundary_passed(MIDNIGHT_S), Some(MIDNIGHT_S));
        }
    }
}
