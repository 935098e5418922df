//! Why a configuration is refused.

/// A refused option or section. `Display` gives Heka's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A key that the plugin does not have. The engine words it with the section's name.
    #[error("Configuration contains key [{key}] which doesn't exist in struct")]
    UnknownKey {
        /// The key in lower case.
        key: String,
        /// Line in its file, 0 if unknown.
        line: u32,
    },
    /// A value of the wrong type or out of its type's range, or an option without default that is missing.
    #[error("{text}")]
    Mismatch {
        /// Heka's text, with the Go names of struct and field.
        text: String,
        /// The option's key as written; below a sub-table with the keys above it, joined by dots.
        key: String,
        /// Line in its file, 0 if unknown.
        line: u32,
    },
    /// The options are well formed but the plugin cannot work with them.
    #[error("{0}")]
    Init(String),
}

impl ConfigError {
    /// A [`ConfigError::Init`] of anything that prints.
    pub fn init(why: impl std::fmt::Display) -> ConfigError {
        ConfigError::Init(why.to_string())
    }

    /// The option that is at fault and the line where it stands, if known.
    pub fn option(&self) -> Option<(&str, u32)> {
        match self {
            ConfigError::UnknownKey { key, line } | ConfigError::Mismatch { key, line, .. } => {
                Some((key, *line))
            }
            ConfigError::Init(_) => None,
        }
    }
}
