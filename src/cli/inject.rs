//! What `heka-inject` does: makes a message of its flags and sends it.

use std::ffi::OsString;
use std::process::ExitCode;

use heka_engine::log::Logger;
use heka_message::{DEFAULT_MAX_MESSAGE_SIZE, Message, write_frame};

use crate::flags::{Flags, Parsed};
use crate::origin;
use crate::sender::Sender;

fn flags() -> Flags {
    Flags::new("heka-inject")
        .string("heka", "127.0.0.1:5565", "Heka instance to inject message")
        .string("type", "inject.message", "Type of message")
        .string("logger", "Inject Client", "Data source")
        .int("severity", 7, "Syslog severity level")
        .string("payload", "", "Textual data")
        .int("pid", 0, "Process ID generating message")
        .string("hostname", "", "Hostname generating message")
}

/// Runs with the arguments that follow the program's name. As in Heka, nobody listening is no failure and not even said.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let flags = flags();
    let parsed = match flags.parse(args) {
        Ok(parsed) => parsed,
        Err(exit) => return exit.print(),
    };
    if parsed.given() == 0 {
        eprint!("{}", flags.defaults());
        return ExitCode::SUCCESS;
    }
    let Ok(mut sender) = Sender::dial("tcp", parsed.string("heka")) else { return ExitCode::SUCCESS };
    let logger = Logger::default();
    let (mut bytes, mut frame) = (Vec::new(), Vec::new());
    message(&parsed).encode(&mut bytes);
    match write_frame(&bytes, DEFAULT_MAX_MESSAGE_SIZE, &mut frame) {
        Err(why) => logger.error(&format!("Inject: [error] encode message: {why}")),
        Ok(()) => {
            if let Err(unsent) = sender.send(&frame) {
                logger.error(&format!("Inject: [error] send message: {}", unsent.why));
            }
        }
    }
    sender.close();
    ExitCode::SUCCESS
}

fn message(parsed: &Parsed) -> Message {
    let hostname = match parsed.string("hostname") {
        "" => origin::hostname(),
        given => given.to_owned(),
    };
    let own_pid = i64::from(std::process::id());
    let pid = if parsed.int("pid") == 0 { own_pid } else { parsed.int("pid") };
    Message {
        logger: Some(parsed.string("logger").into()),
        // Both are 32 bits wide in a message; as in Heka the upper ones are cut off.
        severity: Some(parsed.int("severity") as i32),
        pid: Some(pid as i32),
        payload: Some(parsed.string("payload").into()),
        ..origin::message(parsed.string("type"), &hostname)
    }
}
