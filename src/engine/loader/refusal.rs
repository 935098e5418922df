//! Why a section is refused, in Heka's words.

use heka_plugin::ConfigError;

/// Why a section was not loaded.
pub(super) enum Refusal {
    /// An option is unknown or of the wrong type, or the plugin does not work with its options.
    Options(ConfigError),
    /// What is built around the plugin does not work.
    Runner(String),
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Refusal {
        Refusal::Options(error)
    }
}

/// Heka's words for a refusal of a section's options.
pub(super) fn refusal_text(name: &str, error: &ConfigError) -> String {
    match error {
        ConfigError::UnknownKey { key, .. } => format!("unknown config setting for '{name}': {key}"),
        ConfigError::Mismatch { text, .. } => text.clone(),
        ConfigError::Init(why) => {
            format!("Error making runner for {name}: Initialization failed for '{name}': {why}")
        }
    }
}
