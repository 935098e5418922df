//! Taking over one old folder, in steps that leave no record out and take none twice, wherever a crash comes between.
//!
//! 1. The messages are copied to `queue/imported/<reader>.new`, a queue folder, and synced.
//! 2. A file `origin` in it names the backup that the old folder is about to become; synced too.
//! 3. The old folder is renamed to that backup. Before this nothing has happened, and a start begins anew; after this the
//!    copy is what counts, and a start goes on with 4.
//! 4. The copy's segments move to `queue/imported/<reader>`, behind those that are there from an earlier import, and then
//!    the copy's folder goes.
//!
//! Segments get numbers above all that any place of the reader was ever in, so that no place noted before an import hides
//! what it brings.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use heka_queue::{AppendError, Batch, Meta, Options, Queue, QueueError, SyncMode};

use super::folder::{OldFolder, Undelivered};
use super::places::{Places, folder_name};

/// Names the backup.
const ORIGIN: &str = "origin";
/// Messages are appended in batches of so many bytes.
const BATCH_BYTES: usize = 1 << 20;

/// Why an old folder was not taken over. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read, written or moved.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file of the old folder cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The copy cannot be made.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The copy cannot be written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The disk did not say that it has the copy.
    #[error("the copy {} could not be synced", .0.display())]
    NotSynced(PathBuf),
}

/// What was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What there was.
    pub undelivered: Undelivered,
    /// What was wrong with `checkpoint.txt`.
    pub doubt: Option<String>,
    /// Where the old folder is now, relative to `base_dir`.
    pub backup: PathBuf,
}

/// A point between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The copy is made.
    Copied,
    /// Its origin is named.
    Named,
    /// The old folder is a backup.
    Moved,
    /// One segment of the copy is where it belongs.
    Placed,
    /// All are.
    AllPlaced,
}

/// Takes over old folders of one `base_dir`.
pub struct TakeOver<'a> {
    /// The folders.
    pub places: &'a Places,
    /// Size of a segment of a queue, in bytes.
    pub segment_size_bytes: u64,
}

impl TakeOver<'_> {
    /// Takes over the folder of `reader`. Its segments are numbered from `first_segment` at least.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub fn folder(&self, reader: &str, first_segment: u64) -> Result<Taken, ImportError> {
        self.folder_in_steps(reader, first_segment, &mut |_| Ok(()))
    }

    /// The same; `between` is called between steps and may break off.
    pub(super) fn folder_in_steps(
        &self,
        reader: &str,
        first_segment: u64,
        between: &mut dyn FnMut(Step) -> Result<(), ImportError>,
    ) -> Result<Taken, ImportError> {
        let name = folder_name(reader);
        let source = self.places.old_queues().join(&name);
        let old = OldFolder::open(&source).map_err(failed("read", &source))?;
        let copy = self.places.copy(reader);
        remove_folder(&copy)?;
        let undelivered = self.copy(&old, &copy, first_segment)?;
        between(Step::Copied)?;
        let backup = self.places.new_backup(&name);
        name_origin(&copy, &backup)?;
        between(Step::Named)?;
        let target = self.places.base_dir().join(&backup);
        move_folder(&source, &target)?;
        between(Step::Moved)?;
        self.place(reader, between)?;
        Ok(Taken { undelivered, doubt: old.doubt().map(str::to_owned), backup })
    }

    /// Ends what a crash left of earlier ones for this reader. Says whether something was taken over by that.
    ///
    /// # Errors
    /// See [`ImportError`]; what is left is still there.
    pub fn recover(&self, reader: &str) -> Result<bool, ImportError> {
        remove_folder(&self.places.done(reader))?;
        let copy = self.places.copy(reader);
        if !copy.exists() {
            return Ok(false);
        }
        let source = self.places.old_queues().join(folder_name(reader));
        let moved = match origin_of(&copy) {
            None => false,
            Some(backup) => self.places.base_dir().join(backup).exists() || !source.exists(),
        };
        if moved {
            self.place(reader, &mut |_| Ok(()))?;
        } else {
            remove_folder(&copy)?;
        }
        Ok(moved)
    }

    /// Copies what was not delivered.
    fn copy(&self, old: &OldFolder, copy: &Path, first_segment: u64) -> Result<Undelivered, ImportError> {
        let options = Options {
            name: "import".into(),
            segment_size_bytes: self.segment_size_bytes,
            sync: SyncMode::Ack,
            first_segment,
            ..Options::default()
        };
        let queue = Queue::open(copy, options)?;
        let mut batch = Batch::new();
        let undelivered = old.read(|message| -> Result<(), ImportError> {
            let canonical = heka_message::is_canonical(message);
            batch.push(message, Meta { canonical, ..Meta::default() })?;
            if batch.bytes() >= BATCH_BYTES {
                queue.append(&mut batch)?;
            }
            Ok(())
        })?;
        queue.append(&mut batch)?;
        if queue.close() { Ok(undelivered) } else { Err(ImportError::NotSynced(copy.into())) }
    }

    /// Moves the segments of a copy to where the reader reads them.
    fn place(
        &self,
        reader: &str,
        between: &mut dyn FnMut(Step) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let (copy, queue) = (self.places.copy(reader), self.places.queue(reader));
        let segments = segments(&copy)?;
        if !segments.is_empty() {
            fs::create_dir_all(&queue).map_err(failed("create", &queue))?;
            sync_folder(&self.places.imported())?;
        }
        for (_, name) in segments {
            let (from, to) = (copy.join(&name), queue.join(&name));
            fs::rename(&from, &to).map_err(failed("move", &from))?;
            between(Step::Placed)?;
        }
        if queue.exists() {
            sync_folder(&queue)?;
        }
        between(Step::AllPlaced)?;
        remove_folder(&copy)
    }
}

