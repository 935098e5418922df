//! One open log file, plain or gzip.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::gzip::{Gunzip, MAGIC};
use super::journal::{CONTEXT_SIZE, hash};
use super::window::Window;

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
    /// A new file often gets the number of one that was just deleted; this tells them apart where the system knows it.
    born: Option<SystemTime>,
}

impl FileId {
    pub(super) fn of(meta: &Metadata) -> FileId {
        FileId { device: meta.dev(), inode: meta.ino(), born: meta.created().ok() }
    }

    /// The file of this name at the moment.
    pub(super) fn at(path: &Path) -> io::Result<FileId> {
        std::fs::metadata(path).map(|meta| FileId::of(&meta))
    }
}

/// An open file and how far it is read.
pub(super) struct LogFile {
    /// The name under which it was found last.
    pub(super) path: Arc<Path>,
    /// Its identity.
    pub(super) id: FileId,
    /// What was read last.
    pub(super) window: Window,
    file: File,
    form: Form,
}

enum Form {
    /// Nothing was read yet.
    Unknown,
    Plain,
    Gzip(Box<Gunzip>),
}

/// What a read gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Bytes, as a range of the buffer.
    Bytes(Range<usize>),
    /// Nothing more for now.
    End,
    /// The file no longer holds what was read from it.
    Rewritten,
}

impl LogFile {
    /// Opens a file at its beginning.
    pub(super) fn open(path: &Arc<Path>) -> io::Result<LogFile> {
        // Should the name stand for a pipe by now, opening must not wait for its other end.
        let file = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)?;
        let id = FileId::of(&file.metadata()?);
        Ok(LogFile { path: path.clone(), id, window: Window::default(), file, form: Form::Unknown })
    }

    /// Opens a file at `seek` if the bytes before have this hash; at 0 there is nothing to compare.
    pub(super) fn open_at(path: &Arc<Path>, seek: u64, expected: &str) -> io::Result<Option<LogFile>> {
        let mut log = LogFile::open(path)?;
        if seek == 0 {
            return Ok(Some(log));
        }
        let from = seek.saturating_sub(CONTEXT_SIZE as u64);
        let mut before = vec![0; usize::try_from(seek - from).unwrap_or(CONTEXT_SIZE)];
        log.detect()?;
        if !log.read_exactly(from, &mut before)? || hash(&before) != expected {
            return Ok(None);
        }
        log.window = Window::at(seek, &before);
        Ok(Some(log))
    }

    /// Opens a file at its end.
    pub(super) fn open_at_end(path: &Arc<Path>) -> io::Result<LogFile> {
        let mut log = LogFile::open(path)?;
        log.detect()?;
        if let Form::Gzip(_) = log.form {
            let mut buffer = vec![0; 64 << 10];
            while let Read::Bytes(range) = log.read(&mut buffer)? {
                let end = log.window.end() + range.len() as u64;
                log.window.advance(&buffer[range], end);
            }
            return Ok(log);
        }
        let size = log.file.metadata()?.len();
        let mut before = vec![0; usize::try_from(size).map_or(CONTEXT_SIZE, |size| size.min(CONTEXT_SIZE))];
        let from = size - before.len() as u64;
        if log.read_exactly(from, &mut before)? {
            log.window = Window::at(size, &before);
        }
        Ok(log)
    }

    /// Goes back to the beginning, of whatever is in the file now.
    pub(super) fn restart(&mut self) {
        self.window = Window::default();
        self.form = Form::Unknown;
    }

    /// Where reading goes on, in bytes of text.
    pub(super) fn end(&self) -> u64 {
        self.window.end()
    }

    /// What the file system says about it now.
    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Whether it is a gzip file.
    pub(super) fn is_gzip(&self) -> bool {
        matches!(self.form, Form::Gzip(_))
    }

    /// Whether it ends in the middle of a gzip member.
    pub(super) fn is_cut_short(&self) -> bool {
        matches!(&self.form, Form::Gzip(gunzip) if gunzip.is_inside_member())
    }

    /// Reads the next bytes, as many as fit into `buffer` behind [`CONTEXT_SIZE`] bytes at its front: there what was read
    /// last is read again and compared.
    ///
    /// # Errors
    /// As [`Gunzip::read`].
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Read> {
        if matches!(self.form, Form::Unknown) && !self.detect()? {
            return Ok(Read::End);
        }
        if let Form::Gzip(gunzip) = &mut self.form {
            return match gunzip.read(&self.file, &mut buffer[CONTEXT_SIZE..])? {
                0 if self.file.metadata()?.len() < gunzip.raw() => Ok(Read::Rewritten),
                0 => Ok(Read::End),
                size => Ok(Read::Bytes(CONTEXT_SIZE..CONTEXT_SIZE + size)),
            };
        }
        let last = self.window.last();
        let from = CONTEXT_SIZE - last.len();
        let to = from + read_at(&self.file, &mut buffer[from..], self.window.end() - last.len() as u64)?;
        if to < CONTEXT_SIZE || buffer[from..CONTEXT_SIZE] != *last {
            return Ok(Read::Rewritten);
        }
        Ok(if to == CONTEXT_SIZE { Read::End } else { Read::Bytes(CONTEXT_SIZE..to) })
    }

    /// Finds out what kind of file it is; false if there is too little of it yet.
    fn detect(&mut self) -> io::Result<bool> {
        let mut start = [0; 2];
        let size = read_at(&self.file, &mut start, 0)?;
        if size == 0 || (size == 1 && start[0] == MAGIC[0]) {
            return Ok(false);
        }
        self.form =
            if size == 2 && start == MAGIC { Form::Gzip(Box::new(Gunzip::new())) } else { Form::Plain };
        Ok(true)
    }

    /// Fills `out` with the text from `from` on; false if there is not so much.
    fn read_exactly(&mut self, from: u64, out: &mut [u8]) -> io::Result<bool> {
        let Form::Gzip(gunzip) = &mut self.form else {
            return Ok(read_at(&self.file, out, from)? == out.len());
        };
        let mut skip = from;
        let mut buffer = vec![0; 64 << 10];
        while skip > 0 {
            let limit = usize::try_from(skip).map_or(buffer.len(), |skip| skip.min(buffer.len()));
            match read_some(gunzip, &self.file, &mut buffer[..limit])? {
                0 => return Ok(false),
                size => skip -= size as u64,
            }
        }
        let mut at = 0;
        while at < out.len() {
            match read_some(gunzip, &self.file, &mut out[at..])? {
                0 => return Ok(false),
                size => at += size,
            }
        }
        Ok(true)
    }
}

/// Reads on over damage that costs no text.
fn read_some(gunzip: &mut Gunzip, file: &File, out: &mut [u8]) -> io::Result<usize> {
    loop {
        match gunzip.read(file, out) {
            Err(error) if error.kind() == ErrorKind::InvalidData => {}
            other => return other,
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut size = 0;
    while size < buffer.len() {
        match file.read_at(&mut buffer[size..], at + size as u64) {
            Ok(0) => break,
            Ok(more) => size += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(size)
}

#[cfg(test)]
#[path = "log_file/tests.rs"]
mod tests;
