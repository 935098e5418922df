//! The letters of an output, read while hekad runs or not.

use anyhow::{Result, bail};
use heka_engine::dead_letters::{Folder, Letter, Store};
use heka_queue::Position;
use heka_queue::fs::RealFs;
use heka_queue::inspect::{Listing, Piece, Segment};

use super::super::base::Base;
use super::super::export::Seen;

/// A letter and where it lies.
pub(super) struct Found<'a> {
    /// Its number among all that the output ever rejected.
    pub(super) id: u64,
    /// When it was rejected, in nanoseconds since 1970.
    pub(super) time_ns: u64,
    /// The place behind it.
    pub(super) end: Position,
    /// Its size on the disk.
    pub(super) bytes: u64,
    /// The message and the reason.
    pub(super) letter: Letter<'a>,
}

/// The folder of an output.
pub(super) fn folder(base: &Base, output: &str) -> Result<Folder> {
    let folders = Folder::all(&base.base_dir)?;
    let names: Vec<_> = folders.iter().map(|folder| folder.output.clone()).collect();
    match folders.into_iter().find(|folder| folder.output == output) {
        Some(folder) => Ok(folder),
        None if names.is_empty() => bail!("no output has rejected anything in {}", base.base_dir.display()),
        None => bail!("{output:?} has rejected nothing; these outputs have: {}", names.join(", ")),
    }
}

/// Hands the letters that are not dealt with to `each`, in their order, until that says false.
pub(super) fn read(folder: &Folder, mut each: impl FnMut(&Found<'_>) -> Result<bool>) -> Result<()> {
    let done = Store::look_done(folder);
    let dir = folder.letters();
    if !dir.is_dir() {
        return Ok(());
    }
    let mut seen = Seen::default();
    for file in Listing::read(&dir, &RealFs)?.segments {
        if file.id < done.segment {
            continue;
        }
        let Some(segment) = Segment::read(&file, &RealFs)? else { continue };
        for piece in segment.walk(if file.id == done.segment { done.offset } else { 0 }) {
            let Piece::Record(entry) = piece else { continue };
            let record = entry.record;
            if !seen.is_new(record.sequence, entry.is_copy) {
                continue;
            }
            let unknown = Letter { message: record.message, output: &folder.output, reason: "" };
            let found = Found {
                id: record.sequence,
                time_ns: record.append_time_ns,
                end: record.position,
                bytes: record.position.offset - entry.start,
                letter: Letter::read(record.message).unwrap_or(unknown),
            };
            if !each(&found)? {
                return Ok(());
            }
        }
    }
    Ok(())
}
