//! The note beside a journal: how far the queue has taken a stream, also what it does not hold yet in the sense of
//! `queue_sync`.
//!
//! It is written in place after every read and never synced. What one process wrote and appended, the next one finds,
//! whichever way the first one died, so a killed process reads at most its last read again. A power cut is another matter:
//! the note counts only in the boot of the system that wrote it, and only beside the journal that it was written beside, so
//! that whoever replaces or removes a journal has the last word.
//!
//! Four lines: SHA-1 of the other three, boot id, SHA-1 of the journals it goes with (the present one and, while that is
//! being replaced, the next; joined by a comma), the position as a journal has it. What follows is of an older note.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use heka_fault::fault;

use super::{Position, content, json, sha1_hex};

/// A stream's note.
#[derive(Debug)]
pub(super) struct Note {
    path: PathBuf,
    file: Option<File>,
    boot_id: Option<String>,
    /// SHA-1 of the journal beside it.
    journal: String,
}

impl Note {
    /// The note at `path`, beside a journal that does not exist.
    pub(super) fn new(path: PathBuf) -> Note {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let boot_id = boot_id.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
        Note { path, file: None, boot_id, journal: sha1_hex(b"") }
    }

    /// Says what is in the journal.
    pub(super) fn set_journal(&mut self, content: &[u8]) {
        self.journal = sha1_hex(content);
    }

    /// What the note says, if it counts.
    pub(super) fn read(&self) -> Option<Position> {
        let text = fs::read_to_string(&self.path).ok()?;
        let (sha1, body) = text.split_once('\n')?;
        let mut lines = body.split_inclusive('\n');
        let (boot_id, journals, position) = (lines.next()?, lines.next()?, lines.next()?);
        let body = &body[..boot_id.len() + journals.len() + position.len()];
        let counts = sha1_hex(body.as_bytes()) == sha1
            && Some(boot_id.trim_end()) == self.boot_id.as_deref()
            && journals.trim_end().split(',').any(|journal| journal == self.journal);
        let entry = json::read(position.trim_end().as_bytes()).ok().filter(|_| counts)?;
        Some(Position {
            file: Path::new(&entry.file_name).into(),
            seek: u64::try_from(entry.seek).ok()?,
            hash: entry.last_hash,
        })
    }

    /// Writes the note. `next` is the journal that is about to replace the present one.
    ///
    /// # Errors
    /// The file cannot be written; an older note that is still there would be behind.
    pub(super) fn write(&mut self, position: &Position, next: Option<&[u8]>) -> io::Result<()> {
        let Some(boot_id) = &self.boot_id else { return Ok(()) };
        let next = next.map(|content| format!(",{}", sha1_hex(content))).unwrap_or_default();
        let position = content(position);
        let position = String::from_utf8_lossy(&position);
        let body = format!("{boot_id}\n{}{next}\n{position}\n", self.journal);
        let text = format!("{}\n{body}", sha1_hex(body.as_bytes()));
        if self.file.is_none() {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false).mode(0o660);
            self.file = Some(options.open(&self.path)?);
        }
        let Some(file) = &self.file else { return Ok(()) };
        fault!("journal-note-torn", file.write_all_at(&text.as_bytes()[..text.len() - 20], 0));
        file.write_all_at(text.as_bytes(), 0)?;
        fault!("journal-noted");
        Ok(())
    }
}
