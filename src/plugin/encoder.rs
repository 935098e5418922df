//! Encoders turn a message into the bytes that an output sends.

use heka_message::MessageView;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::report::ReportRow;
use crate::{ConfigError, Context};

/// What an encoder did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encode {
    /// The bytes were appended to the buffer.
    Done,
    /// This message gives no output; the output skips it.
    Skip,
}

/// The message could not be encoded; it is skipped and the text is logged.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EncodeError(pub String);

/// Turns messages into bytes. One instance serves one output.
pub trait Encoder: Send {
    /// Appends the encoded message to `out`. On an error the caller cuts `out` back.
    ///
    /// # Errors
    /// The message cannot be encoded.
    fn encode(&mut self, message: MessageView<'_>, out: &mut Vec<u8>) -> Result<Encode, EncodeError>;

    /// Rows for the report.
    fn report(&self) -> Vec<ReportRow> {
        Vec::new()
    }

    /// Called once when the output stops. An error is logged.
    ///
    /// # Errors
    /// The text to log.
    fn stop(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// The constructor side of an encoder.
pub trait EncoderPlugin: Encoder + Sized + 'static {
    /// The options of its section.
    type Config: DeserializeOwned + JsonSchema;
    /// Its `type` in hekad.toml.
    const NAME: &'static str;

    /// Makes an instance. `context.name` is `<output>-<encoder>`, `context.section` the encoder's section.
    ///
    /// # Errors
    /// An option's value cannot be used.
    fn open(config: Self::Config, context: &Context) -> Result<Self, ConfigError>;

    /// Whether hekad says `Stopping encoder 'X'` at the end.
    const ANNOUNCES_STOP: bool = false;
}
