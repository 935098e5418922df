//! Runs programs and reads what they write.

mod chain;
mod command;
mod stream;

use std::sync::Arc;
use std::time::{Duration, Instant};

use heka_plugin::config::Pairs;
use heka_plugin::input::InputPlugin;
use heka_plugin::{
    ConfigError, Context, Globals, Inlet, Input, InputDefaults, PluginDef, PluginError, Stop, registry,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use schemars::JsonSchema;
use serde::Deserialize;

use self::chain::Chain;
pub use self::command::CommandOptions;
use self::stream::Stream;
use crate::ticks::Ticks;

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<ProcessInput>();

/// Longest wait, and so how late a stop or a timeout is heard.
const WAIT_MAX: Duration = Duration::from_millis(100);
/// First wait for the end of a command whose output has ended; it doubles up to [`WAIT_MAX`].
const WAIT_MIN: Duration = Duration::from_millis(1);
/// How long commands that were killed are read from: something of theirs may have left their group.
const LAST_READS: Duration = Duration::from_secs(1);

/// Runs programs, at every tick or once, and takes what they print.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "process.ProcessInputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// The commands: sub-tables named `0`, `1` and so on. What one writes to its standard output the next one reads.
    pub command: Pairs<CommandOptions>,
    /// Whether the commands are run at once, and not only after the first interval.
    pub immediate_start: bool,
    /// Seconds after which a command is killed with all that it started, counted from the end of the command before it;
    /// 0: never.
    #[serde(rename = "timeout|TimeoutSeconds")]
    pub timeout: u64,
    /// Whether the standard output of the last command is read.
    #[serde(rename = "stdout|ParseStdout")]
    pub stdout: bool,
    /// Whether the standard error of the last command is read.
    #[serde(rename = "stderr|ParseStderr")]
    pub stderr: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { command: Pairs::default(), immediate_start: false, timeout: 0, stdout: true, stderr: false }
    }
}

/// Runs a chain of commands every `ticker_interval` seconds, or once if that is 0, and makes messages of what the last one
/// writes. With NullSplitter the whole output of a run is one message; up to 64 MiB of it are kept in memory.
pub struct ProcessInput {
    name: String,
    commands: Vec<CommandOptions>,
    immediate_start: bool,
    timeout: Option<Duration>,
    stdout: bool,
    stderr: bool,
    globals: Arc<Globals>,
}

impl InputPlugin for ProcessInput {
    type Config = Config;
    const NAME: &'static str = "ProcessInput";
    const DEFAULTS: InputDefaults =
        InputDefaults { ticker_interval_s: 15, restarts: true, ..InputDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<ProcessInput, ConfigError> {
        if config.command.is_empty() {
            return Err(ConfigError::init("No Command Configured"));
        }
        let numbered = |index: usize| {
            config.command.get(&index.to_string()).cloned().ok_or_else(|| {
                let name = &context.name;
                ConfigError::Init(format!("Expected to find a command at index [{name}][{index}]"))
            })
        };
        Ok(ProcessInput {
            name: context.name.clone(),
            commands: (0..config.command.len()).map(numbered).collect::<Result<_, _>>()?,
            immediate_start: config.immediate_start,
            timeout: (config.timeout > 0).then(|| Duration::from_secs(config.timeout)),
            stdout: config.stdout,
            stderr: config.stderr,
            globals: context.globals.clone(),
        })
    }
}

impl Input for ProcessInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let stream = |wanted: bool, which: &str| {
            wanted.then(|| Stream::new(inlet, &self.name, which, &self.globals)).transpose()
        };
        let mut streams = [stream(self.stdout, "stdout")?, stream(self.stderr, "stderr")?];
        let interval_s = inlet.ticker_interval_s();
        let mut ticks = Ticks::new(interval_s);
        let mut at_once = self.immediate_start || interval_s == 0;
        while std::mem::take(&mut at_once) || ticks.wait(stop) {
            match self.run_once(&mut streams, inlet, stop) {
                // What a stop cuts off cannot be delivered.
                Err(_) if stop.is_requested() => return Ok(()),
                result => result?,
            }
            if interval_s == 0 || stop.is_requested() {
                break;
            }
        }
        Ok(())
    }
}

impl ProcessInput {
    /// Runs the commands and delivers what they write, until they have ended or hekad stops.
    fn run_once(
        &self,
        streams: &mut [Option<Stream>; 2],
        inlet: &dyn Inlet,
        stop: &Stop,
    ) -> Result<(), PluginError> {
        let (mut chain, pipes) = Chain::start(&self.commands, self.timeout, self.stdout, self.stderr)
            .map_err(|why| PluginError::Run(format!("CommandChain::Start() error: [{why}]")))?;
        for (stream, pipe) in streams.iter_mut().zip([pipes.stdout, pipes.stderr]) {
            if let Some(stream) = stream {
                stream.begin(pipe);
            }
        }
        let mut wait = WAIT_MIN;
        let mut give_up: Option<Instant> = None;
        loop {
            chain.advance();
            let is_open = streams.iter().flatten().any(|stream| stream.pipe().is_some());
            if chain.has_ended() && !is_open {
                break;
            }
            match give_up {
                None if stop.is_requested() || chain.is_overdue() => {
                    chain.kill();
                    give_up = Some(Instant::now() + LAST_READS);
                }
                Some(end) if Instant::now() >= end => {
                    streams.iter_mut().flatten().for_each(Stream::hang_up);
                    if !chain.has_ended() {
                        // It belongs to another user, or the system does not let it go.
                        return Err(PluginError::run("a command cannot be killed"));
                    }
                }
                _ => {}
            }
            let longest = if is_open { WAIT_MAX } else { wait };
            wait = if is_open { WAIT_MIN } else { (wait * 2).min(WAIT_MAX) };
            read_ready(streams, longest, inlet)?;
            for stream in streams.iter_mut().flatten() {
                if stream.due().is_some_and(|due| due <= Instant::now()) {
                    stream.deliver_held()?;
                }
            }
        }
        let outcome = chain.outcome();
        streams.iter_mut().flatten().try_for_each(|stream| stream.end(&outcome))
    }
}

/// Waits until something can be read, then reads it; not for longer than `longest` or than what is held may be held.
fn read_ready(
    streams: &mut [Option<Stream>; 2],
    longest: Duration,
    inlet: &dyn Inlet,
) -> Result<(), PluginError> {
    let now = Instant::now();
    let due = streams.iter().flatten().filter_map(Stream::due).min();
    let wait = due.map_or(longest, |due| due.saturating_duration_since(now).min(longest));
    let ready: Vec<bool> = {
        let pipes = || streams.iter().map(|stream| stream.as_ref().and_then(Stream::pipe));
        let mut fds: Vec<PollFd<'_>> =
            pipes().flatten().map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
        let time = Timespec::try_from(wait).unwrap_or_default();
        if poll(&mut fds, Some(&time)).is_err() {
            return Ok(());
        }
        let mut polled = fds.iter();
        pipes()
            .map(|pipe| pipe.and_then(|_| polled.next()).is_some_and(|fd| !fd.revents().is_empty()))
            .collect()
    };
    for (stream, _) in streams.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
        if let Some(stream) = stream {
            stream.read(inlet)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
