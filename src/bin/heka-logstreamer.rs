//! `heka-logstreamer`: shows which files the LogstreamerInputs of a configuration would read, and in which order.
#![forbid(unsafe_code)]

use std::process::ExitCode;

#[path = "../cli/flags.rs"]
mod flags;
#[path = "../cli/logstreamer.rs"]
mod logstreamer;
#[path = "../cli/tool_config.rs"]
mod tool_config;

fn main() -> ExitCode {
    logstreamer::run(std::env::args_os().skip(1))
}
