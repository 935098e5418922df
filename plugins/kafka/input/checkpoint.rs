//! The file that tells from which offset a partition is read on: eight bytes, a signed little-endian number. It is the file that
//! Heka writes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file is made durable no more often than this. What it says after a power cut may be so old.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// The checkpoint of a partition.
pub(super) struct Checkpoint {
    path: PathBuf,
    /// `None` until the first write.
    file: Option<File>,
    synced_at: Option<Instant>,
}

/// The offset in a file; `None` if there is no file.
///
/// # Errors
/// Heka's text.
pub(super) fn read(path: &Path) -> Result<Option<i64>, String> {
    let mut bytes = [0; 8];
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(format!(
                "readCheckpoint open {}: {}",
                path.display(),
                crate::addressing::reason(&error)
            ));
        }
    };
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read(&mut bytes[filled..]) {
            Ok(0) if filled == 0 => return Err("readCheckpoint EOF".into()),
            Ok(0) => return Err("readCheckpoint unexpected EOF".into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("readCheckpoint {}", crate::addressing::reason(&error))),
        }
    }
    Ok(Some(i64::from_le_bytes(bytes)))
}

impl Checkpoint {
    /// The checkpoint at `path`, which need not exist.
    pub(super) fn new(path: PathBuf) -> Checkpoint {
        Checkpoint { path, file: None, synced_at: None }
    }

    /// Makes its folder.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn make_folder(path: &Path) -> io::Result<()> {
        let Some(folder) = path.parent() else { return Ok(()) };
        fs::DirBuilder::new().recursive(true).mode(0o766).create(folder)
    }

    /// Writes an offset. The file never is shorter than it should be, whenever hekad is killed.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn write(&mut self, offset: i64) -> io::Result<()> {
        let bytes = offset.to_le_bytes();
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(opened(&self.path, &bytes)?),
        };
        file.write_all_at(&bytes, 0)?;
        if self.synced_at.is_none_or(|at| at.elapsed() >= SYNC_EVERY) {
            self.sync()?;
        }
        Ok(())
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if let Some(file) = &self.file {
            file.sync_data()?;
            self.synced_at = Some(Instant::now());
        }
        Ok(())
    }
}

/// Opens the file; one that is new has its content from the start.
fn opened(path: &Path, bytes: &[u8]) -> io::Result<File> {
    match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        opened => return opened,
    }
    Checkpoint::make_folder(path)?;
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&new)?;
    file.write_all_at(bytes, 0)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_eight_bytes_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kafka/in.t.3.offset.bin");
        assert_eq!(read(&path), Ok(None));
        let mut checkpoint = Checkpoint::new(path.clone());
        checkpoint.write(258).unwrap();
        assert_eq!(fs::read(&path).unwrap(), [2, 1, 0, 0, 0, 0, 0, 0]);
        checkpoint.write(i64::MAX).unwrap();
        checkpoint.sync().unwrap();
        assert_eq!(read(&path), Ok(Some(i64::MAX)));
        let mut next = Checkpoint::new(path.clone());
        next.write(1).unwrap();
        assert_eq!(read(&path), Ok(Some(1)));
    }

    #[test]
    fn a_torn_file_is_refused_in_the_words_of_heka() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, b"").unwrap();
        assert_eq!(read(&path).unwrap_err(), "readCheckpoint EOF");
        fs::write(&path, b"1234567").unwrap();
        assert_eq!(read(&path).unwrap_err(), "readCheckpoint unexpected EOF");
    }
}
