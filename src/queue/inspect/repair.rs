//! Moving what is damaged out of a queue.
//!
//! A segment with damage is written anew without it, so what lies behind moves down. Every position that is kept somewhere
//! has to move with it, and does so first: one that is too low only repeats records, one that is too high loses some.

use super::ledger::replace;
use super::{Ledger, Listing, Problem, QueueCheck, Segment, SegmentFile};
use crate::fs::{Fs, uninterrupted};
use crate::{Position, QueueError};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What a repair of one queue does.
#[derive(Debug, Clone)]
pub struct Plan {
    queue: String,
    cuts: Vec<Cut>,
    /// Segments that stay, each with its end as it will be.
    stay: Vec<(u64, u64)>,
    breaks: Vec<(u64, u64)>,
    foreign: Vec<PathBuf>,
}

/// A segment with damage.
#[derive(Debug, Clone)]
struct Cut {
    file: SegmentFile,
    bad: Vec<Range<u64>>,
    /// There is no record in it: the file goes as a whole.
    whole: bool,
}

impl Plan {
    /// What a check asks for.
    pub fn new(queue: &str, listing: &Listing, check: &QueueCheck) -> Plan {
        let breaks = check.findings.iter().filter_map(|finding| match finding.problem {
            Problem::Break { after, next } => Some((after, next)),
            _ => None,
        });
        let mut plan = Plan {
            queue: queue.to_owned(),
            cuts: Vec::new(),
            stay: Vec::new(),
            breaks: breaks.collect(),
            foreign: listing.foreign.clone(),
        };
        for layout in &check.segments {
            let whole = layout.records == 0 && !layout.bad.is_empty();
            if !whole {
                plan.stay.push((layout.id, layout.end - bytes_below(&layout.bad, layout.end)));
            }
            if !layout.bad.is_empty() {
                let file = SegmentFile { id: layout.id, path: layout.path.clone(), len: 0 };
                plan.cuts.push(Cut { file, bad: layout.bad.clone(), whole });
            }
        }
        plan
    }

    /// A line for each thing that [`Plan::apply`] does with its folder of damaged bytes `aside`.
    ///
    /// # Errors
    ///
    /// [`QueueError::Io`] if that folder cannot be listed.
    pub fn steps(&self, aside: &Path, fs: &dyn Fs) -> Result<Vec<String>, QueueError> {
        let mut steps = Vec::new();
        for cut in &self.cuts {
            let path = cut.file.path.display();
            if cut.whole {
                steps.push(format!(
                    "move {path} to {}",
                    self.whole_name(aside, &cut.file.path, fs)?.display()
                ));
                continue;
            }
            for bad in &cut.bad {
                let (len, to) = (bad.end - bad.start, self.part_name(aside, cut, bad.start, fs)?);
                steps.push(format!("move {len} bytes of {path} at {} to {}", bad.start, to.display()));
            }
        }
        for path in &self.foreign {
            steps.push(format!("move {} to {}", path.display(), self.whole_name(aside, path, fs)?.display()));
        }
        for &(after, next) in &self.breaks {
            let what = Problem::Break { after, next };
            steps.push(format!("note for queue {} that {what}", self.queue));
        }
        Ok(steps)
    }

    /// Where a position will be.
    pub fn moved(&self, position: Position) -> Position {
        let Some(cut) = self.cuts.iter().find(|cut| cut.file.id == position.segment) else {
            return position;
        };
        if !cut.whole {
            let below = bytes_below(&cut.bad, position.offset);
            return Position::new(position.segment, position.offset - below);
        }
        let next = self.stay.iter().find(|(id, _)| *id > position.segment);
        let before = self.stay.iter().rfind(|(id, _)| *id < position.segment);
        match (next, before) {
            (Some((id, _)), _) => Position::new(*id, 0),
            (None, Some((id, end))) => Position::new(*id, *end),
            (None, None) => Position::default(),
        }
    }

