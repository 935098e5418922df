//! Filters that come and go while hekad runs.

use crate::Table;

/// What a filter that manages others sees of the daemon.
pub trait DynamicFilters: Send + Sync {
    /// The sections of a configuration's text, in its order.
    ///
    /// # Errors
    /// The text is no configuration.
    fn parse(&self, text: &str) -> Result<Vec<(String, Table)>, String>;

    /// Whether a filter of this name runs, loaded here or configured.
    fn is_running(&self, name: &str) -> bool;

    /// How many of the filters that were loaded here, and whose names begin so, still run.
    fn count(&self, prefix: &str) -> usize;

    /// Makes a filter of a section's options and starts it. With `fresh` it begins with the messages that are queued from
    /// now on, whatever a filter of its name had left; else where that one was.
    ///
    /// While hekad stops nothing is started, which is no error.
    ///
    /// # Errors
    /// The options are wrong; the text is Heka's.
    fn load(&self, name: &str, table: &Table, fresh: bool) -> Result<(), String>;

    /// Ends a filter that was loaded here, once it has dealt with what is queued, and forgets its place. Returns whether
    /// there was one.
    fn unload(&self, name: &str) -> bool;

    /// Forgets the places of filters whose names begin so and which do not run.
    fn forget_others(&self, prefix: &str);
}

/// Nothing can be loaded: for tests of plugins.
pub(crate) struct NoDynamicFilters;

impl DynamicFilters for NoDynamicFilters {
    fn parse(&self, _: &str) -> Result<Vec<(String, Table)>, String> {
        Ok(Vec::new())
    }

    fn is_running(&self, _: &str) -> bool {
        false
    }

    fn count(&self, _: &str) -> usize {
        0
    }

    fn load(&self, _: &str, _: &Table, _: bool) -> Result<(), String> {
        Err("nothing can be loaded here".into())
    }

    fn unload(&self, _: &str) -> bool {
        false
    }

    fn forget_others(&self, _: &str) {}
}
