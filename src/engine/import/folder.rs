//! A queue folder of an old hekad: its files, where its reader stood, and what it has not delivered.
//!
//! Files `<number>.log` hold records one after the other; no record goes over two files. Where there is any doubt about the
//! reader's place, an earlier one is taken: a record may then be delivered again, but none is left out.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::checkpoint::{self, Checkpoint, decimal, without_stale_digits};
use super::scan::{Damage, Scan};

/// A queue folder, and where to begin in it.
#[derive(Debug)]
pub struct OldFolder {
    path: PathBuf,
    /// Numbers of its files, ascending.
    files: Vec<u64>,
    checkpoint: Checkpoint,
    /// Where to begin: a file's number and an offset in it.
    begin: Option<(u64, u64)>,
    /// What is wrong with the place that `checkpoint.txt` gives.
    doubt: Option<String>,
}

/// What a folder holds for its reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undelivered {
    /// Records.
    pub records: u64,
    /// Their encoded messages, in bytes.
    pub bytes: u64,
    /// What had to be passed.
    pub damage: Damage,
}

impl OldFolder {
    /// Looks into a folder.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> io::Result<OldFolder> {
        let mut files: Vec<u64> = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(number_of);
            files.extend(number.filter(|_| entry.path().is_file()));
        }
        files.sort_unstable();
        let checkpoint = Checkpoint::read(path)?;
        let mut folder = OldFolder { path: path.into(), files, checkpoint, begin: None, doubt: None };
        folder.find_begin()?;
        Ok(folder)
    }

    /// What is wrong with the place that `checkpoint.txt` gives, and where reading begins for that reason.
    pub fn doubt(&self) -> Option<&str> {
        self.doubt.as_deref()
    }

    /// Hands every message that was not delivered to `each`, oldest first.
    ///
    /// # Errors
    /// A file cannot be read, or `each` fails.
    pub fn read<E: From<io::Error>>(
        &self,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Undelivered, E> {
        let mut found = Undelivered::default();
        let Some((first, offset)) = self.begin else { return Ok(found) };
        for &number in self.files.iter().filter(|number| **number >= first) {
            let mut scan = self.scan(number, if number == first { offset } else { 0 })?;
            while let Some(record) = scan.next()? {
                found.records += 1;
                found.bytes += record.message.len() as u64;
                each(record.message)?;
            }
            found.damage.add(scan.damage());
        }
        Ok(found)
    }

    /// Counts what was not delivered.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn count(&self) -> io::Result<Undelivered> {
        self.read(|_| Ok(()))
    }

    fn find_begin(&mut self) -> io::Result<()> {
        let lowest = self.files.first().copied();
        let (file, offset) = match self.checkpoint {
            Checkpoint::Missing => {
                self.begin = lowest.map(|lowest| (lowest, 0));
                return Ok(());
            }
            Checkpoint::Damaged(why) => {
                self.begin = lowest.map(|lowest| (lowest, 0));
                self.doubt = Some(match lowest {
                    Some(lowest) => format!(
                        "{} is damaged ({why}): read from the start of {lowest}.log, some messages may come twice",
                        checkpoint::FILE_NAME
                    ),
                    None => format!("{} is damaged ({why})", checkpoint::FILE_NAME),
                });
                return Ok(());
            }
            Checkpoint::At { file, offset } => (file, offset),
        };
        match self.files.iter().find(|number| **number >= file).copied() {
            Some(found) if found == file => {
                let begin = self.record_at(file, offset)?;
                if begin != offset {
                    self.doubt = Some(format!(
                        "{} names a place where no record ends ({file} {offset}): read from {file} {begin}, \
                         some messages may come twice",
                        checkpoint::FILE_NAME
                    ));
                }
                self.begin = Some((file, begin));
            }
            // The file that it names is gone: what was in it was delivered.
            later => self.begin = later.map(|later| (later, 0)),
        }
        Ok(())
    }

    /// Where to begin in a file when the reader is said to be at `offset`.
    ///
    /// The old hekad's reader stood between two records. An offset that lies elsewhere may have stale digits behind it;
    /// then what is left without them lies between two records. If not, the record around the place is read from its
    /// start, and the whole file if there is no such place in it.
    fn record_at(&self, file: u64, offset: u64) -> io::Result<u64> {
        if offset == 0 {
            return Ok(0);
        }
        let mut scan = self.scan(file, 0)?;
        let mut shorter: Vec<(u64, bool)> = without_stale_digits(offset).map(|at| (at, false)).collect();
        let mut around = 0;
        while let Some(record) = scan.next()? {
            for (at, fits) in &mut shorter {
                *fits |= *at == record.start || *at == record.end;
            }
            if record.start > offset {
                break;
            }
            if record.start == offset || record.end == offset {
                return Ok(offset);
            }
            around = if record.end < offset { record.end } else { record.start };
        }
        let smallest = shorter.iter().rev().find(|(_, fits)| *fits).map(|(at, _)| *at);
        let len = fs::metadata(self.file(file))?.len();
        Ok(match smallest {
            Some(at) => at,
            None if offset > len => 0,
            None => around,
        })
    }

    fn scan(&self, number: u64, offset: u64) -> io::Result<Scan<impl Read>> {
        let mut file = File::open(self.file(number))?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Scan::new(file, offset))
    }

    fn file(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number}.log"))
    }
}

/// The number of a queue file by its name; other files are none of the queue's.
fn number_of(name: &str) -> Option<u64> {
    let number = decimal(name.strip_suffix(".log")?)?;
    (format!("{number}.log") == name).then_some(number)
}

#[cfg(test)]
pub(crate) mod tests;
