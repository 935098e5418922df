//! Keeps a failure that repeats from filling the log.

use std::time::{Duration, Instant};

/// The same text is said again after so long.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// What was complained of last.
#[derive(Default)]
pub(crate) struct Complaint {
    last: Option<(Instant, String)>,
}

impl Complaint {
    /// Whether to say it now: it is new, or a minute has passed.
    pub(crate) fn is_due(&mut self, text: &str) -> bool {
        let due = self.last.as_ref().is_none_or(|(at, last)| last != text || at.elapsed() >= AGAIN_AFTER);
        if due {
            self.last = Some((Instant::now(), text.to_string()));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_that_repeats_waits() {
        let mut complaint = Complaint::default();
        assert!(complaint.is_due("a"));
        assert!(!complaint.is_due("a"));
        assert!(complaint.is_due("b"));
        complaint.last = complaint.last.map(|(at, text)| (at - AGAIN_AFTER, text));
        assert!(complaint.is_due("b"));
    }
}
