//! Strict decoding of a table into an options struct, by the rules of Heka's TOML library.
//!
//! - An entry belongs to the field whose key it spells exactly, else to one that differs only in letter case.
//! - Numbers are never converted between integers and floats. Integers outside the field's type are refused.
//! - A wrong type is found before an unknown key is; of several wrong entries the first in the file is named.
//! - Unknown keys are looked for in a sub-table only if its key is its field's Go name in another letter case (`[x.tls]`
//!   for `Tls`, but not `[x.message_fields]` for `MessageFields`).
//! - `#[serde(flatten)]` hides the fields from the decoder: do not use it in options.

mod access;
mod failure;
mod go_name;
mod value;

use std::cell::RefCell;

use serde::de::DeserializeOwned;

pub use self::go_name::option_key;

use self::failure::Failure;
use self::value::ValueDecoder;
use super::value::Here;
use super::{ConfigError, Table, Value};
use crate::Kind;

/// Keys that the engine consumes for every plugin of the kind.
fn common_keys(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Decoder | Kind::Encoder => &["type"],
        Kind::Splitter => {
            &["type", "keep_truncated", "use_message_bytes", "min_buffer_size", "deliver_incomplete_final"]
        }
        Kind::Input => &[
            "type",
            "ticker_interval",
            "decoder",
            "splitter",
            "synchronous_decode",
            "send_decode_failures",
            "log_decode_failures",
            "can_exit",
            "retries",
        ],
        Kind::Filter | Kind::Output => &[
            "type",
            "ticker_interval",
            "message_matcher",
            "message_signer",
            "can_exit",
            "retries",
            "encoder",
            "use_framing",
            "use_buffering",
            "buffering",
        ],
    }
}

/// Decodes a plugin's section. Keys that the engine consumes for every plugin of the kind are skipped, unless the struct
/// has them too.
///
/// # Errors
/// An unknown key or a value of the wrong type.
pub fn decode<C: DeserializeOwned>(table: &Table, kind: Kind) -> Result<C, ConfigError> {
    run(Here::Table(table), table.line, Some(common_keys(kind)))
}

/// Decodes any table strictly.
///
/// # Errors
/// An unknown key or a value of the wrong type.
pub fn decode_struct<C: DeserializeOwned>(table: &Table) -> Result<C, ConfigError> {
    run(Here::Table(table), table.line, Some(&[]))
}

/// Decodes any table and lets unknown keys pass: how Heka reads the options that all plugins of a kind have.
///
/// # Errors
/// A value of the wrong type.
pub fn decode_lenient<C: DeserializeOwned>(table: &Table) -> Result<C, ConfigError> {
    run(Here::Table(table), table.line, None)
}

/// Decodes a value, which must be a table, strictly. `line` is where the value stands.
///
/// # Errors
/// An unknown key or a value of the wrong type.
pub fn decode_value<C: DeserializeOwned>(value: &Value, line: u32) -> Result<C, ConfigError> {
    run(Here::Value(value), line, Some(&[]))
}

/// What one decoding knows everywhere.
struct Pass {
    /// Keys that are never unknown.
    known: &'static [&'static str],
    /// The first unknown key and its line.
    unknown: RefCell<Option<(String, u32)>>,
}

impl Pass {
    fn saw_unknown(&self, key: &str, line: u32) {
        let key = key.to_lowercase();
        if !self.known.contains(&key.as_str()) {
            self.unknown.borrow_mut().get_or_insert((key, line));
        }
    }
}

/// `known` are the keys that are not unknown; `None`: nothing is.
fn run<C: DeserializeOwned>(
    value: Here<'_>,
    line: u32,
    known: Option<&'static [&'static str]>,
) -> Result<C, ConfigError> {
    let pass = Pass { known: known.unwrap_or_default(), unknown: RefCell::new(None) };
    let decoded = C::deserialize(ValueDecoder { value, line, pass: &pass, strict: known.is_some() });
    match (decoded, pass.unknown.into_inner()) {
        (Err(Failure::Mismatch { text, path, line: inner }), _) => {
            Err(ConfigError::Mismatch { text, key: path, line: if inner == 0 { line } else { inner } })
        }
        (_, Some((key, line))) => Err(ConfigError::UnknownKey { key, line }),
        (Err(Failure::Missing { key }), None) => {
            Err(ConfigError::Mismatch { text: format!("option '{key}' must be given"), key, line })
        }
        (Ok(options), None) => Ok(options),
    }
}

#[cfg(test)]
mod tests;
