//! What `heka-sbmgr` does: tells a SandboxManagerFilter to load or unload one filter.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use heka_engine::log::Logger;
use heka_message::golang::os_error::path_error;

use crate::control::{Control, Request};
use crate::flags::{Flags, Parsed};

fn flags() -> Flags {
    Flags::new("heka-sbmgr")
        .string("config", "sbmgr.toml", "Sandbox manager configuration file")
        .string("script", "xyz.lua", "Sandbox script file")
        .string("scriptconfig", "xyz.toml", "Sandbox script configuration file")
        .string("filtername", "filter", "Sandbox filter name (used on unload)")
        .string("action", "load", "Sandbox manager action")
}

/// Runs with the arguments that follow the program's name.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = match flags().parse(args) {
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
    if let Err(text) = send(&parsed, &mut control, &logger) {
        logger.error(&text);
    }
    control.close();
    ExitCode::SUCCESS
}

/// Sends what the flags say. As in Heka an unknown action is sent too, though no manager knows it.
fn send(parsed: &Parsed, control: &mut Control, logger: &Logger) -> Result<(), String> {
    match parsed.string("action") {
        "load" => {
            let script = read("scriptFile", parsed.string("script"))?;
            let config = read("scriptConfig", parsed.string("scriptconfig"))?;
            control.send(&Request::Load { script: &script, config: &config });
        }
        "unload" => control.send(&Request::Unload { name: parsed.string("filtername") }),
        action => {
            logger.error(&format!("Invalid action: {action}"));
            control.send(&Request::Other { action });
        }
    }
    Ok(())
}

fn read(what: &str, path: &str) -> Result<Vec<u8>, String> {
    let call = if Path::new(path).is_dir() { "read" } else { "open" };
    std::fs::read(path).map_err(|error| format!("Error reading {what}: {}", path_error(call, path, &error)))
}