/// The segments in a queue folder, ascending.
///
/// # Errors
/// They cannot be listed.
pub(super) fn segments(folder: &Path) -> Result<Vec<(u64, String)>, ImportError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed("read", folder))?,
    };
    let mut segments = Vec::new();
    for entry in entries {
        let Ok(name) = entry.map_err(failed("read", folder))?.file_name().into_string() else { continue };
        let number = name.strip_suffix(".log").and_then(|number| number.parse::<u64>().ok());
        segments.extend(number.map(|number| (number, name)));
    }
    segments.sort();
    Ok(segments)
}

/// Writes which backup the old folder becomes.
fn name_origin(copy: &Path, backup: &Path) -> Result<(), ImportError> {
    let path = copy.join(ORIGIN);
    let written = File::create(&path).and_then(|mut file| {
        writeln!(file, "{}", backup.display())?;
        file.sync_all()
    });
    written.map_err(failed("write", &path))?;
    sync_folder(copy)?;
    // The names of the folders above are new as well.
    copy.ancestors().skip(1).take(3).try_for_each(sync_folder)
}

/// The backup that a copy names; `None` if it was not finished.
fn origin_of(copy: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(copy.join(ORIGIN)).ok()?;
    Some(PathBuf::from(text.strip_suffix('\n').filter(|name| !name.is_empty())?))
}

/// Renames a folder and makes that durable.
fn move_folder(from: &Path, to: &Path) -> Result<(), ImportError> {
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir).map_err(failed("create", dir))?;
        dir.parent().map_or(Ok(()), sync_folder)?;
    }
    fs::rename(from, to).map_err(failed("move", from))?;
    to.parent().into_iter().chain(from.parent()).try_for_each(sync_folder)
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> Result<(), ImportError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(failed("sync", folder))
}

/// Removes a folder of hekad's own with what is in it. Its `origin` goes first: a copy that is half gone counts for nothing.
pub(super) fn remove_folder(folder: &Path) -> Result<(), ImportError> {
    let origin = folder.join(ORIGIN);
    match fs::remove_file(&origin) {
        Ok(()) => sync_folder(folder)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("remove", &origin)(error)),
    }
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed("read", folder))?,
    };
    for entry in entries {
        let path = entry.map_err(failed("read", folder))?.path();
        fs::remove_file(&path).map_err(failed("remove", &path))?;
    }
    fs::remove_dir(folder).map_err(failed("remove", folder))?;
    folder.parent().map_or(Ok(()), sync_folder)
}

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ImportError {
    let path = path.to_path_buf();
    move |source| ImportError::Io { action, path, source }
}

#[cfg(test)]
mod tests;
