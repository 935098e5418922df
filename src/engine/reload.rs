//! SIGHUP: takes up a new configuration while hekad runs, whole or not at all.
//!
//! | module | holds |
//! |---|---|
//! | [`prints`] | what tells a section that is as it was from one that has changed |
//! | [`files`] | the files that count for that |
//! | [`changes`] | what differs between two configurations |
//! | [`options`] | which options of `[hekad]` can change while it runs |
//! | [`wakes`] | what wakes the main thread, and what of it waits until a reload is done |

mod changes;
mod files;
mod options;
mod prints;
mod wakes;

use std::path::Path;
use std::time::{Duration, Instant};

use heka_plugin::PluginDef;

pub use self::changes::{Changes, Names};
pub use self::prints::{Print, Prints};
pub(crate) use self::wakes::Wakes;
use crate::config::{self, LoadError, Loaded};
use crate::loader::{self, Draft, Problem};
use crate::log::Logger;
use crate::pipeline::{Patience, Pipeline, Swap};
use crate::shutdown::Shutdown;

/// A plugin that came with a reload and ends hekad within this time was no good: hekad goes back instead.
const TRIAL: Duration = Duration::from_secs(10);

/// A configuration that runs, or did.
pub(crate) struct Running {
    /// What stands in its files.
    pub(crate) loaded: Loaded,
    /// What was made of that.
    pub(crate) draft: Draft,
    /// What its plugins were made of.
    pub(crate) prints: Prints,
}

/// Reloads one daemon.
pub(crate) struct Reloader<'a> {
    /// Where the configuration lies.
    pub(crate) path: &'a Path,
    /// All plugin types.
    pub(crate) defs: &'a [&'static PluginDef],
    /// The log.
    pub(crate) logger: &'a Logger,
    /// Ends hekad.
    pub(crate) shutdown: Shutdown,
    /// The configuration that runs.
    pub(crate) running: Running,
    /// The one before, as long as hekad may go back to it.
    pub(crate) before: Option<Running>,
    /// Counts the configurations that were taken up.
    pub(crate) number: u64,
    /// The one that was undone last.
    pub(crate) undone: Option<u64>,
}

impl Reloader<'_> {
    /// Reads the configuration and takes it up. Returns whether it is another one.
    pub(crate) fn reload(&mut self, pipeline: &mut Pipeline, wakes: &mut Wakes) -> bool {
        let new = match self.read() {
            Ok(Some(new)) => new,
            Ok(None) => {
                self.logger.info("The configuration has not changed.");
                return false;
            }
            Err(problems) => {
                self.refused(&problems);
                return true;
            }
        };
        let changes = Changes::between(&self.running.prints, &new.prints);
        let number = self.number + 1;
        let swap = Swap {
            changes: &changes,
            from: &self.running.draft,
            to: &new.draft,
            shutdown: self.shutdown.on_trial(number, Instant::now() + TRIAL),
        };
        match pipeline.swap(swap, &mut Patience(&mut || wakes.is_ending())) {
            Ok(()) => {
                self.number = number;
                self.logger.set_flags(new.loaded.hekad.log_flags);
                self.before = Some(std::mem::replace(&mut self.running, new));
                self.logger.info(&format!("New configuration: {changes}."));
            }
            Err(failed) => {
                self.refused(&failed.why);
                self.renew_prints();
                self.lost(&failed.lost);
            }
        }
        true
    }

    /// A plugin that came with the reload of this number would end hekad: goes back to the configuration before. Returns
    /// false if there is none, so that hekad is to end.
    pub(crate) fn undo(&mut self, number: u64, pipeline: &mut Pipeline, wakes: &mut Wakes) -> bool {
        if self.undone == Some(number) {
            return true;
        }
        // After another reload there is no configuration without that plugin.
        let Some(before) = self.before.take_if(|_| number == self.number) else { return false };
        self.undone = Some(number);
        self.logger.error("A plugin of the new configuration failed at once: back to the one before.");
        let changes = Changes::between(&self.running.prints, &before.prints);
        let (from, to) = (&self.running.draft, &before.draft);
        let swap = Swap { changes: &changes, from, to, shutdown: self.shutdown.clone() };
        let swapped = pipeline.swap(swap, &mut Patience(&mut || wakes.is_ending()));
        self.logger.set_flags(before.loaded.hekad.log_flags);
        self.running = before;
        self.renew_prints();
        match swapped {
            Ok(()) => self.logger.info(&format!("The configuration before: {changes}.")),
            Err(failed) => {
                let lost: Vec<String> = failed.why.into_iter().chain(failed.lost).collect();
                self.lost(&lost);
            }
        }
        true
    }

    /// How long a stop may take.
    pub(crate) fn shutdown_timeout(&self) -> Option<Duration> {
        self.running.loaded.hekad.shutdown_timeout()
    }

    /// Reads and checks the configuration; `None` if it is the one that runs.
    fn read(&self) -> Result<Option<Running>, Vec<String>> {
        let (loaded, errors) =
            config::load_all(self.path).map_err(|error| vec![format!("Error reading config:  {error}")])?;
        if !errors.is_empty() {
            return Err(errors.iter().map(unreadable).collect());
        }
        loaded.hekad.check().map_err(|why| vec![why])?;
        options::check(&self.running.loaded, &loaded).map_err(|why| vec![why])?;
        let globals = self.running.draft.catalog.globals();
        // Before anything is made of them: files may change in between, which the next reload sees then.
        if loaded == self.running.loaded
            && Prints::of(&self.running.draft.sections, globals) == self.running.prints
        {
            return Ok(None);
        }
        let checked = loader::check(&loaded.files, self.defs, globals);
        let problems: Vec<String> = checked.problems.iter().chain(&checked.at_start).map(line).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let prints = Prints::of(&checked.sections, globals);
        let draft = Draft::of(checked.sections, &self.running.draft.catalog);
        Ok(Some(Running { loaded, draft, prints }))
    }

    /// Plugins were made anew, with files as they are now.
    fn renew_prints(&mut self) {
        let draft = &self.running.draft;
        self.running.prints = Prints::of(&draft.sections, draft.catalog.globals());
    }

    fn refused(&self, problems: &[String]) {
        let mut text =
            String::from("The new configuration is refused, hekad goes on with the one that it has:");
        for problem in problems {
            text += "\n  ";
            text += problem.trim_end();
        }
        self.logger.error(&text);
    }

    /// Without these the configuration is not whole: hekad ends, as it would not have started.
    fn lost(&self, lost: &[String]) {
        for why in lost {
            self.logger.error(why);
        }
        if !lost.is_empty() {
            self.logger
                .error("A plugin that had ended for the reload cannot be started again, shutting down.");
            self.shutdown.request(1);
        }
    }
}

fn unreadable(error: &LoadError) -> String {
    let place = error.place().map(|place| format!("{}:{}: ", place.file.display(), place.line));
    format!("{}{error}", place.unwrap_or_default())
}

fn line(problem: &Problem) -> String {
    let Problem { text, file, line, section, option } = problem;
    if file.as_os_str().is_empty() {
        return text.clone();
    }
    let option = option.as_ref().map(|option| format!(", option `{option}`")).unwrap_or_default();
    format!("{}:{line}: section [{section}]{option}: {text}", file.display())
}
