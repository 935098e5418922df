//! `hekad import`: takes over the queues that an old hekad (0.10, 0.11) left in its `base_dir`, or says what that would do.
//!
//! A start of hekad does the same by itself; the command is for those who want to see first, or to do it while nothing runs.

mod state;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use heka_engine::config::{self, Hekad, Loaded, common};
use heka_engine::import::{Survey, import, survey};
use heka_engine::log::Logger;
use heka_engine::queues::Queues;
use heka_plugin::Kind;
use heka_queue::SyncMode;

/// Exit code when something needs an operator's attention.
const ATTENTION: u8 = 1;

/// Take over the queues that a hekad 0.10 or 0.11 left in its base_dir
///
/// A start of hekad does the same by itself. What was not delivered goes to the filter or output that had it, and the old
/// folders move to output_queue.imported. Stop the old hekad first.
///
/// Exit code 0: all is well; 1: something was not imported or is damaged, as the text says; 2: it could not be done.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only say what would be done, also about logstreamer journals and preserved sandbox data
    #[arg(long)]
    check: bool,
    /// Config file or directory
    #[arg(long, default_value = crate::cli::DEFAULT_CONFIG)]
    config: PathBuf,
    /// base_dir, instead of the one in the config; with --check no config is needed then
    #[arg(long)]
    base_dir: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let needs_config = !args.check || args.base_dir.is_none() || args.config.exists();
    let loaded = if needs_config { Some(config::load(&args.config)?) } else { None };
    let default = Hekad::default();
    let hekad = loaded.as_ref().map_or(&default, |loaded| &loaded.hekad);
    let base_dir = args.base_dir.clone().unwrap_or_else(|| PathBuf::from(&hekad.base_dir));
    if !base_dir.is_dir() {
        bail!("base_dir {} is not there", base_dir.display());
    }
    let readers = loaded.as_ref().map(readers);
    let fine = if args.check {
        check(&base_dir, readers.as_deref())?
    } else {
        take_over(&base_dir, hekad, &readers.unwrap_or_default())?
    };
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(ATTENTION) })
}

/// Names of the filters and outputs of a configuration, in its order. What else is wrong with it, hekad says when it starts.
fn readers(loaded: &Loaded) -> Vec<String> {
    let defs = heka_plugins::all();
    let is_reader = |section: &config::Section| {
        let Ok(table) = common::section_table(&section.value) else { return false };
        let type_name = common::type_name(table).ok().flatten().unwrap_or_else(|| section.name.clone());
        let def = defs.iter().find(|def| def.name == type_name);
        def.is_some_and(|def| matches!(def.kind(), Kind::Filter | Kind::Output))
    };
    let sections = loaded.files.iter().flat_map(|file| &file.sections);
    sections
        .filter(|section| section.name != "hekad" && is_reader(section))
        .map(|of| of.name.clone())
        .collect()
}

/// Takes over; says whether all went well.
fn take_over(base_dir: &Path, hekad: &Hekad, readers: &[String]) -> anyhow::Result<bool> {
    hekad.check().map_err(anyhow::Error::msg)?;
    let logger = Logger::default();
    logger.set_flags(0);
    let queues = Queues::open(base_dir, SyncMode::Ack, hekad.queue_segment_size, &logger)?;
    let names = readers.iter().map(String::as_str);
    let reports = import(base_dir, names, &queues.cursors, hekad.queue_segment_size, &logger);
    if reports.is_empty() {
        println!("{}: no old queues to import", base_dir.display());
    }
    Ok(reports.iter().all(|report| matches!(report.taken, Some(Ok(_)))))
}

/// Says what would be done; whether nothing needs attention.
fn check(base_dir: &Path, readers: Option<&[String]>) -> anyhow::Result<bool> {
    let names = readers.unwrap_or_default().iter().map(String::as_str);
    let surveys = survey(base_dir, names).context("the old queues cannot be listed")?;
    let mut fine = true;
    for survey in &surveys {
        let (text, is_fine) = describe(survey, readers.is_some());
        println!("output_queue/{}: {text}", survey.folder);
        fine &= is_fine;
    }
    if surveys.is_empty() {
        println!("output_queue: no old queues to import");
    }
    for file in state::files(base_dir) {
        match &file.found {
            Ok(text) => println!("{}: {text}", file.name),
            Err(why) => {
                println!("{}: cannot be used: {why}", file.name);
                fine = false;
            }
        }
    }
    Ok(fine)
}

/// One old folder as text, and whether nothing is wrong with it.
fn describe(survey: &Survey, configured: bool) -> (String, bool) {
    let (left, doubt) = match &survey.left {
        Ok(left) => left,
        Err(error) => return (format!("cannot be read and would be left as it is: {error}"), false),
    };
    let mut text = format!("{} messages ({} bytes) not delivered", left.records, left.bytes);
    if left.damage.bytes > 0 {
        text += &format!(", {} damaged bytes in {} places", left.damage.bytes, left.damage.stretches);
    }
    text += &match &survey.reader {
        Some(reader) => format!(", for [{reader}]"),
        None if configured => ", left as it is: no filter or output of that name is configured".into(),
        None => ", reader unknown without a configuration".into(),
    };
    if let Some(doubt) = doubt {
        text += &format!("; {doubt}");
    }
    let fine = (survey.reader.is_some() || !configured) && doubt.is_none() && left.damage.bytes == 0;
    (text, fine)
}
