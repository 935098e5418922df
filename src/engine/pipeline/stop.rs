//! Stops inputs, filters, inputs that filters feed, and outputs, in this order and within a deadline.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use heka_fault::fault;

use super::{InputTask, Pipeline, ReaderTask};
use crate::runner::inlet::Live;
use crate::threads::Task;

/// How long a plugin may take after it was told to end at once.
pub(super) const LAST_GRACE: Duration = Duration::from_secs(2);

/// When what is reached, at the latest. Together they keep the whole stop within its timeout, however many plugins hang.
#[derive(Clone, Copy, Debug)]
struct Deadlines {
    /// Inputs that have not stopped are not waited for any longer, and filters are told to end at once.
    inputs: Instant,
    /// Filters that have not ended are given up.
    filters: Instant,
    /// Outputs are told to end at once.
    outputs: Instant,
    /// Whatever has not ended is given up.
    end: Instant,
    /// The cursors are saved; that is fast, but not on a slow disk.
    saved: Instant,
    /// The queues are closed.
    closed: Instant,
}

impl Deadlines {
    fn new(now: Instant, end: Instant) -> Deadlines {
        let timeout = end.saturating_duration_since(now);
        let before_end = |part| end - (timeout / part).min(LAST_GRACE / 4);
        let (saved, closed) = (before_end(30), before_end(60));
        let end = before_end(20);
        let grace = (timeout / 8).min(LAST_GRACE);
        Deadlines {
            inputs: end - 3 * grace,
            filters: end - 2 * grace,
            outputs: end - grace,
            end,
            saved,
            closed,
        }
    }
}

impl Pipeline {
    /// Stops everything. What is not delivered by `deadline` stays queued.
    pub fn stop(mut self, deadline: Instant) {
        self.shared.shutdown.begin();
        let deadlines = Deadlines::new(Instant::now(), deadline);
        let inputs = std::mem::take(&mut self.inputs);
        let (fed_by_filters, inputs): (Vec<_>, Vec<_>) =
            inputs.into_iter().partition(|input| input.outlasts_filters);
        self.stop_inputs(&inputs, deadlines.inputs);
        fault!("inputs-stopped");
        let mut filters = std::mem::take(&mut self.filters);
        filters.extend(self.shared.catalog.filters.close());
        self.stop_readers("filter", &filters, deadlines.inputs, deadlines.filters);
        fault!("filters-stopped");
        self.stop_inputs(&fed_by_filters, deadlines.filters);
        self.announce_decoders();
        let outputs = std::mem::take(&mut self.outputs);
        self.stop_readers("output", &outputs, deadlines.outputs, deadlines.end);
        fault!("outputs-stopped");
        for output in &outputs {
            if let Some(encoder) = output.encoder_name.as_ref().filter(|_| output.announces_encoder) {
                self.shared.logger.info(&format!("Stopping encoder '{encoder}'"));
            }
        }
        if let Some((task, stop)) = self.keeper.take() {
            stop.request();
            if !task.wait(deadlines.saved) {
                self.shared.logger.error("the cursors could not be saved in time");
            }
        }
        self.shared.catalog.board.close();
        self.close_queues(deadlines.closed);
    }

    /// Makes durable what is queued. A disk that hangs is not waited for: what is lost with it was never acknowledged.
    fn close_queues(&self, deadline: Instant) {
        let queues = self.shared.queues.clone();
        let closing = Task::start("closing", move || {
            queues.input.close();
            queues.filter.close();
        });
        let closed = closing.is_ok_and(|task| task.wait(deadline));
        if !closed {
            self.shared.logger.error("the queues could not be synced in time");
        }
    }

    fn stop_inputs(&self, inputs: &[InputTask], deadline: Instant) {
        let logger = &self.shared.logger;
        for input in inputs {
            input.stop.request();
            logger.info(&format!("Stop message sent to input '{}'", input.name));
        }
        for input in inputs {
            let Some(task) = &input.task else { continue };
            if !task.wait(deadline) {
                logger.error(&format!("Input '{}' error: did not stop in time", input.name));
            }
        }
    }

    fn announce_decoders(&self) {
        let logger = &self.shared.logger;
        logger.info("Waiting for decoders shutdown");
        for Live { name, .. } in
            self.shared.live_decoders.lock().unwrap_or_else(PoisonError::into_inner).drain(..)
        {
            logger.info(&format!("Stop message sent to decoder '{name}'"));
            logger.info(&format!("Decoder '{name}': stopped"));
        }
        logger.info("Decoders shutdown complete");
    }

    /// Lets readers finish what is queued until `last_call`, then tells them to end; waits no longer than `end`.
    fn stop_readers(&self, kind: &str, readers: &[ReaderTask], last_call: Instant, end: Instant) {
        let (logger, events) = (&self.shared.logger, &self.shared.queues.events);
        for reader in readers {
            reader.stops.ask_to_drain(events);
            logger.info(&format!("Stop message sent to {kind} '{}'", reader.name));
        }
        let running = || readers.iter().filter_map(|reader| reader.task.as_ref().map(|task| (reader, task)));
        let late: Vec<_> = running().filter(|(_, task)| !task.wait(last_call)).collect();
        for (reader, _) in &late {
            reader.stops.ask_to_end(events);
        }
        for (reader, task) in late {
            if !task.wait(end) {
                logger.error(&format!(
                    "Plugin '{}' error: did not stop in time; what it has not delivered stays queued",
                    reader.name
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_deadlines_lie_within_the_timeout_and_in_order() {
        let now = Instant::now();
        for timeout in
            [Duration::ZERO, Duration::from_millis(1), Duration::from_secs(2), Duration::from_secs(30)]
        {
            let Deadlines { inputs, filters, outputs, end, saved, closed } =
                Deadlines::new(now, now + timeout);
            let in_order = [now, inputs, filters, outputs, end, saved, closed, now + timeout];
            assert!(in_order.is_sorted(), "{in_order:?}");
            assert!(inputs - now >= timeout / 2, "most of the time is for the work itself");
        }
    }
}
