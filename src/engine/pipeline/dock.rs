//! Filters that come and go while hekad runs.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use heka_plugin::{DynamicFilters, PluginDef, Table, Value};

use super::filters::{start_filter, state_file};
use super::stop::LAST_GRACE;
use super::{ReaderTask, Shared};
use crate::config::dialect;
use crate::loader::{Section, filter_plan};
use crate::progress::Progress;
use crate::stops::Stops;

/// How long a filter that is unloaded may take for what is queued.
const UNLOAD_GRACE: Duration = Duration::from_secs(5);

/// Where filters are loaded and unloaded.
pub struct FilterDock {
    defs: Vec<&'static PluginDef>,
    /// `None` before hekad runs and once it stops.
    open: Mutex<Option<Open>>,
}

struct Open {
    shared: Shared,
    /// Names of the filters and outputs in the configuration.
    configured: HashSet<String>,
    tasks: Vec<ReaderTask>,
}

impl Open {
    fn runs(&self, name: &str) -> bool {
        self.tasks.iter().any(|task| task.name == name && task.is_running())
    }
}

impl FilterDock {
    /// A dock for plugins of these types; nothing can be loaded yet.
    pub fn new(defs: &[&'static PluginDef]) -> FilterDock {
        FilterDock { defs: defs.to_vec(), open: Mutex::new(None) }
    }

    /// From here on filters can be loaded.
    pub(super) fn open(&self, shared: Shared, configured: HashSet<String>) {
        *self.lock() = Some(Open { shared, configured, tasks: Vec::new() });
    }

    /// A reload has changed the rest.
    pub(super) fn renew(&self, shared: &Shared, configured: HashSet<String>) {
        if let Some(open) = self.lock().as_mut() {
            open.shared = shared.clone();
            open.configured = configured;
        }
    }

    /// Takes out the filters whose names begin so, when who loaded them has ended.
    pub(super) fn take(&self, prefix: &str) -> Vec<ReaderTask> {
        let mut guard = self.lock();
        let Some(open) = guard.as_mut() else { return Vec::new() };
        open.tasks.extract_if(.., |task| task.name.starts_with(prefix)).collect()
    }

    /// From here on nothing is loaded. Returns the filters that are left.
    pub(super) fn close(&self) -> Vec<ReaderTask> {
        self.lock().take().map(|open| open.tasks).unwrap_or_default()
    }

    /// The filters that run: their names, and how they are asked.
    pub(super) fn running(&self) -> Vec<(String, Stops)> {
        let guard = self.lock();
        let tasks = guard.iter().flat_map(|open| &open.tasks).filter(|task| task.is_running());
        tasks.map(|task| (task.name.clone(), task.stops.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shared(&self) -> Option<Shared> {
        self.lock().as_ref().map(|open| open.shared.clone())
    }

    /// The section's type, which is its name unless it says otherwise.
    fn def(&self, name: &str, table: &Table) -> Result<&'static PluginDef, String> {
        let type_name = match table.option("type").map(|entry| &entry.value) {
            Some(Value::String(type_name)) => type_name,
            _ => name,
        };
        let found = self.defs.iter().find(|def| def.name == type_name);
        found.copied().ok_or_else(|| format!("No registered plugin type: {type_name}"))
    }
}

impl DynamicFilters for FilterDock {
    fn parse(&self, text: &str) -> Result<Vec<(String, Table)>, String> {
        let table = dialect::parse(text).map_err(|error| error.to_string())?;
        let section = |entry: heka_plugin::config::Entry| match entry.value {
            Value::Table(table) => Some((entry.key, table)),
            _ => None,
        };
        Ok(table.entries.into_iter().filter_map(section).collect())
    }

    fn is_running(&self, name: &str) -> bool {
        self.lock().as_ref().is_some_and(|open| open.configured.contains(name) || open.runs(name))
    }

    fn count(&self, prefix: &str) -> usize {
        self.running().iter().filter(|(name, _)| name.starts_with(prefix)).count()
    }

    fn load(&self, name: &str, table: &Table, fresh: bool) -> Result<(), String> {
        let Some(shared) = self.shared() else { return Ok(()) };
        let def = self.def(name, table)?;
        let section = Section { name: name.into(), def, table: table.clone(), file: PathBuf::new() };
        let mut plan = filter_plan(&shared.catalog, &section)?;
        plan.reader.can_exit = true;
        plan.reader.dynamic = true;
        let mut guard = self.lock();
        let Some(open) = guard.as_mut() else { return Ok(()) };
        open.tasks.retain(|task| task.name != name);
        forget_entry(&shared, name);
        if fresh {
            forget(&shared, name);
        }
        shared.queues.set_cursor(name, shared.queues.start_of(name, false));
        open.tasks.push(start_filter(&shared, plan));
        Ok(())
    }

    fn unload(&self, name: &str) -> bool {
        let Some(shared) = self.shared() else { return false };
        let task = self.lock().as_mut().and_then(|open| {
            let at = open.tasks.iter().position(|task| task.name == name)?;
            Some(open.tasks.remove(at))
        });
        let Some(task) = task else { return false };
        let events = &shared.queues.events;
        task.stops.ask_to_drain(events);
        if !task.wait(Instant::now() + UNLOAD_GRACE) {
            task.stops.ask_to_end(events);
            task.wait(Instant::now() + LAST_GRACE);
        }
        forget_entry(&shared, name);
        forget(&shared, name);
        true
    }

    fn forget_others(&self, prefix: &str) {
        let guard = self.lock();
        let Some(open) = guard.as_ref() else { return };
        let readers: HashSet<String> =
            open.shared.queues.cursors.all().into_iter().map(|(reader, ..)| reader).collect();
        for reader in readers {
            if reader.starts_with(prefix) && !open.configured.contains(&reader) && !open.runs(&reader) {
                forget(&open.shared, &reader);
            }
        }
    }
}

/// Takes what is left of an ended filter out of the keeper's books.
fn forget_entry(shared: &Shared, name: &str) {
    shared.entries.lock().unwrap_or_else(PoisonError::into_inner).retain(|entry| entry.name != name);
}

/// Forgets a filter's place and the state that goes with it.
fn forget(shared: &Shared, name: &str) {
    shared.queues.forget(name);
    let state = state_file(shared, name).remove();
    if let Err(error) = state.and_then(|()| Progress::remove(&shared.globals.base_dir, name)) {
        shared.logger.error(&format!("what filter '{name}' left cannot be removed: {error}"));
    }
}
