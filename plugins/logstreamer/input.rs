//! LogstreamerInput: follows log files through rotation.
//!
//! Files below `log_directory` that match `file_match` are grouped into streams by `differentiator` and ordered by
//! `priority`. One thread reads them all in turns; each stream has its own deliverer and its own journal, which moves only
//! when the queue holds what was delivered.
//!
//! | file | holds |
//! |---|---|
//! | this | the plugin: options, the loop over the streams |
//! | `options` | the section's options |
//! | `set`, `walk`, `rank` | which files there are, their streams and order |
//! | `stream` | one stream: reading, rotation, journal |
//! | `log_file`, `gzip`, `window` | one open file |
//! | `locate` | finding a position again |
//! | `journal`, `marks` | the journal file, and positions that wait for their receipts |

mod complaints;
mod gzip;
mod journal;
mod locate;
mod log_file;
mod marks;
mod options;
mod os_error;
mod rank;
mod set;
mod stream;
mod walk;
mod window;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use heka_plugin::input::InputPlugin;
use heka_plugin::{
    ConfigError, Context, Deliverer, Inlet, Input, InputDefaults, Log, Pack, PluginDef, PluginError, Stop,
};

pub use self::options::Options;
pub use self::set::{LogstreamSet, Scan, SetOptions};

use self::complaints::Complaints;
use self::journal::{Journal, Loaded};
use self::options::Settings;
use self::stream::{Begin, Stream, Surroundings, Turn, read_buffer};

/// The row of the registry.
pub static DEF: PluginDef = heka_plugin::registry::input::<LogstreamerInput>();

/// Longest time in which the last journals are written at a stop.
const STOP_TIME: Duration = Duration::from_secs(5);
/// Least time between two scans, however much is rotated.
const SCAN_PAUSE: Duration = Duration::from_millis(100);
/// How soon receipts are looked at again.
const RECEIPT_PAUSE: Duration = Duration::from_millis(10);

/// Reads log files.
pub struct LogstreamerInput {
    settings: Settings,
    set: LogstreamSet,
    /// The streams that are there at the start.
    found: BTreeMap<String, (Vec<Arc<Path>>, Start)>,
    /// Directories that cannot be listed, as it was logged.
    unreadable: Vec<String>,
    log: Arc<dyn Log>,
    /// Per stream the file that is read and the bytes of it that are done with, for reports.
    places: Arc<Mutex<BTreeMap<String, (String, u64)>>>,
}

/// Where a stream begins, and its journal.
struct Start {
    journal: Journal,
    begin: Begin,
}

impl InputPlugin for LogstreamerInput {
    type Config = Options;
    const NAME: &'static str = "LogstreamerInput";
    const DEFAULTS: InputDefaults = InputDefaults { splitter: "TokenSplitter", ..InputDefaults::USUAL };

    fn open(config: Options, context: &Context) -> Result<LogstreamerInput, ConfigError> {
        let settings = Settings::new(&config, context).map_err(ConfigError::Init)?;
        if !context.only_check {
            journal::ensure_directory(&settings.journal_directory).map_err(ConfigError::Init)?;
        }
        let set = LogstreamSet::new(&settings.set).map_err(ConfigError::Init)?;
        let scan = set.scan(&HashSet::new());
        let mut problems = scan.problems;
        let mut found = BTreeMap::new();
        for (name, files) in scan.streams {
            match start(&settings.journal_directory, &name, settings.initial_tail, context.log.as_ref()) {
                Ok(start) => drop(found.insert(name, (files, start))),
                Err(why) => problems.push(why),
            }
        }
        if !problems.is_empty() {
            return Err(ConfigError::Init(problems.join(" :: ")));
        }
        for unreadable in &scan.unreadable {
            context.log.info(unreadable);
        }
        let (log, unreadable) = (context.log.clone(), scan.unreadable);
        Ok(LogstreamerInput { settings, set, found, unreadable, log, places: Arc::default() })
    }
}

/// Reads a stream's journal. Where there is none `tail` decides.
fn start(directory: &Path, stream: &str, tail: bool, log: &dyn Log) -> Result<Start, String> {
    let journal = Journal::new(directory, stream);
    let begin = match journal::load(journal.path())? {
        Loaded::Absent if tail => Begin::Tail,
        Loaded::Absent => Begin::Oldest,
        Loaded::Torn(why) => {
            log.error(&why);
            Begin::Oldest
        }
        Loaded::Found(position, _) if position.file.as_os_str().is_empty() => Begin::Oldest,
        Loaded::Found(position, saved) => Begin::At(position, saved, None),
    };
    Ok(Start { journal, begin })
}

impl Input for LogstreamerInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let mut run = Run {
            settings: &self.settings,
            set: &self.set,
            log: self.log.as_ref(),
            inlet,
            stop,
            streams: Vec::new(),
            scans: 0,
            last_scan: Instant::now(),
            scan_wanted: false,
            complaints: Complaints::default(),
            unreadable: self.unreadable.iter().cloned().collect(),
            places: &self.places,
        };
        for (name, (files, start)) in std::mem::take(&mut self.found) {
            run.add(name, files, start).map_err(PluginError::Run)?;
        }
        let result = run.follow();
        run.finish();
        match result {
            // Pushing fails because hekad stops: that is no failure of the input.
            Err(_) if stop.is_requested() => Ok(()),
            other => other,
        }
    }

    fn report(&self) -> Vec<(String, String, &'static str)> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = places.iter().flat_map(|(name, (file, bytes))| {
            [
                (format!("{name}-filename"), file.clone(), ""),
                (format!("{name}-bytes"), bytes.to_string(), "count"),
            ]
        });
        rows.collect()
    }
}

