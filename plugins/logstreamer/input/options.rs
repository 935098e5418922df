//! The options of a LogstreamerInput.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use heka_message::golang::parse_duration;
use heka_plugin::Context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::set::SetOptions;

/// Follows log files, each stream of rotated files in its order, and remembers how far it came.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "logstreamer.LogstreamerInputConfig", default)]
pub struct Options {
    /// Hostname of the messages. Default: hekad's.
    pub hostname: String,
    /// Directory below which files are searched. It must exist.
    pub log_directory: String,
    /// Directory of the journals, which hold how far each stream was delivered. Default: `logstreamer` in `base_dir`.
    pub journal_directory: Option<String>,
    /// Regular expression of the file names below `log_directory`; a `$` is added at its end. Its named groups order the
    /// files (`priority`) and name the streams (`differentiator`). Required.
    pub file_match: String,
    /// Names of groups by which the files of a stream are ordered, oldest first; `^` in front counts downwards.
    pub priority: Vec<String>,
    /// Parts of the stream's name: the text of the group of this name, or the part itself. Default: the section's name.
    pub differentiator: Vec<String>,
    /// Files that were not written to for so long are left out; `0` is no limit.
    pub oldest_duration: String,
    /// Per group the numbers that its values stand for; the value `missing` means an empty one.
    pub translation: HashMap<String, HashMap<String, i64>>,
    /// Time between searches for new files; `0` is never.
    pub rescan_interval: String,
    /// Time between looks at a file that has ended.
    pub check_data_interval: String,
    /// Begin a stream that has no journal at the end of its newest file.
    pub initial_tail: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            hostname: String::new(),
            log_directory: "/var/log".into(),
            journal_directory: None,
            file_match: String::new(),
            priority: Vec::new(),
            differentiator: Vec::new(),
            oldest_duration: "720h".into(),
            translation: HashMap::new(),
            rescan_interval: "1m".into(),
            check_data_interval: "250ms".into(),
            initial_tail: false,
        }
    }
}

/// The options as they are used.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) hostname: String,
    pub(super) journal_directory: PathBuf,
    pub(super) rescan_interval: Option<Duration>,
    pub(super) check_interval: Duration,
    pub(super) initial_tail: bool,
    /// MAX_RECORD_SIZE in bytes.
    pub(super) max_record_size: usize,
    pub(super) set: SetOptions,
}

impl Settings {
    /// Makes sense of the options.
    ///
    /// # Errors
    /// Go's or Heka's text.
    pub(super) fn new(options: &Options, context: &Context) -> Result<Settings, String> {
        let globals = &context.globals;
        let own_or = |own: &str, other: &str| if own.is_empty() { other.to_owned() } else { own.to_owned() };
        let differentiator = match options.differentiator.as_slice() {
            [] => vec![context.name.clone()],
            parts => parts.to_vec(),
        };
        Ok(Settings {
            hostname: own_or(&options.hostname, &globals.hostname),
            journal_directory: match &options.journal_directory {
                Some(directory) => PathBuf::from(directory),
                None => globals.base_dir.join("logstreamer"),
            },
            rescan_interval: Some(duration(&options.rescan_interval)?).filter(|interval| !interval.is_zero()),
            check_interval: duration(&options.check_data_interval)?.max(Duration::from_millis(1)),
            initial_tail: options.initial_tail,
            max_record_size: heka_message::max_record_size(globals.max_message_size),
            set: SetOptions {
                log_directory: options.log_directory.clone(),
                file_match: options.file_match.clone(),
                priority: options.priority.clone(),
                differentiator,
                translation: options.translation.clone(),
                oldest_duration: duration(&options.oldest_duration)?,
            },
        })
    }
}

/// A negative duration counts as none.
fn duration(text: &str) -> Result<Duration, String> {
    let nanoseconds = parse_duration(text).map_err(|why| why.to_string())?;
    Ok(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0)))
}
