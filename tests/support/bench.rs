//! A daemon between a log file and a file of what came out, on a disk that fails on command.

#![allow(dead_code, reason = "each test uses its part of it")]

use std::fs::OpenOptions;
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use heka_testkit::daemon::configure;
use heka_testkit::faulty_disk::FaultyDisk;
use heka_testkit::{Daemon, Scratch, Tally, wait_until};

/// The program under test.
pub(crate) const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
/// Long for what should be a matter of a second, on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// From `logs/app.log` to `out`.
pub(crate) const FROM_LOG_TO_FILE: &str = r#"
[hekad]
base_dir = "$DIR/base"
hostname = "bench"
shutdown_timeout = "10s"
queue_segment_size = 1048576

[log]
type = "LogstreamerInput"
log_directory = "$DIR/logs"
file_match = 'app\.log'

[PayloadEncoder]
append_newlines = false

[out]
type = "FileOutput"
message_matcher = "Type == 'logfile'"
path = "$DIR/out"
encoder = "PayloadEncoder"
"#;

/// The daemon and all around it. Fields are dropped in order: the daemon before its folder.
pub(crate) struct Bench {
    pub(crate) daemon: Daemon,
    pub(crate) disk: FaultyDisk,
    pub(crate) scratch: Scratch,
    /// Lines written so far.
    pub(crate) said: u64,
}

impl Bench {
    /// Starts the daemon with [`FROM_LOG_TO_FILE`] and more sections.
    pub(crate) fn start(more: &str) -> Bench {
        let scratch = Scratch::new().unwrap();
        configure(&scratch, &format!("{FROM_LOG_TO_FILE}{more}")).unwrap();
        Bench::start_in(scratch)
    }

    /// Starts it in a folder that has its configuration.
    pub(crate) fn start_in(scratch: Scratch) -> Bench {
        scratch.write("logs/app.log", "").unwrap();
        let disk = FaultyDisk::new(&scratch).unwrap();
        let daemon = run(&scratch, &disk);
        Bench { daemon, disk, scratch, said: 0 }
    }

    /// Starts the daemon again after it has ended.
    pub(crate) fn restart(&mut self) {
        self.daemon = run(&self.scratch, &self.disk);
    }

    /// Appends numbered lines of about `size` bytes to the log.
    pub(crate) fn say(&mut self, lines: u64, size: usize) {
        let mut log = OpenOptions::new().append(true).open(self.scratch.join("logs/app.log")).unwrap();
        let filler = "x".repeat(size);
        let mut text = String::new();
        for id in self.said..self.said + lines {
            text.push_str(&format!("{id} {filler}\n"));
        }
        log.write_all(text.as_bytes()).unwrap();
        self.said += lines;
    }

    /// What came out against what was said.
    pub(crate) fn tally(&self) -> Tally {
        Tally::of(self.said, ids(&self.scratch.read("out")))
    }

    /// Waits until all that was said came out.
    pub(crate) fn all_arrive(&mut self, limit: Duration) {
        let begun = Instant::now();
        while !self.tally().is_complete() {
            self.daemon.check_alive().unwrap();
            assert!(begun.elapsed() < limit, "{}; log:\n{}", self.tally(), self.daemon.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A fresh line passes soon; tells how soon.
    pub(crate) fn is_alive(&mut self) -> Duration {
        let begun = Instant::now();
        self.say(1, 10);
        let id = self.said - 1;
        let passed = wait_until(Duration::from_secs(5), || ids(&self.scratch.read("out")).contains(&id));
        assert!(passed, "a fresh record has not passed in 5 s; log:\n{}", self.daemon.log());
        begun.elapsed()
    }

    /// How many lines of this run's log hold a text.
    pub(crate) fn logged(&self, text: &str) -> usize {
        self.daemon.log().lines().filter(|line| line.contains(text)).count()
    }
}

/// Numbers at the beginnings of whole lines.
pub(crate) fn ids(bytes: &[u8]) -> Vec<u64> {
    let text = String::from_utf8_lossy(bytes);
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.filter_map(|line| line.split(' ').next()?.parse().ok()).collect()
}

fn run(scratch: &Scratch, disk: &FaultyDisk) -> Daemon {
    Daemon::start_with(HEKAD, scratch, |command: &mut Command| disk.preload(command)).unwrap()
}
