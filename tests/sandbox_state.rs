//! A sandbox filter's globals and its place in the queues agree after any `kill -9`, and filters that a manager loaded
//! come back.
//!
//! `HEKA_KILLS` sets how often the daemon is killed (15), `HEKA_SEED` repeats a schedule, `HEKA_KEEP` leaves the scratch
//! folder behind.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::HashMap;
use std::env;
use std::fmt::Write;
use std::time::Duration;

use heka_testkit::access_log::AccessLog;
use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::frames::frames;
use heka_testkit::growing_log::{GrowingLog, Growth};
use heka_testkit::patience::{wait_until, wait_until_quiet};
use heka_testkit::{KillLoop, Random, Scratch, wire};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const PAYLOAD: u64 = 6;
const LINES_A_KILL: usize = 1500;

const COUNTING: &str = r#"
[hekad]
base_dir = "$DIR/base"
share_dir = "$DIR/share"
queue_segment_size = 1048576

[log]
type = "LogstreamerInput"
log_directory = "$DIR/logs"
file_match = 'access\.log\.?(?P<Seq>\d*)'
priority = ["^Seq"]
rescan_interval = "1s"

[counter]
type = "SandboxFilter"
filename = "$DIR/counter.lua"
message_matcher = "Type == 'logfile'"
preserve_data = true

[out]
type = "FileOutput"
message_matcher = "Type == 'heka.sandbox-output'"
path = "$DIR/counted"
encoder = "ProtobufEncoder"
flush_interval = 50
"#;

const COUNTER: &str = r#"
n = 0
function process_message()
    n = n + 1
    inject_payload("txt", "", n, " ", read_message("Uuid"))
    return 0
end
"#;

