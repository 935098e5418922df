//! How far readers may lag, and which of them start beyond that.

use std::sync::PoisonError;

use super::Shared;
use crate::config::FullAction;
use crate::loader::ReaderOptions;

/// How many bytes a reader may lag, 0 for no limit, and what happens beyond.
pub(super) fn limit(options: &ReaderOptions, shared: &Shared) -> (u64, FullAction) {
    match &options.buffering {
        Some(buffering) => {
            (buffering.limit().unwrap_or(0), buffering.action().unwrap_or(FullAction::Shutdown))
        }
        None => (shared.queue_max_size_bytes, FullAction::Block),
    }
}

/// Sees to those readers that start with too much before them; inputs are held back for them from the start.
pub(super) fn relief<'a>(readers: impl Iterator<Item = &'a ReaderOptions>, shared: &Shared) {
    let mut relief = shared.relief.lock().unwrap_or_else(PoisonError::into_inner);
    for reader in readers.filter(|reader| reader.buffering.is_some()) {
        let (limit_bytes, full_action) = limit(reader, shared);
        let lag = shared.queues.whole_lag_bytes(&reader.name, shared.queues.start_of(&reader.name, false));
        let looks = shared.full_buffer_max_retries;
        relief.add(&reader.name, limit_bytes, full_action, lag, looks, &shared.logger);
    }
    if relief.is_pending() {
        shared.gate.set_closed(true);
    }
}
