//! The other state that an old hekad left: journals of LogstreamerInput, preserved data of sandboxes. Hekad reads both as
//! they are; here they are only looked at.

use std::fs;
use std::path::{Path, PathBuf};

use heka_plugins::logstreamer::input::read_journal;
use heka_sandbox::check_preserved;

/// A file and what it holds.
pub(crate) struct StateFile {
    /// Its path below `base_dir`.
    pub(crate) name: String,
    /// What it holds, or why it cannot be used.
    pub(crate) found: Result<String, String>,
}

/// All journals and preserved data in a `base_dir`, by name.
pub(crate) fn files(base_dir: &Path) -> Vec<StateFile> {
    let journals =
        below(&base_dir.join("logstreamer")).into_iter().filter(|path| !is_hidden(path)).map(|path| {
            let found = read_journal(&path).map(|place| match place {
                Some((file, offset)) => format!("journal: goes on in {} at {offset}", file.display()),
                None => "journal: empty, its stream is read as a new one".into(),
            });
            (path, found)
        });
    let preserved = below(&base_dir.join("sandbox_preservation")).into_iter();
    let preserved = preserved.filter(|path| path.to_string_lossy().ends_with(".data")).map(|path| {
        let found = check_preserved(&path).map(|()| "preserved data: can be taken up".into());
        (path, found)
    });
    let named = |(path, found): (PathBuf, _)| StateFile {
        name: path.strip_prefix(base_dir).unwrap_or(&path).display().to_string(),
        found,
    };
    journals.chain(preserved).map(named).collect()
}

/// Hekad's own notes beside the journals begin with a dot.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The files below a folder, by name; none if it is not there.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(below(&entry.path())),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found.sort();
    found
}
