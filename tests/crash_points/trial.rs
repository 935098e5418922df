//! One hekad in one folder, dying where it is told to.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use heka_testkit::Scratch;
use heka_testkit::daemon::{Daemon, configure};

use super::check::{Outcome, arrived};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
/// For a busy machine; nothing takes so long.
const LIMIT: Duration = Duration::from_secs(60);

/// The smallest things happen: segments roll, are pruned, journals and states are saved.
const CONFIG: &str = r#"
[hekad]
base_dir = "$DIR/base"
share_dir = "$DIR/share"
hostname = "crashing"
queue_segment_size = 1048576

[log]
type = "LogstreamerInput"
log_directory = "$DIR/logs"
file_match = 'access\.log\.?(?P<Seq>\d*)'
priority = ["^Seq"]
rescan_interval = "1s"

[counter]
type = "CounterFilter"
message_matcher = "Type == 'logfile'"
ticker_interval = 1

[numbers]
type = "SandboxFilter"
filename = "$DIR/numbers.lua"
message_matcher = "Type == 'logfile'"
preserve_data = true

[PayloadEncoder]
append_newlines = false

[framed]
type = "FileOutput"
message_matcher = "Type == 'logfile'"
path = "$DIR/framed"
encoder = "ProtobufEncoder"

[text]
type = "FileOutput"
message_matcher = "Type == 'logfile'"
path = "$DIR/text"
encoder = "PayloadEncoder"

[numbered]
type = "FileOutput"
message_matcher = "Type == 'heka.sandbox-output'"
path = "$DIR/numbered"
encoder = "ProtobufEncoder"
"#;

/// Gives each message the next number.
const NUMBERS: &str = r#"
n = 0
function process_message()
    n = n + 1
    inject_payload("txt", "", n, " ", read_message("Uuid"))
    return 0
end
"#;

/// Where a run is to die, and what else happens on the way.
#[derive(Debug, Default)]
pub(crate) struct Fault<'a> {
    /// `HEKAD_FAULT`
    pub(crate) points: String,
    /// `HEKAD_FAIL`
    pub(crate) fail: Option<&'a str>,
}

impl Fault<'_> {
    /// The process dies when it passes `point` the `turn`-th time.
    pub(crate) fn at(point: &str, turn: u32) -> Fault<'static> {
        Fault { points: format!("{point}:{turn}"), fail: None }
    }
}

/// A hekad's folder, the log it reads, and what befell it.
pub(crate) struct Trial<'a> {
    scratch: Scratch,
    lines: &'a [String],
    written: usize,
    /// How often it died.
    pub(crate) deaths: u64,
    runs: u32,
}

impl<'a> Trial<'a> {
    /// A fresh folder; `lines` is all that the log will hold.
    pub(crate) fn new(lines: &'a [String]) -> Trial<'a> {
        let scratch = Scratch::new().unwrap();
        configure(&scratch, CONFIG).unwrap();
        scratch.write("numbers.lua", NUMBERS).unwrap();
        std::fs::create_dir(scratch.join("logs")).unwrap();
        Trial { scratch, lines, written: 0, deaths: 0, runs: 0 }
    }

    /// Puts a file into the input queue that is no segment.
    pub(crate) fn add_foreign_file(&self) {
        self.scratch.write("base/queue/input/00000005.log", "nobody's").unwrap();
    }

    /// Appends the next lines to the log.
    pub(crate) fn write_lines(&mut self, count: usize) {
        let lines = &self.lines[self.written..(self.written + count).min(self.lines.len())];
        let path = self.scratch.join("logs/access.log");
        let mut log = OpenOptions::new().create(true).append(true).open(path).unwrap();
        log.write_all(lines.concat().as_bytes()).unwrap();
        self.written += lines.len();
    }

    /// Rotates the log and writes all that is left.
    pub(crate) fn write_rest(&mut self) {
        std::fs::rename(self.scratch.join("logs/access.log"), self.scratch.join("logs/access.log.1"))
            .unwrap();
        self.write_lines(self.lines.len());
    }

    /// Starts hekad. Once all lines have arrived it is told to stop. Says which points it passed, and whether it died.
    pub(crate) fn run(&mut self, fault: &Fault<'_>) -> (Vec<String>, bool) {
        self.runs += 1;
        let trace = self.scratch.join(format!("trace.{}", self.runs));
        let started = self.starts();
        let mut daemon = Daemon::start_with(HEKAD, &self.scratch, |command| {
            command.env("HEKAD_FAULT", &fault.points).env("HEKAD_FAULT_TRACE", &trace);
            command.env("HEKAD_FAIL", fault.fail.unwrap_or_default());
        })
        .unwrap();
        let mut size = u64::MAX;
        let mut complete = false;
        let ended = daemon.wait_for("all lines", LIMIT, |_| {
            // What has not started yet cannot be told to stop.
            if self.starts() == started {
                return false;
            }
            let now = self.scratch.size("framed");
            // A look costs something; it is worth it once more has arrived.
            if now != size {
                size = now;
                complete = arrived(&self.scratch.read("framed"), self.written);
            }
            complete
        });
        if let Err(error @ heka_testkit::TestkitError::Late { .. }) = ended {
            let framed = arrived(&self.scratch.read("framed"), self.written);
            let starts = self.starts() - started;
            panic!(
                "{fault:?}, run {}, {} lines, complete {framed}, starts {starts}: {error}",
                self.runs, self.written
            );
        }
        // It may have died meanwhile.
        let _ = daemon.signal(heka_testkit::Signal::INT);
        let status = daemon.wait(LIMIT).unwrap();
        let killed = status.signal() == Some(9);
        let log = daemon.log();
        assert!(killed || status.success(), "{fault:?}: {status}; log:\n{log}");
        assert!(!log.contains("panicked"), "{fault:?}: log:\n{log}");
        self.deaths += u64::from(killed);
        let trace = std::fs::read_to_string(trace).unwrap_or_default();
        (trace.lines().map(str::to_owned).collect(), killed)
    }

    /// How often hekad has started all inputs so far.
    fn starts(&self) -> usize {
        String::from_utf8_lossy(&self.scratch.read("stdout")).matches("Input started: log").count()
    }

    /// Runs undisturbed until everything is delivered, and looks at what came of it.
    pub(crate) fn finish(mut self) -> Outcome {
        self.write_rest();
        let (_, killed) = self.run(&Fault::default());
        assert!(!killed, "killed by nobody");
        Outcome::of(&self.scratch, self.lines, self.deaths)
    }
}
