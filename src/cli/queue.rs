//! `hekad queue`: looks at the queues in a `base_dir`, and repairs them.
//!
//! | module | holds |
//! |---|---|
//! | [`base`] | the queues of a `base_dir`, their readers, and the lock of a running hekad |
//! | [`status`] | `hekad queue status` |
//! | [`check`] | `hekad queue check` |
//! | [`export`] | `hekad queue export` |
//! | [`repair`] | `hekad queue repair` |
//! | [`forget`] | `hekad queue forget` |
//! | [`dead`] | `hekad queue dead` |

mod base;
mod check;
mod dead;
mod export;
mod forget;
mod repair;
mod status;

use std::process::ExitCode;

use clap::Subcommand;

/// Look at the disk queues of a base_dir, export what they hold, repair them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Status(status::Args),
    Check(check::Args),
    Export(export::Args),
    Repair(repair::Args),
    Forget(forget::Args),
    Dead(dead::Args),
}

/// Runs one of the commands.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Status(args) => status::run(&args),
        Action::Check(args) => check::run(&args),
        Action::Export(args) => export::run(&args),
        Action::Repair(args) => repair::run(&args),
        Action::Forget(args) => forget::run(&args),
        Action::Dead(args) => dead::run(&args),
    }
}
