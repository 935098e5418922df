//! `hekad queue dead replay` and `forget`: the output itself does what is asked, now or when hekad runs next.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use heka_engine::dead_letters::{Folder, Request};
use heka_queue::Position;

use super::super::base::Where;
use super::letters::{folder, read};

/// Which messages.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the output
    output: String,
    #[command(flatten)]
    place: Where,
    /// Only up to the message with this id, and that one
    #[arg(long, value_name = "ID")]
    until: Option<u64>,
}

/// Which messages, and whether that is meant.
#[derive(Debug, clap::Args)]
pub(super) struct ForgetArgs {
    #[command(flatten)]
    which: Args,
    /// Do it; without this only say what would be done
    #[arg(long)]
    yes: bool,
}

pub(super) fn replay(args: &Args) -> Result<ExitCode> {
    ask(args, Request::Replay, "sent again", true)
}

pub(super) fn forget(args: &ForgetArgs) -> Result<ExitCode> {
    ask(&args.which, Request::Forget, "given up", args.yes)
}

fn ask(args: &Args, request: fn(Position) -> Request, done: &str, sure: bool) -> Result<ExitCode> {
    let base = args.place.find()?;
    let folder = folder(&base, &args.output)?;
    let (count, end) = up_to(&folder, args.until)?;
    let Some(end) = end else { bail!("{:?} has no such rejected messages", args.output) };
    if !sure {
        println!("{count} messages that {:?} has rejected would be {done}", args.output);
        println!("nothing was changed: repeat with --yes");
        return Ok(ExitCode::SUCCESS);
    }
    request(end).leave(&folder).with_context(|| format!("cannot write {}", folder.request().display()))?;
    let when = if base.running().is_some() { "now" } else { "when hekad runs with this output" };
    println!("{count} messages that {:?} has rejected are {done} {when}", args.output);
    Ok(ExitCode::SUCCESS)
}

/// How many letters there are up to one, and the place behind the last of them.
fn up_to(folder: &Folder, until: Option<u64>) -> Result<(u64, Option<Position>)> {
    let (mut count, mut end) = (0, None);
    read(folder, |found| {
        if until.is_none_or(|until| found.id <= until) {
            count += 1;
            end = Some(found.end);
        }
        Ok(true)
    })?;
    Ok((count, end))
}
