//! `hekad queue dead show`: writes rejected messages as they were.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use heka_message::{Matcher, MessageView};

use super::super::base::Where;
use super::super::export::{Format, print};
use super::letters::{folder, read};

/// Write rejected messages as they were before the output got them
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the output
    output: String,
    #[command(flatten)]
    place: Where,
    /// Only the message with this id
    #[arg(long, value_name = "ID")]
    id: Option<u64>,
    /// Only messages that this message_matcher matches
    #[arg(long, value_name = "TEXT", default_value = "TRUE")]
    matcher: String,
    /// How to write them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(short, long = "output", value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let folder = folder(&args.place.find()?, &args.output)?;
    let matcher = Matcher::parse(&args.matcher).map_err(|e| anyhow!("--matcher {:?}: {e}", args.matcher))?;
    let mut out: Box<dyn Write> = match &args.file {
        None => Box::new(BufWriter::new(io::stdout())),
        Some(path) => {
            let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            Box::new(BufWriter::new(file))
        }
    };
    let (mut text, mut count) = (Vec::new(), 0_u64);
    let mut written = Ok(());
    read(&folder, |found| {
        let message = found.letter.message;
        if args.id.is_none_or(|id| id == found.id) && matcher.matches(&MessageView::new(message)) {
            text.clear();
            if matches!(args.format, Format::Text | Format::Rst) {
                let reason = found.letter.reason;
                text.extend_from_slice(format!("Rejected {}: {reason}\n", found.id).as_bytes());
            }
            print(message, args.format, &mut text);
            written = out.write_all(&text);
            count += 1;
        }
        Ok(written.is_ok())
    })?;
    match written.and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => return Err(error).context("cannot write the messages"),
        Ok(()) => {}
    }
    eprintln!("{count} messages written");
    Ok(ExitCode::SUCCESS)
}
