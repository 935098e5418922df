//! The folder of one test.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::TestkitError;

/// A fresh folder, removed when dropped. With `HEKA_KEEP` set it stays and its path is printed.
#[derive(Debug)]
pub struct Scratch {
    dir: TempDir,
}

impl Scratch {
    /// Makes the folder.
    pub fn new() -> Result<Scratch, TestkitError> {
        let dir = tempfile::Builder::new()
            .prefix("heka-test-")
            .tempdir()
            .map_err(TestkitError::io("make a scratch folder"))?;
        let mut scratch = Scratch { dir };
        if std::env::var_os("HEKA_KEEP").is_some() {
            scratch.keep();
        }
        Ok(scratch)
    }

    /// Leaves the folder behind, and prints its path.
    pub fn keep(&mut self) {
        self.dir.disable_cleanup(true);
        eprintln!("scratch folder: {}", self.dir.path().display());
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A path in it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file in it, with the folders on the way.
    pub fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<PathBuf, TestkitError> {
        let path = self.join(name);
        let failed = |source| TestkitError::Io { what: format!("write {}", path.display()), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(&path, bytes).map_err(failed)?;
        Ok(path)
    }

    /// The bytes of a file in it; none when it does not exist.
    pub fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        fs::read(self.join(name)).unwrap_or_default()
    }

    /// The size of a file in it in bytes; 0 when it does not exist.
    pub fn size(&self, name: impl AsRef<Path>) -> u64 {
        fs::metadata(self.join(name)).map_or(0, |m| m.len())
    }
}
