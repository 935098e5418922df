//! `hekad queue export`: writes the records of the queues to a file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use heka_message::golang::Zone;
use heka_message::{Matcher, Message, MessageView, write_frame};
use heka_plugin::Encoder;
use heka_plugins::rst::encoder::RstEncoder;
use heka_queue::fs::RealFs;
use heka_queue::inspect::{Listing, Outline, Piece, Segment};
use heka_queue::record::MAX_MESSAGE_BYTES;
use heka_queue::{Position, QueueError};

use super::base::{Base, QueueFolder, Where};

/// Write the records of the queues in their order, first those of inputs, then those of filters
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Where,
    /// Only what this filter or output has not read yet
    #[arg(long, value_name = "NAME", conflicts_with = "from_oldest")]
    reader: Option<String>,
    /// Everything that is still there; the default without --reader
    #[arg(long)]
    from_oldest: bool,
    /// Only messages that this message_matcher matches
    #[arg(long, value_name = "TEXT", default_value = "TRUE")]
    matcher: String,
    /// How to write them
    #[arg(long, value_enum, default_value_t = Format::Protobuf)]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Heka's stream format, as heka-cat and a HekaFramingSplitter read it
    Protobuf,
    /// One JSON object a line
    Json,
    /// For people, as heka-cat shows it
    Text,
    /// For people, as RstEncoder shows it
    Rst,
}

/// Counts of a run.
#[derive(Debug, Default)]
struct Tally {
    read: u64,
    written: u64,
    damaged_bytes: u64,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let base = args.place.find()?;
    let matcher = Matcher::parse(&args.matcher).map_err(|e| anyhow!("--matcher {:?}: {e}", args.matcher))?;
    let queues = sources(&base, args.reader.as_deref())?;
    let mut out: Box<dyn Write> = match &args.output {
        None => Box::new(BufWriter::new(io::stdout())),
        Some(path) => {
            let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            Box::new(BufWriter::new(file))
        }
    };
    let mut tally = Tally::default();
    let shown = args.output.as_ref().map_or("standard output".into(), |path| path.display().to_string());
    for (queue, from) in &queues {
        let done = copy(queue, *from, &matcher, args.format, out.as_mut(), &mut tally);
        match done {
            Err(CopyError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(CopyError::Write(error)) => {
                return Err(error).with_context(|| format!("cannot write {shown}"));
            }
            Err(CopyError::Read(error)) => return Err(error.into()),
            Ok(()) => {}
        }
    }
    match out.flush() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(error).with_context(|| format!("cannot write {shown}"));
        }
        _ => {}
    }
    let Tally { read, written, damaged_bytes } = tally;
    eprintln!("{written} of {read} records written");
    if damaged_bytes > 0 {
        eprintln!("{damaged_bytes} damaged bytes were passed: see `hekad queue check`");
    }
    Ok(ExitCode::SUCCESS)
}

/// The queues to read, each with the place to begin at.
fn sources(base: &Base, reader: Option<&str>) -> Result<Vec<(QueueFolder, Position)>> {
    let Some(reader) = reader else {
        // Damaged cursors do not matter here.
        let queues = base.queues(base.cursors().ok().as_ref())?;
        return Ok(queues.into_iter().map(|queue| (queue, Position::default())).collect());
    };
    let cursors = base.cursors()?;
    let queues = base.queues(Some(&cursors))?;
    let mut tails = BTreeMap::new();
    for queue in &queues {
        tails.insert(queue.name.clone(), Outline::read(&queue.dir, &RealFs)?.tail());
    }
    let readers = base.readers(&cursors, &tails);
    let Some(places) = readers.get(reader) else {
        let names: Vec<_> = readers.keys().map(String::as_str).collect();
        bail!(
            "no reader {reader:?} in {}; there are: {}",
            base.dir.join("cursors").display(),
            names.join(", ")
        );
    };
    let placed = queues.into_iter().filter_map(|queue| {
        let from = *places.get(&queue.name)?;
        Some((queue, from))
    });
    Ok(placed.collect())
}

enum CopyError {
    Read(QueueError),
    Write(io::Error),
}

fn copy(
    queue: &QueueFolder,
    from: Position,
    matcher: &Matcher,
    format: Format,
    out: &mut dyn Write,
    tally: &mut Tally,
) -> Result<(), CopyError> {
    let listing = Listing::read(&queue.dir, &RealFs).map_err(CopyError::Read)?;
    let mut seen = Seen::default();
    let mut text = Vec::new();
    for file in listing.segments.iter().filter(|file| file.id >= from.segment) {
        let Some(segment) = Segment::read(file, &RealFs).map_err(CopyError::Read)? else { continue };
        let start = if file.id == from.segment { from.offset } else { 0 };
        for piece in segment.walk(start) {
            let entry = match piece {
                Piece::Record(entry) => entry,
                Piece::Bad { range, .. } => {
                    tally.damaged_bytes += range.end - range.start;
                    continue;
                }
            };
            if !seen.is_new(entry.record.sequence, entry.is_copy) {
                continue;
            }
            tally.read += 1;
            let message = entry.record.message;
            if matcher.matches(&MessageView::new(message)) {
                text.clear();
                print(message, format, &mut text);
                out.write_all(&text).map_err(CopyError::Write)?;
                tally.written += 1;
            }
        }
    }
    Ok(())
}

pub(super) fn print(message: &[u8], format: Format, out: &mut Vec<u8>) {
    if format == Format::Protobuf {
        // The queue takes no message that a frame does not hold.
        let framed = write_frame(message, MAX_MESSAGE_BYTES, out);
        debug_assert!(framed.is_ok(), "a queued message is within the limit");
        return;
    }
    if format == Format::Rst {
        // This encoder takes every message.
        let encoded = RstEncoder.encode(MessageView::new(message), out);
        debug_assert!(encoded.is_ok(), "RstEncoder takes every message");
        return;
    }
    // What the queue holds was made by hekad; a message with bytes that do not decode is shown without them.
    let message = Message::decode(message).unwrap_or_default();
    match format {
        Format::Json => crate::cli::format::write_json(&message, out),
        _ => crate::cli::format::write_text(&message, &Zone::local(), out),
    }
}

/// What was written, as far as it takes to pass copies of it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    last: Option<u64>,
    /// Numbers below the last that did not come: from, to and with.
    gaps: Vec<(u64, u64)>,
}

impl Seen {
    pub(super) fn is_new(&mut self, sequence: u64, is_copy: bool) -> bool {
        let expected = self.last.map_or(0, |last| last.wrapping_add(1));
        if is_copy && self.last.is_some_and(|last| sequence <= last) {
            return self.gaps.iter().any(|(from, to)| (*from..=*to).contains(&sequence));
        }
        if expected < sequence {
            self.gaps.push((expected, sequence - 1));
        }
        self.last = Some(sequence);
        true
    }
}
