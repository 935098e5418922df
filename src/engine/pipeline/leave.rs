//! Ends the plugins that a reload takes out, while the others go on.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::stop::LAST_GRACE;
use super::{InputTask, Pipeline, ReaderTask};
use crate::place::Place;
use crate::reload::Changes;
use crate::threads::Task;

/// So long the place of one that is removed is kept: longer than a trial and the swap that takes it back.
const UNDO_GRACE: Duration = Duration::from_secs(60);

/// How long an input may take to end. One that waits for its peer hears the stop sooner.
const INPUT_GRACE: Duration = Duration::from_secs(10);
/// How long a filter or output may take for what is queued, or, if it comes back, for the batch in hand.
const READER_GRACE: Duration = Duration::from_secs(5);
/// How often a wait looks whether hekad is to end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits for plugins, until hekad itself is to end.
pub(crate) struct Patience<'a>(pub(crate) &'a mut dyn FnMut() -> bool);

impl Patience<'_> {
    /// Waits until the thread has ended or `grace` has passed since `since`, which is cut short when hekad is to end; says
    /// whether it has ended. `look` is called now and then.
    fn wait(&mut self, task: Option<&Task>, since: Instant, grace: Duration, look: &dyn Fn()) -> bool {
        let Some(task) = task else { return true };
        let mut deadline = since + grace;
        loop {
            let now = Instant::now();
            if (self.0)() {
                deadline = deadline.min(since + LAST_GRACE);
            }
            if task.wait(deadline.min(now + LOOK_EVERY)) {
                return true;
            }
            if now >= deadline {
                return false;
            }
            look();
        }
    }
}

/// A filter or output that leaves.
struct Reader {
    task: ReaderTask,
    /// It does not come back.
    is_removed: bool,
}

/// Plugins that leave.
pub(super) struct Leaving {
    inputs: Vec<InputTask>,
    filters: Vec<Reader>,
    outputs: Vec<Reader>,
}

impl Leaving {
    /// Takes those that leave out of the pipeline; they run on.
    pub(super) fn take(pipeline: &mut Pipeline, changes: &Changes) -> Leaving {
        let leaving: HashSet<&String> = changes.inputs.leaving().collect();
        let inputs = pipeline.inputs.extract_if(.., |task| leaving.contains(&task.name)).collect();
        let readers = |tasks: &mut Vec<ReaderTask>, names: &crate::reload::Names| {
            let leaving: HashSet<&String> = names.leaving().collect();
            let taken = tasks.extract_if(.., |task| leaving.contains(&task.name));
            let reader = |task: ReaderTask| Reader { is_removed: names.removed.contains(&task.name), task };
            taken.map(reader).collect()
        };
        let filters = readers(&mut pipeline.filters, &changes.filters);
        Leaving { inputs, filters, outputs: readers(&mut pipeline.outputs, &changes.outputs) }
    }
}

impl Pipeline {
    /// Ends those that leave in the order of a stop. The place of a reader that is removed is kept a while.
    pub(super) fn end(&self, leaving: Leaving, patience: &mut Patience<'_>) {
        let Leaving { inputs, filters, outputs } = leaving;
        let (fed_by_filters, inputs): (Vec<_>, Vec<_>) =
            inputs.into_iter().partition(|input| input.outlasts_filters);
        self.end_inputs(&inputs, patience);
        self.end_readers("filter", &filters, patience);
        let loaded = self.loaded_by(&filters);
        self.end_readers("filter", &loaded, patience);
        self.end_inputs(&fed_by_filters, patience);
        self.end_readers("output", &outputs, patience);
    }

    /// The filters that were loaded by those that have ended. They come back if who loaded them does.
    fn loaded_by(&self, managers: &[Reader]) -> Vec<Reader> {
        let mut loaded = Vec::new();
        for manager in managers {
            let Some(prefix) = &manager.task.loads else { continue };
            let tasks = self.shared.catalog.filters.take(prefix).into_iter();
            loaded.extend(tasks.map(|task| Reader { task, is_removed: manager.is_removed }));
        }
        loaded
    }

    fn end_inputs(&self, inputs: &[InputTask], patience: &mut Patience<'_>) {
        let logger = &self.shared.logger;
        let since = Instant::now();
        for input in inputs {
            input.stop.request();
            logger.info(&format!("Stop message sent to input '{}'", input.name));
        }
        for input in inputs {
            if !patience.wait(input.task.as_ref(), since, INPUT_GRACE, &|| ()) {
                logger.error(&format!("Input '{}' error: did not stop in time", input.name));
            }
        }
    }

    /// One that comes back ends after the batch in hand; one that does not finishes what is queued.
    fn end_readers(&self, kind: &str, readers: &[Reader], patience: &mut Patience<'_>) {
        let (logger, events) = (&self.shared.logger, &self.shared.queues.events);
        let (since, tail) = (Instant::now(), self.shared.queues.tail());
        for Reader { task, is_removed } in readers {
            task.stops.retire();
            if *is_removed {
                task.stops.ask_to_drain(events);
            } else {
                task.stops.ask_to_leave(events);
            }
            logger.info(&format!("Stop message sent to {kind} '{}'", task.name));
        }
        let mut late = Vec::new();
        for reader in readers {
            let Reader { task, is_removed } = reader;
            // With messages still coming it might never have read up.
            let look = || {
                if *is_removed && self.is_past(&task.name, tail) {
                    task.stops.ask_to_leave(events);
                }
            };
            if !patience.wait(task.task.as_ref(), since, READER_GRACE, &look) {
                task.stops.ask_to_end(events);
                late.push(reader);
            }
        }
        let since = Instant::now();
        for Reader { task, .. } in late {
            if !patience.wait(task.task.as_ref(), since, LAST_GRACE, &|| ()) {
                logger.error(&format!("Plugin '{}' error: did not stop in time", task.name));
            }
        }
        for reader in readers {
            self.close_book(reader, tail);
        }
    }

    /// Whether a reader is done with all before a place.
    fn is_past(&self, name: &str, place: Place) -> bool {
        let entries = self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let at = entries.iter().find(|entry| entry.name == name).map(|entry| entry.place.get());
        at.is_some_and(|at| at.input >= place.input && at.filter >= place.filter)
    }

    /// Takes a reader out of the keeper's books; its place is kept. `tail` is where the queues ended when it was asked to
    /// end.
    fn close_book(&self, reader: &Reader, tail: Place) {
        let (queues, name) = (&self.shared.queues, &reader.task.name);
        let mut left = None;
        self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner).retain_mut(|entry| {
            if entry.name != *name {
                return true;
            }
            let place = entry.place.get();
            queues.set_cursor(name, place);
            if place.input < tail.input || place.filter < tail.filter {
                left = Some(
                    queues.input.bytes_between(place.input, tail.input.max(place.input))
                        + queues.filter.bytes_between(place.filter, tail.filter.max(place.filter)),
                );
            }
            if reader.is_removed {
                entry.ended = true;
                entry.forget_at = Some(Instant::now() + UNDO_GRACE);
            }
            reader.is_removed
        });
        if let Some(bytes) = left.filter(|_| reader.is_removed) {
            self.shared.logger.error(&format!(
                "Plugin '{name}' error: it is removed and had {bytes} bytes of the queues before it: given up, unless it comes back at once"
            ));
        }
    }
}
