//! Command line flags as Go's `flag` package reads them: `-name=x`, `--name x`, bare booleans, its usage and error texts.
//!
//! Old start scripts and service files call Heka's programs this way, so the syntax is part of what must not change.

#[path = "flags/value.rs"]
mod value;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;

use value::{Value, ValueError};

/// The flags of one program, each with its default.
#[derive(Debug, Clone)]
pub(crate) struct Flags {
    program: &'static str,
    /// By name, because Go lists them in that order.
    flags: BTreeMap<&'static str, Flag>,
}

#[derive(Debug, Clone)]
struct Flag {
    usage: &'static str,
    default: Value,
}

/// A finished command line.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    values: BTreeMap<&'static str, Value>,
    given: usize,
    args: Vec<String>,
}

/// The program has to end now: `stderr` is what it says, `code` how it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exit {
    /// 0 after `-help`, 2 after a wrong command line.
    pub(crate) code: u8,
    /// Complete lines.
    pub(crate) stderr: String,
}

impl Exit {
    /// Says why on standard error; gives the exit code.
    pub(crate) fn print(&self) -> ExitCode {
        eprint!("{}", self.stderr);
        ExitCode::from(self.code)
    }
}

#[allow(dead_code, reason = "each program uses the kinds of flags it has")]
impl Flags {
    /// No flags yet; `program` stands in the usage text.
    pub(crate) fn new(program: &'static str) -> Flags {
        Flags { program, flags: BTreeMap::new() }
    }

    /// A text.
    pub(crate) fn string(self, name: &'static str, default: &str, usage: &'static str) -> Flags {
        self.with(name, Value::String(default.to_owned()), usage)
    }

    /// A switch: given without a value it is true.
    pub(crate) fn bool(self, name: &'static str, default: bool, usage: &'static str) -> Flags {
        self.with(name, Value::Bool(default), usage)
    }

    /// A whole number in Go's notation (`0x10`, `1_000`).
    pub(crate) fn int(self, name: &'static str, default: i64, usage: &'static str) -> Flags {
        self.with(name, Value::Int(default), usage)
    }

    /// A whole number that is not negative.
    pub(crate) fn uint(self, name: &'static str, default: u64, usage: &'static str) -> Flags {
        self.with(name, Value::Uint(default), usage)
    }

    fn with(mut self, name: &'static str, default: Value, usage: &'static str) -> Flags {
        self.flags.insert(name, Flag { usage, default });
        self
    }

    /// Reads the arguments that follow the program's name, up to the first one that is no flag or to `--`.
    pub(crate) fn parse(&self, args: impl IntoIterator<Item: Into<OsString>>) -> Result<Parsed, Exit> {
        let mut values: BTreeMap<_, _> =
            self.flags.iter().map(|(name, f)| (*name, f.default.clone())).collect();
        let mut args = args.into_iter().map(|arg| arg.into().to_string_lossy().into_owned());
        let mut rest = Vec::new();
        let mut given = 0;
        while let Some(arg) = args.next() {
            let Some(flag) = flag_text(&arg) else {
                rest.push(arg);
                break;
            };
            if flag.is_empty() {
                break;
            }
            let (name, inline) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (flag, None),
            };
            // Go looks for the `=` from the second character on, so that `-=x` has no name.
            if name.is_empty() || name.starts_with('-') {
                return Err(self.wrong(format!("bad flag syntax: {arg}")));
            }
            let value = self.value(name, inline, &mut args)?;
            if let Some(slot) = values.get_mut(name) {
                *slot = value;
            }
            given += 1;
        }
        rest.extend(args);
        Ok(Parsed { values, given, args: rest })
    }

    fn value(
        &self,
        name: &str,
        inline: Option<String>,
        args: &mut impl Iterator<Item = String>,
    ) -> Result<Value, Exit> {
        let Some(flag) = self.flags.get(name) else {
            if name == "help" || name == "h" {
                return Err(Exit { code: 0, stderr: self.usage() });
            }
            return Err(self.wrong(format!("flag provided but not defined: -{name}")));
        };
        let is_bool = matches!(flag.default, Value::Bool(_));
        let text = match inline {
            None if is_bool => return Ok(Value::Bool(true)),
            None => args.next().ok_or_else(|| self.wrong(format!("flag needs an argument: -{name}")))?,
            Some(text) => text,
        };
        flag.default.parse_like(&text).map_err(|why: ValueError| {
            let quoted = Value::String(text).to_string();
            self.wrong(match is_bool {
                true => format!("invalid boolean value {quoted} for -{name}: {why}"),
                false => format!("invalid value {quoted} for flag -{name}: {why}"),
            })
        })
    }

    fn wrong(&self, why: String) -> Exit {
        Exit { code: 2, stderr: format!("{why}\n{}", self.usage()) }
    }

    /// `Usage of PROGRAM:` and the list of flags.
    pub(crate) fn usage(&self) -> String {
        format!("Usage of {}:\n{}", self.program, self.defaults())
    }

    /// The list of flags with their defaults, alphabetically.
    pub(crate) fn defaults(&self) -> String {
        self.flags.iter().map(|(name, flag)| flag.describe(name)).collect()
    }
}

/// What follows the one or two dashes; `None` for an argument that is no flag, such as a single dash.
fn flag_text(arg: &str) -> Option<&str> {
    let rest = arg.strip_prefix('-')?;
    match rest.strip_prefix('-') {
        Some(rest) => Some(rest),
        None if rest.is_empty() => None,
        None => Some(rest),
    }
}

impl Flag {
    fn describe(&self, name: &str) -> String {
        let mut text = format!("  -{name}");
        let kind = self.default.kind();
        if !kind.is_empty() {
            text.push(' ');
            text.push_str(kind);
        }
        // A one-letter switch has its usage on the same line.
        text.push_str(if text.len() <= 4 { "\t" } else { "\n    \t" });
        text.push_str(&self.usage.replace('\n', "\n    \t"));
        if !self.default.is_zero() {
            text.push_str(&format!(" (default {})", self.default));
        }
        text.push('\n');
        text
    }
}

#[allow(dead_code, reason = "each program uses the kinds of flags it has")]
impl Parsed {
    /// The text of a string flag; empty when there is no such flag.
    pub(crate) fn string(&self, name: &str) -> &str {
        match self.values.get(name) {
            Some(Value::String(text)) => text,
            _ => "",
        }
    }

    /// The state of a switch; false when there is no such flag.
    pub(crate) fn bool(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Value::Bool(true)))
    }

    /// The number of an int flag; 0 when there is no such flag.
    pub(crate) fn int(&self, name: &str) -> i64 {
        match self.values.get(name) {
            Some(Value::Int(number)) => *number,
            _ => 0,
        }
    }

    /// The number of a uint flag; 0 when there is no such flag.
    pub(crate) fn uint(&self, name: &str) -> u64 {
        match self.values.get(name) {
            Some(Value::Uint(number)) => *number,
            _ => 0,
        }
    }

    /// How many flags the command line carried: some programs show their usage when it is 0.
    pub(crate) fn given(&self) -> usize {
        self.given
    }

    /// What followed the flags.
    pub(crate) fn args(&self) -> &[String] {
        &self.args
    }
}

#[cfg(test)]
#[path = "flags/tests.rs"]
mod tests;
