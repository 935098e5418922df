//! `heka-cat`: counts, shows, filters and extracts messages of a file in Heka's stream format.
#![forbid(unsafe_code)]

use std::process::ExitCode;

#[path = "../cli/cat.rs"]
mod cat;
#[path = "../cli/flags.rs"]
mod flags;

fn main() -> ExitCode {
    cat::run(std::env::args_os().skip(1))
}
