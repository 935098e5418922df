//! The options that all plugins of a kind have. The engine consumes them; `None` is an option that was not given, so that a
//! plugin's own default can stand in.

mod buffering;
mod retries;

use heka_plugin::config::decode_lenient;
use heka_plugin::{ConfigError, InputDefaults, Kind, OutputDefaults, Table, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use self::buffering::{Buffering, FullAction};
pub use self::retries::Retries;

#[derive(Default, Deserialize)]
#[serde(default, rename = "pipeline.CommonConfig")]
struct Common {
    #[serde(rename = "type|Typ")]
    type_name: String,
}

/// Options of every input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename = "pipeline.CommonInputConfig")]
pub struct CommonInput {
    /// Seconds between the input's ticks; 0 is none.
    #[serde(rename = "ticker_interval|Ticker")]
    pub ticker_interval: Option<u64>,
    /// Section of the decoder; "" for none.
    pub decoder: Option<String>,
    /// Section of the splitter; "" for NullSplitter.
    pub splitter: Option<String>,
    /// Whether decoding holds the input up instead of having a thread of its own.
    #[serde(rename = "synchronous_decode|SyncDecode")]
    pub synchronous_decode: Option<bool>,
    /// Whether a message that cannot be decoded is delivered all the same, with the fields `decode_failure` and `decode_error`.
    pub send_decode_failures: Option<bool>,
    /// Whether failures to decode are logged.
    pub log_decode_failures: Option<bool>,
    /// Whether hekad goes on when the input has ended.
    pub can_exit: Option<bool>,
    /// How the input is started again.
    pub retries: Option<Retries>,
}

/// Options of every filter and output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename = "pipeline.CommonFOConfig")]
pub struct CommonFo {
    /// Seconds between the plugin's ticks; 0 is none.
    #[serde(rename = "ticker_interval|Ticker")]
    pub ticker_interval: Option<u64>,
    /// Which messages the plugin gets.
    #[serde(rename = "message_matcher|Matcher")]
    pub message_matcher: Option<String>,
    /// Name of the signer whose messages the plugin gets; "" for all.
    #[serde(rename = "message_signer|Signer")]
    pub message_signer: Option<String>,
    /// Whether hekad goes on when the plugin has ended.
    pub can_exit: Option<bool>,
    /// How the plugin is started again.
    pub retries: Option<Retries>,
    /// Section of the encoder. Used by outputs only.
    pub encoder: Option<String>,
    /// Whether each record is framed as in a Heka stream. Used by outputs only.
    pub use_framing: Option<bool>,
    /// Whether the plugin has a lag limit of its own.
    pub use_buffering: Option<bool>,
    /// The lag limit.
    pub buffering: Option<Buffering>,
}

/// Options of every splitter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename = "pipeline.CommonSplitterConfig")]
pub struct CommonSplitter {
    /// Whether the first part of a record that is too long is delivered instead of nothing.
    pub keep_truncated: Option<bool>,
    /// Whether a record is a serialized message for the decoder and not a payload.
    #[serde(rename = "use_message_bytes|UseMsgBytes")]
    pub use_message_bytes: Option<bool>,
    /// Bytes of the read buffer; 0 for the splitter's default.
    #[serde(rename = "min_buffer_size|BufferSize")]
    pub min_buffer_size: Option<u64>,
    /// Whether an unfinished record at the end of the stream is delivered.
    #[serde(rename = "deliver_incomplete_final|IncompleteFinal")]
    pub deliver_incomplete_final: Option<bool>,
}

/// The options of a section.
///
/// # Errors
/// The section is no table.
pub fn section_table(value: &Value) -> Result<&Table, ConfigError> {
    match value {
        Value::Table(table) => Ok(table),
        other => Err(ConfigError::Mismatch {
            text: format!(
                "Type mismatch for pipeline.CommonConfig. Expected map but found '{}'.",
                other.go_type()
            ),
            key: String::new(),
            line: 0,
        }),
    }
}

/// A section's `type`; `None` if it is not given or empty.
///
/// # Errors
/// It is no string.
pub fn type_name(table: &Table) -> Result<Option<String>, ConfigError> {
    let common: Common = decode_lenient(table)?;
    Ok(Some(common.type_name).filter(|name| !name.is_empty()))
}

impl CommonInput {
    /// Reads the options of the section `name`.
    ///
    /// # Errors
    /// A value of the wrong type; the text begins with `can't decode common input config for`.
    pub fn decode(name: &str, table: &Table) -> Result<CommonInput, ConfigError> {
        decode("input", name, table)
    }

    /// Section of the splitter that the input uses.
    pub fn splitter_section<'a>(&'a self, defaults: &InputDefaults) -> &'a str {
        match self.splitter.as_deref() {
            Some("") => "NullSplitter",
            Some(section) => section,
            None => defaults.splitter,
        }
    }

    /// Section of the decoder that the input uses; "" for none.
    pub fn decoder_section<'a>(&'a self, defaults: &InputDefaults) -> &'a str {
        self.decoder.as_deref().unwrap_or(defaults.decoder)
    }
}

impl CommonFo {
    /// Reads the options of the section `name` of a filter or an output.
    ///
    /// # Errors
    /// A value of the wrong type; the text begins with `can't decode common filter config for`, or `output`.
    pub fn decode(kind: Kind, name: &str, table: &Table) -> Result<CommonFo, ConfigError> {
        decode(if kind == Kind::Filter { "filter" } else { "output" }, name, table)
    }

    /// Section of the encoder that an output uses; "" for none.
    pub fn encoder_section<'a>(&'a self, defaults: &OutputDefaults) -> &'a str {
        self.encoder.as_deref().or(defaults.encoder).unwrap_or_default()
    }
}

impl CommonSplitter {
    /// Reads the options of the section `name`.
    ///
    /// # Errors
    /// A value of the wrong type; the text begins with `can't decode common splitter config for`.
    pub fn decode(name: &str, table: &Table) -> Result<CommonSplitter, ConfigError> {
        decode("splitter", name, table)
    }
}

fn decode<C: DeserializeOwned>(kind: &str, name: &str, table: &Table) -> Result<C, ConfigError> {
    decode_lenient(table).map_err(|error| match error {
        ConfigError::Mismatch { text, key, line } => ConfigError::Mismatch {
            text: format!("can't decode common {kind} config for '{name}': {text}"),
            key,
            line,
        },
        other => other,
    })
}

#[cfg(test)]
mod tests;
