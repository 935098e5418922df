//! `heka-sbmgr`: loads and unloads sandbox filters of a running hekad.
#![forbid(unsafe_code)]

use std::process::ExitCode;

#[path = "../cli/control.rs"]
mod control;
#[path = "../cli/flags.rs"]
mod flags;
#[path = "../cli/origin.rs"]
mod origin;
#[path = "../cli/sbmgr.rs"]
mod sbmgr;
#[path = "../cli/sender.rs"]
mod sender;
#[path = "../cli/tool_config.rs"]
mod tool_config;

fn main() -> ExitCode {
    sbmgr::run(std::env::args_os().skip(1))
}