    /// Copies the damaged bytes into folder `aside` and notes the breaks, durably. Changes nothing in the queue yet.
    ///
    /// # Errors
    ///
    /// [`QueueError::Io`]
    pub fn save_damage(&self, aside: &Path, fs: &dyn Fs) -> Result<(), QueueError> {
        uninterrupted(|| fs.create_dir_all(aside)).map_err(QueueError::io("create folder", aside))?;
        for cut in self.cuts.iter().filter(|cut| !cut.whole) {
            let Some(segment) = Segment::read(&cut.file, fs)? else { continue };
            for bad in &cut.bad {
                replace(&self.part_name(aside, cut, bad.start, fs)?, &[slice(&segment, bad)], fs)?;
            }
        }
        if self.breaks.is_empty() {
            return Ok(());
        }
        let mut ledger = Ledger::read(aside, fs)?;
        self.breaks.iter().for_each(|(after, next)| ledger.add(&self.queue, *after, *next));
        ledger.save(aside, fs)
    }

    /// Takes the damaged bytes out of the segments. To be called after [`Plan::save_damage`], and after all positions that
    /// anybody keeps have been [moved](Plan::moved).
    ///
    /// # Errors
    ///
    /// [`QueueError::Io`]; the segment that it names is as it was, and the repair may be tried again.
    pub fn apply(&self, aside: &Path, fs: &dyn Fs) -> Result<(), QueueError> {
        for path in &self.foreign {
            self.move_file(path, aside, fs)?;
        }
        for cut in &self.cuts {
            if cut.whole {
                self.move_file(&cut.file.path, aside, fs)?;
                continue;
            }
            let Some(segment) = Segment::read(&cut.file, fs)? else { continue };
            let mut good = Vec::new();
            let mut at = 0;
            for bad in &cut.bad {
                good.push(slice(&segment, &(at..bad.start)));
                at = bad.end;
            }
            good.push(slice(&segment, &(at..segment.end().max(at))));
            replace(&cut.file.path, &good, fs)?;
        }
        Ok(())
    }

    fn move_file(&self, path: &Path, aside: &Path, fs: &dyn Fs) -> Result<(), QueueError> {
        let to = self.whole_name(aside, path, fs)?;
        let moved = uninterrupted(|| fs.rename(path, &to));
        moved.map_err(QueueError::io("set aside", path))?;
        for dir in [Some(aside), path.parent()].into_iter().flatten() {
            uninterrupted(|| fs.fsync_dir(dir)).map_err(QueueError::io("sync folder", dir))?;
        }
        Ok(())
    }

    fn part_name(&self, aside: &Path, cut: &Cut, at: u64, fs: &dyn Fs) -> Result<PathBuf, QueueError> {
        free(aside, &format!("{}-{:08}.log-at-{at}", self.queue.replace('/', "-"), cut.file.id), fs)
    }

    fn whole_name(&self, aside: &Path, path: &Path, fs: &dyn Fs) -> Result<PathBuf, QueueError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        free(aside, &format!("{}-{name}", self.queue.replace('/', "-")), fs)
    }
}

/// A name that no earlier repair has used.
fn free(aside: &Path, name: &str, fs: &dyn Fs) -> Result<PathBuf, QueueError> {
    let used = match uninterrupted(|| fs.list(aside)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        listed => listed.map_err(QueueError::io("list", aside))?,
    };
    let is_free = |name: &String| !used.iter().any(|(used, _)| used == name);
    let mut names = std::iter::once(name.to_owned()).chain((2u64..).map(|number| format!("{name}.{number}")));
    Ok(aside.join(names.find(is_free).unwrap_or_else(|| name.to_owned())))
}

fn bytes_below(bad: &[Range<u64>], offset: u64) -> u64 {
    bad.iter().map(|bad| bad.end.min(offset).saturating_sub(bad.start)).sum()
}

fn slice<'a>(segment: &'a Segment, range: &Range<u64>) -> &'a [u8] {
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(segment.bytes().len());
    &segment.bytes()[at(range.start)..at(range.end)]
}
