//! `hekad`: parse the command line, run, exit code.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

mod cli;

use cli::flags::Flags;

fn main() -> ExitCode {
    if cli::is_command(std::env::args_os().nth(1).as_deref()) {
        return cli::run();
    }
    let flags = Flags::new("hekad")
        .string(
            "config",
            cli::DEFAULT_CONFIG,
            "Config file or directory. If directory is specified then all files in the directory will be loaded.",
        )
        .bool("version", false, "Output version and exit");
    let parsed = match flags.parse(std::env::args_os().skip(1)) {
        Ok(parsed) => parsed,
        Err(exit) => return exit.print(),
    };
    if parsed.bool("version") {
        println!("{}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    let config = Path::new(parsed.string("config"));
    let listen = heka_plugins::dashboard::output::listen_admin;
    let code = heka_engine::daemon::run(config, &heka_plugins::all(), listen);
    // Threads that did not stop in time end here with the process.
    std::process::exit(code)
}
