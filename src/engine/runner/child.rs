//! Starts an input that another input made.

use std::sync::Arc;
use std::time::Instant;

use heka_plugin::{ChildInput, RunningInput};

use super::inlet::StreamInlet;
use super::input::InputRunner;
use super::retry::Retry;
use crate::admin::roster::InputCounters;
use crate::config::CommonInput;
use crate::desk::Desk;
use crate::threads::Task;

struct Child(Task);

impl RunningInput for Child {
    fn wait(&self, deadline: Instant) -> bool {
        self.0.wait(deadline)
    }
}

/// Starts `child`, which sees the engine as `parent` does.
///
/// # Errors
/// An option that every input has cannot be used, or the system has no thread left.
pub(super) fn start(parent: &StreamInlet, child: ChildInput) -> Result<Box<dyn RunningInput>, String> {
    let ChildInput { name, table, defaults, input, remake, stop } = child;
    let common = CommonInput::decode(&name, &table).map_err(|error| error.to_string())?;
    let can_exit = common.can_exit.unwrap_or(defaults.can_exit);
    let retry = Retry::new(common.retries.clone().unwrap_or_default());
    let inlet = StreamInlet {
        log: parent.logger.source("Input", &name),
        name: name.clone(),
        common,
        defaults,
        catalog: parent.catalog.clone(),
        globals: parent.globals.clone(),
        queues: parent.queues.clone(),
        gate: parent.gate.clone(),
        stop: stop.clone(),
        shutdown: parent.shutdown.clone(),
        logger: parent.logger.clone(),
        live_decoders: parent.live_decoders.clone(),
        live_splitters: parent.live_splitters.clone(),
        desk: Desk::default(),
        counters: Arc::new(InputCounters::default()),
    };
    inlet.check()?;
    let shutdown = parent.shutdown.clone();
    let task = Task::start(&name, move || {
        InputRunner { input, inlet, retry, remake }.run();
        if !can_exit && !stop.is_requested() && !shutdown.has_begun() {
            shutdown.request(1);
        }
    });
    Ok(Box::new(Child(task.map_err(|error| error.to_string())?)))
}
