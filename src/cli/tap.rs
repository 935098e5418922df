//! `hekad tap`: shows messages as a running hekad queues them.
//!
//! The queues' files are only read: no lock is taken, no place is kept, and nothing is held back.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use heka_engine::queues::{FILTER, INPUT};
use heka_message::{Matcher, Message, MessageView};
use heka_plugin::Encoder;
use heka_plugins::rst::encoder::RstEncoder;
use heka_queue::inspect::Follower;

/// How long to wait before the queues are looked at again.
const PAUSE: Duration = Duration::from_millis(50);

/// Show messages as a running hekad queues them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only messages that this message_matcher matches
    #[arg(value_name = "MATCHER", default_value = "TRUE")]
    matcher: String,
    /// The base_dir of hekad
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    base_dir: Option<PathBuf>,
    /// Take base_dir from this configuration file or folder, as the daemon does
    #[arg(long, value_name = "PATH", default_value = super::DEFAULT_CONFIG)]
    config: PathBuf,
    /// How to show them
    #[arg(long, value_enum, default_value_t = Format::Rst)]
    format: Format,
    /// End after so many messages
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Begin with the oldest message that is still there, not with what comes from now on
    #[arg(long)]
    from_oldest: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, as RstEncoder shows it
    Rst,
    /// One JSON object a line
    Json,
}

/// Runs the command until it has shown `--count` messages, nobody reads them any more, or it is interrupted.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let matcher =
        Matcher::parse(&args.matcher).map_err(|why| anyhow!("matcher {:?}: {why}", args.matcher))?;
    let base_dir = match &args.base_dir {
        Some(dir) => dir.clone(),
        None => {
            let loaded = heka_engine::config::load(&args.config)
                .map_err(|why| anyhow!("cannot read the configuration {}: {why}", args.config.display()))?;
            loaded.hekad.base_dir.into()
        }
    };
    let mut followers = followers(&base_dir, args.from_oldest)?;
    let mut tap = Tap {
        matcher,
        format: args.format,
        left: args.count,
        out: BufWriter::new(io::stdout()),
        text: Vec::new(),
        failed: None,
    };
    while tap.left != Some(0) {
        let mut more = false;
        for follower in &mut followers {
            more |= follower.poll(|record| tap.take(record.message))?;
            if tap.is_done() {
                break;
            }
        }
        tap.flush();
        match tap.failed.take() {
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Some(error) => return Err(error).context("cannot write"),
            None if more => {}
            None => std::thread::sleep(PAUSE),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn followers(base_dir: &Path, from_oldest: bool) -> Result<Vec<Follower>> {
    let mut followers = Vec::new();
    for name in [INPUT, FILTER] {
        let dir = base_dir.join("queue").join(name);
        if !dir.is_dir() {
            bail!("no queues in {}: {} is not there", base_dir.display(), dir.display());
        }
        followers.push(if from_oldest { Follower::from_oldest(&dir) } else { Follower::from_now(&dir)? });
    }
    // Whoever waits for this line misses nothing that comes after it.
    eprintln!("following {}", base_dir.join("queue").display());
    Ok(followers)
}

/// Picks and shows messages.
struct Tap {
    matcher: Matcher,
    format: Format,
    /// How many are still to be shown; `None` is no limit.
    left: Option<u64>,
    out: BufWriter<io::Stdout>,
    text: Vec<u8>,
    failed: Option<io::Error>,
}

impl Tap {
    fn take(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        let view = MessageView::new(bytes);
        if self.matcher.matches(&view) {
            self.text.clear();
            match self.format {
                Format::Rst => {
                    // This encoder takes every message.
                    let encoded = RstEncoder.encode(view, &mut self.text);
                    debug_assert!(encoded.is_ok(), "RstEncoder takes every message");
                }
                // A message with bytes that do not decode is shown without them.
                Format::Json => {
                    crate::cli::format::write_json(
                        &Message::decode(bytes).unwrap_or_default(),
                        &mut self.text,
                    );
                }
            }
            self.failed = self.out.write_all(&self.text).err();
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        if self.is_done() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn is_done(&self) -> bool {
        self.left == Some(0) || self.failed.is_some()
    }

    fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.out.flush().err();
        }
    }
}
