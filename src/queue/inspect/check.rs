//! Reading all of a queue and telling what is wrong with it.

use super::{Ledger, Listing, Piece, Segment};
use crate::fs::Fs;
use crate::{Position, QueueError};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the last segment is read again when it holds bad bytes: a running hekad may be writing them.
const LOOKS: usize = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// What is wrong at one place. `Display` gives a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// Where in the file, in bytes, if it is about a place in it.
    pub offset: Option<u64>,
    /// What.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Bytes that belong to no record, before other records.
    Damaged {
        /// How many.
        bytes: u64,
    },
    /// Bytes after the last record of a segment that are no padding.
    TornTail {
        /// How many.
        bytes: u64,
    },
    /// A record does not follow the one before by its number.
    Break {
        /// Sequence of the record before.
        after: u64,
        /// Sequence of this record.
        next: u64,
    },
    /// A file that is not the queue's.
    Foreign,
    /// Anything else, in words.
    Other(String),
}

impl Problem {
    /// A word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Problem::Damaged { .. } => "damaged",
            Problem::TornTail { .. } => "torn_tail",
            Problem::Break { .. } => "break",
            Problem::Foreign => "foreign",
            Problem::Other(_) => "other",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Damaged { bytes } => write!(f, "{bytes} damaged bytes between records"),
            Problem::TornTail { bytes } => write!(f, "{bytes} bytes after the last record are not a record"),
            Problem::Break { after, next } if *next == after + 2 => {
                write!(f, "record number {} is missing", after + 1)
            }
            Problem::Break { after, next } if next > after => {
                write!(f, "records number {} to {} are missing", after + 1, next - 1)
            }
            Problem::Break { after, next } => write!(f, "record number {next} follows number {after}"),
            Problem::Foreign => f.write_str("not a file of the queue"),
            Problem::Other(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "{}:{offset}: {}", self.path.display(), self.problem),
            None => write!(f, "{}: {}", self.path.display(), self.problem),
        }
    }
}

/// What a check of one queue came to.
#[derive(Debug, Clone, Default)]
pub struct QueueCheck {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Whole records, copies included.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of the positions asked about, those inside a record: each with the place where that record starts.
    pub inside: Vec<(Position, Position)>,
    pub(super) segments: Vec<Layout>,
}

/// A segment that was read.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) id: u64,
    pub(super) path: PathBuf,
    pub(super) records: u64,
    pub(super) end: u64,
    pub(super) bad: Vec<Range<u64>>,
}

/// Reads all segments of `listing`, which must be older than `cursors`, the positions to look up. `queue` is the name that
/// `known` uses. Changes nothing.
///
/// # Errors
///
/// [`QueueError::Io`] if a segment cannot be read.
pub fn check(
    queue: &str,
    listing: &Listing,
    cursors: &[Position],
    known: &Ledger,
    fs: &dyn Fs,
) -> Result<QueueCheck, QueueError> {
    let mut result = QueueCheck::default();
    let foreign = |path: &PathBuf| Finding { path: path.clone(), offset: None, problem: Problem::Foreign };
    result.findings.extend(listing.foreign.iter().map(foreign));
    let mut last_sequence = None;
    for (at, file) in listing.segments.iter().enumerate() {
        let is_newest = at + 1 == listing.segments.len();
        let mut segment = Segment::read(file, fs)?;
        for _ in 0..LOOKS {
            let has_bad = |s: &Segment| s.walk(0).any(|piece| matches!(piece, Piece::Bad { .. }));
            if !(is_newest && segment.as_ref().is_some_and(has_bad)) {
                break;
            }
            std::thread::sleep(BETWEEN_LOOKS);
            segment = Segment::read(file, fs)?;
        }
        let Some(segment) = segment else {
            // All readers passed it, and those before it: that its records are gone is no break.
            last_sequence = None;
            continue;
        };
        read_segment(&segment, &mut last_sequence, &mut result, |after, next| {
            known.knows(queue, after, next)
        });
        result.look_up(&segment, cursors);
    }
    Ok(result)
}

fn read_segment(
    segment: &Segment,
    last_sequence: &mut Option<u64>,
    result: &mut QueueCheck,
    known: impl Fn(u64, u64) -> bool,
) {
    let path: &Path = &segment.path;
    let mut layout = Layout { id: segment.id, path: path.to_owned(), records: 0, end: 0, bad: Vec::new() };
    let finding = |offset, problem| Finding { path: path.to_owned(), offset: Some(offset), problem };
    for piece in segment.walk(0) {
        match piece {
            Piece::Record(entry) => {
                layout.records += 1;
                layout.end = entry.record.position.offset;
                result.bytes += layout.end - entry.start;
                let next = entry.record.sequence;
                match *last_sequence {
                    Some(last) if entry.is_copy && next <= last => continue,
                    Some(last) if next != last.wrapping_add(1) && !known(last, next) => {
                        result.findings.push(finding(entry.start, Problem::Break { after: last, next }));
                    }
                    _ => {}
                }
                *last_sequence = Some(next);
            }
            Piece::Bad { range, is_tail } => {
                let bytes = range.end - range.start;
                let problem = if is_tail { Problem::TornTail { bytes } } else { Problem::Damaged { bytes } };
                result.findings.push(finding(range.start, problem));
                layout.bad.push(range);
            }
        }
    }
    result.records += layout.records;
    result.segments.push(layout);
}

impl QueueCheck {
    /// Finds the cursors that are inside a record of this segment.
    fn look_up(&mut self, segment: &Segment, cursors: &[Position]) {
        let mut here: Vec<_> = cursors.iter().filter(|cursor| cursor.segment == segment.id).collect();
        here.sort();
        here.dedup();
        if here.is_empty() {
            return;
        }
        for piece in segment.walk(0) {
            let Piece::Record(entry) = piece else { continue };
            let inside = |cursor: &&&Position| {
                entry.start < cursor.offset && cursor.offset < entry.record.position.offset
            };
            let start = Position::new(segment.id, entry.start);
            self.inside.extend(here.iter().filter(inside).map(|cursor| (**cursor, start)));
        }
    }
}
