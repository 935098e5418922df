//! LogstreamerInput: follows log files through rotation.
//!
//! Files below `log_directory` that match `file_match` are grouped into streams by `differentiator` and ordered by
//! `priority`. One thread reads them all in turns; each stream has its own deliverer and its own journal, which moves only
//! when the queue holds what was delivered.
//!
//! | file | holds |
//! |---|---|
//! | this | the plugin |
//! | `options` | the section's options |
//! | `follow` | the loop over the streams |
//! | `set`, `walk`, `rank` | which files there are, their streams and order |
//! | `start`, `stream` | one stream: its beginning, reading, rotation, journal |
//! | `log_file`, `gzip`, `window` | one open file |
//! | `locate` | finding a position again |
//! | `watch` | waking up when files change |
//! | `journal`, `marks` | the journal file, and positions that wait for their receipts |

mod complaints;
mod follow;
mod gzip;
mod journal;
mod locate;
mod log_file;
mod marks;
mod options;
mod os_error;
mod rank;
mod set;
mod start;
mod stream;
mod walk;
mod watch;
mod window;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use heka_plugin::input::InputPlugin;
use heka_plugin::{ConfigError, Context, Inlet, Input, InputDefaults, Log, PluginDef, PluginError, Stop};

pub use self::journal::read_journal;
pub use self::options::Options;
pub use self::set::{Files, LogstreamSet, Scan, SetOptions};

use self::follow::{Places, Run};
use self::options::Settings;
use self::set::Listing;
use self::start::Start;

/// The row of the registry.
pub static DEF: PluginDef = heka_plugin::registry::input::<LogstreamerInput>();

/// Reads log files.
pub struct LogstreamerInput {
    settings: Settings,
    set: LogstreamSet,
    /// The streams that are there at the start.
    found: BTreeMap<String, (Listing, Start)>,
    /// Directories that cannot be listed, as it was logged.
    unreadable: Vec<String>,
    log: Arc<dyn Log>,
    places: Arc<Places>,
}

impl InputPlugin for LogstreamerInput {
    type Config = Options;
    const NAME: &'static str = "LogstreamerInput";
    const DEFAULTS: InputDefaults = InputDefaults { splitter: "TokenSplitter", ..InputDefaults::USUAL };

    fn open(config: Options, context: &Context) -> Result<LogstreamerInput, ConfigError> {
        let settings = Settings::new(&config, context).map_err(ConfigError::Init)?;
        if !context.only_check {
            journal::ensure_directory(&settings.journal_directory).map_err(ConfigError::Init)?;
        }
        let set = LogstreamSet::new(&settings.set).map_err(ConfigError::Init)?;
        let scan = set.scan_settled();
        let mut found = BTreeMap::new();
        let listings = scan.listings();
        let mut problems = scan.problems;
        for (name, files) in listings {
            match Start::read(&settings.journal_directory, &name, settings.initial_tail, context.log.as_ref())
            {
                Ok(start) => drop(found.insert(name, (files, start))),
                Err(why) => problems.push(why),
            }
        }
        if !problems.is_empty() {
            return Err(ConfigError::Init(problems.join(" :: ")));
        }
        for unreadable in &scan.unreadable {
            context.log.info(unreadable);
        }
        let (log, unreadable) = (context.log.clone(), scan.unreadable);
        Ok(LogstreamerInput { settings, set, found, unreadable, log, places: Arc::default() })
    }
}

impl Input for LogstreamerInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let mut run = Run::new(&self.settings, &self.set, self.log.as_ref(), inlet, stop, &self.places);
        run.set_unreadable(&self.unreadable);
        for (name, (files, start)) in std::mem::take(&mut self.found) {
            run.add(name, files, start).map_err(PluginError::Run)?;
        }
        let result = run.follow();
        run.finish();
        match result {
            // Pushing fails because hekad stops: that is no failure of the input.
            Err(_) if stop.is_requested() => Ok(()),
            other => other,
        }
    }

    fn report(&self) -> Vec<(String, String, &'static str)> {
        follow::rows(&self.places.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
