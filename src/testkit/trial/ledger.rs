//! All that arrives at one output.

use std::sync::Arc;

use super::arrivals::{Arrivals, Repeats};
use super::claims::Claims;
use super::record::{self, MESSAGE_TYPE};
use crate::frames::{FrameError, frames};
use crate::wire;

/// Numbers of a message's fields.
const UUID: u64 = 1;
const TYPE: u64 = 3;
const PAYLOAD: u64 = 6;
/// So many complaints are kept.
const KEPT_COMPLAINTS: usize = 5;

/// An input as an output sees it.
#[derive(Debug, Clone)]
pub struct Sender {
    /// What its records begin with.
    pub letter: u8,
    /// What it was given.
    pub claims: Arc<Claims>,
}

/// The most that came again after one kill, and all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RepeatSums {
    /// The most in one go.
    pub most: Repeats,
    /// All.
    pub total: Repeats,
}

/// What has arrived at one output, and what is wrong with it.
#[derive(Debug)]
pub struct Ledger {
    /// The output's name.
    pub name: String,
    senders: Vec<Sender>,
    arrivals: Vec<Arrivals>,
    complaints: Vec<String>,
    damaged: u64,
    torn: u64,
    repeats: RepeatSums,
}

impl Ledger {
    /// An empty one.
    pub fn new(name: &str, senders: &[Sender]) -> Ledger {
        Ledger {
            name: name.to_owned(),
            senders: senders.to_vec(),
            arrivals: senders.iter().map(|_| Arrivals::default()).collect(),
            complaints: Vec::new(),
            damaged: 0,
            torn: 0,
            repeats: RepeatSums::default(),
        }
    }

    /// Takes the whole frames at the start of `bytes`; tells how many bytes they have.
    pub fn take_frames(&mut self, bytes: &[u8]) -> usize {
        let mut end = 0;
        for frame in frames(bytes) {
            match frame {
                Ok(frame) => {
                    let head = 3 + frame.header.len();
                    end = frame.start + head + frame.message.len();
                    self.take_message(frame.message);
                }
                Err(FrameError::Truncated(_)) => break,
                Err(error) => {
                    let around = &bytes[end.saturating_sub(40)..bytes.len().min(end + 80)];
                    self.complain(format!("{error}, around it: {}", around.escape_ascii()));
                    // Looks for the next frame, so that one damage is told once.
                    let next = bytes[end + 1..].windows(2).position(|two| two[0] == 0x1e && two[1] < 10);
                    return end + 1 + next.unwrap_or(bytes.len() - end - 1);
                }
            }
        }
        end
    }

