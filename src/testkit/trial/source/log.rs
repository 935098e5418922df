//! A log that another program appends to and rotates, and that loses its oldest files once all that is in them has arrived.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::super::claims::Claims;
use super::super::record::{write_frame, write_text};
use super::Source;
use crate::random::Random;

/// Rotated files that stay although all that is in them has arrived.
const KEPT_FILES: usize = 4;

/// What the log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Lines.
    Lines,
    /// Heka messages in Heka's framing.
    Frames,
}

/// The log. What is in it is acknowledged: no program can ask more of a file.
#[derive(Debug)]
pub struct LogSource {
    path: PathBuf,
    letter: u8,
    form: Form,
    claims: Arc<Claims>,
    /// The file is rotated when it is larger than so many bytes.
    rotate_at: u64,
    file: File,
    size: u64,
    /// Per rotated file, newest first: one more than the last id in it.
    rotated: VecDeque<u64>,
    random: Random,
}

impl LogSource {
    /// The log at `path`, which is made.
    pub fn new(
        path: PathBuf,
        letter: u8,
        form: Form,
        claims: Arc<Claims>,
        rotate_at: u64,
        seed: u64,
    ) -> io::Result<LogSource> {
        let file = append(&path)?;
        let (rotated, random) = (VecDeque::new(), Random::new(seed));
        Ok(LogSource { path, letter, form, claims, rotate_at, file, size: 0, rotated, random })
    }

    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        if number > 0 {
            name.push(format!(".{number}"));
        }
        PathBuf::from(name)
    }

    fn rotate(&mut self) -> io::Result<()> {
        while self.rotated.len() > KEPT_FILES
            && self.rotated.back().is_some_and(|end| *end <= self.claims.confirmed())
        {
            fs::remove_file(self.numbered(self.rotated.len()))?;
            self.rotated.pop_back();
        }
        for number in (0..=self.rotated.len()).rev() {
            fs::rename(self.numbered(number), self.numbered(number + 1))?;
        }
        self.rotated.push_front(self.claims.issued());
        self.file = append(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

impl Source for LogSource {
    fn burst(&mut self, count: u64) -> io::Result<bool> {
        let ids = self.claims.issue(count);
        let mut bytes = Vec::new();
        for id in ids.clone() {
            match self.form {
                Form::Lines => write_text(self.letter, id, &mut bytes),
                Form::Frames => write_frame(self.letter, id, &mut bytes),
            }
        }
        // Sometimes a reader sees half a record.
        let middle = self.random.below(bytes.len() as u64 + 1) as usize;
        self.file.write_all(&bytes[..middle])?;
        self.file.write_all(&bytes[middle..])?;
        self.claims.owe(ids);
        self.size += bytes.len() as u64;
        if self.size > self.rotate_at {
            self.rotate()?;
        }
        Ok(true)
    }
}

fn append(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "ids come in ranges, be it one")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn old_files_go_only_once_their_records_have_arrived() {
        let scratch = Scratch::new().unwrap();
        let claims = Arc::new(Claims::default());
        let mut log =
            LogSource::new(scratch.join("a.log"), b'a', Form::Lines, claims.clone(), 10_000, 1).unwrap();
        let files = || fs::read_dir(scratch.path()).unwrap().count();
        for _ in 0..20 {
            log.burst(100).unwrap();
        }
        assert_eq!((files(), claims.owed()), (21, vec![0..2000]));
        let mut all = Vec::new();
        (0..2000).for_each(|id| write_text(b'a', id, &mut all));
        let oldest_first = (1..=20).rev().flat_map(|n| scratch.read(format!("a.log.{n}")));
        assert!(oldest_first.eq(all));
        claims.confirm(1000);
        log.burst(100).unwrap();
        assert_eq!(files(), 12);
        claims.confirm(2000);
        log.burst(100).unwrap();
        assert_eq!(files(), KEPT_FILES + 2);
    }
}
