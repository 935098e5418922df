//! The subcommands of `hekad`, a file each.
//!
//! Old start scripts call `hekad -config=...` in the syntax of Go's flags, which ignores any further words. So only a first
//! argument that is one of our words leads here; all else is the daemon's as it always was. A new subcommand is a file in
//! `cli/` and a variant of [`Command`].

mod completions;
mod explain;
pub(crate) mod flags;
#[allow(dead_code, reason = "heka-cat chooses its format by these names, the commands by their own")]
#[path = "cli/cat/format.rs"]
mod format;
mod graph;
mod import;
mod queue;
mod sandbox_test;
mod tap;
mod validate;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Where the daemon looks for its configuration when the command line names none.
pub(crate) const DEFAULT_CONFIG: &str = "/etc/hekad.toml";

/// Stream processing daemon. Without one of these commands the daemon itself is run: see `hekad -h`.
#[derive(Debug, Parser)]
#[command(name = "hekad", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Completions(completions::Args),
    Explain(explain::Args),
    Graph(graph::Args),
    Import(import::Args),
    Man(completions::ManArgs),
    Queue(queue::Args),
    Tap(tap::Args),
    Test(sandbox_test::Args),
    Validate(validate::Args),
}

/// Whether the first argument is the name of a subcommand.
pub(crate) fn is_command(first: Option<&OsStr>) -> bool {
    let Some(first) = first.and_then(OsStr::to_str) else { return false };
    Cli::command().get_subcommands().any(|command| command.get_name() == first)
}

/// Runs the subcommand of the command line; each says by its exit code how it went.
pub(crate) fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Explain(args) => explain::run(&args),
        Command::Graph(args) => graph::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Man(args) => completions::run_man(&args, Cli::command()),
        Command::Queue(args) => queue::run(args),
        Command::Tap(args) => tap::run(&args),
        Command::Test(args) => sandbox_test::run(&args),
        Command::Validate(args) => validate::run(&args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("hekad: {error:#}");
        ExitCode::from(CANNOT)
    })
}

/// Exit code of a command that could not do its work; also clap's own for a wrong command line.
const CANNOT: u8 = 2;
