//! A file that an output writes, read while it grows.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The most that is read at once. A record is far smaller.
const CHUNK: usize = 1 << 20;

/// How far a file was read.
#[derive(Debug)]
pub struct Outlet {
    path: PathBuf,
    /// The file is replaced by a new one beyond this size in bytes.
    rotate_at: u64,
    file: Option<File>,
    at: u64,
    buffer: Vec<u8>,
}

impl Outlet {
    /// A file that need not exist yet.
    pub fn new(path: PathBuf, rotate_at: u64) -> Outlet {
        Outlet { path, rotate_at, file: None, at: 0, buffer: Vec::new() }
    }

    /// Reads what is new. `take` tells how much of its bytes it could use; the rest comes again.
    pub fn read(&mut self, mut take: impl FnMut(&[u8]) -> usize) -> io::Result<()> {
        loop {
            self.open()?;
            let Outlet { path, file, at, buffer, .. } = &mut *self;
            let Some(file) = file else { return Ok(()) };
            // Looked at first: what is written to the old file after the new one is there is written by nobody.
            let is_replaced = is_replaced(file, path)?;
            read_on(file, at, buffer, &mut take)?;
            if !is_replaced {
                return Ok(());
            }
            // What is left at its end was torn by a kill.
            (self.file, self.at) = (None, 0);
        }
    }

    /// Removes the file's name if the file is large; true if it did. A running daemon has to be told.
    pub fn rotate_if_large(&mut self) -> io::Result<bool> {
        let Some(file) = self.file.as_ref().filter(|_| self.at >= self.rotate_at) else { return Ok(false) };
        if is_replaced(file, &self.path)? {
            // The new file is yet to be read.
            return Ok(false);
        }
        // What it holds is read through the open file.
        match fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            // It was removed already, and nothing was written since.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Bytes of the present file that are behind the last whole record.
    pub fn has_rest(&self) -> io::Result<bool> {
        Ok(match &self.file {
            Some(file) => file.metadata()?.len() > self.at,
            None => false,
        })
    }

    fn open(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(file),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Whether another file has this name now.
fn is_replaced(file: &File, path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(other) => Ok(other.ino() != file.metadata()?.ino()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads to the end of the file.
fn read_on(
    file: &File,
    at: &mut u64,
    buffer: &mut Vec<u8>,
    take: &mut impl FnMut(&[u8]) -> usize,
) -> io::Result<()> {
    loop {
        buffer.resize(CHUNK, 0);
        let mut filled = 0;
        while filled < CHUNK {
            match file.read_at(&mut buffer[filled..], *at + filled as u64)? {
                0 => break,
                count => filled += count,
            }
        }
        let mut taken = 0;
        while taken < filled {
            match take(&buffer[taken..filled]) {
                0 => break,
                count => taken += count,
            }
        }
        *at += taken as u64;
        if filled < CHUNK || taken == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn lines(outlet: &mut Outlet) -> Vec<String> {
        let mut found = Vec::new();
        let read = outlet.read(|bytes| {
            let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            found.extend(String::from_utf8_lossy(&bytes[..end]).lines().map(str::to_owned));
            end
        });
        read.unwrap();
        found
    }

    #[test]
    fn whole_records_are_read_once_across_rotations() {
        let scratch = Scratch::new().unwrap();
        let mut outlet = Outlet::new(scratch.join("out"), 4);
        assert!(lines(&mut outlet).is_empty());
        scratch.write("out", "one\ntw").unwrap();
        assert_eq!(lines(&mut outlet), ["one"]);
        assert!(outlet.has_rest().unwrap());
        scratch.write("out", "one\ntwo\n").unwrap();
        assert_eq!(lines(&mut outlet), ["two"]);
        assert!(!outlet.has_rest().unwrap() && outlet.rotate_if_large().unwrap());
        assert!(lines(&mut outlet).is_empty());
        scratch.write("out", "three\n").unwrap();
        assert!(!outlet.rotate_if_large().unwrap());
        assert_eq!(lines(&mut outlet), ["three"]);
    }
}