#[test]
fn killed_at_any_moment_a_counter_counts_each_message_once() {
    let wanted: u32 = env::var("HEKA_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(15);
    let seed = Random::seed_of_run();
    println!("seed {seed}, {wanted} kills");
    let scratch = Scratch::new().unwrap();
    configure(&scratch, COUNTING).unwrap();
    scratch.write("counter.lua", COUNTER).unwrap();
    std::fs::create_dir(scratch.join("logs")).unwrap();
    let text = AccessLog::new(seed).take_lines(LINES_A_KILL * wanted as usize);
    let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let count = lines.len();
    let growth = Growth { rotate_at: 1_500_000, most_lines: 300, pause: Duration::from_millis(20) };
    let mut log = GrowingLog::start(scratch.join("logs/access.log"), lines, growth, seed);
    let mut kills = KillLoop::new(HEKAD, seed, Duration::from_millis(600));
    kills.run_until(&scratch, |done| done >= wanted && log.is_done()).unwrap();
    log.finish().unwrap();

    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    let size = || scratch.size("counted");
    assert!(wait_until_quiet(Duration::from_secs(120), Duration::from_secs(4), size), "output never ends");
    let status = daemon.stop(Duration::from_secs(30)).unwrap();
    assert!(status.success(), "{status}; log:\n{}", daemon.log());

    let last = check_counts(&scratch.read("counted"));
    assert!(last >= count, "{count} lines but only {last} messages counted");
    let data = String::from_utf8(scratch.read("base/sandbox_preservation/counter.data")).unwrap();
    assert!(data.contains(&format!("_G[\"n\"] = {last}\n")), "{last} messages counted, but kept is\n{data}");
}

/// Every count stands for one message and every message for one count, however often it was told. Returns the last.
fn check_counts(bytes: &[u8]) -> usize {
    let (mut messages, mut counts) = (HashMap::new(), HashMap::new());
    let mut told = 0;
    for frame in frames(bytes) {
        let frame = frame.unwrap_or_else(|error| panic!("output of {} bytes: {error}", bytes.len()));
        let payload = wire::bytes_of(frame.message, PAYLOAD).unwrap_or_default();
        let (n, uuid) = std::str::from_utf8(payload).unwrap().split_once(' ').unwrap();
        let (n, uuid): (usize, String) = (n.parse().unwrap(), uuid.into());
        let of_count = messages.entry(n).or_insert_with(|| uuid.clone()).clone();
        assert_eq!(of_count, uuid, "count {n} was given to two messages");
        let of_message = *counts.entry(uuid.clone()).or_insert(n);
        assert_eq!(of_message, n, "message {uuid} was counted twice");
        told += 1;
    }
    let last = messages.len();
    println!("{last} counts, told {told} times");
    assert!((1..=last).all(|n| messages.contains_key(&n)), "a count of 1 to {last} is missing");
    last
}

const MANAGING: &str = r#"
[hekad]
base_dir = "$DIR/base"
share_dir = "$DIR/share"

[control]
type = "SandboxInput"
filename = "$DIR/control.lua"
ticker_interval = 1

[manager]
type = "SandboxManagerFilter"
max_filters = 2

[out]
type = "FileOutput"
message_matcher = "Type == 'heka.sandbox-output'"
path = "$DIR/out"
encoder = "ProtobufEncoder"
flush_interval = 50
"#;

/// Does the first step that is written to the file `step`, then waits for the next one.
const CONTROL: &str = r#"
require "io" require "os"
function process_message()
    local file = io.open("step")
    if not file then return 0 end
    local name = file:read("*l")
    file:close()
    os.remove("step")
    if name == "load" then
        inject_message{Type = "heka.control.sandbox", Timestamp = os.time() * 1e9, Payload = [[n = 0
            function process_message() n = n + 1 inject_payload("txt", "", n, " ", read_message("Payload")) return 0 end]],
            Fields = {action = "load", config = [[
[Counter]
type = "SandboxFilter"
message_matcher = "Type == 'data'"
preserve_data = true]]}}
    elseif name == "unload" then
        inject_message{Type = "heka.control.sandbox", Timestamp = os.time() * 1e9, Fields = {action = "unload", name = "Counter"}}
    else
        inject_message{Type = "data", Payload = name}
    end
    return 0
end
"#;

/// The payloads in the output so far, a line each.
fn payloads(scratch: &Scratch) -> String {
    let bytes = scratch.read("out");
    let mut text = String::new();
    for frame in frames(&bytes).flatten() {
        let payload = wire::bytes_of(frame.message, PAYLOAD).unwrap_or_default();
        writeln!(text, "{}", String::from_utf8_lossy(payload)).unwrap();
    }
    text
}

#[test]
fn a_filter_that_was_loaded_comes_back_after_a_kill_and_goes_after_an_unload() {
    let scratch = Scratch::new().unwrap();
    configure(&scratch, MANAGING).unwrap();
    scratch.write("control.lua", CONTROL).unwrap();
    let limit = Duration::from_secs(20);
    let step = |name: &str| {
        scratch.write("step.new", name).unwrap();
        std::fs::rename(scratch.join("step.new"), scratch.join("step")).unwrap();
        assert!(wait_until(limit, || !scratch.join("step").exists()), "step {name} is not taken");
    };
    let shows = |text: &str| {
        assert!(
            wait_until(limit, || payloads(&scratch) == text),
            "instead of {text:?}: {:?}",
            payloads(&scratch)
        );
    };
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    step("load");
    let started = "Filter started: manager-Counter";
    let count = || String::from_utf8_lossy(&scratch.read("stdout")).matches(started).count();
    assert!(wait_until(limit, || count() == 1), "the filter was not loaded; log:\n{}", daemon.log());
    step("one");
    shows("1 one\n");
    daemon.kill().unwrap();

    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    assert!(wait_until(limit, || count() == 2), "the filter was not loaded again; log:\n{}", daemon.log());
    step("two");
    // The first message may be told again, as the same.
    assert!(wait_until(limit, || payloads(&scratch).ends_with("2 two\n")), "{:?}", payloads(&scratch));
    assert!(
        payloads(&scratch).lines().all(|line| line == "1 one" || line == "2 two"),
        "{:?}",
        payloads(&scratch)
    );

    step("unload");
    let files = || scratch.join("base/sbxmgrs/manager-Counter.toml").exists();
    assert!(wait_until(limit, || !files()), "the filter was not unloaded; log:\n{}", daemon.log());
    let before = payloads(&scratch);
    step("unseen");
    step("load");
    assert!(wait_until(limit, || count() == 3), "the filter was not loaded anew; log:\n{}", daemon.log());
    step("three");
    // Its data were kept, what passed while it was away was not.
    shows(&format!("{before}3 three\n"));
    let status = daemon.stop(Duration::from_secs(30)).unwrap();
    assert!(status.success(), "{status}; log:\n{}", daemon.log());
}
