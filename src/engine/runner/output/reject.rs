//! What becomes of records that were delivered in part: the rejected ones are kept as dead letters before the place passes
//! them.

use std::time::{Duration, Instant};

use heka_plugin::{Fate, Log};
use heka_queue::Batch;

use super::{Complaint, OutputRunner};

/// First and longest pause before the disk is asked again to take dead letters.
const KEEP_MIN: Duration = Duration::from_millis(50);
const KEEP_MAX: Duration = Duration::from_secs(1);
/// So many rejections are logged within [`TELL_EVERY`]; the rest is counted.
const TOLD_MAX: u32 = 20;
const TELL_EVERY: Duration = Duration::from_secs(60);

impl OutputRunner {
    /// Does what the fates of the first records of the batch ask for. Tells how many records have left the batch; `None`:
    /// hekad stops before the disk has taken those that were rejected, and all stay.
    pub(super) fn settle(&mut self, fates: &[Fate]) -> Option<usize> {
        if !self.keep_rejected(fates) {
            return None;
        }
        let before = self.batch.len();
        if let Some(place) = self.batch.settle(fates) {
            self.sent = place;
            self.note_progress();
        }
        Some(before - self.batch.len())
    }

    /// Logs what was rejected and keeps it. False: hekad stops before the disk has taken it.
    fn keep_rejected(&mut self, fates: &[Fate]) -> bool {
        let mut letters = Batch::new();
        let counters = &self.parts.counters;
        for (index, fate) in fates.iter().enumerate() {
            let (Fate::Rejected(why), Some(record)) = (fate, self.batch.record(index)) else { continue };
            self.rejections.tell(why, self.parts.log.as_ref());
            counters.failed.add(1);
            if self.parts.dead.are_kept() {
                self.parts.dead.write(record.message.bytes(), record.loop_count, why, &mut letters);
            }
        }
        counters.rejected.add(letters.len() as u64);
        self.keep(&mut letters)
    }

    /// Keeps dead letters; waits while the disk does not take them. False: hekad stops before it does, or it never will.
    pub(super) fn keep(&mut self, letters: &mut Batch) -> bool {
        let mut pause = KEEP_MIN;
        let mut complaint = Complaint::default();
        while !letters.is_empty() {
            let Err(why) = self.parts.dead.keep(letters) else { continue };
            if complaint.is_due(&why) {
                self.parts.log.error(&why);
            }
            if self.parts.dead.has_failed() || self.parts.stops.drain.wait(pause) {
                return false;
            }
            pause = (pause * 2).min(KEEP_MAX);
        }
        true
    }
}

/// Keeps rejections from filling the log: their reasons often differ in a detail.
#[derive(Default)]
pub(super) struct Rejections {
    since: Option<Instant>,
    told: u32,
    untold: u64,
}

impl Rejections {
    /// Logs the reason of one, or counts it. An empty reason is told elsewhere.
    fn tell(&mut self, why: &str, log: &dyn Log) {
        self.remind(log);
        if why.is_empty() {
            return;
        }
        self.since.get_or_insert_with(Instant::now);
        if self.told < TOLD_MAX {
            self.told += 1;
            log.error(why);
        } else {
            self.untold += 1;
        }
    }

    /// Tells, when it is time, how many were not told.
    pub(super) fn remind(&mut self, log: &dyn Log) {
        if self.since.is_none_or(|since| since.elapsed() < TELL_EVERY) {
            return;
        }
        if self.untold > 0 {
            log.error(&format!("has rejected {} more messages meanwhile", self.untold));
        }
        *self = Rejections::default();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    impl Log for Lines {
        fn info(&self, _: &str) {}
        fn error(&self, text: &str) {
            self.0.lock().unwrap().push(text.into());
        }
        fn plain(&self, _: &[u8]) {}
    }

    #[test]
    fn many_rejections_are_counted_rather_than_told() {
        let (log, mut rejections) = (Lines::default(), Rejections::default());
        for number in 0..TOLD_MAX + 5 {
            rejections.tell(&format!("no {number}"), &log);
            rejections.tell("", &log);
        }
        assert_eq!(log.0.lock().unwrap().len() as u32, TOLD_MAX);
        rejections.since = rejections.since.map(|since| since - TELL_EVERY);
        rejections.remind(&log);
        rejections.tell("again", &log);
        let lines = log.0.lock().unwrap();
        assert_eq!(lines[TOLD_MAX as usize..], ["has rejected 5 more messages meanwhile", "again"]);
    }
}
