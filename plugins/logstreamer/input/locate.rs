//! Finding a position again among the files of a stream.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::journal::Position;
use super::log_file::LogFile;
use super::os_error::os_error;

/// File times are that coarse.
const CLOCK_STEP: Duration = Duration::from_millis(10);

/// Where a position was found.
pub(super) enum Located {
    /// In this file, opened there.
    Found(LogFile),
    /// In none.
    Nowhere,
    /// Perhaps in one that cannot be read; the text says why not.
    Unreadable(String),
}

/// Looks for a position in the file of its name, then in all from the newest to the oldest.
pub(super) fn locate(files: &[Arc<Path>], position: &Position) -> Located {
    let named = files.iter().filter(|file| **file == position.file);
    let mut unreadable = None;
    for file in named.chain(files.iter().rev()) {
        match LogFile::open_at(file, position.seek, &position.hash) {
            Ok(Some(found)) => return Located::Found(found),
            Err(error) if error.kind() != ErrorKind::NotFound => {
                unreadable.get_or_insert_with(|| os_error("open", file, &error));
            }
            Ok(None) | Err(_) => {}
        }
    }
    unreadable.map_or(Located::Nowhere, Located::Unreadable)
}

/// The file to begin with when the journal says that nothing of `named` was read: that one or, if it is not there, the
/// newest; but before it those that were written to after the journal was saved, for then `named` has been rotated since.
pub(super) fn untouched(files: &[Arc<Path>], named: &Path, saved: SystemTime) -> usize {
    let saved = saved.checked_sub(CLOCK_STEP).unwrap_or(saved);
    let is_newer =
        |file: &Arc<Path>| fs::metadata(file).and_then(|meta| meta.modified()).is_ok_and(|time| time > saved);
    let mut index = files.iter().position(|file| **file == *named).unwrap_or(files.len().saturating_sub(1));
    while index > 0 && is_newer(&files[index - 1]) {
        index -= 1;
    }
    index
}
