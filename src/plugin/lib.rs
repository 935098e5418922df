//! All that a plugin may see: the plugin traits, what flows between them, how options are declared and read, and the
//! registry of plugin types.
//!
//! | module | holds |
//! |---|---|
//! | [`pack`] | [`Pack`], the message on its way from an input to the queue |
//! | [`config`] | parsed sections ([`Table`]), strict decoding of options with Heka's error texts |
//! | [`context`] | what the daemon tells an instance about itself: names, directories, hostname, log |
//! | [`input`], [`splitter`], [`decoder`], [`filter`], [`encoder`], [`output`] | one trait each |
//! | [`dynamic`] | [`DynamicFilters`], for a filter that loads others |
//! | [`child_input`] | [`ChildInput`], for an input that starts others |
//! | [`report`] | what plugins tell of themselves |
//! | [`stats`] | statistics on their way into an accumulator |
//! | [`telemetry`] | what hekad can tell of itself |
//! | [`registry`] | [`PluginDef`], the `registry!` macro |
//!
//! A plugin never sees the engine or the queue: what it needs of them is handed in as a trait ([`Inlet`], [`Inject`]).
#![forbid(unsafe_code)]

pub mod child_input;
pub mod config;
pub mod context;
pub mod decoder;
pub mod dynamic;
pub mod encoder;
pub mod error;
pub mod filter;
pub mod fresh_uuid;
pub mod input;
pub mod output;
pub mod pack;
pub mod receipt;
pub mod registry;
pub mod report;
pub mod splitter;
pub mod stats;
pub mod stop;
pub mod telemetry;

pub use child_input::{ChildInput, RunningInput};
pub use config::{ConfigError, Table, Value};
pub use context::{Context, DecoderSource, Globals, Log};
pub use decoder::{Decode, DecodeError, Decoder};
pub use dynamic::DynamicFilters;
pub use encoder::{Encode, EncodeError, Encoder};
pub use error::PluginError;
pub use filter::{Filter, Inject, InjectError};
pub use fresh_uuid::fresh_uuid;
pub use input::{Deliverer, Inlet, Input, InputDefaults, PackInjector, Pushed};
pub use output::{Fate, FilterDefaults, Output, OutputDefaults, Pace, Record, SendError};
pub use pack::Pack;
pub use receipt::{HeldMark, Receipt};
pub use registry::{Build, Kind, PluginDef};
pub use splitter::{Found, Splitter, SplitterDefaults, Unframed};
pub use stats::{Accumulators, Modifier, Stat, StatAccumulator};
pub use stop::Stop;
pub use telemetry::{Tap, Telemetry, Verdict};
