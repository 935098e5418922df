//! `hekad validate`: says all that is wrong with a configuration, without running it.
//!
//! | module | holds |
//! |---|---|
//! | [`findings`] | everything that is found: problems, remarks, differences |
//! | [`suggest`] | what a misspelt name was meant to be; successors of old types and options |
//! | [`notes`] | options that do something else here than in hekad 0.11 |
//! | [`print`] | the findings as text or JSON |

mod findings;
mod notes;
mod print;
pub(super) mod suggest;

use std::path::PathBuf;
use std::process::ExitCode;

use super::CANNOT;
use findings::Findings;

/// Exit code of a configuration with problems.
const PROBLEMS: u8 = 1;

/// Say all that is wrong with a configuration, without running it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Config file or directory
    #[arg(long, value_name = "PATH", default_value = super::DEFAULT_CONFIG)]
    config: PathBuf,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    /// No notes about what differs from hekad 0.11
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the command: exit code 0 if the configuration is good, 1 if not, 2 if it cannot be read.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (loaded, errors) = match heka_engine::config::load_all(&args.config) {
        Ok(read) => read,
        Err(error) => {
            eprintln!("hekad: {error}");
            return Ok(ExitCode::from(CANNOT));
        }
    };
    let mut findings = Findings::of(&loaded, &errors, &heka_plugins::all());
    if args.quiet {
        findings.notes.clear();
    }
    let text =
        if args.json { print::json(&args.config, &findings)? } else { print::text(&args.config, &findings) };
    print!("{text}");
    let code = match (findings.is_unreadable, findings.problems.is_empty()) {
        (true, _) => CANNOT,
        (false, false) => PROBLEMS,
        (false, true) => return Ok(ExitCode::SUCCESS),
    };
    Ok(ExitCode::from(code))
}
