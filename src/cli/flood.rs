//! What `heka-flood` does: sends messages to hekad as fast as it takes them, or at a given pace, some of them signed,
//! corrupt or too large.
//!
//! | module | holds |
//! |---|---|
//! | `options` | the section of a test |
//! | `messages` | the messages, made once and sent again and again |
//! | `schedule` | which message is due |
//! | `random` | random numbers |
//! | `batch` | messages on their way, sent together where nobody can tell |
//! | `meter` | the line of each second |

#[path = "flood/batch.rs"]
mod batch;
#[path = "flood/messages.rs"]
mod messages;
#[path = "flood/meter.rs"]
mod meter;
#[path = "flood/options.rs"]
mod options;
#[path = "flood/random.rs"]
mod random;
#[path = "flood/schedule.rs"]
mod schedule;

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use heka_engine::log::Logger;
use heka_message::golang::os_error::path_error;
use signal_hook::consts::SIGINT;

use crate::flags::Flags;
use crate::sender::Sender;
use batch::Batch;
use messages::Messages;
use meter::{Counts, Meter};
use options::Test;
use random::Random;
use schedule::Schedule;

/// How late a SIGINT is heard while nothing is sent.
const NAP: Duration = Duration::from_millis(50);

/// Runs with the arguments that follow the program's name.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let flags = Flags::new("heka-flood")
        .string("config", "flood.toml", "Heka Flood configuration file")
        .string("test", "default", "Test section to load");
    let parsed = match flags.parse(args) {
        Ok(parsed) => parsed,
        Err(exit) => return exit.print(),
    };
    if parsed.given() == 0 {
        eprint!("{}", flags.defaults());
        return ExitCode::SUCCESS;
    }
    let logger = Logger::default();
    let test = match Test::read(Path::new(parsed.string("config")), parsed.string("test")) {
        Ok(test) => test,
        Err(text) => {
            logger.error(&text);
            return ExitCode::SUCCESS;
        }
    };
    if let Err(text) = check_profile(&test, &logger) {
        logger.error(&text);
        return ExitCode::FAILURE;
    }
    if let Err(text) = flood(&test, &logger) {
        logger.error(&text);
    }
    ExitCode::SUCCESS
}

/// `pprof_file` is for Go's profiler, which does not exist here. As in Heka one that cannot be created is an error.
fn check_profile(test: &Test, logger: &Logger) -> Result<(), String> {
    if test.pprof_file.is_empty() {
        return Ok(());
    }
    File::create(&test.pprof_file).map_err(|error| path_error("open", &test.pprof_file, &error))?;
    logger.error("pprof_file is without effect: this heka-flood writes no Go profiles");
    Ok(())
}

fn flood(test: &Test, logger: &Logger) -> Result<(), String> {
    let stop = Arc::new(AtomicBool::new(false));
    let sender = connect(test, logger, &stop)?;
    let mut random = Random::default();
    let messages = Messages::make(test, &mut random, logger)?;
    // The first SIGINT asks for an end; a second one ends the program while it waits for a peer that takes nothing.
    signal_hook::flag::register_conditional_shutdown(SIGINT, 1, stop.clone())
        .and_then(|_| signal_hook::flag::register(SIGINT, stop.clone()))
        .map_err(|error| format!("Error catching SIGINT: {error}"))?;
    let counts = Arc::new(Counts::default());
    let meter = Meter::start(counts.clone(), logger.clone());
    let mut run = Run { test, logger, stop, counts, random, schedule: Schedule::new(test), lost: 0 };
    let sender = run.send_all(sender, &messages);
    if let Some(sender) = sender {
        sender.close();
    }
    drop(meter);
    let sent = run.counts.sent();
    let delivered = sent - run.lost;
    logger.info(&format!("Clean shutdown:  {sent}  messages sent;  {delivered}  messages delivered."));
    Ok(())
}

/// Connects; with `reconnect_on_error` tries until it works.
///
/// # Errors
/// There is no connection, and no further attempt is wanted.
fn connect(test: &Test, logger: &Logger, stop: &AtomicBool) -> Result<Sender, String> {
    loop {
        let made = if test.use_tls {
            Sender::dial_tls(&test.sender, &test.ip_address, &test.tls)
        } else {
            Sender::dial(&test.sender, &test.ip_address)
        };
        let text = match made {
            Ok(sender) => return Ok(sender),
            Err(why) => format!("Error creating sender: {why}"),
        };
        if !test.reconnect_on_error {
            return Err(text);
        }
        logger.error(&text);
        logger.info("Attempting to reconnect...");
        wait(test.reconnect_interval(), stop);
        if stop.load(Ordering::Relaxed) {
            return Err("Not connected.".into());
        }
    }
}

/// Waits so long, or until SIGINT.
fn wait(time: Duration, stop: &AtomicBool) {
    let end = Instant::now() + time;
    while !stop.load(Ordering::Relaxed) {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        thread::sleep(left.min(NAP));
    }
}

/// A test that is under way.
struct Run<'a> {
    test: &'a Test,
    logger: &'a Logger,
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
    random: Random,
    schedule: Schedule,
    /// Messages whose sending failed.
    lost: u64,
}

impl Run<'_> {
    /// Sends until the end of the test. Gives the connection, unless it broke.
    fn send_all(&mut self, mut sender: Sender, messages: &Messages) -> Option<Sender> {
        let most = match sender.is_datagram() || self.test.interval().is_some() {
            true => 0,
            false => batch::FULL,
        };
        let mut batch = Batch::default();
        loop {
            let is_over = self.is_over();
            if is_over || batch.len() > most {
                while let Err(unsent) = batch.send(&mut sender) {
                    self.logger.error(&format!("Error sending message: {}", unsent.why));
                    let Some(again) = self.after_failure(&mut batch) else {
                        self.counts.take_back(batch.messages());
                        return None;
                    };
                    sender = again;
                }
            }
            if is_over {
                return Some(sender);
            }
            if let Some(interval) = self.test.interval().filter(|_| self.counts.sent() > 0) {
                wait(interval, &self.stop);
                if self.stop.load(Ordering::Relaxed) {
                    continue;
                }
            }
            let due = self.schedule.next(self.counts.sent());
            let frame = messages.pick(due.kind, &mut self.random);
            batch.add(frame, due.corrupt.then_some(&mut self.random));
            self.counts.add(frame.len());
        }
    }

    fn is_over(&self) -> bool {
        let enough = self.test.num_messages != 0 && self.counts.sent() >= self.test.num_messages;
        enough || self.stop.load(Ordering::Relaxed)
    }

    /// A new connection if one is wanted. The message that failed is given up then; what had not been tried yet stays.
    fn after_failure(&mut self, batch: &mut Batch) -> Option<Sender> {
        if !self.test.reconnect_on_error {
            return None;
        }
        batch.drop_first();
        self.lost += 1;
        self.logger.info("Attempting to reconnect...");
        wait(self.test.reconnect_interval(), &self.stop);
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        match connect(self.test, self.logger, &self.stop) {
            Ok(sender) => Some(sender),
            Err(text) => {
                self.logger.error(&text);
                None
            }
        }
    }
}

#[cfg(test)]
#[path = "flood/tests.rs"]
mod tests;
