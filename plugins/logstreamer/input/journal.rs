//! The journal: how far a stream has been delivered.
//!
//! One file a stream, `<journal_directory>/<stream name>`, holding one line of JSON as Heka writes it:
//! `{"seek":12,"file_name":"/var/log/a.log","last_hash":"..."}`. `seek` counts the bytes of complete records (of the
//! uncompressed text, for gzip files), `last_hash` is described at [`hash`].

mod json;
mod note;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use heka_fault::fault;
use heka_message::golang::write_json_string;
use sha1::{Digest, Sha1};

use self::note::Note;
use super::os_error::{os_error, reason};

/// Bytes before the position that identify a file.
pub(super) const CONTEXT_SIZE: usize = 500;

/// A place in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The file.
    pub(super) file: Arc<Path>,
    /// Bytes of it that are delivered.
    pub(super) seek: u64,
    /// [`hash`] of what lies before `seek`.
    pub(super) hash: String,
}

/// Hex SHA-1 of the last 500 bytes of `before`; what is missing at the front counts as NUL bytes.
pub(super) fn hash(before: &[u8]) -> String {
    let known = &before[before.len().saturating_sub(CONTEXT_SIZE)..];
    let mut sha1 = Sha1::new();
    sha1.update(&[0; CONTEXT_SIZE][known.len()..]);
    sha1.update(known);
    hex(&sha1.finalize())
}

fn sha1_hex(bytes: &[u8]) -> String {
    hex(&Sha1::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a journal file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Loaded {
    /// There is none, or it is blank.
    Absent,
    /// It was cut short, as a power cut does; the text is to be logged.
    Torn(String),
    /// The position, and when it was saved.
    Found(Position, SystemTime),
}

/// Reads a journal.
///
/// # Errors
/// The file cannot be read, or is not what Heka writes; the text is Go's.
pub(super) fn load(path: &Path) -> Result<Loaded, String> {
    let content = match fs::read(path) {
        Ok(content) => content,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {
            return Ok(Loaded::Absent);
        }
        Err(error) => return Err(os_error("open", path, &error)),
    };
    let content = content.trim_ascii();
    if content.is_empty() {
        return Ok(Loaded::Absent);
    }
    let torn =
        |why: &str| Loaded::Torn(format!("journal {} is damaged, it is ignored: {why}", path.display()));
    if content.contains(&0) {
        return Ok(torn("NUL bytes"));
    }
    match json::read(content) {
        Ok(entry) => {
            let saved = fs::metadata(path).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            let position = Position {
                file: Path::new(&entry.file_name).into(),
                seek: u64::try_from(entry.seek).unwrap_or(0),
                hash: entry.last_hash,
            };
            Ok(Loaded::Found(position, saved))
        }
        Err(why) if why == json::CUT_SHORT => Ok(torn(&why)),
        Err(why) => Err(why),
    }
}

/// The file and offset that a journal tells; `None` if it tells nothing and its stream is read as a new one.
///
/// # Errors
/// It cannot be read or understood; the text says why. LogstreamerInput ignores one that was cut short and does not start
/// with one that is damaged in another way.
pub fn read_journal(path: &Path) -> Result<Option<(PathBuf, u64)>, String> {
    match load(path)? {
        Loaded::Absent => Ok(None),
        Loaded::Torn(why) => Err(why),
        Loaded::Found(position, _) => Ok(Some((position.file.to_path_buf(), position.seek))),
    }
}

/// The writing side.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    fresh: PathBuf,
    saved: Option<Position>,
    note: Note,
    /// What was noted last.
    noted: Option<Position>,
}

impl Journal {
    /// The journal of a stream. Nothing is written yet.
    pub(super) fn new(directory: &Path, stream: &str) -> Journal {
        let path = directory.join(stream.trim_start_matches('/'));
        // Beside the journal and in no stream's name: it is replaced at once, never written in place.
        let fresh = path.with_file_name(format!(".{}.fresh", &hash(stream.as_bytes())));
        let mut note = Note::new(fresh.with_extension("note"));
        note.set_journal(&fs::read(&path).unwrap_or_default());
        Journal { path, fresh, saved: None, note, noted: None }
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes note of what the file holds already.
    pub(super) fn set_saved(&mut self, position: Position) {
        self.saved = Some(position);
    }

    /// The position that a process noted which was killed before it could save it here.
    pub(super) fn noted(&self) -> Option<Position> {
        self.note.read()
    }

    /// Notes how far the queue has taken the stream.
    ///
    /// # Errors
    /// The text to log.
    pub(super) fn take_note(&mut self, position: Position) -> Result<(), String> {
        let written = match self.note.write(&position, None) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_directory(self.path.parent().unwrap_or(Path::new(".")))
                    .and_then(|()| self.note.write(&position, None))
            }
            written => written,
        };
        self.noted = Some(position);
        written.map_err(|error| os_error("write", &self.fresh.with_extension("note"), &error))
    }

    /// Replaces the file. A crash leaves the old or the new one, never a part. Nothing happens when it says so already.
    ///
    /// # Errors
    /// The text to log; the old journal is still there.
    pub(super) fn save(&mut self, position: &Position) -> Result<(), String> {
        if self.saved.as_ref() == Some(position) {
            return Ok(());
        }
        let mut file = self.create().map_err(|error| {
            format!("Error opening seek recovery log: {}", os_error("open", &self.path, &error))
        })?;
        let next = content(position);
        // Whichever of the two journals a crash leaves, the note goes with it.
        if let Some(noted) = &self.noted {
            let _without_a_note_more_is_repeated = self.note.write(noted, Some(&next));
        }
        fault!("journal-torn", file.write_all(&next[..next.len() / 2]));
        let written = file.write_all(&next).and_then(|()| {
            fault!("journal-written");
            fs::rename(&self.fresh, &self.path)
        });
        if let Err(error) = written {
            // The next save creates it anew.
            let _ = fs::remove_file(&self.fresh);
            let why = os_error("write", &self.path, &error);
            return Err(format!("Error writing seek recovery log: {why}"));
        }
        fault!("journal-renamed");
        self.note.set_journal(&next);
        // Whoever puts the old journal back, or removes a first one, means it.
        if let Some(noted) = &self.noted {
            let _it_still_goes_with_both = self.note.write(noted, None);
        }
        self.saved = Some(position.clone());
        Ok(())
    }

    fn create(&self) -> io::Result<File> {
        let open = || {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o660).open(&self.fresh)
        };
        match open() {
            // A stream's name may hold slashes.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_directory(self.path.parent().unwrap_or(Path::new(".")))?;
                open()
            }
            other => other,
        }
    }
}

/// Makes a directory for journals with all that lead to it.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o744).create(path)
}

/// As [`make_directory`], with the error's text.
pub(super) fn ensure_directory(path: &Path) -> Result<(), String> {
    make_directory(path).map_err(|error| format!("mkdir {}: {}", path.display(), reason(&error)))
}

fn content(position: &Position) -> Vec<u8> {
    let mut out = format!("{{\"seek\":{},\"file_name\":", position.seek).into_bytes();
    write_json_string(position.file.as_os_str().as_encoded_bytes(), &mut out);
    out.extend_from_slice(b",\"last_hash\":");
    write_json_string(position.hash.as_bytes(), &mut out);
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests;
