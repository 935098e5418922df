//! What follows when a filter or output ends.

use std::sync::{Arc, PoisonError};

use heka_plugin::{PluginError, Stop};

use super::Shared;
use crate::loader::ReaderOptions;
use crate::runner::append::Appender;
use crate::runner::inject::own_message;
use crate::stops::Stops;

/// What follows when a filter or output ends.
pub(super) struct Ending {
    name: String,
    type_name: &'static str,
    can_exit: bool,
    stops: Stops,
}

impl Ending {
    pub(super) fn of(options: &ReaderOptions, stops: &Stops) -> Ending {
        let (name, type_name, can_exit) = (options.name.clone(), options.type_name, options.can_exit);
        Ending { name, type_name, can_exit, stops: stops.clone() }
    }

    pub(super) fn follow(self, result: Result<(), PluginError>, shared: &Shared) {
        if shared.shutdown.has_begun() || self.stops.is_retired() {
            return;
        }
        let log = shared.logger.source("Plugin", &self.name);
        if !self.can_exit {
            log.info("has stopped, shutting down.");
            shared.shutdown.request(1);
            return;
        }
        log.info("has stopped, exiting plugin without shutting down.");
        let mut stop = Stop::new();
        for entry in shared.entries.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            if entry.name == self.name {
                entry.ended = true;
                stop = entry.stops.drain.clone();
            }
        }
        if let Err(PluginError::Terminated(_)) = result {
            return;
        }
        let error = match &result {
            Err(error) => error.to_string(),
            Ok(()) if self.type_name == "SandboxFilter" => "Filter unloaded.".into(),
            Ok(()) => "Run exited.".into(),
        };
        self.announce(&error, shared, &log, stop);
    }

    /// Queues the `heka.terminated` message; on a full disk waits until `stop`.
    fn announce(&self, error: &str, shared: &Shared, log: &Arc<dyn heka_plugin::Log>, stop: Stop) {
        let mut message = own_message(&shared.globals);
        message.msg_type = Some("heka.terminated".into());
        message.logger = Some("hekad".into());
        message.payload =
            Some(format!("{} (type {}) terminated. Error: {error}", self.name, self.type_name).into());
        message.fields.push(heka_message::Field::string("plugin", "", self.name.as_str()));
        let mut appender = Appender::new(shared.queues.filter.clone(), None, stop, log.clone());
        let queued = appender.add(&mut heka_plugin::Pack::of(message), 1).and_then(|()| appender.append());
        if let Err(error) = queued {
            log.error(&error.to_string());
        }
    }
}
