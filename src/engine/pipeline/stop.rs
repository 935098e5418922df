//! Stops inputs, filters and outputs, in this order and within a deadline.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::{Pipeline, ReaderTask};
use crate::runner::inlet::Live;

/// How long a plugin may take after it was told to end at once.
pub(super) const LAST_GRACE: Duration = Duration::from_secs(2);

impl Pipeline {
    /// Stops everything. What is not delivered by `deadline` stays queued.
    pub fn stop(mut self, deadline: Instant) {
        self.shared.shutdown.begin();
        self.stop_inputs(deadline);
        self.announce_decoders();
        let mut filters = std::mem::take(&mut self.filters);
        filters.extend(self.shared.catalog.filters.close());
        self.stop_readers("filter", &filters, deadline);
        let outputs = std::mem::take(&mut self.outputs);
        self.stop_readers("output", &outputs, deadline);
        for output in &outputs {
            if let Some(encoder) = output.encoder_name.as_ref().filter(|_| output.announces_encoder) {
                self.shared.logger.info(&format!("Stopping encoder '{encoder}'"));
            }
        }
        if let Some((task, stop)) = self.keeper.take() {
            stop.request();
            if !task.wait(Instant::now() + LAST_GRACE) {
                self.shared.logger.error("the cursors could not be saved in time");
            }
        }
        self.shared.queues.input.close();
        self.shared.queues.filter.close();
    }

    fn stop_inputs(&self, deadline: Instant) {
        let logger = &self.shared.logger;
        for input in &self.inputs {
            input.stop.request();
            logger.info(&format!("Stop message sent to input '{}'", input.name));
        }
        for input in &self.inputs {
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

    fn stop_readers(&self, kind: &str, readers: &[ReaderTask], deadline: Instant) {
        let (logger, events) = (&self.shared.logger, &self.shared.queues.events);
        for reader in readers {
            reader.stops.ask_to_drain(events);
            logger.info(&format!("Stop message sent to {kind} '{}'", reader.name));
        }
        for reader in readers {
            let Some(task) = &reader.task else { continue };
            if task.wait(deadline) {
                continue;
            }
            reader.stops.ask_to_end(events);
            if !task.wait(Instant::now() + LAST_GRACE) {
                logger.error(&format!(
                    "Plugin '{}' error: did not stop in time; what it has not delivered stays queued",
                    reader.name
                ));
            }
        }
    }
}
