//! Runs the programs that a folder's files describe.

mod scan;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use heka_plugin::child_input::RemakeInput;
use heka_plugin::input::InputPlugin;
use heka_plugin::{
    ChildInput, ConfigError, Context, Inlet, Input, InputDefaults, Kind, PluginDef, PluginError,
    RunningInput, Stop, Table, config, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::scan::{Program, scan};
use super::input::ProcessInput;
use crate::ticks::Ticks;

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<ProcessDirectoryInput>();

/// How long an input may take to end. Its programs are killed at once.
const END_GRACE: Duration = Duration::from_secs(5);

/// Runs the programs that files in a folder name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "process.ProcessDirectoryInputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// The folder. A relative path starts at `share_dir`.
    pub process_dir: String,
}

impl Default for Config {
    fn default() -> Config {
        Config { process_dir: "processes".into() }
    }
}

/// Runs a ProcessInput for each file `SECONDS/NAME.toml` of a folder. The file has a section `[ProcessInput]`; its
/// `ticker_interval` is the name of the folder it lies in, and its name in messages is the file's path. The folder is
/// looked through at the start and every `ticker_interval` seconds: new files are started, changed ones started anew, and
/// what is gone is stopped.
pub struct ProcessDirectoryInput {
    folder: PathBuf,
    context: Context,
    /// What is wrong with files, as it was said last.
    problems: Vec<String>,
    running: Vec<Running>,
}

/// A file's input.
struct Running {
    program: Program,
    stop: Stop,
    task: Box<dyn RunningInput>,
}

impl Running {
    /// Waits for its end after it was asked to stop.
    fn end(self, deadline: Instant, inlet: &dyn Inlet) {
        if !self.task.wait(deadline) {
            inlet.log_error(&format!("'{}' did not stop in time", self.program.path));
        }
    }
}

impl InputPlugin for ProcessDirectoryInput {
    type Config = Config;
    const NAME: &'static str = "ProcessDirectoryInput";
    const DEFAULTS: InputDefaults =
        InputDefaults { ticker_interval_s: 300, restarts: true, ..InputDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<ProcessDirectoryInput, ConfigError> {
        // As Go joins paths: a folder named with a slash at its end has the same files.
        let folder = context.globals.in_share_dir(&config.process_dir).components().collect();
        Ok(ProcessDirectoryInput { folder, context: context.clone(), problems: vec![], running: vec![] })
    }
}

impl Input for ProcessDirectoryInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let mut ticks = Ticks::new(inlet.ticker_interval_s());
        loop {
            self.look(inlet);
            if !ticks.wait(stop) {
                break;
            }
        }
        self.running.iter().for_each(|running| running.stop.request());
        let deadline = Instant::now() + END_GRACE;
        self.running.drain(..).for_each(|running| running.end(deadline, inlet));
        Ok(())
    }
}

impl Drop for ProcessDirectoryInput {
    /// Nothing goes on after a panic.
    fn drop(&mut self) {
        self.running.iter().for_each(|running| running.stop.request());
    }
}

impl ProcessDirectoryInput {
    /// Makes what runs agree with what is in the folder.
    fn look(&mut self, inlet: &dyn Inlet) {
        let mut problems = Vec::new();
        let programs = scan(&self.folder, self.context.filters.as_ref(), &mut problems);
        let (kept, gone): (Vec<_>, Vec<_>) =
            self.running.drain(..).partition(|running| programs.contains(&running.program));
        self.running = kept;
        gone.iter().for_each(|running| running.stop.request());
        let deadline = Instant::now() + END_GRACE;
        for running in gone {
            let path = running.program.path.clone();
            running.end(deadline, inlet);
            if programs.iter().all(|program| program.path != path) {
                inlet.log_info(&format!("Removed: {path}"));
            }
        }
        for program in programs {
            if self.running.iter().any(|running| running.program == program) {
                continue;
            }
            let path = program.path.clone();
            match self.start(program, inlet) {
                Ok(running) => {
                    self.running.push(running);
                    inlet.log_info(&format!("Added: {path}"));
                }
                Err(why) => problems.push(format!("creating input '{path}': {why}")),
            }
        }
        // What is wrong is said once, not at every look.
        problems.iter().filter(|why| !self.problems.contains(why)).for_each(|why| inlet.log_error(why));
        self.problems = problems;
    }

    fn start(&self, program: Program, inlet: &dyn Inlet) -> Result<Running, String> {
        let Program { path, table } = &program;
        let context = Context { name: path.clone(), section: path.clone(), ..self.context.clone() };
        let input = open(table, &context).map_err(|error| match error {
            ConfigError::UnknownKey { key, .. } => format!("unknown config setting for '{path}': {key}"),
            ConfigError::Init(why) => format!("Initialization failed for '{path}': {why}"),
            other => other.to_string(),
        })?;
        let options = table.clone();
        let remake: RemakeInput = Box::new(move || open(&options, &context));
        let stop = Stop::new();
        let task = inlet.start_child(ChildInput {
            name: path.clone(),
            table: table.clone(),
            defaults: InputDefaults { can_exit: true, ..ProcessInput::DEFAULTS },
            input,
            remake,
            stop: stop.clone(),
        })?;
        Ok(Running { program, stop, task })
    }
}

fn open(table: &Table, context: &Context) -> Result<Box<dyn Input>, ConfigError> {
    let config = config::decode(table, Kind::Input)?;
    Ok(Box::new(ProcessInput::open(config, context)?))
}
