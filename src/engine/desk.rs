//! Where a running plugin leaves its report rows. It is asked for them, and answers when it gets to it; whoever asks waits
//! a little and else takes what was left last.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use heka_plugin::report::ReportRow;

/// One plugin's desk. Clones are the same desk.
#[derive(Clone, Default)]
pub struct Desk(Arc<Shared>);

#[derive(Default)]
struct Shared {
    asked: AtomicU64,
    answer: Mutex<Answer>,
    changed: Condvar,
}

#[derive(Default)]
struct Answer {
    /// What it answers: the value of `asked` at the time.
    to: u64,
    rows: Vec<ReportRow>,
    /// Nobody is there to answer.
    closed: bool,
}

impl Desk {
    /// Asks for a report.
    pub fn ask(&self) {
        self.0.asked.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether a report is asked for that was not given yet.
    pub fn is_asked(&self) -> bool {
        let asked = self.0.asked.load(Ordering::Acquire);
        asked != 0 && self.lock().to != asked
    }

    /// Leaves the rows.
    pub fn answer(&self, rows: Vec<ReportRow>) {
        let to = self.0.asked.load(Ordering::Acquire);
        let mut answer = self.lock();
        answer.to = to;
        answer.rows = rows;
        self.0.changed.notify_all();
    }

    /// The plugin answers no more; what it left stays.
    pub fn close(&self) {
        self.lock().closed = true;
        self.0.changed.notify_all();
    }

    /// The rows that were left last.
    pub fn rows(&self) -> Vec<ReportRow> {
        self.lock().rows.clone()
    }

    /// The rows, once all that was asked is answered or at `deadline`.
    pub fn wait(&self, deadline: Instant) -> Vec<ReportRow> {
        let asked = self.0.asked.load(Ordering::Acquire);
        let mut answer = self.lock();
        while answer.to != asked && !answer.closed {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { break };
            answer = self.0.changed.wait_timeout(answer, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        answer.rows.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Answer> {
        self.0.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use heka_plugin::report::row;

    use super::*;

    #[test]
    fn an_answer_ends_the_wait() {
        let desk = Desk::default();
        assert!(!desk.is_asked());
        desk.ask();
        assert!(desk.is_asked());
        let plugin = desk.clone();
        let thread = std::thread::spawn(move || plugin.answer(vec![row("a", 1, "count")]));
        assert_eq!(desk.wait(Instant::now() + Duration::from_secs(60)), [row("a", 1, "count")]);
        thread.join().unwrap();
        assert!(!desk.is_asked());
    }

    #[test]
    fn without_an_answer_the_last_one_is_taken() {
        let desk = Desk::default();
        desk.answer(vec![row("a", 1, "")]);
        desk.ask();
        assert_eq!(desk.wait(Instant::now()), [row("a", 1, "")]);
        desk.close();
        assert_eq!(desk.wait(Instant::now() + Duration::from_secs(60)), [row("a", 1, "")]);
    }
}
