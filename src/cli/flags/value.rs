//! The value of one flag: its kinds, how Go parses and prints them.

use std::fmt;

/// A flag's value; its variant is the flag's kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    String(String),
    Bool(bool),
    Int(i64),
    Uint(u64),
}

/// Why a text is no value of a flag's kind, in Go's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueError {
    Syntax,
    Range,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValueError::Syntax => "parse error",
            ValueError::Range => "value out of range",
        })
    }
}

impl Value {
    /// Parses a value of the same kind.
    pub(crate) fn parse_like(&self, text: &str) -> Result<Value, ValueError> {
        match self {
            Value::String(_) => Ok(Value::String(text.to_owned())),
            Value::Bool(_) => match text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
                _ => Err(ValueError::Syntax),
            },
            Value::Int(_) => {
                let (negative, digits) = match text.as_bytes().first() {
                    Some(b'-') => (true, &text[1..]),
                    Some(b'+') => (false, &text[1..]),
                    _ => (false, text),
                };
                let size = i128::from(unsigned(digits)?);
                let number = if negative { -size } else { size };
                i64::try_from(number).map(Value::Int).map_err(|_| ValueError::Range)
            }
            Value::Uint(_) => unsigned(text).map(Value::Uint),
        }
    }

    /// The word for the kind in the usage text; a switch has none.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::String(_) => "string",
            Value::Bool(_) => "",
            Value::Int(_) => "int",
            Value::Uint(_) => "uint",
        }
    }

    /// Zero values are not shown as defaults.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Value::String(text) => text.is_empty(),
            Value::Bool(on) => !on,
            Value::Int(number) => *number == 0,
            Value::Uint(number) => *number == 0,
        }
    }
}

/// Go's base-0 notation: `0x`, `0o`, `0b`, a leading zero for octal, `_` between digits.
fn unsigned(text: &str) -> Result<u64, ValueError> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let prefixed = digits.len() < lower.len();
    let badly_placed =
        (digits.starts_with('_') && !prefixed) || digits.ends_with('_') || digits.contains("__");
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    if badly_placed || digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(ValueError::Syntax);
    }
    u64::from_str_radix(&digits, radix).map_err(|_| ValueError::Range)
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::String(text) => quote(text, f),
            Value::Bool(on) => on.fmt(f),
            Value::Int(number) => number.fmt(f),
            Value::Uint(number) => number.fmt(f),
        }
    }
}

/// A text in double quotes with Go's escapes.
fn quote(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\x07' => f.write_str("\\a")?,
            '\x08' => f.write_str("\\b")?,
            '\x0c' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\x0b' => f.write_str("\\v")?,
            c if u32::from(c) < 0x80 && c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}
