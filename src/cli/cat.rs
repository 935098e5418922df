//! What `heka-cat` does: reads records one by one, matches and prints them.
//!
//! It reads everything in Heka's stream format: files of a FileOutput, buffer files of hekad 0.10 and 0.11, and the
//! queue's segments, whose unused end is full of zeros.

#[path = "cat/format.rs"]
mod format;
#[path = "cat/source.rs"]
mod source;

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use heka_message::golang::{GoTime, Strftime, Zone};
use heka_message::{Matcher, Message, MessageView, unframe};

use crate::flags::{Flags, Parsed};
use format::Format;
use source::{Found, Source};

/// Sizes from here on are refused.
const SIZE_LIMIT: u64 = 4_294_967_295;
/// How long `-tail` waits at the end of the file before it looks again.
const TAIL_PAUSE: Duration = Duration::from_millis(500);

/// Why the program ends early: its exit code and what it says.
struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    fn new(code: u8, text: impl ToString) -> Failure {
        Failure { code, text: text.to_string() }
    }

    /// An error about a file, in the words of the recordings: `open x: no such file or directory`.
    fn about(code: u8, call: &str, path: &str, error: &io::Error) -> Failure {
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or_default();
        Failure { code, text: format!("{call} {path}: {}", reason.to_lowercase()) }
    }
}

/// The flags of `heka-cat`.
fn flags() -> Flags {
    Flags::new("heka-cat")
        .string("match", "TRUE", "message_matcher filter expression")
        .string("format", "txt", "output format [txt|json|heka|count]")
        .string("output", "", "output filename, defaults to stdout")
        .bool("tail", false, "don't exit on EOF")
        .int("offset", 0, "starting offset for the input file in bytes")
        .uint("max-message-size", 4 * 1024 * 1024, "maximum message size in bytes")
}

/// Runs with the arguments that follow the program's name.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let flags = flags();
    let parsed = match flags.parse(args) {
        Ok(parsed) => parsed,
        Err(exit) => return exit.print(),
    };
    let [path] = parsed.args() else {
        eprint!("{}", flags.defaults());
        return ExitCode::from(1);
    };
    match show(&parsed, path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", failure.text);
            ExitCode::from(failure.code)
        }
    }
}

fn show(parsed: &Parsed, path: &str) -> Result<(), Failure> {
    let max_size = parsed.uint("max-message-size");
    if max_size >= SIZE_LIMIT {
        return Err(Failure::new(8, format!("Message size is too large: {max_size}")));
    }
    let text = parsed.string("match");
    let matcher = Matcher::parse(text).map_err(|e| Failure::new(2, format!("Match specification - {e}")))?;
    let mut file = File::open(path).map_err(|e| Failure::about(3, "open", path, &e))?;
    let mut out = open_output(parsed.string("output"))?;
    let invalid = |e: &io::Error| Failure::about(5, "seek", path, e);
    let offset = u64::try_from(parsed.int("offset"))
        .map_err(|_| invalid(&io::Error::other("invalid argument")))
        .and_then(|offset| file.seek(SeekFrom::Start(offset)).map_err(|e| invalid(&e)))?;
    eprintln!(
        "Input:{path}  Offset:{offset}  Match:{text}  Format:{}  Tail:{}  Output:{}",
        parsed.string("format"),
        parsed.bool("tail"),
        parsed.string("output")
    );
    let format = Format::of(parsed.string("format"));
    let mut cat = Cat {
        source: Source::new(file, offset, max_size as usize),
        // Counting ends at the end of the file in any case.
        tail: parsed.bool("tail") && format != Format::Count,
        matcher,
        format,
        zone: Zone::local(),
        processed: 0,
        matched: 0,
    };
    let ended = cat.copy(&mut out).and_then(|()| out.flush());
    eprintln!("Processed: {}, matched: {} messages", cat.processed, cat.matched);
    match ended {
        // The reader of the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(6, error)),
        Ok(()) => Ok(()),
    }
}

fn open_output(path: &str) -> Result<Box<dyn Write>, Failure> {
    if path.is_empty() {
        return Ok(Box::new(BufWriter::new(io::stdout())));
    }
    let opened = OpenOptions::new().write(true).create(true).truncate(true).open(path);
    let file = opened.map_err(|e| Failure::about(4, "open", path, &e))?;
    Ok(Box::new(BufWriter::new(file)))
}

/// A run over one file.
struct Cat {
    source: Source,
    tail: bool,
    matcher: Matcher,
    format: Format,
    zone: Zone,
    processed: u64,
    matched: u64,
}

impl Cat {
    /// Prints all that matches, for ever with `-tail`.
    fn copy(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut text = Vec::new();
        loop {
            let found = self.source.next()?;
            for problem in self.source.take_problems() {
                eprintln!("{}Splitter 'HekaFramingSplitter' error: {problem}", log_prefix(&self.zone));
            }
            if let Some(damage) = self.source.take_damage(self.tail) {
                eprintln!("Corruption detected at offset: {} bytes: {}", damage.offset, damage.bytes);
            }
            match found {
                Found::Record { offset } => {
                    text.clear();
                    self.print(offset, &mut text);
                    out.write_all(&text)?;
                }
                Found::End if self.tail => {
                    out.flush()?;
                    while !self.source.has_grown()? {
                        thread::sleep(TAIL_PAUSE);
                    }
                }
                Found::End => return Ok(()),
            }
        }
    }

    fn print(&mut self, offset: u64, text: &mut Vec<u8>) {
        let record = self.source.record();
        let Some(unframed) = unframe(record) else { return };
        self.processed += 1;
        let message = match Message::decode(unframed.message) {
            Ok(message) => message,
            Err(error) => {
                eprintln!("Error unmarshalling message at offset: {offset} error: {error}");
                return;
            }
        };
        if !self.matcher.matches(&MessageView::new(unframed.message)) {
            return;
        }
        self.matched += 1;
        match self.format {
            Format::Count => {}
            Format::Heka => text.extend_from_slice(record),
            Format::Json => format::write_json(&message, text),
            Format::Text => format::write_text(&message, &self.zone, text),
        }
    }
}

/// Date and time in front of a log line.
fn log_prefix(zone: &Zone) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let time = GoTime::from_nanos(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX), zone.clone());
    let mut prefix = Vec::new();
    Strftime::new("%Y/%m/%d %H:%M:%S ").write(&time.civil(), &mut prefix);
    String::from_utf8_lossy(&prefix).into_owned()
}

#[cfg(test)]
#[path = "cat/tests.rs"]
mod tests;