    /// Takes the whole lines at the start of `bytes`; tells how many bytes they have. A kill may leave a torn line, which
    /// text cannot tell from the line that follows.
    pub fn take_lines(&mut self, bytes: &[u8]) -> usize {
        let mut end = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            end += line.len();
            match record::identify(line) {
                Some((input, id)) => self.take(input, id, None),
                None => {
                    self.torn += 1;
                    match record::find_in_line(line).and_then(|at| record::identify(&line[at..])) {
                        Some((input, id)) => self.take(input, id, None),
                        None => self.complain(format!("no record: {}", line.escape_ascii())),
                    }
                }
            }
        }
        end
    }

    fn take_message(&mut self, message: &[u8]) {
        let payload = wire::bytes_of(message, PAYLOAD).unwrap_or_default();
        let uuid = wire::bytes_of(message, UUID).unwrap_or_default();
        let Some((input, id)) = record::identify(payload) else {
            return self.complain(format!("no record: {}", message.escape_ascii()));
        };
        if uuid.len() != 16 {
            self.complain(format!("record {id} of {} has no uuid", char::from(input)));
        }
        if wire::bytes_of(message, TYPE) == Some(MESSAGE_TYPE.as_bytes()) {
            let mut sent = Vec::with_capacity(message.len());
            record::write_message(input, id, &mut sent);
            if sent != message {
                self.complain(format!("record {id} of {} is another message", char::from(input)));
            }
        }
        self.take(input, id, Some(uuid));
    }

    fn take(&mut self, input: u8, id: u64, uuid: Option<&[u8]>) {
        match self.senders.iter().position(|sender| sender.letter == input) {
            Some(at) if id < self.senders[at].claims.issued() => self.arrivals[at].take(id, uuid),
            _ => self.complain(format!("record {id} of {} was never sent", char::from(input))),
        }
    }

    fn complain(&mut self, text: String) {
        self.damaged += 1;
        if self.complaints.len() < KEPT_COMPLAINTS {
            self.complaints.push(text.chars().take(600).collect());
        }
    }

    /// Adds up what came again since the kill before.
    pub fn end_run(&mut self) {
        let mut sum = Repeats::default();
        for arrivals in &mut self.arrivals {
            let repeats = arrivals.take_repeats();
            sum.resent += repeats.resent;
            sum.reread += repeats.reread;
            sum.steps_back = sum.steps_back.max(repeats.steps_back);
        }
        let RepeatSums { most, total } = &mut self.repeats;
        *most = Repeats {
            resent: most.resent.max(sum.resent),
            reread: most.reread.max(sum.reread),
            steps_back: most.steps_back.max(sum.steps_back),
        };
        total.resent += sum.resent;
        total.reread += sum.reread;
        total.steps_back += sum.steps_back;
    }

    /// One more than the highest id of an input that has arrived.
    pub fn next(&self, input: usize) -> u64 {
        self.arrivals[input].next()
    }

    /// How many different queued records of an input have arrived, as far as uuids tell.
    pub fn records(&self, input: usize) -> u64 {
        self.arrivals[input].records()
    }

    /// Lines that begin with a piece of another one.
    pub fn torn(&self) -> u64 {
        self.torn
    }

    /// What came again.
    pub fn repeats(&self) -> RepeatSums {
        self.repeats
    }

    /// Whether something arrived that should not be.
    pub fn is_damaged(&self) -> bool {
        self.damaged > 0 || self.arrivals.iter().any(|arrivals| arrivals.unordered() > 0)
    }

    /// All that is wrong, with what is lost if nothing more is to come.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (sender, arrivals) in self.senders.iter().zip(&self.arrivals) {
            let letter = char::from(sender.letter);
            let lost = arrivals.lost(&sender.claims.owed());
            let count: u64 = lost.iter().map(|range| range.end - range.start).sum();
            if let Some(first) = lost.first() {
                problems.push(format!("{}: {count} of {letter} lost, first {first:?}", self.name));
            }
            if arrivals.unordered() > 0 {
                problems.push(format!("{}: {} of {letter} out of order", self.name, arrivals.unordered()));
            }
        }
        if self.damaged > 0 {
            problems.push(format!(
                "{}: {} damaged or never sent: {:?}",
                self.name, self.damaged, self.complaints
            ));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(issued: u64) -> Ledger {
        let sender = Sender { letter: b'a', claims: Arc::default() };
        sender.claims.owe(sender.claims.issue(issued));
        Ledger::new("out", &[sender])
    }

    fn frames_of(ids: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        ids.iter().for_each(|id| record::write_frame(b'a', *id, &mut bytes));
        bytes
    }

    fn lines_of(ids: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        ids.iter().for_each(|id| record::write_text(b'a', *id, &mut bytes));
        bytes
    }

    #[test]
    fn frames_are_taken_as_far_as_they_are_whole() {
        let (two, three) = (frames_of(&[0, 1]), frames_of(&[0, 1, 2]));
        for cut in two.len()..three.len() {
            let mut ledger = ledger(3);
            assert_eq!(ledger.take_frames(&three[..cut]), two.len());
            assert_eq!(ledger.problems(), ["out: 1 of a lost, first 2..3"]);
            assert_eq!(ledger.take_frames(&three[two.len()..]), three.len() - two.len());
            assert!(ledger.problems().is_empty());
        }
    }

    #[test]
    fn a_damaged_a_foreign_and_an_early_record_are_told() {
        let mut bytes = frames_of(&[0]);
        let last = bytes.len() - 3;
        bytes[last] ^= 1;
        bytes.extend_from_slice(b"torn");
        bytes.extend_from_slice(&frames_of(&[1, 9]));
        let mut ledger = ledger(2);
        let mut at = 0;
        while at < bytes.len() {
            at += ledger.take_frames(&bytes[at..]);
        }
        let problems = ledger.problems().join("\n");
        assert!(problems.contains("1 of a lost, first 0..1") && problems.contains("3 damaged"), "{problems}");
        assert!(problems.contains("record 9 of a was never sent"), "{problems}");
    }

    #[test]
    fn a_torn_line_hides_no_record() {
        let torn = lines_of(&[2]);
        let bytes = [lines_of(&[0, 1]).as_slice(), &torn[..9], &lines_of(&[1, 2])].concat();
        let mut ledger = ledger(3);
        assert_eq!(ledger.take_lines(&bytes), bytes.len());
        assert_eq!((ledger.problems(), ledger.torn()), (Vec::new(), 1));
        ledger.end_run();
        ledger.end_run();
        assert_eq!(ledger.repeats().most, Repeats { resent: 0, reread: 1, steps_back: 1 });
    }
}
