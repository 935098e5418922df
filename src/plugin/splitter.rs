//! Splitters cut an input's bytes into records.

use std::ops::Range;

use bstr::BString;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{ConfigError, Context};

/// What [`Splitter::find`] made of the bytes it was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Bytes from the start that need not be shown again.
    pub consumed: usize,
    /// The record, as a range of the bytes shown. `None`: more bytes are needed (or all were garbage).
    pub record: Option<Range<usize>>,
    /// Something to log as `Splitter 'X' error: ...`.
    pub problem: Option<String>,
}

/// The payload of a framed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unframed {
    /// The message's bytes, as a range of the record.
    pub message: Range<usize>,
    /// Name of the verified signer; empty when unsigned.
    pub signer: BString,
}

/// Options of a splitter section that have a default of their own per plugin.
#[derive(Clone, Copy, Debug)]
pub struct SplitterDefaults {
    /// Size of the read buffer in bytes, `min_buffer_size`.
    pub min_buffer_size: usize,
    /// The record is a serialized message for the decoder, not a payload.
    pub use_message_bytes: bool,
}

impl SplitterDefaults {
    /// What most splitters have.
    pub const USUAL: SplitterDefaults = SplitterDefaults { min_buffer_size: 8192, use_message_bytes: false };
}

/// Cuts bytes into records. One instance serves one stream; the engine owns the buffer.
pub trait Splitter: Send {
    /// Looks for the first record in `bytes`. An empty record with bytes consumed is a record of no bytes, which is skipped.
    fn find(&mut self, bytes: &[u8]) -> Found;

    /// Strips the framing of a record that [`Splitter::find`] gave. `None`: the record is refused (bad signature) and
    /// dropped. Splitters without framing keep the default, which is the record itself.
    fn unframe(&mut self, record: &[u8]) -> Option<Unframed> {
        Some(Unframed { message: 0..record.len(), signer: BString::default() })
    }

    /// Whether a record is simply what one read gave (NullSplitter).
    fn takes_whole_reads(&self) -> bool {
        false
    }
}

/// The constructor side of a splitter.
pub trait SplitterPlugin: Splitter + Sized + 'static {
    /// The options of its section.
    type Config: DeserializeOwned + JsonSchema;
    /// Its `type` in hekad.toml.
    const NAME: &'static str;
    /// Its own defaults of common options.
    const DEFAULTS: SplitterDefaults = SplitterDefaults::USUAL;

    /// Makes an instance.
    ///
    /// # Errors
    /// An option's value cannot be used.
    fn open(config: Self::Config, context: &Context) -> Result<Self, ConfigError>;
}
