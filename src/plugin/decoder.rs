//! Decoders make a message of a record.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::report::ReportRow;
use crate::{ConfigError, Context, Pack};

/// What became of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decode {
    /// The pack goes on, and after it those pushed to `extra`.
    Done,
    /// Nothing goes on, and that is no error. A MultiDecoder counts it as "did not match".
    Nothing,
}

/// Why a pack was not decoded. The pack keeps whatever was changed in it.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// This record failed; `send_decode_failures` and `log_decode_failures` say what happens with it.
    #[error("{0}")]
    Failed(String),
    /// The decoder cannot go on: hekad stops with exit code 1. What was pushed to `extra`, and the pack if
    /// `pack_is_done`, is delivered all the same.
    #[error("{why}")]
    Fatal {
        /// The text to log.
        why: String,
        /// The pack was finished before the failure.
        pack_is_done: bool,
    },
}

/// Makes a message of a record. One instance serves one stream.
pub trait Decoder: Send {
    /// Decodes `pack` in place. Further messages made of the same record are pushed to `extra`.
    ///
    /// # Errors
    /// See [`DecodeError`].
    fn decode(&mut self, pack: &mut Pack, extra: &mut Vec<Pack>) -> Result<Decode, DecodeError>;

    /// Called once when the stream ends: preserve state, free resources. An error is logged.
    ///
    /// # Errors
    /// The text to log.
    fn stop(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Rows for the report.
    fn report(&self) -> Vec<ReportRow> {
        Vec::new()
    }

    /// Texts to log as this decoder's errors, gathered since the last call (timestamps that could not be read, ...).
    fn take_log(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// The constructor side of a decoder.
pub trait DecoderPlugin: Decoder + Sized + 'static {
    /// The options of its section.
    type Config: DeserializeOwned + JsonSchema;
    /// Its `type` in hekad.toml.
    const NAME: &'static str;

    /// Makes an instance for one stream. `context.name` is the runner's name, `<input>-<decoder>[-<token>]`.
    ///
    /// # Errors
    /// An option's value cannot be used.
    fn open(config: Self::Config, context: &Context) -> Result<Self, ConfigError>;
}
