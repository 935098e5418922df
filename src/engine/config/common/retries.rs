//! How a plugin that failed is started again.

use std::time::Duration;

use heka_message::golang::parse_duration;
use schemars::JsonSchema;
use serde::Deserialize;

/// The `[<plugin>.retries]` table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Given")]
pub struct Retries {
    /// How often; `None`: for ever.
    pub max_retries: Option<u32>,
    /// Wait before the first time; it doubles each time.
    pub delay: Duration,
    /// The wait doubles up to here.
    pub max_delay: Duration,
    /// Up to so much is added to each wait at random.
    pub max_jitter: Duration,
}

/// The table as it stands in the file.
#[derive(Deserialize, JsonSchema)]
#[serde(default, rename = "pipeline.RetryOptions")]
struct Given {
    /// How often to start again; -1 is for ever, 0 never.
    max_retries: i64,
    /// Wait before the first time, as a duration such as `250ms`; it doubles each time.
    delay: String,
    /// The wait doubles up to here.
    max_delay: String,
    /// Up to so much is added to each wait at random.
    max_jitter: String,
}

impl Default for Given {
    fn default() -> Given {
        Given { max_retries: -1, delay: "250ms".into(), max_delay: "30s".into(), max_jitter: "500ms".into() }
    }
}

impl Default for Retries {
    fn default() -> Retries {
        Retries {
            max_retries: None,
            delay: Duration::from_millis(250),
            max_delay: Duration::from_secs(30),
            max_jitter: Duration::from_millis(500),
        }
    }
}

impl TryFrom<Given> for Retries {
    type Error = String;

    fn try_from(given: Given) -> Result<Retries, String> {
        let max_retries = match given.max_retries {
            -1 => None,
            // Heka compares how often it has tried with the number, so another negative one is reached at once.
            number => Some(u32::try_from(number.max(0)).unwrap_or(u32::MAX)),
        };
        Ok(Retries {
            max_retries,
            delay: duration(&given.delay)?,
            max_delay: duration(&given.max_delay)?,
            max_jitter: duration(&given.max_jitter)?,
        })
    }
}

/// A negative duration is no wait.
fn duration(text: &str) -> Result<Duration, String> {
    let nanoseconds = parse_duration(text).map_err(|error| error.to_string())?;
    Ok(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0)))
}

impl JsonSchema for Retries {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Retries".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Given::json_schema(generator)
    }
}
