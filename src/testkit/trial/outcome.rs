//! What came of a trial, and of several.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::ledger::RepeatSums;

/// One output's part.
#[derive(Debug, Clone, Default)]
pub struct OutputOutcome {
    /// Its name.
    pub name: String,
    /// What came again.
    pub repeats: RepeatSums,
    /// Torn lines.
    pub torn: u64,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// How often the daemon was killed.
    pub kills: u64,
    /// Per input its letter, the records sent to it, and those of them that were acknowledged.
    pub inputs: Vec<(char, u64, u64)>,
    /// Messages that the filters counted, exactly.
    pub counted: u64,
    /// Segments that were begun, and those that were unlinked.
    pub segments: (u64, u64),
    /// How often the queue was full at the moment of a kill.
    pub full: u64,
    /// The longest time from a restart until a fresh record of each input was at each output.
    pub fresh: Duration,
    /// Per output.
    pub outputs: Vec<OutputOutcome>,
    /// All that is wrong.
    pub problems: Vec<String>,
    /// Where everything lies that a trial with problems left behind.
    pub kept: Option<PathBuf>,
}

impl Outcome {
    /// Adds another trial's.
    pub fn add(&mut self, other: Outcome) {
        self.kills += other.kills;
        self.counted += other.counted;
        self.segments = (self.segments.0 + other.segments.0, self.segments.1 + other.segments.1);
        self.full += other.full;
        self.fresh = self.fresh.max(other.fresh);
        self.problems.extend(other.problems);
        self.kept = other.kept.or(self.kept.take());
        if self.outputs.is_empty() {
            (self.inputs, self.outputs) = (other.inputs, other.outputs);
            return;
        }
        for (sum, input) in self.inputs.iter_mut().zip(other.inputs) {
            sum.1 += input.1;
            sum.2 += input.2;
        }
        for (sum, output) in self.outputs.iter_mut().zip(other.outputs) {
            let (most, total) = (&mut sum.repeats.most, &mut sum.repeats.total);
            most.resent = most.resent.max(output.repeats.most.resent);
            most.reread = most.reread.max(output.repeats.most.reread);
            most.steps_back = most.steps_back.max(output.repeats.most.steps_back);
            total.resent += output.repeats.total.resent;
            total.reread += output.repeats.total.reread;
            total.steps_back += output.repeats.total.steps_back;
            sum.torn += output.torn;
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |count: fn(&(char, u64, u64)) -> u64| self.inputs.iter().map(count).sum::<u64>();
        let each: Vec<String> =
            self.inputs.iter().map(|(letter, sent, owed)| format!("{letter} {sent}/{owed}")).collect();
        writeln!(
            f,
            "{} kills; {} records sent, {} of them acknowledged ({}); {} messages counted by filters; {} segments begun, {} \
             unlinked; queue full at {} kills; a fresh record took at most {:.2} s from a restart",
            self.kills,
            sum(|input| input.1),
            sum(|input| input.2),
            each.join(", "),
            self.counted,
            self.segments.0,
            self.segments.1,
            self.full,
            self.fresh.as_secs_f64()
        )?;
        for output in &self.outputs {
            let RepeatSums { most, total } = output.repeats;
            writeln!(
                f,
                "{}: sent twice {} (at most {} after a kill), read twice or not known {} (at most {}), in at most {} goes; torn \
                 lines {}",
                output.name,
                total.resent,
                most.resent,
                total.reread,
                most.reread,
                most.steps_back,
                output.torn
            )?;
        }
        match self.problems.len() {
            0 => f.write_str("nothing lost, nothing damaged, nothing out of order"),
            count => write!(f, "{count} problems:\n{}", self.problems.join("\n")),
        }
    }
}
