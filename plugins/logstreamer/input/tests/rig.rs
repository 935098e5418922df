//! Runs the input on files of a temporary directory.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use heka_plugin::input::{Decorator, InputPlugin};
use heka_plugin::{
    Context, Deliverer, Globals, HeldMark, Inlet, Input, Pack, PluginError, Pushed, Receipt, Stop,
};

use super::super::{LogstreamerInput, Options};

/// A delivered record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) token: String,
    pub(super) logger: String,
    pub(super) hostname: String,
    pub(super) msg_type: String,
    pub(super) payload: String,
}

/// What the inlet saw, and how it behaves.
#[derive(Default)]
pub(super) struct World {
    records: Mutex<Vec<Record>>,
    changed: Condvar,
    pub(super) errors: Mutex<Vec<String>>,
    pub(super) infos: Mutex<Vec<String>>,
    appended: AtomicU64,
    /// Records that the queue holds; `u64::MAX` is all.
    pub(super) held: AtomicU64,
    /// Pushing fails.
    pub(super) refuses: AtomicBool,
    pub(super) whole_reads: AtomicBool,
    pub(super) incomplete_final: AtomicBool,
}

impl World {
    /// The payloads in the order they came.
    pub(super) fn payloads(&self) -> Vec<String> {
        self.records.lock().unwrap().iter().map(|record| record.payload.clone()).collect()
    }
}

impl HeldMark for World {
    fn held(&self) -> u64 {
        self.held.load(Ordering::SeqCst)
    }

    fn wait(&self, sequence: u64, time: Duration) -> bool {
        if self.held() < sequence {
            std::thread::sleep(time.min(Duration::from_millis(5)));
        }
        self.held() >= sequence
    }
}

pub(super) struct TestInlet(pub(super) Arc<World>);

impl Inlet for TestInlet {
    fn deliverer(&self, token: &str) -> Result<Box<dyn Deliverer>, String> {
        let (token, world) = (token.to_owned(), self.0.clone());
        Ok(Box::new(Lines { world, token, decorator: None, rest: Vec::new(), done: 0 }))
    }

    fn ticker_interval_s(&self) -> u64 {
        0
    }

    fn log_info(&self, text: &str) {
        self.0.infos.lock().unwrap().push(text.into());
    }

    fn log_error(&self, text: &str) {
        self.0.errors.lock().unwrap().push(text.into());
    }
}

/// A deliverer that cuts after newlines.
struct Lines {
    world: Arc<World>,
    token: String,
    decorator: Option<Decorator>,
    rest: Vec<u8>,
    done: u64,
}

impl Lines {
    fn record(&mut self, payload: &[u8]) {
        let mut pack = Pack::new();
        if let Some(decorate) = &mut self.decorator {
            decorate(&mut pack);
        }
        let message = pack.message();
        let text =
            |value: &Option<bstr::BString>| value.as_ref().map(ToString::to_string).unwrap_or_default();
        self.world.records.lock().unwrap().push(Record {
            token: self.token.clone(),
            logger: text(&message.logger),
            hostname: text(&message.hostname),
            msg_type: text(&message.msg_type),
            payload: String::from_utf8_lossy(payload).into_owned(),
        });
        self.world.appended.fetch_add(1, Ordering::SeqCst);
        self.world.changed.notify_all();
    }

    fn pushed(&mut self, records: u64) -> Result<Pushed, PluginError> {
        let sequence = self.world.appended.load(Ordering::SeqCst);
        let receipt =
            if records > 0 { Receipt::new(sequence, self.world.clone()) } else { Receipt::resolved() };
        Ok(Pushed { done: self.done, records, receipt })
    }

    fn finish_if(&mut self, deliver: bool) -> Result<Pushed, PluginError> {
        let rest = std::mem::take(&mut self.rest);
        if !deliver || rest.is_empty() {
            return self.pushed(0);
        }
        self.record(&rest);
        self.done += rest.len() as u64;
        self.pushed(1)
    }
}

impl Deliverer for Lines {
    fn set_decorator(&mut self, decorator: Decorator) {
        self.decorator = Some(decorator);
    }

    fn swallow_long_tails(&mut self) {}

    fn push(&mut self, bytes: &[u8]) -> Result<Pushed, PluginError> {
        if self.world.refuses.load(Ordering::SeqCst) {
            return Err(PluginError::run("stopping"));
        }
        self.rest.extend_from_slice(bytes);
        let mut data = std::mem::take(&mut self.rest);
        let whole = self.takes_whole_reads();
        let end = if whole {
            data.len()
        } else {
            data.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
        };
        let mut records = 0;
        for record in
            if whole { vec![&data[..]] } else { data[..end].split_inclusive(|byte| *byte == b'\n').collect() }
        {
            self.record(record);
            records += 1;
        }
        data.drain(..end);
        self.done += end as u64;
        self.rest = data;
        self.pushed(records)
    }

    fn finish(&mut self) -> Result<Pushed, PluginError> {
        self.finish_if(self.world.incomplete_final.load(Ordering::SeqCst))
    }

    fn finish_record(&mut self) -> Result<Pushed, PluginError> {
        self.finish_if(true)
    }

    fn push_blob(&mut self, _: &[u8]) -> Result<Pushed, PluginError> {
        Err(PluginError::run("no blobs here"))
    }

    fn inject(&mut self, _: &mut Pack) -> Result<Receipt, PluginError> {
        Err(PluginError::run("no packs here"))
    }

    fn reset(&mut self) {
        self.rest.clear();
        self.done = 0;
    }

    fn pending(&self) -> usize {
        self.rest.len()
    }

    fn takes_whole_reads(&self) -> bool {
        self.world.whole_reads.load(Ordering::SeqCst)
    }
}

