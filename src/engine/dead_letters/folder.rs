//! Where the dead letters of an output lie: `<base_dir>/queue/dead/<output>/`.
//!
//! ```text
//! output          the output's name
//! letters/        the queue of letters
//! cursors         before which of them all are dealt with
//! request         what is asked from outside
//! request.taken   the same while the output is at it
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::filter_state::file_name;

/// The folder of one output's letters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Folder {
    /// The output's name.
    pub output: String,
    dir: PathBuf,
}

impl Folder {
    /// That of `output`, which need not be there.
    pub fn of(base_dir: &Path, output: &str) -> Folder {
        Folder { output: output.to_owned(), dir: root(base_dir).join(file_name(output)) }
    }

    /// All that are there, by the outputs' names.
    ///
    /// # Errors
    /// They cannot be listed.
    pub fn all(base_dir: &Path) -> io::Result<Vec<Folder>> {
        let entries = match fs::read_dir(root(base_dir)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut folders = Vec::new();
        for entry in entries {
            let dir = entry?.path();
            // A folder without a name is being made, and has no letters yet.
            if let Ok(output) = fs::read_to_string(dir.join("output")) {
                folders.push(Folder { output, dir });
            }
        }
        folders.sort();
        Ok(folders)
    }

    /// Makes it, with the output's name in it.
    ///
    /// # Errors
    /// A file or folder cannot be made.
    pub fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        // Letters are only as durable as the way to them.
        for dir in self.dir.ancestors().skip(1).take(2) {
            fs::File::open(dir)?.sync_all()?;
        }
        let name = self.dir.join("output");
        if fs::read_to_string(&name).ok().as_deref() == Some(self.output.as_str()) {
            return Ok(());
        }
        let new = self.dir.join("output.new");
        fs::write(&new, &self.output)?;
        fs::File::open(&new)?.sync_all()?;
        fs::rename(new, name)
    }

    /// Whether there are or were letters.
    pub fn exists(&self) -> bool {
        self.letters().exists()
    }

    /// The folder itself: that of the cursors.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The queue's folder.
    pub fn letters(&self) -> PathBuf {
        self.dir.join("letters")
    }

    /// The file of a request that nobody has taken yet.
    pub fn request(&self) -> PathBuf {
        self.dir.join("request")
    }

    /// The file of the request that the output is at.
    pub fn taken(&self) -> PathBuf {
        self.dir.join("request.taken")
    }
}

fn root(base_dir: &Path) -> PathBuf {
    base_dir.join("queue").join("dead")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_found_by_the_names_of_their_outputs() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Folder::all(dir.path()).unwrap().is_empty());
        for name in ["b/../c", "a"] {
            let folder = Folder::of(dir.path(), name);
            folder.make().unwrap();
            folder.make().unwrap();
            assert!(!folder.exists());
        }
        let names: Vec<_> =
            Folder::all(dir.path()).unwrap().into_iter().map(|folder| folder.output).collect();
        assert_eq!(names, ["a", "b/../c"]);
    }
}
