//! `hekad queue repair`: moves what is damaged aside, so that a check finds nothing.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use heka_engine::filter_state::StateFile;
use heka_engine::import::Places;
use heka_engine::place::Place;
use heka_engine::progress::Progress;
use heka_engine::queues::{FILTER, INPUT};
use heka_queue::fs::RealFs;
use heka_queue::{Cursors, Position};

use super::base::{Base, Where};
use super::check::Checked;

/// Move damaged bytes of the queues into the folder `damaged` beside them; whole records stay
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Where,
    /// Do it; without this only say what would be done
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let base = args.place.find()?;
    let _lock = base.lock()?;
    let checked = Checked::read(&base)?;
    let steps = steps(&base, &checked)?;
    for step in &steps {
        println!("{}{step}", if args.yes { "" } else { "would " });
    }
    if steps.is_empty() {
        println!("nothing to repair");
    } else if args.yes {
        apply(&base, &checked)?;
        println!("repaired");
    } else {
        println!("nothing was changed: repeat with --yes to do this");
    }
    Ok(ExitCode::SUCCESS)
}

/// Files that are set aside as a whole, queues apart.
fn loose_files(base: &Base, checked: &Checked) -> Vec<std::path::PathBuf> {
    let mut files = checked.bad_states.clone();
    let old = base.dir.join("cursors.damaged");
    files.extend(old.exists().then_some(old));
    files.extend(checked.cursors.is_none().then(|| base.dir.join("cursors")));
    files
}

fn steps(base: &Base, checked: &Checked) -> Result<Vec<String>> {
    let aside = base.aside();
    let mut steps = Vec::new();
    for (_, plan) in &checked.plans {
        steps.extend(plan.steps(&aside, &RealFs)?);
    }
    for path in loose_files(base, checked) {
        steps.push(format!("move {} into {}", path.display(), aside.display()));
    }
    if checked.cursors.is_none() {
        steps.push(
            "let every filter and output start at the oldest record, since the cursors are lost".into(),
        );
    }
    for (reader, queue, to) in &checked.cursor_moves {
        steps
            .push(format!("set the cursor of {reader:?} in queue {queue} to {}", moved(checked, queue, *to)));
    }
    Ok(steps)
}

/// Where a position in a queue will be.
fn moved(checked: &Checked, queue: &str, at: Position) -> Position {
    let plan = checked.plans.iter().find(|(name, _)| name == queue);
    plan.map_or(at, |(_, plan)| plan.moved(at))
}

/// In this order, so that an end half-way only repeats records: the damage is saved, positions are lowered, and then the
/// segments are rewritten.
fn apply(base: &Base, checked: &Checked) -> Result<()> {
    let aside = base.aside();
    fs::create_dir_all(&aside).with_context(|| format!("cannot create {}", aside.display()))?;
    for (_, plan) in &checked.plans {
        plan.save_damage(&aside, &RealFs)?;
    }
    for path in loose_files(base, checked) {
        set_aside(&path, &aside)?;
    }
    if let Some(cursors) = &checked.cursors {
        move_cursors(checked, cursors)?;
    }
    move_places(base, checked)?;
    for (_, plan) in &checked.plans {
        plan.apply(&aside, &RealFs)?;
    }
    Ok(())
}

fn move_cursors(checked: &Checked, cursors: &Cursors) -> Result<()> {
    let mut changed = false;
    for (reader, queue, at) in cursors.all() {
        let wanted = checked.cursor_moves.iter().find(|(r, q, _)| *r == reader && *q == queue);
        let to = moved(checked, &queue, wanted.map_or(at, |(.., to)| *to));
        changed |= to != at;
        cursors.set(&reader, &queue, to);
    }
    if changed {
        cursors.save_if_changed()?;
    }
    Ok(())
}

/// Notes of progress and filter states point into the same segments.
fn move_places(base: &Base, checked: &Checked) -> Result<()> {
    let places = Places::of(&base.base_dir);
    // The queue of what was imported for a reader is called like the reader's other files.
    let imported = |file: &Path, at: Position| {
        let plan = checked.plans.iter().find(|(name, _)| {
            let reader = name.strip_prefix("imported/").unwrap_or_default();
            let folder = places.queue(reader);
            [folder.file_name(), Some(reader.as_ref())].contains(&file.file_stem())
        });
        plan.map_or(at, |(_, plan)| plan.moved(at))
    };
    let to = |file: &Path, place: Place| Place {
        input: moved(checked, INPUT, place.input),
        filter: moved(checked, FILTER, place.filter),
        imported: imported(file, place.imported),
    };
    Progress::move_all(&base.base_dir, &to).context("cannot move the notes of progress")?;
    StateFile::move_all(&base.base_dir, &to).context("cannot move the places of filter states")?;
    Ok(())
}

fn set_aside(path: &Path, aside: &Path) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut to = aside.join(&*name);
    let mut number = 2;
    while to.exists() {
        to = aside.join(format!("{name}.{number}"));
        number += 1;
    }
    fs::rename(path, &to).with_context(|| format!("cannot move {} to {}", path.display(), to.display()))
}
