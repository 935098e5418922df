//! The open file, and appending to it without torn records.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::torn::cut_torn_frame;
use heka_message::golang::os_error::{errno_text, path_error};

/// Permissions of what is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Modes {
    pub(super) file: u32,
    pub(super) folder: u32,
}

/// An open file at whose end records are written.
pub(super) struct Destination {
    path: String,
    file: File,
    /// Pipes and devices can neither be cut nor synced.
    regular: bool,
    unsynced: bool,
}

impl Destination {
    /// Makes the file's folder if need be, sees whether it can be written in, and opens the file. If its records are
    /// framed, what a killed process left of an unfinished one at the end is cut off.
    ///
    /// # Errors
    /// The text of what failed.
    pub(super) fn open(path: &str, modes: Modes, framed: bool) -> Result<Destination, String> {
        let folder = match Path::new(path).parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        make_folders(folder, modes.folder)
            .map_err(|why| format!("Can't create the basepath for the FileOutput plugin: {why}"))?;
        test_folder(folder)?;
        let failed = |error| path_error("open", path, &error);
        let file =
            OpenOptions::new().append(true).create(true).mode(modes.file).open(path).map_err(failed)?;
        let regular = file.metadata().map_err(failed)?.is_file();
        if framed && regular {
            cut_torn_frame(&file, path).map_err(failed)?;
        }
        Ok(Destination { path: path.into(), file, regular, unsynced: false })
    }

    /// Writes all of `bytes` at the end of the file, or nothing.
    ///
    /// # Errors
    /// The text to log; nothing of `bytes` stays in the file, unless it is none that can be cut.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.unsynced = true;
        let written =
            if self.regular { append_or_cut(&mut self.file, bytes) } else { self.file.write_all(bytes) };
        written.map_err(|error| {
            format!("Can't write to {}: {}", self.path, path_error("write", &self.path, &error))
        })
    }

    /// Makes durable what was written.
    ///
    /// # Errors
    /// The text to log.
    pub(super) fn sync(&mut self) -> Result<(), String> {
        if self.unsynced && self.regular {
            let failed =
                |error| format!("Can't write to {}: {}", self.path, path_error("sync", &self.path, &error));
            self.file.sync_data().map_err(failed)?;
        }
        self.unsynced = false;
        Ok(())
    }
}

/// A file whose length can be set.
trait Cut: Write {
    fn len(&self) -> io::Result<u64>;
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

impl Cut for File {
    fn len(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}

/// Appends all of `bytes`; what was written before a failure is cut off again.
fn append_or_cut(file: &mut impl Cut, bytes: &[u8]) -> io::Result<()> {
    let before = file.len()?;
    let mut written = 0;
    while written < bytes.len() {
        let error = match file.write(&bytes[written..]) {
            Ok(0) => io::ErrorKind::WriteZero.into(),
            Ok(more) => {
                written += more;
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => error,
        };
        // If somebody else has written behind our bytes, cutting would take theirs.
        if written > 0 && file.len()? == before + written as u64 {
            file.cut(before)?;
        }
        return Err(error);
    }
    Ok(())
}

/// Makes a folder and those above it.
fn make_folders(folder: &Path, mode: u32) -> Result<(), String> {
    match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => {
            return Err(path_error("mkdir", folder.display(), &io::ErrorKind::NotADirectory.into()));
        }
        Err(_) => {}
    }
    if let Some(above) = folder.parent().filter(|above| *above != Path::new("")) {
        make_folders(above, mode)?;
    }
    match DirBuilder::new().mode(mode).create(folder) {
        Err(_) if folder.is_dir() => Ok(()),
        Err(error) => Err(path_error("mkdir", folder.display(), &error)),
        Ok(()) => Ok(()),
    }
}

/// Writes a file into the folder and removes it again.
fn test_folder(folder: &Path) -> Result<(), String> {
    let path = folder.join(format!(".hekad.perm_check{}-{}", std::process::id(), unique()));
    let failed = |error| path_error("open", path.display(), &error);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    let mut problems = Vec::new();
    if let Err(error) = file.write_all(b"ok") {
        problems.push(format!("can't write to test file: {}", errno_text(&error)));
    }
    drop(file);
    if let Err(error) = std::fs::remove_file(&path) {
        problems.push(format!("can't remove test file: {}", errno_text(&error)));
    }
    if problems.is_empty() { Ok(()) } else { Err(format!("errors: {}", problems.join(", "))) }
}

fn unique() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file on a disk that has room for so many bytes.
    struct Full {
        bytes: Vec<u8>,
        room: usize,
        /// Written by somebody else as soon as the disk is full.
        intruder: &'static [u8],
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room).min(3);
            if taken == 0 {
                self.bytes.extend_from_slice(std::mem::take(&mut self.intruder));
                return Err(io::Error::from_raw_os_error(28));
            }
            self.room -= taken;
            self.bytes.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Cut for Full {
        fn len(&self) -> io::Result<u64> {
            Ok(self.bytes.len() as u64)
        }

        fn cut(&mut self, len: u64) -> io::Result<()> {
            let len = usize::try_from(len).unwrap();
            self.room += self.bytes.len() - len;
            self.bytes.truncate(len);
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_leaves_no_torn_record() {
        let mut file = Full { bytes: b"old\n".to_vec(), room: 7, intruder: b"" };
        assert_eq!(append_or_cut(&mut file, b"12345678\n").unwrap_err().raw_os_error(), Some(28));
        assert_eq!(file.bytes, b"old\n");
        file.room = 100;
        append_or_cut(&mut file, b"12345678\n").unwrap();
        assert_eq!(file.bytes, b"old\n12345678\n");
    }

    #[test]
    fn what_others_wrote_is_never_cut() {
        let mut file = Full { bytes: vec![], room: 2, intruder: b"theirs\n" };
        assert!(append_or_cut(&mut file, b"ours\n").is_err());
        assert_eq!(file.bytes, b"outheirs\n");
    }
}
