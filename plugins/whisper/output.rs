//! Keeps statistics in Graphite's whisper files.

mod aggregate;
mod create;
mod database;
mod files;
mod older_layout;

use std::fs::DirBuilder;
use std::hash::{DefaultHasher, Hasher};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use heka_message::golang::os_error::{errno_text, path_error};
use heka_plugin::output::OutputPlugin;
use heka_plugin::{
    ConfigError, Context, Log, Output, OutputDefaults, PluginDef, Record, SendError, Stop, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::create::Plan;
use self::files::{Files, Kept};
use crate::carbon::output::line::{Stat, lines};
use crate::complaint::Complaint;

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<WhisperOutput>();

/// Writes statistics to Whisper files, as Graphite's carbon does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "graphite.WhisperOutputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// The folder of the files, below `base_dir` unless it is absolute. It is made if need be.
    pub base_path: String,
    /// How a new file's values are made fewer: 1 average, 2 sum, 3 last, 4 largest, 5 smallest, 6 average with nothing as 0,
    /// 7 and 8 largest and smallest without regard to the sign. 0 is 1.
    pub default_agg_method: i64,
    /// The archives of a new file, the finest first: a number that means nothing, seconds from one point to the next, number
    /// of points.
    pub default_archive_info: Vec<Vec<i64>>,
    /// Permissions of new folders, octal.
    pub folder_perm: String,
}

impl Default for Config {
    fn default() -> Config {
        let archives = [[0, 60, 1440], [0, 900, 8], [0, 3600, 168], [0, 43_200, 1456]];
        Config {
            base_path: "whisper".into(),
            default_agg_method: 1,
            default_archive_info: archives.iter().map(|archive| archive.to_vec()).collect(),
            folder_perm: "700".into(),
        }
    }
}

/// Writes the lines of each message's payload (a name, a value and a time in seconds, as a StatAccumInput gives them) to
/// whisper files, one a name: `a.b` is kept in `a/b.wsp`.
///
/// A file that is there keeps its own archives and aggregation. A line that cannot be kept is an error in the log, and left
/// out; a full disk is waited for. An encoder is not used.
pub struct WhisperOutput {
    files: Files,
    log: Arc<dyn Log>,
    complaint: Complaint,
    /// Records of the batch at hand that are kept, from the front.
    delivered: usize,
    /// Of the record that could not be kept as a whole: its hash, and how many of its lines are done with.
    resume: Option<(u64, usize)>,
}

impl OutputPlugin for WhisperOutput {
    type Config = Config;
    const NAME: &'static str = "WhisperOutput";
    const DEFAULTS: OutputDefaults =
        OutputDefaults { reads_message: true, outlives_process: true, ..OutputDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<WhisperOutput, ConfigError> {
        let base = context.globals.in_base_dir(&config.base_path);
        let folder_mode = i32::from_str_radix(&config.folder_perm, 8).map_err(|_| {
            ConfigError::Init(format!(
                "WhisperOutput '{}' can't parse `folder_perm`, is it an octal integer string?",
                base.display()
            ))
        })?;
        let folder_mode = folder_mode.unsigned_abs() & 0o777;
        let plan = Plan::new(config.default_agg_method, &config.default_archive_info);
        let plan = plan.map_err(ConfigError::Init)?;
        if !context.only_check {
            DirBuilder::new().recursive(true).mode(folder_mode).create(&base).map_err(|error| {
                let why = path_error("mkdir", base.display(), &error);
                ConfigError::Init(format!("Can't create the basepath for the WhisperOutput plugin: {why}"))
            })?;
            test_folder(&base).map_err(ConfigError::Init)?;
        }
        Ok(WhisperOutput {
            files: Files::new(base, folder_mode, plan),
            log: context.log.clone(),
            complaint: Complaint::default(),
            delivered: 0,
            resume: None,
        })
    }
}

/// Writes a file into the folder and removes it again.
fn test_folder(folder: &Path) -> Result<(), String> {
    let path = folder.join(format!(".hekad.perm_check{}", std::process::id()));
    let created = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    let mut file = created.map_err(|error| path_error("open", path.display(), &error))?;
    let written =
        file.write_all(b"ok").map_err(|error| format!("can't write to test file: {}", errno_text(&error)));
    let removed = std::fs::remove_file(&path)
        .map_err(|error| format!("can't remove test file: {}", errno_text(&error)));
    let problems: Vec<String> = [written, removed].into_iter().filter_map(Result::err).collect();
    if problems.is_empty() { Ok(()) } else { Err(format!("errors: {}", problems.join(", "))) }
}

impl Output for WhisperOutput {
    fn send(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError> {
        self.delivered = 0;
        for record in batch {
            if stop.is_requested() {
                return Err(SendError::Retry(String::new()));
            }
            self.keep(record)?;
            self.delivered += 1;
        }
        Ok(())
    }

    fn delivered(&self) -> usize {
        self.delivered
    }

    fn flush(&mut self) -> Result<(), SendError> {
        self.files.sync()
    }
}

impl WhisperOutput {
    /// Keeps the lines of a record.
    fn keep(&mut self, record: &Record<'_>) -> Result<(), SendError> {
        let payload = record.message.payload().map_or(&b""[..], |payload| payload);
        let mut hasher = DefaultHasher::new();
        hasher.write(record.message.bytes());
        let hash = hasher.finish();
        let done = self.resume.take().filter(|(of, _)| *of == hash).map_or(0, |(_, lines)| lines);
        for (number, line) in lines(payload, b" \n").enumerate().skip(done) {
            let stat = match Stat::of(line) {
                Ok(stat) => stat,
                Err(why) => {
                    self.log.error(&why);
                    continue;
                }
            };
            match self.files.keep(&stat, now_s()) {
                Kept::Yes => {}
                Kept::Never(why) => {
                    if self.complaint.is_due(&why) {
                        self.log.error(&why);
                    }
                }
                Kept::NotNow(why) => {
                    self.resume = Some((hash, number));
                    return Err(SendError::Retry(why));
                }
            }
        }
        Ok(())
    }
}

fn now_s() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
