//! `kill -9` at any moment loses nothing.
//!
//! A log grows and is rotated while the daemon that reads it is killed again and again, 0 to 500 ms after its start.
//! `HEKA_KILLS` sets how often (20), `HEKA_SEED` repeats a schedule, `HEKA_KEEP` leaves the scratch folder behind.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::HashSet;
use std::env;
use std::time::Duration;

use heka_testkit::access_log::{AccessLog, id_of};
use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::frames::frames;
use heka_testkit::growing_log::{GrowingLog, Growth};
use heka_testkit::patience::wait_until_quiet;
use heka_testkit::{KillLoop, Random, Scratch, Tally, wire};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");

/// Small segments, so that rolling over and unlinking happen while the daemon is killed.
const CONFIG: &str = r#"
[hekad]
base_dir = "$DIR/base"
hostname = "killed"
queue_segment_size = 1048576

[log]
type = "LogstreamerInput"
log_directory = "$DIR/logs"
file_match = 'access\.log\.?(?P<Seq>\d*)'
priority = ["^Seq"]
rescan_interval = "1s"

[PayloadEncoder]
append_newlines = false

[framed]
type = "FileOutput"
message_matcher = "Type == 'logfile'"
path = "$DIR/framed"
encoder = "ProtobufEncoder"
flush_interval = 50

[text]
type = "FileOutput"
message_matcher = "Type == 'logfile'"
path = "$DIR/text"
encoder = "PayloadEncoder"
flush_interval = 50
"#;

/// Lines written for each kill: about what is written in the time from one to the next.
const LINES_A_KILL: usize = 2500;
/// The most records that one kill may make an output send twice: a batch.
const RESENT_A_KILL: u64 = 2000;
/// The most records that one kill may make the input read twice: a batch, and what it reads between two journals.
const REREAD_A_KILL: u64 = 2000;
/// Numbers of a message's fields.
const UUID: u64 = 1;
const PAYLOAD: u64 = 6;

#[test]
fn killed_at_any_moment_nothing_is_lost() {
    let wanted: u32 = env::var("HEKA_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let seed = Random::seed_of_run();
    println!("seed {seed}, {wanted} kills");
    let scratch = Scratch::new().unwrap();
    configure(&scratch, CONFIG).unwrap();
    std::fs::create_dir(scratch.join("logs")).unwrap();

    let text = AccessLog::new(seed).take_lines(LINES_A_KILL * wanted as usize);
    let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let growth = Growth { rotate_at: 1_500_000, most_lines: 400, pause: Duration::from_millis(20) };
    let mut log = GrowingLog::start(scratch.join("logs/access.log"), lines.clone(), growth, seed);

    let mut kills = KillLoop::new(HEKAD, seed, Duration::from_millis(500));
    kills.run_until(&scratch, |done| done >= wanted && log.is_done()).unwrap();
    log.finish().unwrap();
    run_to_the_end(&scratch);

    let kills = u64::from(kills.kills());
    check_framed(&scratch.read("framed"), &lines, kills);
    check_text(&scratch.read("text"), &lines, kills);
}

/// A run that nobody disturbs.
fn run_to_the_end(scratch: &Scratch) {
    let mut daemon = Daemon::start(HEKAD, scratch).unwrap();
    let size = || scratch.size("framed") + scratch.size("text");
    // Longer than it takes to notice that a file was rotated.
    assert!(wait_until_quiet(Duration::from_secs(120), Duration::from_secs(4), size), "output never ends");
    let status = daemon.stop(Duration::from_secs(30)).unwrap();
    assert!(status.success(), "{status}; log:\n{}", daemon.log());
}

/// Nothing but whole records with what was written. A line that comes again with its uuid was sent twice, one with
/// another uuid was read twice.
fn check_framed(bytes: &[u8], lines: &[String], kills: u64) {
    let mut ids = Vec::new();
    let mut uuids = HashSet::new();
    let mut resent = 0;
    for frame in frames(bytes) {
        let frame = frame.unwrap_or_else(|e| panic!("framed output of {} bytes: {e}", bytes.len()));
        let payload = wire::bytes_of(frame.message, PAYLOAD).unwrap_or_default();
        let uuid = wire::bytes_of(frame.message, UUID).unwrap_or_default();
        assert_eq!(uuid.len(), 16, "framed output, byte {}: no uuid", frame.start);
        resent += u64::from(!uuids.insert(uuid));
        let id = id_of(payload).filter(|id| is_line(lines, *id, payload));
        ids.push(id.unwrap_or_else(|| {
            panic!(
                "framed output, byte {}: not a line of the log: {:?}",
                frame.start,
                String::from_utf8_lossy(payload)
            )
        }));
    }
    let tally = Tally::of(lines.len() as u64, ids);
    let reread = tally.duplicates - resent;
    println!("framed: {resent} sent twice, {reread} read twice");
    check("framed", &tally);
    assert!(resent <= kills * RESENT_A_KILL, "{resent} records sent twice in {kills} kills");
    assert!(reread <= kills * REREAD_A_KILL, "{reread} records read twice in {kills} kills");
}

/// Lines of the log; text has no frames, so a kill may leave one unfinished line, which the next run does not repair.
fn check_text(bytes: &[u8], lines: &[String], kills: u64) {
    let (mut ids, mut torn) = (Vec::new(), 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match id_of(line).filter(|id| is_line(lines, *id, line)) {
            Some(id) => ids.push(id),
            None => torn += 1,
        }
    }
    assert!(torn <= kills, "text output: {torn} torn lines after {kills} kills");
    check("text", &Tally::of(lines.len() as u64, ids));
}

fn is_line(lines: &[String], id: u64, bytes: &[u8]) -> bool {
    usize::try_from(id).ok().and_then(|id| lines.get(id)).is_some_and(|line| line.as_bytes() == bytes)
}

fn check(output: &str, tally: &Tally) {
    println!("{output}: {tally}");
    assert!(tally.is_complete(), "{output}: {tally}");
}
