//! What a case file says.

use anyhow::{Result, bail};
use heka_plugin::{Table, Value};
use serde::Deserialize;

use super::expect::{Expected, ExpectedMessage};
use super::message::message_of;
use super::rig::Input;

/// A whole case file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFile {
    /// The plugin as a section of hekad.toml would configure it; `type` names it.
    pub(super) plugin: Table,
    /// The cases; each one starts the plugin anew.
    #[serde(default)]
    pub(super) case: Vec<Case>,
}

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// What it shows.
    pub(super) name: String,
    /// Options in which it differs from the file's `[plugin]`; tables are merged.
    #[serde(default)]
    pub(super) plugin: Table,
    /// The plugin must not start, and say this.
    pub(super) refused: Option<String>,
    /// What the plugin is fed, one after the other.
    #[serde(default)]
    pub(super) step: Vec<Step>,
}

/// One thing that the plugin is fed, and what must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// A message.
    message: Option<Table>,
    /// A message with nothing but this payload: a record as an input hands it to a decoder.
    payload: Option<String>,
    /// Raw bytes in hexadecimal, as a splitter with `use_message_bytes` hands them to a decoder.
    raw_hex: Option<String>,
    /// A tick at this time, in seconds since the epoch.
    timer_s: Option<f64>,
    /// The stop of the plugin at this time, in seconds since the epoch.
    stop_s: Option<f64>,
    /// Feeds it so many times; what the last one gives counts.
    #[serde(default = "once")]
    repeat: usize,
    /// The messages that come out, in order.
    expect: Option<Vec<Table>>,
    /// The bytes that an encoder makes.
    output: Option<String>,
    /// An encoder passes the message over.
    #[serde(default)]
    skips: bool,
    /// It fails, with this in its error.
    fails: Option<String>,
}

fn once() -> usize {
    1
}

impl Step {
    /// What to feed, and how often.
    pub(super) fn input(&self) -> Result<(Input, usize)> {
        let given = [
            self.message.as_ref().map(|table| message_of(table).map(Input::Message)),
            self.payload.as_ref().map(|payload| Ok(Input::Payload(payload.clone()))),
            self.raw_hex.as_ref().map(|text| unhex(text).map(Input::Raw)),
            self.timer_s.map(|s| Ok(Input::Timer(nanoseconds(s)))),
            self.stop_s.map(|s| Ok(Input::Stop(nanoseconds(s)))),
        ];
        let mut given = given.into_iter().flatten();
        let (Some(input), None) = (given.next(), given.next()) else {
            bail!("a step has one of message, payload, raw_hex, timer_s and stop_s");
        };
        Ok((input?, self.repeat.max(1)))
    }

    /// What must come out.
    pub(super) fn expected(&self) -> Result<Expected> {
        if let Some(why) = &self.fails {
            return Ok(Expected::Failure(why.clone()));
        }
        if self.skips {
            return Ok(Expected::Skip);
        }
        if let Some(output) = &self.output {
            return Ok(Expected::Bytes(output.clone().into_bytes()));
        }
        match &self.expect {
            Some(tables) => {
                Ok(Expected::Messages(tables.iter().map(ExpectedMessage::of).collect::<Result<_>>()?))
            }
            None => Ok(Expected::Anything),
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a time that does not fit is the writer's mistake, not ours"
)]
fn nanoseconds(s: f64) -> i64 {
    (s * 1e9) as i64
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok().filter(|_| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    };
    match digits.chunks(2).map(byte).collect() {
        Some(bytes) => Ok(bytes),
        None => bail!("raw_hex is not a row of hexadecimal bytes: {text:?}"),
    }
}

/// `over` laid on `base`: its values win, its tables are merged.
pub(super) fn merged(base: &Table, over: &Table) -> Table {
    let mut table = base.clone();
    for entry in &over.entries {
        let value = match (table.get(&entry.key), &entry.value) {
            (Some(Value::Table(below)), Value::Table(above)) => Value::Table(merged(below, above)),
            _ => entry.value.clone(),
        };
        table.set(&entry.key, value);
    }
    table
}
