//! The breaks in the sequence that an operator knows of: those that a repair found.
//!
//! A text file, one line a break: `QUEUE<tab>AFTER<tab>NEXT`, the numbers of the records on both sides.

use crate::QueueError;
use crate::fs::{Fs, uninterrupted, write_all_at};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// Name of the file in the folder of damaged bytes.
const FILE_NAME: &str = "breaks";

/// Breaks that were found before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    breaks: BTreeSet<(String, u64, u64)>,
}

impl Ledger {
    /// Reads the ledger in a folder of damaged bytes; empty if there is none. Lines that are none are passed.
    ///
    /// # Errors
    ///
    /// [`QueueError::Io`] if it is there and cannot be read.
    pub fn read(dir: &Path, fs: &dyn Fs) -> Result<Ledger, QueueError> {
        let path = dir.join(FILE_NAME);
        let bytes = match uninterrupted(|| fs.read(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ledger::default()),
            read => read.map_err(QueueError::io("read", &path))?,
        };
        let line = |line: &str| {
            let mut parts = line.split('\t');
            let queue = parts.next()?.to_owned();
            Some((queue, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
        };
        Ok(Ledger { breaks: String::from_utf8_lossy(&bytes).lines().filter_map(line).collect() })
    }

    /// Whether it is known that record `next` follows record `after` in a queue.
    pub fn knows(&self, queue: &str, after: u64, next: u64) -> bool {
        self.breaks.contains(&(queue.to_owned(), after, next))
    }

    /// Adds a break.
    pub fn add(&mut self, queue: &str, after: u64, next: u64) {
        self.breaks.insert((queue.to_owned(), after, next));
    }

    /// Writes the ledger, durably.
    ///
    /// # Errors
    ///
    /// [`QueueError::Io`]; the one before is still there.
    pub fn save(&self, dir: &Path, fs: &dyn Fs) -> Result<(), QueueError> {
        let lines = self.breaks.iter().map(|(queue, after, next)| format!("{queue}\t{after}\t{next}\n"));
        replace(&dir.join(FILE_NAME), &[lines.collect::<String>().as_bytes()], fs)
    }
}

/// Replaces a file by these parts, durably, or leaves it as it was.
pub(super) fn replace(path: &Path, parts: &[&[u8]], fs: &dyn Fs) -> Result<(), QueueError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".repair");
    let new = dir.join(name);
    let written = || {
        match uninterrupted(|| fs.unlink(&new)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = uninterrupted(|| fs.create(&new))?;
        let mut at = 0;
        for part in parts {
            write_all_at(file.as_ref(), part, at)?;
            at += part.len() as u64;
        }
        uninterrupted(|| file.fdatasync())
    };
    written().map_err(QueueError::io("write", &new))?;
    uninterrupted(|| fs.rename(&new, path)).map_err(QueueError::io("replace", path))?;
    uninterrupted(|| fs.fsync_dir(dir)).map_err(QueueError::io("sync folder", dir))
}
