//! What the daemon tells a plugin instance about itself and its surroundings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dynamic::NoDynamicFilters;
use crate::telemetry::NoTelemetry;
use crate::{Accumulators, ConfigError, Decoder, DynamicFilters, Telemetry};

/// The `[hekad]` options that plugins may depend on.
#[derive(Clone, Debug)]
pub struct Globals {
    /// Host name in messages that hekad makes.
    pub hostname: String,
    /// hekad's process id.
    pub pid: i32,
    /// Where state is kept.
    pub base_dir: PathBuf,
    /// Where shipped scripts and modules may lie.
    pub share_dir: PathBuf,
    /// Largest message in bytes.
    pub max_message_size: usize,
    /// Largest number of injections that a chain of messages may pass.
    pub max_message_loops: u32,
    /// Injections that one `process_message` of a sandbox filter may do.
    pub max_process_inject: u32,
    /// Injections that one `timer_event` of a sandbox filter may do.
    pub max_timer_inject: u32,
    /// Nanoseconds that a dynamically loaded filter may take for a message under back-pressure.
    pub max_process_duration_ns: u64,
    /// One in so many calls is timed.
    pub sample_denominator: u32,
    /// Size that reports show for channels.
    pub plugin_chansize: u32,
}

impl Globals {
    /// `path` below `base_dir`, unless it is absolute.
    pub fn in_base_dir(&self, path: &str) -> PathBuf {
        joined(&self.base_dir, path)
    }

    /// `path` below `share_dir`, unless it is absolute.
    pub fn in_share_dir(&self, path: &str) -> PathBuf {
        joined(&self.share_dir, path)
    }
}

impl Default for Globals {
    /// What hekad has without a `[hekad]` section.
    fn default() -> Globals {
        Globals {
            hostname: String::new(),
            pid: i32::try_from(std::process::id()).unwrap_or(0),
            base_dir: PathBuf::from("/var/cache/hekad"),
            share_dir: PathBuf::from("/usr/share/heka"),
            max_message_size: heka_message::DEFAULT_MAX_MESSAGE_SIZE,
            max_message_loops: 4,
            max_process_inject: 1,
            max_timer_inject: 10,
            max_process_duration_ns: 100_000,
            sample_denominator: 1000,
            plugin_chansize: 30,
        }
    }
}

fn joined(dir: &Path, path: &str) -> PathBuf {
    if Path::new(path).is_absolute() { PathBuf::from(path) } else { dir.join(path) }
}

/// Makes decoders by section name, for a decoder that calls others.
pub trait DecoderSource: Send + Sync {
    /// A new instance of the decoder section `section`, called `runner_name` in logs and files.
    ///
    /// # Errors
    /// There is no such section, or it cannot be opened.
    fn decoder(&self, section: &str, runner_name: &str) -> Result<Box<dyn Decoder>, ConfigError>;
}

/// Where a plugin's log lines go. The prefix (`Plugin 'X': `, `Decoder 'X' error: `, ...) is added there.
pub trait Log: Send + Sync {
    /// A line on stdout.
    fn info(&self, text: &str);
    /// A line on stderr.
    fn error(&self, text: &str);
    /// A line on stdout with the daemon's prefix (date and time by `log_flags`) but without the plugin's; a newline is
    /// added unless the text ends with one.
    fn plain(&self, bytes: &[u8]);
}

/// What an instance knows about itself.
#[derive(Clone)]
pub struct Context {
    /// The instance's name: the section's name, or a runner name such as `<input>-<decoder>-<token>`.
    pub name: String,
    /// The section that configured it.
    pub section: String,
    /// The daemon's options.
    pub globals: Arc<Globals>,
    /// The instance's log.
    pub log: Arc<dyn Log>,
    /// Other decoders.
    pub decoders: Arc<dyn DecoderSource>,
    /// Filters that come and go while hekad runs.
    pub filters: Arc<dyn DynamicFilters>,
    /// Inputs that take statistics.
    pub accumulators: Arc<Accumulators>,
    /// What hekad can tell of itself.
    pub telemetry: Arc<dyn Telemetry>,
    /// The `encoder` of an output's section, "" if none.
    pub encoder: String,
    /// Whether an output's records are framed.
    pub use_framing: bool,
    /// The instance is made only to see whether its options are good: it must not bind, connect or write.
    pub only_check: bool,
}

impl Context {
    /// A context for tests of a plugin: named `name`, logs to nowhere, no other decoders.
    pub fn for_test(name: &str) -> Context {
        Context {
            name: name.into(),
            section: name.into(),
            globals: Arc::new(Globals { hostname: "test.host".into(), ..Globals::default() }),
            log: Arc::new(Nowhere),
            decoders: Arc::new(Nowhere),
            filters: Arc::new(NoDynamicFilters),
            accumulators: Arc::default(),
            telemetry: Arc::new(NoTelemetry),
            encoder: String::new(),
            use_framing: false,
            only_check: false,
        }
    }
}

struct Nowhere;

impl Log for Nowhere {
    fn info(&self, _: &str) {}
    fn error(&self, _: &str) {}
    fn plain(&self, _: &[u8]) {}
}

impl DecoderSource for Nowhere {
    fn decoder(&self, section: &str, _: &str) -> Result<Box<dyn Decoder>, ConfigError> {
        Err(ConfigError::Init(format!("no registered '{section}' decoder")))
    }
}
