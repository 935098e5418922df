//! Filters read messages and inject new ones.

use heka_message::{Message, MessageView};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::output::FilterDefaults;
use crate::report::ReportRow;
use crate::{ConfigError, Context, PluginError, Record};

/// Why an injection was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InjectError {
    /// The message's loop count would pass `max_message_loops`.
    #[error("exceeded MaxMsgLoops = {0}")]
    MaxMsgLoops(u32),
    /// The message matches the filter's own matcher.
    #[error("attempted to Inject a message to itself")]
    Itself,
    /// hekad is stopping hard.
    #[error("aborted")]
    Aborted,
}

/// Where a filter's new messages go: the filter queue.
pub trait Inject {
    /// A message with uuid, timestamp (now), hostname and pid set, as every message that hekad makes carries them.
    fn new_message(&self) -> Message;
    /// Queues the message. Its loop count is that of the message being processed plus one.
    ///
    /// # Errors
    /// The message is refused; nothing was queued.
    fn inject(&mut self, message: &Message) -> Result<(), InjectError>;
    /// Like [`Inject::inject`] for a serialized message.
    ///
    /// # Errors
    /// The message is refused; nothing was queued.
    fn inject_encoded(&mut self, message: MessageView<'_>) -> Result<(), InjectError>;
    /// Like [`Inject::inject`] for a message that tells of the filter itself and that no other message caused: its loop
    /// count is 1.
    ///
    /// # Errors
    /// The message is refused; nothing was queued.
    fn announce(&mut self, message: &Message) -> Result<(), InjectError> {
        self.inject(message)
    }
}

/// Reads messages in queue order and injects others.
pub trait Filter: Send {
    /// Called once on the filter's own thread before its first message.
    ///
    /// # Errors
    /// The filter does not run.
    fn start(&mut self, inject: &mut dyn Inject) -> Result<(), PluginError> {
        let _ = inject;
        Ok(())
    }

    /// How the names of filters begin that this one loads while hekad runs; `None`: it loads none. The places of such
    /// filters outlive a restart.
    fn loads(&self) -> Option<String> {
        None
    }

    /// Handles one message that the matcher let through.
    ///
    /// # Errors
    /// The filter ends.
    fn process(&mut self, record: &Record<'_>, inject: &mut dyn Inject) -> Result<(), PluginError>;

    /// Called every `ticker_interval` seconds. `now_ns` is nanoseconds since the epoch.
    ///
    /// # Errors
    /// The filter ends.
    fn tick(&mut self, now_ns: i64, inject: &mut dyn Inject) -> Result<(), PluginError>;

    /// Called once when hekad stops or the filter is unloaded; what it injects is still delivered.
    ///
    /// # Errors
    /// The text is logged.
    fn stop(&mut self, now_ns: i64, inject: &mut dyn Inject) -> Result<(), PluginError> {
        let _ = (now_ns, inject);
        Ok(())
    }

    /// Rows for the report.
    fn report(&self) -> Vec<ReportRow> {
        Vec::new()
    }

    /// The state to save together with the filter's place in the queues; `None` for a filter without state.
    fn save(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// Takes up a state that [`Filter::save`] gave before a restart.
    ///
    /// # Errors
    /// The state is not usable; the text is logged and the filter starts afresh.
    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        let _ = state;
        Ok(())
    }
}

/// The constructor side of a filter.
pub trait FilterPlugin: Filter + Sized + 'static {
    /// The options of its section.
    type Config: DeserializeOwned + JsonSchema;
    /// Its `type` in hekad.toml.
    const NAME: &'static str;
    /// Its own defaults of common options.
    const DEFAULTS: FilterDefaults = FilterDefaults::USUAL;

    /// Makes the instance.
    ///
    /// # Errors
    /// An option's value cannot be used.
    fn open(config: Self::Config, context: &Context) -> Result<Self, ConfigError>;
}
