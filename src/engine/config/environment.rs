//! `%ENV[NAME]` in the text of a configuration file.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Why a file's environment variables cannot be filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// A `%ENV[` without a `]` behind it.
    #[error("Missing closing delimiter")]
    Unclosed,
    /// A name that contains a blank, a line end or another `%ENV[`.
    #[error("Invalid characters in environmental variable")]
    BadName,
}

/// Replaces each `%ENV[NAME]`, in comments too, by the variable's value, or by nothing if it is not set. Values are put in as
/// they are and not looked at again.
///
/// # Errors
/// A name is not closed or not valid.
pub fn substitute(text: &[u8]) -> Result<Vec<u8>, EnvironmentError> {
    substitute_with(text, |name| std::env::var_os(name))
}

const OPENING: &[u8] = b"%ENV[";

fn substitute_with(
    text: &[u8],
    variable: impl Fn(&OsStr) -> Option<OsString>,
) -> Result<Vec<u8>, EnvironmentError> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = find(rest, OPENING) {
        let (before, from) = rest.split_at(start);
        let from = from.get(OPENING.len()..).unwrap_or_default();
        let end = find(from, b"]").ok_or(EnvironmentError::Unclosed)?;
        let (name, after) = from.split_at(end);
        if name.iter().any(|byte| b"\n\r\t ".contains(byte)) || find(name, OPENING).is_some() {
            return Err(EnvironmentError::BadName);
        }
        replaced.extend_from_slice(before);
        if !name.is_empty() {
            replaced.extend(variable(OsStr::from_bytes(name)).map(OsString::into_vec).unwrap_or_default());
        }
        rest = after.get(1..).unwrap_or_default();
    }
    replaced.extend_from_slice(rest);
    Ok(replaced)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    use bstr::ByteSlice;
    text.find(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, EnvironmentError> {
        let variable = |name: &OsStr| match name.to_str()? {
            "HOME" => Some("/root".into()),
            "NESTED" => Some("%ENV[HOME]".into()),
            _ => None,
        };
        substitute_with(text.as_bytes(), variable).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn values_are_filled_in_once() {
        assert_eq!(filled("a = \"%ENV[HOME]/x\" # %ENV[HOME]").unwrap(), "a = \"/root/x\" # /root");
        assert_eq!(filled("%ENV[NESTED]").unwrap(), "%ENV[HOME]");
        assert_eq!(filled("<%ENV[UNSET]%ENV[]>").unwrap(), "<>");
    }

    #[test]
    fn other_percent_signs_stay() {
        for text in ["100%", "%ENV", "%%env[x]", "%{Type}-%ENV(x)", ""] {
            assert_eq!(filled(text).unwrap(), text);
        }
    }

    #[test]
    fn bad_names_are_refused() {
        for name in ["A B", "A\nB", "A\rB", "A\tB", "A%ENV[HOME]"] {
            assert_eq!(filled(&format!("%ENV[{name}]")), Err(EnvironmentError::BadName), "{name}");
        }
        assert_eq!(filled("%ENV[HOME"), Err(EnvironmentError::Unclosed));
        assert_eq!(filled("%ENV[A B"), Err(EnvironmentError::Unclosed));
    }
}