/// The loop over the streams.
struct Run<'a> {
    settings: &'a Settings,
    set: &'a LogstreamSet,
    log: &'a dyn Log,
    inlet: &'a dyn Inlet,
    stop: &'a Stop,
    streams: Vec<Stream>,
    scans: u64,
    last_scan: Instant,
    scan_wanted: bool,
    complaints: Complaints,
    /// Directories that were named as unreadable.
    unreadable: HashSet<String>,
    places: &'a Mutex<BTreeMap<String, (String, u64)>>,
}

impl Run<'_> {
    /// Adds a stream with a deliverer of its own.
    fn add(&mut self, name: String, files: Vec<Arc<Path>>, start: Start) -> Result<(), String> {
        let mut deliverer = self.inlet.deliverer(&(self.streams.len() + 1).to_string())?;
        deliverer.swallow_long_tails();
        decorate(deliverer.as_mut(), self.settings.hostname.clone(), name.clone());
        self.streams.push(Stream::new(name, files, start.journal, start.begin, deliverer));
        Ok(())
    }

    fn follow(&mut self) -> Result<(), PluginError> {
        let mut buffer = read_buffer();
        while !self.stop.is_requested() {
            self.scan_if_due();
            let busy = self.take_turns(&mut buffer)?;
            let mut unsaved = false;
            for stream in &mut self.streams {
                stream.save_if_due(self.inlet);
                unsaved |= stream.wants_saving();
            }
            if !busy {
                self.note_places();
                self.stop.wait(self.pause(unsaved));
            }
        }
        Ok(())
    }

    /// Gives each stream whose time has come a turn; true if one has more to read.
    fn take_turns(&mut self, buffer: &mut [u8]) -> Result<bool, PluginError> {
        let around = Surroundings {
            inlet: self.inlet,
            max_record_size: self.settings.max_record_size,
            check_interval: self.settings.check_interval,
            scans: self.scans,
        };
        let mut busy = false;
        for stream in &mut self.streams {
            let now = Instant::now();
            if stream.next_look > now {
                continue;
            }
            match stream.turn(&around, buffer)? {
                Turn::Busy => busy = true,
                Turn::Idle => stream.next_look = now + self.settings.check_interval,
                Turn::WantsScan => {
                    self.scan_wanted = true;
                    stream.next_look = now + SCAN_PAUSE.min(self.settings.check_interval);
                }
            }
            if self.stop.is_requested() {
                break;
            }
        }
        Ok(busy)
    }

    /// How long nothing is to be done.
    fn pause(&self, unsaved: bool) -> Duration {
        let now = Instant::now();
        let looks = self.streams.iter().map(|stream| stream.next_look);
        let scan = self.settings.rescan_interval.map(|interval| self.last_scan + interval);
        let next = looks.chain(scan).min().map_or(self.settings.check_interval, |next| next - now.min(next));
        if unsaved { next.min(RECEIPT_PAUSE) } else { next }
    }

    fn scan_if_due(&mut self) {
        let age = self.last_scan.elapsed();
        let due = self.settings.rescan_interval.is_some_and(|interval| age >= interval);
        if due || (self.scan_wanted && age >= SCAN_PAUSE) {
            self.scan();
        }
    }

    fn scan(&mut self) {
        let keep = self.streams.iter().filter_map(|stream| Some(stream.place()?.0.clone())).collect();
        let scan = self.set.scan(&keep);
        self.scans += 1;
        self.last_scan = Instant::now();
        self.scan_wanted = false;
        for text in scan.unreadable {
            if self.unreadable.insert(text.clone()) {
                self.inlet.log_info(&text);
            }
        }
        self.tell_problems(scan.problems);
        for (name, files) in scan.streams {
            match self.streams.iter_mut().find(|stream| stream.name() == name) {
                Some(stream) => stream.set_files(files),
                None => self.add_later(name, files),
            }
        }
        for stream in &mut self.streams {
            stream.next_look = Instant::now();
        }
    }

    /// Adds a stream that has appeared while the input runs: all of it is new, `initial_tail` or not.
    fn add_later(&mut self, name: String, files: Vec<Arc<Path>>) {
        let start = start(&self.settings.journal_directory, &name, false, self.log);
        let added = start.and_then(|start| self.add(name, files, start));
        match added {
            Ok(()) => self.complaints.clear("stream"),
            Err(why) => self.complaints.tell(self.inlet, "stream", why),
        }
    }

    fn tell_problems(&mut self, problems: Vec<String>) {
        if problems.is_empty() {
            self.complaints.clear("scan");
        } else {
            self.complaints.tell(self.inlet, "scan", problems.join(" :: "));
        }
    }

    fn note_places(&self) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in &self.streams {
            if let Some((file, bytes)) = stream.place() {
                places.insert(stream.name().to_owned(), (file.to_string_lossy().into_owned(), bytes));
            }
        }
    }

    fn finish(&mut self) {
        let deadline = Instant::now() + STOP_TIME;
        for stream in &mut self.streams {
            stream.save_at_stop(self.inlet, deadline);
        }
        self.note_places();
    }
}

/// Has each record say where it is from.
fn decorate(deliverer: &mut dyn Deliverer, hostname: String, logger: String) {
    deliverer.set_decorator(Box::new(move |pack: &mut Pack| {
        let message = pack.message_mut();
        message.msg_type = Some("logfile".into());
        message.hostname = Some(hostname.as_str().into());
        message.logger = Some(logger.as_str().into());
    }));
}

#[cfg(test)]
mod tests;
