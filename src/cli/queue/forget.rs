//! `hekad queue forget`: removes the place of a reader that is no more, so that it holds no segments.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use heka_engine::filter_state::StateFile;
use heka_engine::progress::Progress;
use heka_queue::fs::RealFs;
use heka_queue::inspect::Outline;

use super::base::{Base, Where};

/// Forget where a filter or output stands: it no longer keeps records from being removed
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the filter or output
    reader: String,
    #[command(flatten)]
    place: Where,
    /// Do it; without this only say what would be done
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let base = args.place.find()?;
    let _lock = base.lock()?;
    let cursors = base.cursors()?;
    let queues: Vec<String> = cursors
        .all()
        .into_iter()
        .filter(|(name, ..)| *name == args.reader)
        .map(|(_, queue, _)| queue)
        .collect();
    if queues.is_empty() {
        bail!("no reader {:?} in {}", args.reader, base.dir.join("cursors").display());
    }
    let (records, bytes) = unread(&base, &args.reader)?;
    println!("{:?} has {records} unread records of {bytes} bytes", args.reader);
    if !args.yes {
        println!("nothing was changed: repeat with --yes to forget it");
        return Ok(ExitCode::SUCCESS);
    }
    // The cursors go last: as long as they are there, what was interrupted can be done again.
    let left = Progress::remove(&base.base_dir, &args.reader)
        .and_then(|()| StateFile::new(&base.base_dir, &args.reader, true).remove());
    left.with_context(|| {
        format!("cannot remove what {:?} left in {}", args.reader, base.base_dir.display())
    })?;
    for queue in &queues {
        cursors.remove(&args.reader, queue);
    }
    cursors.save_if_changed()?;
    println!("forgotten; hekad removes what nobody else needs when it runs");
    Ok(ExitCode::SUCCESS)
}

/// Records and bytes that a reader has not read, in all queues.
fn unread(base: &Base, reader: &str) -> Result<(u64, u64)> {
    let cursors = base.cursors()?;
    let mut outlines = BTreeMap::new();
    for queue in base.queues(Some(&cursors))? {
        outlines.insert(queue.name, Outline::read(&queue.dir, &RealFs)?);
    }
    let tails = outlines.iter().map(|(name, queue)| (name.clone(), queue.tail())).collect();
    let (mut records, mut bytes) = (0, 0);
    for (queue, at) in base.readers(&cursors, &tails).remove(reader).unwrap_or_default() {
        let Some(outline) = outlines.get(&queue) else { continue };
        records += outline.records_from(outline.next_after(at, &RealFs)?);
        bytes += outline.bytes_after(at);
    }
    Ok((records, bytes))
}
