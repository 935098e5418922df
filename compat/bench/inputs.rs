//! The files that are read in the benchmarks.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use heka_testkit::Scratch;
use heka_testkit::access_log::AccessLog;

use crate::rows::From;
use crate::syslog;

/// An access log, the same as framed protobuf messages, and a syslog file.
pub(crate) struct Inputs {
    /// The folder that all lie in.
    pub(crate) folder: PathBuf,
    /// `access.log`.
    pub(crate) log: PathBuf,
    /// How many lines and messages there are.
    pub(crate) lines: u64,
    /// The size of the log.
    pub(crate) bytes: u64,
    /// The size of the messages.
    message_bytes: u64,
    /// The size of the syslog file, which has as many lines.
    syslog_bytes: u64,
}

impl Inputs {
    /// Makes the files.
    pub(crate) fn write(scratch: &Scratch, lines: u64, seed: u64) -> io::Result<Inputs> {
        let folder = scratch.join("inputs");
        fs::create_dir(&folder)?;
        let (log, messages) = (folder.join("access.log"), folder.join("messages.log"));
        let mut text = BufWriter::new(File::create(&log)?);
        let mut stream = BufWriter::new(File::create(&messages)?);
        let mut source = AccessLog::new(seed);
        for id in 0..lines {
            let line = source.next_line();
            text.write_all(line.as_bytes())?;
            stream.write_all(&frame(&message(id, line)))?;
        }
        text.flush()?;
        stream.flush()?;
        let (bytes, message_bytes) = (fs::metadata(&log)?.len(), fs::metadata(&messages)?.len());
        let syslog_bytes = syslog::write(&folder.join("syslog.log"), lines, seed)?;
        Ok(Inputs { folder, log, lines, bytes, message_bytes, syslog_bytes })
    }

    /// The size of the file that is read.
    pub(crate) fn size_of(&self, from: From) -> u64 {
        match from {
            From::Lines | From::Decoded => self.bytes,
            From::Syslog => self.syslog_bytes,
            From::Protobuf => self.message_bytes,
        }
    }
}

/// A message of the shape that a decoded line has: headers and nine fields.
pub(crate) fn message(id: u64, line: &str) -> Vec<u8> {
    let mut parts = line.split('"');
    let mut next = || parts.next().unwrap_or_default().trim();
    let (head, request, numbers, referer) = (next(), next(), next(), next());
    let agent = {
        next();
        next()
    };
    let mut uuid = [0; 16];
    uuid[..8].copy_from_slice(&id.to_be_bytes());
    let mut out = Vec::with_capacity(400);
    put_bytes(&mut out, 1, &uuid);
    put_number(&mut out, 2, 1_767_225_600_000_000_000 + id * 5_000_000);
    put_bytes(&mut out, 3, b"nginx");
    put_bytes(&mut out, 4, b"bench");
    put_bytes(&mut out, 9, b"bench");
    put_text_field(&mut out, "remote_addr", head.split(' ').next().unwrap_or_default(), "ipv4");
    put_text_field(&mut out, "remote_user", "-", "");
    put_text_field(&mut out, "request", request, "");
    let mut numbers = numbers.split(' ').map(|n| n.parse().unwrap_or(0));
    put_number_field(&mut out, "status", numbers.next().unwrap_or(0), "");
    put_number_field(&mut out, "body_bytes_sent", numbers.next().unwrap_or(0), "B");
    put_text_field(&mut out, "http_referer", referer, "");
    put_text_field(&mut out, "http_user_agent", agent, "");
    out
}

fn frame(message: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    put_number(&mut header, 1, message.len() as u64);
    let mut out = vec![0x1e, header.len() as u8];
    out.extend_from_slice(&header);
    out.push(0x1f);
    out.extend_from_slice(message);
    out
}

fn put_text_field(out: &mut Vec<u8>, name: &str, value: &str, representation: &str) {
    let mut field = Vec::new();
    put_bytes(&mut field, 1, name.as_bytes());
    put_number(&mut field, 2, 0);
    put_bytes(&mut field, 3, representation.as_bytes());
    put_bytes(&mut field, 4, value.as_bytes());
    put_bytes(out, 10, &field);
}

fn put_number_field(out: &mut Vec<u8>, name: &str, value: u32, representation: &str) {
    let mut field = Vec::new();
    put_bytes(&mut field, 1, name.as_bytes());
    put_number(&mut field, 2, 3);
    put_bytes(&mut field, 3, representation.as_bytes());
    put_bytes(&mut field, 7, &f64::from(value).to_le_bytes());
    put_bytes(out, 10, &field);
}

fn put_bytes(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_number(out: &mut Vec<u8>, number: u8, value: u64) {
    out.push(number << 3);
    put_varint(out, value);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
