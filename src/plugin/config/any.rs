//! The options of a plugin that has none.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// Accepts every key and ignores it, as Heka's plugins without a configuration struct do.
#[derive(Clone, Copy, Debug, Default, JsonSchema)]
pub struct AnyOptions {}

impl<'de> Deserialize<'de> for AnyOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AnyOptions, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer)?;
        Ok(AnyOptions {})
    }
}
