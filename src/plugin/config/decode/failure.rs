//! Why decoding failed, on its way up through the structs.

use std::fmt;

use super::go_name::{Field, option_key};

/// A failed decoding.
#[derive(Debug)]
pub(super) enum Failure {
    /// A value does not fit.
    Mismatch {
        /// Heka's text so far.
        text: String,
        /// Keys from the outermost table to the value, joined by dots; grows at its front.
        path: String,
        /// Line of the innermost entry, 0 if not known yet.
        line: u32,
    },
    /// An option without default is not there.
    Missing {
        /// The option.
        key: String,
    },
}

impl Failure {
    /// A value of another type than `expected`.
    pub(super) fn found(expected: &str, go_type: &str) -> Failure {
        Failure::text(format!("Expected {expected} but found '{go_type}'."))
    }

    /// A value that does not fit for the reason `text`.
    pub(super) fn text(text: String) -> Failure {
        Failure::Mismatch { text, path: String::new(), line: 0 }
    }

    /// The same failure, seen from the struct `owner` whose `field` was to take the entry `key` at `line`.
    pub(super) fn in_field(self, owner: &str, field: Field, key: &str, line: u32) -> Failure {
        match self {
            Failure::Mismatch { text, path, line: inner } => Failure::Mismatch {
                text: format!("Type mismatch for '{owner}.{}': {text}", field.go()),
                path: below(key, &path),
                line: if inner == 0 { line } else { inner },
            },
            missing => missing,
        }
    }

    /// The same failure, seen from a map that holds the entry `key` at `line`.
    pub(super) fn in_map(self, key: &str, line: u32) -> Failure {
        match self {
            Failure::Mismatch { text, path, line: inner } => Failure::Mismatch {
                text,
                path: below(key, &path),
                line: if inner == 0 { line } else { inner },
            },
            missing => missing,
        }
    }
}

fn below(key: &str, path: &str) -> String {
    if path.is_empty() { key.into() } else { format!("{key}.{path}") }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Mismatch { text, .. } => f.write_str(text),
            Failure::Missing { key } => write!(f, "option '{key}' must be given"),
        }
    }
}

impl std::error::Error for Failure {}

impl serde::de::Error for Failure {
    fn custom<T: fmt::Display>(why: T) -> Failure {
        Failure::text(why.to_string())
    }

    fn missing_field(field: &'static str) -> Failure {
        Failure::Missing { key: option_key(field).into() }
    }

    fn duplicate_field(field: &'static str) -> Failure {
        Failure::text(format!("option '{}' is given twice", option_key(field)))
    }
}
