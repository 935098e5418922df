//! What `heka-logstreamer` does: reads a configuration and shows the streams of each LogstreamerInput, with their files in
//! the order in which they would be read.

#[path = "logstreamer/sections.rs"]
mod sections;

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use heka_engine::config::common::section_table;
use heka_engine::log::Logger;
use heka_plugins::logstreamer::input::LogstreamSet;

use crate::flags::Flags;
use sections::{Options, Section};

/// Runs with the arguments that follow the program's name.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let flags = Flags::new("heka-logstreamer").string(
        "config",
        "logstreamer.toml",
        "Heka Logstreamer configuration file",
    );
    let parsed = match flags.parse(args) {
        Ok(parsed) => parsed,
        Err(exit) => return exit.print(),
    };
    if parsed.given() == 0 {
        eprint!("{}", flags.defaults());
        return ExitCode::SUCCESS;
    }
    let logger = Logger::default();
    match show_all(Path::new(parsed.string("config")), &logger) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            logger.error(&text);
            ExitCode::FAILURE
        }
    }
}

/// Shows every LogstreamerInput. Options of a wrong type concern their section only.
fn show_all(config: &Path, logger: &Logger) -> Result<(), String> {
    for section in sections::read(config)? {
        match section_table(&section.value).and_then(Options::decode) {
            Err(why) => logger.error(&format!("Error decoding config file: {why}")),
            Ok(options) => print!("{}", show(&section, &options)?),
        }
    }
    Ok(())
}

/// The streams of a section as text.
fn show(section: &Section, options: &Options) -> Result<String, String> {
    let set = LogstreamSet::new(&options.set(&section.name))
        .map_err(|why| format!("Error initializing LogstreamSet: {why}"))?;
    let scan = set.scan(&HashSet::new());
    if !scan.problems.is_empty() {
        return Err(format!("Error scanning: {}", scan.problems.join(" :: ")));
    }
    let mut text = format!("Found {} Logstream(s) for section [{}].\n", scan.streams.len(), section.name);
    // Writing to a string cannot fail.
    for (stream, files) in &scan.streams {
        let (file, seek) = if options.initial_tail { end_of(files) } else { (String::new(), 0) };
        let _ = writeln!(text, "\nLogstream name: [{stream}]");
        let _ = writeln!(text, "Stream Choosing Filename: {file}, SeekPosition: {seek}");
        let _ = writeln!(text, "Files: {} (printing oldest to newest)", files.len());
        for path in files {
            let _ = writeln!(text, "\t{}", path.display());
        }
    }
    Ok(text)
}

/// Where `initial_tail` begins: the end of the newest file.
fn end_of(files: &[Arc<Path>]) -> (String, u64) {
    let Some(newest) = files.last() else { return (String::new(), 0) };
    let size = std::fs::metadata(newest).map_or(0, |meta| meta.len());
    (newest.display().to_string(), size)
}
