//! Keeping the journal.

use std::time::{Duration, Instant};

use heka_plugin::Inlet;

use super::Stream;

/// Records after which the journal is due.
const RECORDS: u64 = 500;
/// Time after which it is due.
const LONGEST: Duration = Duration::from_secs(1);
/// Least time between two saves.
const SHORTEST: Duration = Duration::from_millis(100);

impl Stream {
    /// Whether there is a position that the journal does not hold yet.
    pub(in super::super) fn wants_saving(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Saves the newest position that the queue has vouched for, if it is time to.
    pub(in super::super) fn save_if_due(&mut self, inlet: &dyn Inlet) {
        if self.marks.is_empty() {
            return;
        }
        let age = self.last_save.map(|time| time.elapsed());
        if age.is_some_and(|age| age < if self.save_failed { LONGEST } else { SHORTEST }) {
            return;
        }
        self.marks.settle();
        let at_end = self.rotation.is_at_end();
        if at_end || self.marks.held_records() >= RECORDS || age.is_none_or(|age| age >= LONGEST) {
            self.save(inlet);
        }
    }

    /// Waits for the queue's word, until `deadline` at most, and saves for the last time.
    pub(in super::super) fn save_at_stop(&mut self, inlet: &dyn Inlet, deadline: Instant) {
        self.marks.wait(deadline);
        self.save(inlet);
    }

    fn save(&mut self, inlet: &dyn Inlet) {
        let Some(position) = self.marks.position() else { return };
        self.last_save = Some(Instant::now());
        match self.journal.save(&position) {
            Ok(()) => {
                self.marks.saved();
                self.save_failed = false;
                self.complaints.clear("journal");
            }
            Err(why) => {
                self.save_failed = true;
                self.complaints.tell(inlet, "journal", why);
            }
        }
    }
}
