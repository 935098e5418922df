//! How a stream starts.

use std::path::Path;
use std::time::SystemTime;

use heka_plugin::Log;

use super::journal::{self, Journal, Loaded};
use super::stream::Begin;

/// Where a stream begins, and its journal.
pub(super) struct Start {
    pub(super) journal: Journal,
    pub(super) begin: Begin,
}

impl Start {
    /// Reads a stream's journal. Where there is none `tail` decides.
    pub(super) fn read(directory: &Path, stream: &str, tail: bool, log: &dyn Log) -> Result<Start, String> {
        let mut journal = Journal::new(directory, stream);
        let begin = match journal::load(journal.path())? {
            Loaded::Absent if tail => Begin::Tail,
            Loaded::Absent => Begin::Oldest,
            Loaded::Torn(why) => {
                log.error(&why);
                Begin::Oldest
            }
            Loaded::Found(position, _) if position.file.as_os_str().is_empty() => Begin::Oldest,
            Loaded::Found(position, saved) => {
                journal.set_saved(position.clone());
                Begin::At(position, saved, None)
            }
        };
        let begin = match journal.noted() {
            Some(position) => Begin::At(position, SystemTime::now(), None),
            None => begin,
        };
        Ok(Start { journal, begin })
    }
}
