//! `heka-flood`: loads hekad with messages to see how many it takes.
#![forbid(unsafe_code)]

use std::process::ExitCode;

#[path = "../cli/flags.rs"]
mod flags;
#[path = "../cli/flood.rs"]
mod flood;
#[path = "../cli/origin.rs"]
mod origin;
#[path = "../cli/sender.rs"]
mod sender;
#[path = "../cli/tool_config.rs"]
mod tool_config;

fn main() -> ExitCode {
    flood::run(std::env::args_os().skip(1))
}