type Running = JoinHandle<(Result<(), PluginError>, LogstreamerInput)>;

/// A directory of logs, the input's options, and the world it runs in.
pub(super) struct Rig {
    dir: tempfile::TempDir,
    pub(super) options: Options,
    pub(super) world: Arc<World>,
    running: Option<(Stop, Running)>,
}

impl Rig {
    /// A set of `a.log`, `a.log.1`, ...
    pub(super) fn rotated() -> Rig {
        let mut rig = Rig::new(r"a\.log\.?(?P<Seq>\d*)(\.gz)?");
        rig.options.priority = vec!["^Seq".into()];
        rig
    }

    pub(super) fn new(file_match: &str) -> Rig {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("in")).unwrap();
        let options = Options {
            log_directory: dir.path().join("in").to_str().unwrap().into(),
            file_match: file_match.into(),
            check_data_interval: "15ms".into(),
            ..Options::default()
        };
        let world = World { held: AtomicU64::new(u64::MAX), ..World::default() };
        Rig { dir, options, world: Arc::new(world), running: None }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("in").join(name)
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(super) fn append(&self, name: &str, content: impl AsRef<[u8]>) {
        let mut file = fs::File::options().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(content.as_ref()).unwrap();
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Makes a file look as if it was last written to so long ago.
    pub(super) fn age(&self, name: &str, seconds: u64) {
        let time = std::time::SystemTime::now() - Duration::from_secs(seconds);
        fs::File::options().write(true).open(self.path(name)).unwrap().set_modified(time).unwrap();
    }

    pub(super) fn journal_path(&self, stream: &str) -> PathBuf {
        match &self.options.journal_directory {
            Some(directory) => Path::new(directory).join(stream),
            None => self.dir.path().join("base/logstreamer").join(stream),
        }
    }

    /// The journal, the path of the log directory replaced by `IN`.
    pub(super) fn journal(&self, stream: &str) -> String {
        let content = fs::read_to_string(self.journal_path(stream)).unwrap_or_default();
        content.replace(&*fs::canonicalize(self.path("")).unwrap().to_string_lossy(), "IN")
    }

    /// What was never synced is gone, as after a power cut.
    pub(super) fn forget_notes(&self) {
        for (path, _) in self.notes() {
            fs::remove_file(path).unwrap();
        }
    }

    /// The notes beside the journals, and what they say.
    pub(super) fn notes(&self) -> Vec<(PathBuf, String)> {
        let directory = self.journal_path("src").parent().unwrap().to_owned();
        let files = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
        files
            .filter(|path| path.extension().is_some_and(|kind| kind == "note"))
            .map(|path| (path.clone(), fs::read_to_string(path).unwrap_or_default()))
            .collect()
    }

    pub(super) fn write_journal(&self, stream: &str, content: &str) {
        let path = self.journal_path(stream);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content.replace("IN", &fs::canonicalize(self.path("")).unwrap().to_string_lossy()))
            .unwrap();
    }

    fn context(&self) -> Context {
        let globals = Globals {
            hostname: "test.host".into(),
            base_dir: self.dir.path().join("base"),
            ..Globals::default()
        };
        Context { globals: Arc::new(globals), ..Context::for_test("src") }
    }

    pub(super) fn open(&self) -> Result<LogstreamerInput, String> {
        LogstreamerInput::open(self.options.clone(), &self.context()).map_err(|why| why.to_string())
    }

    pub(super) fn start(&mut self) {
        let mut input = self.open().unwrap();
        let (stop, inlet) = (Stop::new(), TestInlet(self.world.clone()));
        let theirs = stop.clone();
        let thread = std::thread::spawn(move || (input.run(&inlet, &theirs), input));
        self.running = Some((stop, thread));
    }

    /// Stops the input; gives the rows of its report.
    pub(super) fn stop(&mut self) -> Vec<(String, String, &'static str)> {
        let (stop, thread) = self.running.take().unwrap();
        stop.request();
        let (result, input) = thread.join().unwrap();
        result.unwrap();
        input.report()
    }

    /// Reads all there is.
    pub(super) fn run_until(&mut self, last: &str) {
        self.start();
        self.wait_for(last);
        self.stop();
    }

    /// Waits until a record with this payload came.
    pub(super) fn wait_for(&self, payload: &str) {
        let end = Instant::now() + Duration::from_secs(10);
        let mut records = self.world.records.lock().unwrap();
        while !records.iter().any(|record| record.payload == payload) {
            let left = end.saturating_duration_since(Instant::now());
            let errors = self.world.errors.lock().unwrap();
            assert!(!left.is_zero(), "{payload:?} does not come: {records:?} {errors:?}");
            drop(errors);
            records = self.world.changed.wait_timeout(records, left).unwrap().0;
        }
    }

    /// Waits until `condition` holds.
    pub(super) fn wait_until(&self, what: &str, condition: impl Fn(&Rig) -> bool) {
        let end = Instant::now() + Duration::from_secs(10);
        while !condition(self) {
            assert!(Instant::now() < end, "{what}; journal: {}", self.journal("src"));
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the input has certainly looked at its files again.
    pub(super) fn let_look(&self) {
        std::thread::sleep(Duration::from_millis(80));
    }

    pub(super) fn records(&self) -> Vec<Record> {
        self.world.records.lock().unwrap().clone()
    }

    /// The payloads in the order they came.
    pub(super) fn payloads(&self) -> Vec<String> {
        self.world.payloads()
    }

    pub(super) fn forget_records(&self) {
        self.world.records.lock().unwrap().clear();
    }

    pub(super) fn errors(&self) -> Vec<String> {
        self.world.errors.lock().unwrap().clone()
    }
}
