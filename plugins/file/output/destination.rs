//! The open file, and appending to it without torn records.

use std::fmt::Display;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::torn::cut_torn_frame;
use heka_fault::fault;
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
    /// The folder that has the file's name, until that is durable.
    unsynced_folder: Option<PathBuf>,
}

/// Why a file was not opened.
#[derive(Debug)]
pub(super) struct OpenFailure {
    /// The text to log.
    pub(super) text: String,
    /// Space or descriptors are short: it may be opened later.
    pub(super) passing: bool,
}

impl OpenFailure {
    fn new(error: &io::Error, text: String) -> OpenFailure {
        OpenFailure { text, passing: is_passing(error) }
    }
}

impl Display for OpenFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether the system is short of something that it may have again soon.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{OutOfMemory, QuotaExceeded, StorageFull};
    let (files_of_process, files_of_system) = (24, 23);
    matches!(error.kind(), StorageFull | QuotaExceeded | OutOfMemory)
        || [files_of_process, files_of_system].map(Some).contains(&error.raw_os_error())
}

impl Destination {
    /// Makes the file's folder if need be, sees whether it can be written in, and opens the file. If its records are
    /// framed, what a killed process left of an unfinished one at the end is cut off.
    ///
    /// # Errors
    /// What failed.
    pub(super) fn open(path: &str, modes: Modes, framed: bool) -> Result<Destination, OpenFailure> {
        let folder = match Path::new(path).parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        make_folders(folder, modes.folder).map_err(|failure| OpenFailure {
            text: format!("Can't create the basepath for the FileOutput plugin: {failure}"),
            ..failure
        })?;
        test_folder(folder)?;
        let failed = |error| OpenFailure::new(&error, path_error("open", path, &error));
        // Whether the file is new cannot be known for sure; a sync of the folder too many does no harm.
        let is_new = !Path::new(path).exists();
        let file =
            OpenOptions::new().append(true).create(true).mode(modes.file).open(path).map_err(failed)?;
        let regular = file.metadata().map_err(failed)?.is_file();
        if framed && regular {
            cut_torn_frame(&file, path).map_err(failed)?;
        }
        let unsynced_folder = (is_new && regular).then(|| folder.to_path_buf());
        Ok(Destination { path: path.into(), file, regular, unsynced: false, unsynced_folder })
    }

    /// Writes all of `bytes` at the end of the file, or nothing.
    ///
    /// # Errors
    /// The text to log; nothing of `bytes` stays in the file, unless it is none that can be cut.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.unsynced = true;
        fault!("file-output-torn", self.file.write_all(&bytes[..bytes.len() * 2 / 3]));
        let written =
            if self.regular { append_or_cut(&mut self.file, bytes) } else { self.file.write_all(bytes) };
        fault!("file-output-written");
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
            self.file.sync_data().map_err(&failed)?;
            fault!("file-output-synced");
            if let Some(folder) = &self.unsynced_folder {
                // Without its name in the folder the file does not survive a power cut, however durable its bytes are.
                File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
                self.unsynced_folder = None;
            }
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
fn make_folders(folder: &Path, mode: u32) -> Result<(), OpenFailure> {
    let failed = |error: io::Error| OpenFailure::new(&error, path_error("mkdir", folder.display(), &error));
    match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => return Err(failed(io::ErrorKind::NotADirectory.into())),
        Err(_) => {}
    }
    if let Some(above) = folder.parent().filter(|above| *above != Path::new("")) {
        make_folders(above, mode)?;
    }
    match DirBuilder::new().mode(mode).create(folder) {
        Err(_) if folder.is_dir() => Ok(()),
        made => made.map_err(failed),
    }
}

/// Writes a file into the folder and removes it again. A full disk is not what is looked for: records wait for space.
fn test_folder(folder: &Path) -> Result<(), OpenFailure> {
    let path = folder.join(format!(".hekad.perm_check{}-{}", std::process::id(), unique()));
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let mut file = match created {
        Err(error) if is_full(&error) => return Ok(()),
        created => {
            created.map_err(|error| OpenFailure::new(&error, path_error("open", path.display(), &error)))?
        }
    };
    let mut problems = Vec::new();
    if let Err(error) = file.write_all(b"ok")
        && !is_full(&error)
    {
        problems.push(format!("can't write to test file: {}", errno_text(&error)));
    }
    drop(file);
    if let Err(error) = std::fs::remove_file(&path) {
        problems.push(format!("can't remove test file: {}", errno_text(&error)));
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(OpenFailure { text: format!("errors: {}", problems.join(", ")), passing: false })
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
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
