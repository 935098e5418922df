//! Reading gzip files that may still grow.
//!
//! All members are read to the end, one after the other. Where the file ends for now, in the middle of a member too, the
//! reader keeps its state and goes on when there is more.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// Size of the input buffer in bytes; a member's header has to fit in.
const INPUT_SIZE: usize = 128 << 10;

/// The first bytes of a gzip file.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Decompresses one file.
pub(super) struct Gunzip {
    part: Part,
    inflate: Decompress,
    crc: Crc,
    input: Vec<u8>,
    /// The input not yet used.
    from: usize,
    to: usize,
    /// Offset in the file of the next byte to read into `input`.
    raw: u64,
}

/// Where in a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Header,
    Body,
    Trailer,
    /// What follows cannot be read.
    Broken,
}

/// A parsed header, or why not.
enum Header {
    Size(usize),
    Incomplete,
    Bad,
}

impl Gunzip {
    /// At the start of a file.
    pub(super) fn new() -> Gunzip {
        Gunzip {
            part: Part::Header,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            input: vec![0; INPUT_SIZE],
            from: 0,
            to: 0,
            raw: 0,
        }
    }

    /// Bytes of the file that were read.
    pub(super) fn raw(&self) -> u64 {
        self.raw
    }

    /// Whether a member has begun and not ended.
    pub(super) fn is_inside_member(&self) -> bool {
        self.part != Part::Broken && (self.part != Part::Header || self.from < self.to)
    }

    /// Reads text; 0 is the end for now.
    ///
    /// # Errors
    /// The file cannot be read, or (`InvalidData`, with Go's text) is no good gzip file from here on. The latter comes
    /// once, then the file has ended.
    pub(super) fn read(&mut self, file: &File, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.part {
                Part::Header => match header(self.skip_padding()) {
                    Header::Size(size) => {
                        self.from += size;
                        self.inflate.reset(false);
                        self.crc.reset();
                        self.part = Part::Body;
                    }
                    Header::Incomplete if self.to - self.from < INPUT_SIZE => {
                        if !self.fill(file)? {
                            return Ok(0);
                        }
                    }
                    Header::Incomplete | Header::Bad => return Err(self.broken("gzip: invalid header")),
                },
                Part::Body => {
                    let size = self.body(out)?;
                    if size > 0 {
                        return Ok(size);
                    }
                    if self.part == Part::Body && self.from == self.to && !self.fill(file)? {
                        return Ok(0);
                    }
                }
                Part::Trailer => {
                    if self.to - self.from >= 8 {
                        self.trailer()?;
                    } else if !self.fill(file)? {
                        return Ok(0);
                    }
                }
                Part::Broken => return Ok(0),
            }
        }
    }

    /// The input after NUL bytes, which tapes and file systems leave behind a member.
    fn skip_padding(&mut self) -> &[u8] {
        self.from += self.input[self.from..self.to].iter().take_while(|byte| **byte == 0).count();
        &self.input[self.from..self.to]
    }

    fn body(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(&self.input[self.from..self.to], out, FlushDecompress::None);
        let Ok(status) = status else {
            return Err(self.broken("flate: corrupt input"));
        };
        let used = usize::try_from(self.inflate.total_in() - before_in).unwrap_or(0);
        let made = usize::try_from(self.inflate.total_out() - before_out).unwrap_or(0);
        self.from += used;
        self.crc.update(&out[..made]);
        match status {
            Status::StreamEnd => self.part = Part::Trailer,
            // Neither end nor progress though there is input: it would go on for ever.
            _ if used == 0 && made == 0 && self.from < self.to => {
                return Err(self.broken("flate: corrupt input"));
            }
            _ => {}
        }
        Ok(made)
    }

    /// The text has been handed out by now; a wrong sum is only worth an error.
    fn trailer(&mut self) -> io::Result<()> {
        let trailer = &self.input[self.from..self.from + 8];
        let good =
            trailer[..4] == self.crc.sum().to_le_bytes() && trailer[4..] == self.crc.amount().to_le_bytes();
        self.from += 8;
        self.part = Part::Header;
        if good { Ok(()) } else { Err(io::Error::new(ErrorKind::InvalidData, "gzip: invalid checksum")) }
    }

    fn broken(&mut self, why: &'static str) -> io::Error {
        self.part = Part::Broken;
        io::Error::new(ErrorKind::InvalidData, why)
    }

    /// Reads more input; false at the end of the file.
    fn fill(&mut self, file: &File) -> io::Result<bool> {
        self.input.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
        loop {
            match file.read_at(&mut self.input[self.to..], self.raw) {
                Ok(size) => {
                    self.to += size;
                    self.raw += size as u64;
                    return Ok(size > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Finds the end of a member's header (RFC 1952).
fn header(bytes: &[u8]) -> Header {
    let known = bytes.len().min(3);
    if bytes[..known] != [MAGIC[0], MAGIC[1], 8][..known] {
        return Header::Bad;
    }
    let Some(flags) = bytes.get(3).copied() else { return Header::Incomplete };
    let mut size = 10;
    if flags & 4 != 0 {
        let Some(extra) = bytes.get(size..size + 2) else { return Header::Incomplete };
        size += 2 + usize::from(u16::from_le_bytes([extra[0], extra[1]]));
    }
    for text in [8, 16] {
        if flags & text != 0 {
            let end = bytes.get(size..).and_then(|rest| rest.iter().position(|byte| *byte == 0));
            let Some(end) = end else { return Header::Incomplete };
            size += end + 1;
        }
    }
    if flags & 2 != 0 {
        size += 2;
    }
    if size <= bytes.len() { Header::Size(size) } else { Header::Incomplete }
}

#[cfg(test)]
#[path = "gzip/tests.rs"]
mod tests;
