//! What counting filters tell: the reports of a CounterFilter, and a preserved sandbox filter that tells its count at each
//! hundredth message and at each tick.

use crate::frames::{FrameError, frames};
use crate::wire;

/// The sandbox filter.
pub const COUNTER_LUA: &str = r#"
n = 0
function process_message()
    n = n + 1
    if n % 100 == 0 then inject_payload("txt", "step", n) end
    return 0
end
function timer_event() inject_payload("txt", "now", n) end
"#;
/// It tells its count so often.
const STEP: u64 = 100;
const PAYLOAD: u64 = 6;

/// The counts that have come.
#[derive(Debug, Default)]
pub struct Totals {
    /// The last count of the CounterFilter.
    pub counter: u64,
    /// The last count of the sandbox filter.
    pub sandbox: u64,
    /// The highest step of the sandbox filter that came.
    steps: u64,
    problems: Vec<String>,
}

impl Totals {
    /// Takes the whole frames at the start of `bytes`; tells how many bytes they have.
    pub fn take_frames(&mut self, bytes: &[u8]) -> usize {
        let mut end = 0;
        for frame in frames(bytes) {
            match frame {
                Ok(frame) => {
                    end = frame.start + 3 + frame.header.len() + frame.message.len();
                    let payload = wire::bytes_of(frame.message, PAYLOAD).unwrap_or_default();
                    self.take(&String::from_utf8_lossy(payload));
                }
                Err(FrameError::Truncated(_)) => break,
                Err(error) => {
                    self.problems.push(format!("totals: {error}"));
                    return bytes.len();
                }
            }
        }
        end
    }

    fn take(&mut self, payload: &str) {
        if payload.starts_with("AGG Sum.") {
            return;
        }
        let counter = payload.strip_prefix("Got ").and_then(|rest| rest.split(' ').next()?.parse().ok());
        if let Some(count) = counter {
            self.counter = count;
        } else if let Ok(count) = payload.parse::<u64>() {
            self.sandbox = count;
            if count.is_multiple_of(STEP) && count > self.steps {
                if count != self.steps + STEP {
                    self.problems.push(format!("totals: after step {} came {count}", self.steps));
                }
                self.steps = count;
            } else if count > self.steps + STEP {
                self.problems.push(format!("totals: step {} is missing before {count}", self.steps + STEP));
            }
        } else {
            self.problems.push(format!("totals: no count: {payload:?}"));
        }
    }

    /// Whether both filters have counted so many.
    pub fn are(&self, count: u64) -> bool {
        self.counter == count && self.sandbox == count
    }

    /// All that is wrong when so many were to be counted.
    pub fn problems(&self, count: u64) -> Vec<String> {
        let mut problems = self.problems.clone();
        if !self.are(count) {
            let (counter, sandbox) = (self.counter, self.sandbox);
            problems.push(format!(
                "totals: {count} messages, CounterFilter counted {counter}, the sandbox filter {sandbox}"
            ));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(payloads: &[&str]) -> Totals {
        let mut totals = Totals::default();
        payloads.iter().for_each(|payload| totals.take(payload));
        totals
    }

    #[test]
    fn equal_counts_are_fine_and_steps_may_come_again() {
        let totals = after(&[
            "100",
            "150",
            "200",
            "100",
            "200",
            "Got 7 messages. 1.00 msg/sec",
            "207",
            "Got 207 messages. 2.00 msg/sec",
        ]);
        assert!(totals.are(207) && totals.problems(207).is_empty());
        assert_eq!(totals.problems(208).len(), 1);
    }

    #[test]
    fn a_missing_step_and_foreign_text_are_told() {
        assert_eq!(after(&["100", "300"]).problems(0)[0], "totals: after step 100 came 300");
        assert_eq!(after(&["100", "301"]).problems(0)[0], "totals: step 200 is missing before 301");
        assert_eq!(after(&["x"]).problems(0)[0], "totals: no count: \"x\"");
    }
}
