//! Records of a file, whatever lies between them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use heka_message::{HeaderProblem, find_frame};

/// How much is read at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// What [`Source::next`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A record that starts at this offset of the file; [`Source::record`] has it.
    Record {
        /// In bytes.
        offset: u64,
    },
    /// The end of the file, for now.
    End,
}

/// Bytes that belong to no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage {
    /// Where they start in the file.
    pub(super) offset: u64,
    /// How many.
    pub(super) bytes: u64,
}

/// Reads a file from front to back.
pub(super) struct Source {
    file: File,
    max_message_size: usize,
    /// What was read and is not done with.
    buffer: Vec<u8>,
    /// Offset of the buffer's first byte in the file.
    offset: u64,
    /// Bytes at the front of the buffer that are done with.
    done: usize,
    record: Range<usize>,
    problems: Vec<HeaderProblem>,
    /// Garbage since the last record.
    garbage: Option<Garbage>,
    damage: Option<Damage>,
    /// Length of the file when its end was last seen.
    length: u64,
}

#[derive(Debug, Clone, Copy)]
struct Garbage {
    start: u64,
    /// Where the zeros at its end begin.
    zeros: u64,
}

impl Source {
    /// Reads on from where the file is, which is `offset`.
    pub(super) fn new(file: File, offset: u64, max_message_size: usize) -> Source {
        Source {
            file,
            max_message_size,
            buffer: Vec::new(),
            offset,
            done: 0,
            record: 0..0,
            problems: Vec::new(),
            garbage: None,
            damage: None,
            length: 0,
        }
    }

    /// Goes to the next record, or to the end.
    pub(super) fn next(&mut self) -> io::Result<Found> {
        loop {
            let found = find_frame(&self.buffer[self.done..], self.max_message_size);
            self.problems.extend(found.problems);
            if let Some(record) = found.record {
                return Ok(self.accept(self.done + record.start..self.done + record.end));
            }
            self.discard(found.consumed);
            if self.fill()? == 0 {
                self.length = self.offset + self.buffer.len() as u64;
                return Ok(self.look_behind_unfinished().unwrap_or(Found::End));
            }
        }
    }

    /// The bytes of the record that was found last.
    pub(super) fn record(&self) -> &[u8] {
        &self.buffer[self.record.clone()]
    }

    /// Headers that were none, since last asked.
    pub(super) fn take_problems(&mut self) -> Vec<HeaderProblem> {
        std::mem::take(&mut self.problems)
    }

    /// Damage that is over: a record follows it, or the file ends. Zeros up to the end of the file are no damage but
    /// the unused part of a queue's segment. In a file that grows (`growing`) damage at the end is not over.
    pub(super) fn take_damage(&mut self, growing: bool) -> Option<Damage> {
        if self.damage.is_none() && !growing && self.record.is_empty() {
            let garbage = self.garbage.take()?;
            let bytes = garbage.zeros - garbage.start;
            return (bytes > 0).then_some(Damage { offset: garbage.start, bytes });
        }
        self.damage.take()
    }

    /// At the end of the file: there is more to read now. Zeros at the end are read again, since a queue writes its
    /// records there.
    pub(super) fn has_grown(&mut self) -> io::Result<bool> {
        let length = self.file.metadata()?.len();
        if let Some(garbage) =
            self.garbage.filter(|g| self.done == self.buffer.len() && g.zeros < self.length)
        {
            let mut byte = [0];
            self.file.seek(SeekFrom::Start(garbage.zeros))?;
            if self.file.read(&mut byte)? == 0 || (byte[0] == 0 && length == self.length) {
                return Ok(false);
            }
            self.file.seek(SeekFrom::Start(garbage.zeros))?;
            self.buffer.clear();
            self.done = 0;
            self.offset = garbage.zeros;
            if garbage.zeros == garbage.start {
                self.garbage = None;
            }
            return Ok(true);
        }
        Ok(length > self.length)
    }

    fn accept(&mut self, record: Range<usize>) -> Found {
        self.discard(record.start - self.done);
        let offset = self.offset + record.start as u64;
        self.damage = self.garbage.take().map(|g| Damage { offset: g.start, bytes: offset - g.start });
        self.done = record.end;
        self.record = record;
        Found::Record { offset }
    }

    /// Counts bytes behind the done ones as garbage.
    fn discard(&mut self, count: usize) {
        self.record = 0..0;
        if count == 0 {
            return;
        }
        let start = self.offset + self.done as u64;
        let bytes = &self.buffer[self.done..self.done + count];
        let used = bytes.iter().rposition(|byte| *byte != 0).map(|last| start + last as u64 + 1);
        let garbage = self.garbage.get_or_insert(Garbage { start, zeros: start });
        garbage.zeros = used.unwrap_or(garbage.zeros);
        self.done += count;
    }

    /// Reads more and lets go of what is done with; gives how much came.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.drain(..self.done);
        self.offset += self.done as u64;
        self.done = 0;
        let size = self.buffer.len();
        // A large record is read in few steps.
        let wanted = CHUNK.max(size);
        let limit = u64::try_from(wanted).unwrap_or(u64::MAX);
        (&mut self.file).take(limit).read_to_end(&mut self.buffer)
    }

    /// At the end of the file: what looks like the start of a long record may be one that was never finished, with
    /// whole ones behind it.
    fn look_behind_unfinished(&mut self) -> Option<Found> {
        let mut from = self.done + 1;
        while from < self.buffer.len() {
            let found = find_frame(&self.buffer[from..], self.max_message_size);
            if let Some(record) = found.record {
                return Some(self.accept(from + record.start..from + record.end));
            }
            from += found.consumed + 1;
        }
        None
    }
}
