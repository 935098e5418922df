//! Appends records to a file.

mod destination;
mod rotation;
mod torn;

use heka_plugin::output::OutputPlugin;
use heka_plugin::{
    ConfigError, Context, Output, OutputDefaults, PluginDef, Record, SendError, Stop, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::destination::{Destination, Modes};
use self::rotation::Rotation;

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<FileOutput>();

/// Appends to a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "file.FileOutputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// The file. With a `rotation_interval` it is a format in strftime's terms, in the local zone.
    pub path: String,
    /// Permissions of a new file, in octal; the umask applies.
    pub perm: String,
    /// Hours between rotations: 0 (never), 1, 4, 12 or 24, counted from midnight in UTC.
    pub rotation_interval: u32,
    /// Accepted for the sake of older configurations: records are written at once.
    pub flush_interval: u32,
    /// As `flush_interval`.
    pub flush_count: u32,
    /// As `flush_interval`; `AND` or `OR`.
    pub flush_operator: String,
    /// Permissions of new folders, in octal; the umask applies.
    pub folder_perm: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            path: String::new(),
            perm: "644".into(),
            rotation_interval: 0,
            flush_interval: 1000,
            flush_count: 1,
            flush_operator: "AND".into(),
            folder_perm: "700".into(),
        }
    }
}

/// Appends records to a file. A batch is written whole or not at all; it is durable once [`Output::flush`] is back.
pub struct FileOutput {
    path: String,
    modes: Modes,
    rotation: Option<Rotation>,
    framed: bool,
    /// `None` only in an instance that is a mere check of options.
    destination: Option<Destination>,
    /// What could not be done when the file at `path` was to be opened: it is tried again.
    reopening: Option<&'static str>,
    batch: Vec<u8>,
}

/// A batch buffer larger than this is not kept.
const KEPT_BATCH_SIZE: usize = 4 << 20;

impl OutputPlugin for FileOutput {
    type Config = Config;
    const NAME: &'static str = "FileOutput";
    const DEFAULTS: OutputDefaults = OutputDefaults {
        frames_protobuf: true,
        reloads: true,
        outlives_process: true,
        never_rejects: true,
        ..OutputDefaults::USUAL
    };
    const NEEDS_ENCODER: Option<&'static str> = Some("Encoder required.");

    fn open(config: Config, context: &Context) -> Result<FileOutput, ConfigError> {
        let octal = |text: &str, key: &str| {
            let why = || {
                format!("FileOutput '{}' can't parse `{key}`, is it an octal integer string?", config.path)
            };
            i32::from_str_radix(text, 8)
                .map(|mode| mode.unsigned_abs() & 0o777)
                .map_err(|_| ConfigError::Init(why()))
        };
        let folder = octal(&config.folder_perm, "folder_perm")?;
        let modes = Modes { file: octal(&config.perm, "perm")?, folder };
        if config.flush_count < 1 {
            return Err(ConfigError::init("Parameter 'flush_count' needs to be greater 1."));
        }
        if !matches!(config.flush_operator.as_str(), "AND" | "OR") {
            return Err(ConfigError::Init(format!(
                "Parameter 'flush_operator' needs to be either 'AND' or 'OR', is currently: '{}'",
                config.flush_operator
            )));
        }
        let rotation = match config.rotation_interval {
            0 => None,
            hours @ (1 | 4 | 12 | 24) => Some(Rotation::new(&config.path, hours, rotation::now_s())),
            _ => {
                let why = "Parameter 'rotation_interval' must be one of: 0, 1, 4, 12, 24.";
                return Err(ConfigError::init(why));
            }
        };
        let path = rotation.as_ref().map_or(config.path, |rotation| rotation.path(rotation::now_s()));
        let mut output = FileOutput {
            path,
            modes,
            rotation,
            framed: context.use_framing,
            destination: None,
            reopening: None,
            batch: Vec::new(),
        };
        if !context.only_check {
            let opened = Destination::open(&output.path, output.modes, output.framed);
            let why =
                |why| ConfigError::Init(format!("FileOutput '{}' error opening file: {why}", output.path));
            output.destination = Some(opened.map_err(why)?);
        }
        Ok(output)
    }
}

impl Output for FileOutput {
    fn send(&mut self, batch: &[Record<'_>], _: &Stop) -> Result<(), SendError> {
        self.rotate_if_due(rotation::now_s())?;
        if let Some(what) = self.reopening {
            self.open_file(what)?;
        }
        let Some(destination) = &mut self.destination else {
            return Err(SendError::Fatal(format!("'{}' is not open", self.path)));
        };
        if let [single] = batch {
            return destination.append(single.bytes).map_err(SendError::Retry);
        }
        self.batch.clear();
        for record in batch {
            self.batch.extend_from_slice(record.bytes);
        }
        let written = destination.append(&self.batch).map_err(SendError::Retry);
        if self.batch.capacity() > KEPT_BATCH_SIZE {
            self.batch = Vec::new();
        }
        written
    }

    fn flush(&mut self) -> Result<(), SendError> {
        // After a failed sync the system may have dropped what it could not write, and a second sync would not tell. So
        // the output ends; what is behind the cursor is written again by the next run.
        self.destination.as_mut().map_or(Ok(()), Destination::sync).map_err(SendError::Fatal)
    }

    fn idle(&mut self, now_ns: i64) -> Result<(), SendError> {
        unless_passing(self.rotate_if_due(now_ns.div_euclid(1_000_000_000)))
    }

    fn reload(&mut self) -> Result<(), SendError> {
        self.flush()?;
        unless_passing(self.open_file("reopen file"))
    }
}

impl FileOutput {
    fn rotate_if_due(&mut self, now_s: i64) -> Result<(), SendError> {
        let Some(boundary_s) = self.rotation.as_mut().and_then(|rotation| rotation.boundary_passed(now_s))
        else {
            return Ok(());
        };
        // What lies in the old file must be safe before it is let go.
        self.flush()?;
        if let Some(rotation) = &mut self.rotation {
            self.path = rotation.path(boundary_s);
            rotation.passed(boundary_s);
        }
        self.open_file("open rotated file")
    }

    /// Opens the file at `path`, which may be another one by now. While space or descriptors are short, the next batch
    /// tries again.
    fn open_file(&mut self, what: &'static str) -> Result<(), SendError> {
        match Destination::open(&self.path, self.modes, self.framed) {
            Ok(destination) => {
                self.destination = Some(destination);
                self.reopening = None;
                Ok(())
            }
            Err(failure) => {
                let text = format!("unable to {what} '{}': {failure}", self.path);
                if failure.passing {
                    self.reopening = Some(what);
                    Err(SendError::Retry(text))
                } else {
                    Err(SendError::Fatal(text))
                }
            }
        }
    }
}

/// A shortage that may pass is told by the next batch, which waits for its end.
fn unless_passing(result: Result<(), SendError>) -> Result<(), SendError> {
    match result {
        Err(SendError::Retry(_)) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests;
