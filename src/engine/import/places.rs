//! The names of folders in `base_dir` that the import deals with.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::filter_state::file_name;

/// Suffix of a folder in which records are being copied.
const NEW: &str = ".new";
/// Suffix of a folder that has been read up.
const DONE: &str = ".done";

/// Where things are in a `base_dir`.
#[derive(Clone, Debug)]
pub struct Places {
    base_dir: PathBuf,
}

impl Places {
    /// Those of a `base_dir`.
    pub fn of(base_dir: &Path) -> Places {
        Places { base_dir: base_dir.into() }
    }

    /// The folder itself.
    pub fn base_dir(&self) -> &Path {
        &self.base_dir
    }

    /// The folder of the old hekad's queues.
    pub fn old_queues(&self) -> PathBuf {
        self.base_dir.join("output_queue")
    }

    /// The old queue folders by name; none if there never was a queue.
    ///
    /// # Errors
    /// They cannot be listed.
    pub fn old_folders(&self) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.old_queues()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if let (Ok(name), true) = (entry.file_name().into_string(), entry.path().is_dir())
                && is_folder_name(&name)
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Where an old folder goes, relative to `base_dir`: a name that nothing has yet. Beside the old queues if these lie
    /// on another file system, since a move from one to another is not done at once.
    pub(super) fn new_backup(&self, folder: &str) -> PathBuf {
        let device = |path: &Path| std::fs::metadata(path).map(|of| of.dev()).ok();
        let dir = if device(&self.old_queues()) == device(&self.base_dir) {
            PathBuf::from("output_queue.imported")
        } else {
            PathBuf::from("output_queue").join(".imported")
        };
        let mut names = std::iter::once(folder.to_owned()).chain((1..).map(|n: u64| format!("{folder}.{n}")));
        let free = names.find(|name| std::fs::symlink_metadata(self.base_dir.join(&dir).join(name)).is_err());
        dir.join(free.unwrap_or_default())
    }

    /// The folder of all queues of imported records.
    pub fn imported(&self) -> PathBuf {
        self.base_dir.join("queue").join("imported")
    }

    /// The queue of a reader's imported records.
    pub fn queue(&self, reader: &str) -> PathBuf {
        self.imported().join(file_name(reader))
    }

    /// Where they are copied to.
    pub(super) fn copy(&self, reader: &str) -> PathBuf {
        self.imported().join(file_name(reader) + NEW)
    }

    /// What a queue that has been read up is called until it is gone.
    pub(super) fn done(&self, reader: &str) -> PathBuf {
        self.imported().join(file_name(reader) + DONE)
    }

    /// Names of queues of imported records.
    pub(super) fn queues(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.imported()).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| !name.ends_with(NEW) && !name.ends_with(DONE)).collect()
    }
}

/// The name of a reader's folder at the old hekad: word characters stay, all others become `_`.
pub fn folder_name(reader: &str) -> String {
    reader.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

/// Whether a folder of the old hekad can have this name.
fn is_folder_name(name: &str) -> bool {
    !name.is_empty() && folder_name(name) == name
}

/// Readers by the names of their old folders. Where two have the same, they had one queue together; the first gets it.
pub fn by_folder<'a>(readers: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, &'a str> {
    let mut folders = BTreeMap::new();
    for reader in readers {
        folders.entry(folder_name(reader)).or_insert(reader);
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_folders_are_told_from_other_things() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::of(dir.path());
        assert!(places.old_folders().unwrap().is_empty());
        for name in ["b_1", "a", ".imported", "with space", "notes.txt"] {
            std::fs::create_dir_all(places.old_queues().join(name)).unwrap();
        }
        std::fs::write(places.old_queues().join("file"), "").unwrap();
        assert_eq!(places.old_folders().unwrap(), ["a", "b_1"]);
        assert_eq!(folder_name("my out:5/é"), "my_out_5__");
        assert_eq!(by_folder(["a b", "a-b", "c"]).into_values().collect::<Vec<_>>(), ["a b", "c"]);
    }

    #[test]
    fn a_backup_never_takes_a_name_that_is_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::of(dir.path());
        std::fs::create_dir_all(places.old_queues()).unwrap();
        for expected in ["output_queue.imported/a", "output_queue.imported/a.1", "output_queue.imported/a.2"]
        {
            let backup = places.new_backup("a");
            assert_eq!(backup, Path::new(expected));
            std::fs::create_dir_all(dir.path().join(backup)).unwrap();
        }
    }
}
