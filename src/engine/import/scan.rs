//! Finding records in a queue file of an old hekad, whatever happened to the file.
//!
//! Heka's framing has no checksum, so a record counts as whole if its header is, its message is there to the end and can be
//! decoded. That alone takes a torn record for a whole one when its length reaches into what was written after it. Such a
//! record is told by what follows: nothing that is a record begins at its end, while one that begins inside of it goes on
//! behind it. Where damage follows a record that has others inside of it, nobody can tell; then both it and they are given.

use std::io::{self, Read};

use heka_message::framing::{HEADER_DELIMITER_SIZE, HEADER_FRAMING_SIZE, MAX_HEADER_SIZE};
use heka_message::{Header, RECORD_SEPARATOR, UNIT_SEPARATOR, validate};

/// Most bytes of a message that is taken over: what a record of hekad's queue may have.
const MAX_MESSAGE_BYTES: usize = (1 << 28) - 1;
/// The file is read in pieces of at least so many bytes.
const READ_BYTES: usize = 256 << 10;
/// What is done with is let go in pieces of at least so many bytes.
const RELEASE_BYTES: usize = 1 << 20;

/// Damage that was passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Stretches of bytes that belong to no whole record.
    pub stretches: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Damage {
    /// Adds what was found elsewhere.
    pub fn add(&mut self, other: Damage) {
        self.stretches += other.stretches;
        self.bytes += other.bytes;
    }
}

/// A record, with its place in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    /// Offset of its frame.
    pub(super) start: u64,
    /// Offset behind it.
    pub(super) end: u64,
    /// The encoded message.
    pub(super) message: &'a [u8],
}

/// A whole frame at some place of the buffer.
#[derive(Clone, Copy)]
struct Frame {
    /// Where the message begins, from the start of the frame.
    message: usize,
    /// Bytes of the frame.
    len: usize,
}

/// What a frame is that looks whole.
enum Verdict {
    Whole,
    Torn,
    /// Damage follows, and so many bytes from its start another one begins that is inside of it: records that it carries,
    /// or records that a torn one has swallowed.
    Unclear(usize, Frame),
}

/// Finds the records of one file.
pub(super) struct Scan<R> {
    source: R,
    buffer: Vec<u8>,
    /// What is before it in the buffer is done with.
    start: usize,
    /// Offset in the file of the buffer's first byte.
    offset: u64,
    ended: bool,
    /// The frame that begins at `start`, if that is known already.
    ahead: Option<Frame>,
    damage: Damage,
    /// What was passed last was damage.
    in_damage: bool,
}

impl<R: Read> Scan<R> {
    /// Reads from `source`, whose first byte has the offset `offset` in its file.
    pub(super) fn new(source: R, offset: u64) -> Scan<R> {
        Scan {
            source,
            buffer: Vec::new(),
            start: 0,
            offset,
            ended: false,
            ahead: None,
            damage: Damage::default(),
            in_damage: false,
        }
    }

    /// Damage that was passed so far.
    pub(super) fn damage(&self) -> Damage {
        self.damage
    }

    /// The next record; `None` at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Option<Found<'_>>> {
        let (frame, resume) = loop {
            self.release();
            if !self.need(self.start, 1)? {
                return Ok(None);
            }
            let frame = match self.ahead.take() {
                Some(frame) => Some(frame),
                None => self.frame_at(self.start)?,
            };
            let Some(frame) = frame else {
                self.pass_damage()?;
                continue;
            };
            match self.judge(frame)? {
                Verdict::Whole => break (frame, frame.len),
                Verdict::Unclear(inside, other) => {
                    self.ahead = Some(other);
                    break (frame, inside);
                }
                Verdict::Torn => self.pass_damage()?,
            }
        };
        self.in_damage = false;
        let at = self.start;
        self.start += resume;
        let start = self.offset + at as u64;
        let message = &self.buffer[at + frame.message..at + frame.len];
        Ok(Some(Found { start, end: start + frame.len as u64, message }))
    }

    /// What the frame at the start is, judged by what follows it and lies inside of it.
    fn judge(&mut self, frame: Frame) -> io::Result<Verdict> {
        let end = self.start + frame.len;
        if !self.need(end, 1)? {
            return Ok(Verdict::Whole);
        }
        self.ahead = self.frame_at(end)?;
        if self.ahead.is_some() {
            return Ok(Verdict::Whole);
        }
        let mut verdict = Verdict::Whole;
        let mut from = self.start + 1;
        while let Some(inside) = memchr::memchr(RECORD_SEPARATOR, &self.buffer[from..end]) {
            let at = from + inside;
            if let Some(other) = self.frame_at(at)? {
                if at + other.len > end {
                    return Ok(Verdict::Torn);
                }
                if let Verdict::Whole = verdict {
                    verdict = Verdict::Unclear(at - self.start, other);
                }
            }
            from = at + 1;
        }
        Ok(verdict)
    }

    /// Goes to the next separator.
    fn pass_damage(&mut self) -> io::Result<()> {
        if !self.in_damage {
            self.in_damage = true;
            self.damage.stretches += 1;
        }
        loop {
            let rest = &self.buffer[self.start + 1..];
            let passed = memchr::memchr(RECORD_SEPARATOR, rest).map_or(rest.len(), |at| at) + 1;
            self.start += passed;
            self.damage.bytes += passed as u64;
            if self.start < self.buffer.len() || !self.need(self.start, 1)? {
                return Ok(());
            }
            if self.buffer[self.start] == RECORD_SEPARATOR {
                return Ok(());
            }
        }
    }

    /// The frame at a place of the buffer, if there is a whole one with a message that can be decoded.
    fn frame_at(&mut self, at: usize) -> io::Result<Option<Frame>> {
        if !self.need(at, HEADER_DELIMITER_SIZE)? || self.buffer[at] != RECORD_SEPARATOR {
            return Ok(None);
        }
        let message = HEADER_FRAMING_SIZE + usize::from(self.buffer[at + 1]);
        if !self.need(at, message)? || self.buffer[at + message - 1] != UNIT_SEPARATOR {
            return Ok(None);
        }
        let header = Header::decode(&self.buffer[at + HEADER_DELIMITER_SIZE..at + message - 1]);
        let Some(length) = header.ok().and_then(|header| header.message_length) else { return Ok(None) };
        let len = message + length as usize;
        if length as usize > MAX_MESSAGE_BYTES || !self.need(at, len)? {
            return Ok(None);
        }
        let whole = validate(&self.buffer[at + message..at + len]).is_ok();
        Ok(whole.then_some(Frame { message, len }))
    }

    /// Lets go of what is done with.
    fn release(&mut self) {
        if self.start >= RELEASE_BYTES {
            self.buffer.drain(..self.start);
            self.offset += self.start as u64;
            self.start = 0;
        }
    }

    /// Reads on until so many bytes are there from a place of the buffer on; false if the file ends before.
    fn need(&mut self, at: usize, bytes: usize) -> io::Result<bool> {
        while self.buffer.len() < at + bytes && !self.ended {
            let len = self.buffer.len();
            let more = READ_BYTES.max(at + bytes - len) as u64;
            let read = Read::by_ref(&mut self.source).take(more).read_to_end(&mut self.buffer)?;
            self.ended = (read as u64) < more;
        }
        Ok(self.buffer.len() >= at + bytes)
    }
}

const _: () = assert!(MAX_HEADER_SIZE == u8::MAX as usize, "a header's length is one byte");

#[cfg(test)]
mod tests;
