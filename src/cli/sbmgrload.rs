//! What `heka-sbmgrload` does: tells a SandboxManagerFilter to load or unload many filters that count the messages of
//! `heka-flood`.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use heka_engine::log::Logger;

use crate::control::{Control, Request};
use crate::flags::Flags;

/// The filter: each second it tells how many messages it got, and each tenth time the extremes and mean of these rates.
const SCRIPT: &[u8] = include_bytes!("sbmgrload/counter.lua");

/// Runs with the arguments that follow the program's name.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let flags = Flags::new("heka-sbmgrload")
        .string("config", "sbmgrload.toml", "Sandbox manager load configuration file")
        .string("action", "load", "load/unload")
        .int("num", 1, "Number of sandboxes to load/unload");
    let parsed = match flags.parse(args) {
        Ok(parsed) => parsed,
        Err(exit) => return exit.print(),
    };
    let logger = Logger::default();
    let mut control = match Control::open(Path::new(parsed.string("config")), &logger) {
        Ok(control) => control,
        Err(none) => {
            logger.error(&none.text);
            return ExitCode::from(none.exit_code);
        }
    };
    let names = (0..parsed.int("num")).map(|number| format!("CounterSandbox{number}"));
    match parsed.string("action") {
        "load" => names.for_each(|name| {
            let config = section(&name);
            control.send(&Request::Load { script: SCRIPT, config: config.as_bytes() });
        }),
        "unload" => names.for_each(|name| control.send(&Request::Unload { name: &name })),
        action => logger.error(&format!("Invalid action: {action}")),
    }
    control.close();
    ExitCode::SUCCESS
}

/// The configuration of one filter.
fn section(name: &str) -> String {
    format!(
        "[{name}]\ntype = \"SandboxFilter\"\nfilename = \"\"\nmessage_matcher = \"Type == 'hekabench'\"\n\
         ticker_interval = 1\npreserve_data = true\n"
    )
}
