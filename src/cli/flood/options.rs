//! The section of a test.

use std::path::Path;
use std::time::Duration;

use heka_message::DEFAULT_MAX_MESSAGE_SIZE;
use heka_message::golang::parse_duration;
use heka_plugin::config::decode_lenient;
use heka_plugin::{ConfigError, Value};
use heka_plugins::tls::TlsOptions;
use serde::Deserialize;

use crate::tool_config::{self, SignerOptions};

/// Bytes of a message's random part when nothing is said.
const USUAL_SIZE: u64 = 1000;
/// Seconds between attempts to connect when nothing is said.
const USUAL_RECONNECT_S: u64 = 5;

/// The options of a test.
#[derive(Debug, Default, Deserialize)]
#[serde(rename = "main.FloodTest", default)]
pub(super) struct Test {
    /// Messages to send; 0 is without end.
    pub(super) num_messages: u64,
    /// Random bytes in a message of fixed size; 0 is [`USUAL_SIZE`].
    static_message_size: u64,
    /// `host:port`.
    pub(super) ip_address: String,
    /// The network: `tcp` or `udp`, or another that Go knows.
    pub(super) sender: String,
    pub(super) pprof_file: String,
    /// Time between messages.
    message_interval: String,
    pub(super) signer: SignerOptions,
    /// In percent, each.
    pub(super) corrupt_percentage: f64,
    pub(super) signed_percentage: f64,
    pub(super) oversized_percentage: f64,
    pub(super) variable_size_messages: bool,
    /// Payloads are made of the characters from blank to `}`.
    pub(super) ascii_only: bool,
    pub(super) use_tls: bool,
    pub(super) tls: TlsOptions,
    /// Bytes; 0 is Heka's usual limit.
    max_message_size: u32,
    pub(super) reconnect_on_error: bool,
    /// Seconds; less than 1 is [`USUAL_RECONNECT_S`].
    reconnect_interval: i32,
    #[serde(skip)]
    interval: Option<Duration>,
}

impl Test {
    /// Reads the test of this name.
    ///
    /// # Errors
    /// Heka's text.
    pub(super) fn read(config: &Path, name: &str) -> Result<Test, String> {
        let failed = |why: String| format!("Error decoding config file: {why}");
        let table = tool_config::read(config).map_err(failed)?;
        let mut found = None;
        // All tests must be in order, not only the one that is wanted.
        for entry in &table.entries {
            let test = decode(&entry.value).map_err(|why| failed(why.to_string()))?;
            if entry.key == name {
                found = Some(test);
            }
        }
        let mut test = found.ok_or_else(|| format!("Configuration test: '{name}' was not found"))?;
        if !test.message_interval.is_empty() {
            let nanoseconds = parse_duration(&test.message_interval).map_err(|why| {
                format!("Invalid message_interval duration {}: {why}", test.message_interval)
            })?;
            test.interval = u64::try_from(nanoseconds).ok().filter(|ns| *ns > 0).map(Duration::from_nanos);
        }
        Ok(test)
    }

    /// Time between two messages, if any.
    pub(super) fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// Time between attempts to connect.
    pub(super) fn reconnect_interval(&self) -> Duration {
        let seconds = u64::try_from(self.reconnect_interval).ok().filter(|seconds| *seconds > 0);
        Duration::from_secs(seconds.unwrap_or(USUAL_RECONNECT_S))
    }

    /// Random bytes of a message of fixed size.
    pub(super) fn fixed_size(&self) -> usize {
        let size = if self.static_message_size == 0 { USUAL_SIZE } else { self.static_message_size };
        usize::try_from(size).unwrap_or(usize::MAX)
    }

    /// The largest message that is sent on purpose, in bytes.
    pub(super) fn max_message_size(&self) -> usize {
        match self.max_message_size {
            0 => DEFAULT_MAX_MESSAGE_SIZE,
            given => given as usize,
        }
    }
}

fn decode(value: &Value) -> Result<Test, ConfigError> {
    match value {
        Value::Table(table) => decode_lenient(table),
        other => Err(ConfigError::Mismatch {
            text: format!(
                "Type mismatch for 'main.FloodTest': Expected map but found '{}'.",
                other.go_type()
            ),
            key: String::new(),
            line: 0,
        }),
    }
}
