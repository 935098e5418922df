//! `hekad queue check`: reads everything and tells what is wrong. Never writes.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use heka_engine::filter_state::StateFile;
use heka_queue::fs::RealFs;
use heka_queue::inspect::{Finding, Ledger, Listing, Plan, Problem, check};
use heka_queue::{Cursors, Position, QueueError};
use serde_json::json;

use super::base::{Base, Where};

/// Read all queues and tell what is damaged: exit code 0 if nothing is, 1 if something is, 2 if they cannot be read
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Where,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) findings: Vec<Finding>,
    /// What a repair does for each queue.
    pub(super) plans: Vec<(String, Plan)>,
    /// Missing if the file is damaged.
    pub(super) cursors: Option<Cursors>,
    /// Cursors that have to change: reader, queue, new position.
    pub(super) cursor_moves: Vec<(String, String, Position)>,
    /// Filter states that cannot be read.
    pub(super) bad_states: Vec<std::path::PathBuf>,
    segments: usize,
    records: u64,
    bytes: u64,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let base = args.place.find()?;
    let checked = Checked::read(&base)?;
    let text = if args.json { checked.json(&base)? } else { checked.text() };
    // Whoever reads may have seen enough; the exit code still tells.
    std::io::stdout().write_all(text.as_bytes()).ok();
    Ok(ExitCode::from(u8::from(!checked.findings.is_empty())))
}

impl Checked {
    /// Reads all of the queues, the cursors and the filter states.
    pub(super) fn read(base: &Base) -> Result<Checked> {
        let mut checked = Checked::default();
        let known = Ledger::read(&base.aside(), &RealFs)?;
        // In this order: what a running hekad removes in between is below every cursor that is read after.
        let first = base.cursors().ok();
        let mut listings = Vec::new();
        for queue in base.queues(first.as_ref())? {
            let listing = Listing::read(&queue.dir, &RealFs)?;
            listings.push((queue.name, listing));
        }
        checked.read_cursors(base)?;
        for (queue, listing) in &listings {
            let all = checked.cursors.as_ref().map(Cursors::all).unwrap_or_default();
            let of_queue: Vec<_> = all.into_iter().filter(|(_, name, _)| name == queue).collect();
            let positions: Vec<Position> = of_queue.iter().map(|(.., at)| *at).collect();
            let result = check(queue, listing, &positions, &known, &RealFs)?;
            let plan = Plan::new(queue, listing, &result);
            checked.segments += listing.segments.len();
            checked.records += result.records;
            checked.bytes += result.bytes;
            checked.findings.extend(result.findings.iter().cloned());
            for (reader, queue, at) in of_queue {
                let inside = result.inside.iter().find(|(cursor, _)| *cursor == at);
                checked.look_at_cursor(base, (reader, queue, at), listing, inside.map(|(_, start)| *start));
            }
            checked.plans.push((queue.clone(), plan));
        }
        for (path, place) in StateFile::all(&base.base_dir)? {
            if place.is_none() {
                let problem = Problem::Other("the filter's state is damaged".into());
                checked.findings.push(Finding { path: path.clone(), offset: None, problem });
                checked.bad_states.push(path);
            }
        }
        Ok(checked)
    }

    fn read_cursors(&mut self, base: &Base) -> Result<()> {
        match base.cursors() {
            Ok(cursors) => self.cursors = Some(cursors),
            Err(QueueError::DamagedCursors { path, what }) => {
                let problem = Problem::Other(format!("the cursors are damaged: {what}"));
                self.findings.push(Finding { path, offset: None, problem });
            }
            Err(error) => return Err(error.into()),
        }
        let aside = base.dir.join("cursors.damaged");
        if aside.exists() {
            self.findings.push(Finding { path: aside, offset: None, problem: Problem::Foreign });
        }
        Ok(())
    }

    fn look_at_cursor(
        &mut self,
        base: &Base,
        (reader, queue, at): (String, String, Position),
        listing: &Listing,
        inside: Option<Position>,
    ) {
        let (what, to) = match inside {
            Some(start) => (format!("inside the record at {start}"), start),
            None if listing.lacks(at) => {
                let next = listing.segments.iter().find(|segment| segment.id > at.segment);
                let to = Position::new(next.map_or(at.segment, |segment| segment.id), 0);
                (format!("in a segment that is gone, it goes on at {to}"), to)
            }
            None => return,
        };
        let problem = Problem::Other(format!("the cursor of {reader:?} in queue {queue}, {at}, is {what}"));
        self.findings.push(Finding { path: base.dir.join("cursors"), offset: None, problem });
        self.cursor_moves.push((reader, queue, to));
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            text.push_str(&format!("{finding}\n"));
        }
        let verdict = match self.findings.len() {
            0 => "clean".to_owned(),
            1 => "1 problem".to_owned(),
            n => format!("{n} problems"),
        };
        let Checked { segments, records, bytes, .. } = self;
        text.push_str(&format!("{verdict}: {segments} segments, {records} good records of {bytes} bytes\n"));
        text
    }

    fn json(&self, base: &Base) -> Result<String> {
        let finding = |finding: &Finding| {
            let (path, what) = (finding.path.display().to_string(), finding.problem.to_string());
            json!({ "path": path, "offset": finding.offset, "kind": finding.problem.kind(), "what": what })
        };
        let value = json!({
            "base_dir": base.base_dir.display().to_string(),
            "clean": self.findings.is_empty(),
            "segments": self.segments,
            "records": self.records,
            "bytes": self.bytes,
            "problems": self.findings.iter().map(finding).collect::<Vec<_>>(),
        });
        Ok(serde_json::to_string_pretty(&value)? + "\n")
    }
}
