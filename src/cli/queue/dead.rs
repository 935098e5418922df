//! `hekad queue dead`: what outputs have rejected for good.
//!
//! | module | holds |
//! |---|---|
//! | [`letters`] | the letters of an output, read while hekad runs or not |
//! | [`list`] | `hekad queue dead list` |
//! | [`show`] | `hekad queue dead show` |
//! | [`ask`] | `hekad queue dead replay` and `forget` |

mod ask;
mod letters;
mod list;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

/// Look at the messages that outputs have rejected, have them sent again, or give them up
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(list::Args),
    Show(show::Args),
    /// Have the output send rejected messages again; works whether hekad runs or not
    Replay(ask::Args),
    /// Give rejected messages up
    Forget(ask::ForgetArgs),
}

/// Runs one of the commands.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.action {
        Action::List(args) => list::run(args),
        Action::Show(args) => show::run(args),
        Action::Replay(args) => ask::replay(args),
        Action::Forget(args) => ask::forget(args),
    }
}
