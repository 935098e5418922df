//! The open files.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use heka_message::golang::os_error::errno_text;
use heka_plugin::SendError;

use super::create::Plan;
use super::database::{Database, DatabaseError};
use crate::carbon::output::line::Stat;

/// So many files are open at most.
const OPEN_MAX: usize = 256;
/// So many are made durable one by one; if there are more, the file system is asked as a whole.
const SYNCED_ALONE_MAX: usize = 8;

/// What became of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is in its file.
    Yes,
    /// It is not and will not be; the text says why.
    Never(String),
    /// The system is short of something.
    NotNow(String),
}

struct Open {
    database: Database,
    path: PathBuf,
    /// When it was used last.
    used: u64,
    is_unsynced: bool,
}

/// The files below a folder.
pub(super) struct Files {
    base: PathBuf,
    folder_mode: u32,
    plan: Plan,
    open: HashMap<Vec<u8>, Open>,
    clock: u64,
    /// Something is not durable that no open file can tell of.
    is_unsynced: bool,
}

impl Files {
    /// None is open yet.
    pub(super) fn new(base: PathBuf, folder_mode: u32, plan: Plan) -> Files {
        Files { base, folder_mode, plan, open: HashMap::new(), clock: 0, is_unsynced: false }
    }

    /// Keeps a value in the file of its name.
    pub(super) fn keep(&mut self, stat: &Stat<'_>, now_s: i64) -> Kept {
        if !self.open.contains_key(stat.name) {
            match self.open_file(stat.name) {
                Ok(()) => {}
                Err((path, error)) => return failed("can't open or create", &path, &error),
            }
        }
        self.clock += 1;
        let Some(open) = self.open.get_mut(stat.name) else { return Kept::Yes };
        open.used = self.clock;
        match open.database.update(stat.value, stat.time_s.into(), now_s) {
            Ok(()) => {
                open.is_unsynced = true;
                Kept::Yes
            }
            Err(error) => failed("Error updating", &open.path, &error),
        }
    }

    fn open_file(&mut self, name: &[u8]) -> Result<(), (PathBuf, DatabaseError)> {
        let path = path_of(&self.base, name);
        let database = self.database(&path).map_err(|error| (path.clone(), error))?;
        if self.open.len() >= OPEN_MAX {
            self.close_half();
        }
        self.open.insert(name.to_vec(), Open { database, path, used: self.clock, is_unsynced: false });
        Ok(())
    }

    fn database(&mut self, path: &Path) -> Result<Database, DatabaseError> {
        match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => match Database::open(file) {
                // What a power cut may leave of a new file.
                Err(DatabaseError::Empty) => {}
                opened => return opened,
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(self.folder_mode).create(folder)?;
        }
        self.is_unsynced = true;
        Database::open(self.plan.create(path)?)
    }

    /// Closes the half of the files that were not used for the longest time.
    fn close_half(&mut self) {
        let mut uses: Vec<u64> = self.open.values().map(|open| open.used).collect();
        uses.sort_unstable();
        let middle = uses.get(uses.len() / 2).copied().unwrap_or(0);
        let closed = self.open.extract_if(|_, open| open.used < middle);
        self.is_unsynced |= closed.fold(false, |unsynced, (_, open)| unsynced | open.is_unsynced);
    }

    /// Makes durable what was kept.
    ///
    /// # Errors
    /// The system has failed: what it did not write is lost, and a second sync would not tell.
    pub(super) fn sync(&mut self) -> Result<(), SendError> {
        let why = |path: &Path, error: &io::Error| {
            format!("can't sync '{}': {}", path.display(), errno_text(error))
        };
        let failed = |path: &Path, error: &io::Error| SendError::Fatal(why(path, error));
        let unsynced: Vec<&mut Open> = self.open.values_mut().filter(|open| open.is_unsynced).collect();
        if self.is_unsynced || unsynced.len() > SYNCED_ALONE_MAX {
            let folder = File::open(&self.base).map_err(|error| SendError::Retry(why(&self.base, &error)))?;
            rustix::fs::syncfs(&folder).map_err(|error| failed(&self.base, &error.into()))?;
        } else {
            for open in &unsynced {
                open.database.sync().map_err(|error| failed(&open.path, &error))?;
            }
        }
        unsynced.into_iter().for_each(|open| open.is_unsynced = false);
        self.is_unsynced = false;
        Ok(())
    }
}

/// The file of a name: points part folders.
fn path_of(base: &Path, name: &[u8]) -> PathBuf {
    let mut path = base.as_os_str().as_bytes().to_vec();
    path.push(b'/');
    path.extend(name.iter().map(|&byte| if byte == b'.' { b'/' } else { byte }));
    path.extend_from_slice(b".wsp");
    PathBuf::from(OsStr::from_bytes(&path))
}

fn failed(what: &str, path: &Path, error: &DatabaseError) -> Kept {
    let (why, is_passing) = match error {
        DatabaseError::System(error) => (errno_text(error), is_passing(error)),
        other => (other.to_string(), false),
    };
    let why = format!("{what} whisper db '{}': {why}", path.display());
    if is_passing { Kept::NotNow(why) } else { Kept::Never(why) }
}

/// Whether the system is short of something that it may have again soon.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{OutOfMemory, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let (files_of_process, files_of_system) = (24, 23);
    matches!(error.kind(), StorageFull | QuotaExceeded | OutOfMemory | ReadOnlyFilesystem)
        || [files_of_process, files_of_system].map(Some).contains(&error.raw_os_error())
}

#[cfg(test)]
mod tests;
