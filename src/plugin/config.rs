//! Parsed configuration sections and their strict decoding into a plugin's options.
//!
//! Options are declared as a serde struct. Its name on the Go side appears in error texts, so the struct carries it as
//! `#[serde(rename = "file.FileOutputConfig")]`; a field's Go name is its key in CamelCase unless
//! `#[serde(rename = "es_index_from_timestamp|ESIndexFromTimestamp")]` gives both.
//!
//! A sub-table with free keys is a map, or [`Pairs`] where the order of the file matters; [`Table`] and [`Value`] take what
//! stands there as it is.

mod any;
mod decode;
mod error;
mod handover;
mod raw;
mod value;

pub use any::AnyOptions;
pub use decode::{decode, decode_lenient, decode_struct, decode_value, option_key};
pub use error::ConfigError;
pub use raw::Pairs;
pub use value::{Entry, Table, Value};
