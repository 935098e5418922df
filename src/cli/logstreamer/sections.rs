//! The LogstreamerInputs of a configuration.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use heka_engine::config::common::type_name;
use heka_message::golang::os_error::{errno_text, path_error};
use heka_message::golang::parse_duration;
use heka_plugin::config::decode_lenient;
use heka_plugin::{ConfigError, Table, Value};
use heka_plugins::logstreamer::input::SetOptions;
use serde::Deserialize;

use crate::tool_config;

const TYPE: &str = "LogstreamerInput";

/// A top-level entry that is a LogstreamerInput by its type or its name.
pub(super) struct Section {
    pub(super) name: String,
    pub(super) value: Value,
}

/// Reads a file, or all files of a directory; of sections of one name the last one counts.
///
/// # Errors
/// Heka's text.
pub(super) fn read(config: &Path) -> Result<Vec<Section>, String> {
    let opened = std::fs::File::open(config).map_err(|error| {
        format!("Error opening config file: {}", path_error("open", config.display(), &error))
    })?;
    let meta = opened
        .metadata()
        .map_err(|error| format!("Error fetching config file info: {}", errno_text(&error)))?;
    let paths = if meta.is_dir() { files_of(config).unwrap_or_default() } else { vec![config.to_path_buf()] };
    let mut merged = Table::default();
    for path in paths {
        let table = tool_config::read(&path).map_err(|why| format!("Error decoding config file: {why}"))?;
        for entry in table.entries {
            merged.set(&entry.key, entry.value);
        }
    }
    let entries = merged.entries.into_iter().filter(|entry| is_ours(&entry.key, &entry.value));
    Ok(entries.map(|entry| Section { name: entry.key, value: entry.value }).collect())
}

fn is_ours(name: &str, value: &Value) -> bool {
    let Value::Table(table) = value else { return name == TYPE };
    name == TYPE || type_name(table).is_ok_and(|type_name| type_name.as_deref() == Some(TYPE))
}

/// All entries but those that editors leave behind, in the order of their names.
fn files_of(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let bytes = name.as_encoded_bytes();
        let left_behind = [".bak", ".tmp", "~"].iter().any(|end| bytes.ends_with(end.as_bytes()));
        if !bytes.starts_with(b".") && !left_behind {
            names.push(name);
        }
    }
    names.sort();
    Ok(names.into_iter().map(|name| directory.join(name)).collect())
}

/// The options that say which files there are; all others are let pass.
#[derive(Debug, Deserialize)]
#[serde(rename = "main.LogstreamerConfig", default)]
pub(super) struct Options {
    log_directory: String,
    file_match: String,
    priority: Vec<String>,
    differentiator: Option<Vec<String>>,
    oldest_duration: String,
    translation: HashMap<String, HashMap<String, i64>>,
    pub(super) initial_tail: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            log_directory: "/var/log".into(),
            file_match: String::new(),
            priority: Vec::new(),
            differentiator: None,
            oldest_duration: "720h".into(),
            translation: HashMap::new(),
            initial_tail: false,
        }
    }
}

impl Options {
    /// Reads the options of a section.
    pub(super) fn decode(table: &Table) -> Result<Options, ConfigError> {
        decode_lenient(table)
    }

    /// What finds the files of the section `name`. An `oldest_duration` that is no duration counts as none.
    pub(super) fn set(&self, name: &str) -> SetOptions {
        let nanoseconds = parse_duration(&self.oldest_duration).unwrap_or(0);
        SetOptions {
            log_directory: self.log_directory.clone(),
            file_match: self.file_match.clone(),
            priority: self.priority.clone(),
            differentiator: self.differentiator.clone().unwrap_or_else(|| vec![name.to_owned()]),
            translation: self.translation.clone(),
            oldest_duration: Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0)),
        }
    }
}
