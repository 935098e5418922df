//! `heka-inject`: sends one message to a running hekad.
#![forbid(unsafe_code)]

use std::process::ExitCode;

#[path = "../cli/flags.rs"]
mod flags;
#[path = "../cli/inject.rs"]
mod inject;
#[path = "../cli/origin.rs"]
mod origin;
#[path = "../cli/sender.rs"]
mod sender;

fn main() -> ExitCode {
    inject::run(std::env::args_os().skip(1))
}
