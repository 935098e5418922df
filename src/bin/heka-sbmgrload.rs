//! `heka-sbmgrload`: loads and unloads many counting sandbox filters, to see how many hekad carries.
#![forbid(unsafe_code)]

use std::process::ExitCode;

#[path = "../cli/control.rs"]
mod control;
#[path = "../cli/flags.rs"]
mod flags;
#[path = "../cli/origin.rs"]
mod origin;
#[path = "../cli/sbmgrload.rs"]
mod sbmgrload;
#[path = "../cli/sender.rs"]
mod sender;
#[path = "../cli/tool_config.rs"]
mod tool_config;

fn main() -> ExitCode {
    sbmgrload::run(std::env::args_os().skip(1))
}
