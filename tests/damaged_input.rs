//! Damaged log files: what can be read is delivered, what cannot is told, and the daemon goes on.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::time::Duration;

use heka_testkit::access_log::{AccessLog, LOG_FORMAT};
use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::{Random, Scratch};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const LIMIT: Duration = Duration::from_secs(20);

/// Two log folders, `bad` and `good`, and a file of payloads for each.
const CONFIG: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0

[bad]
type = "LogstreamerInput"
log_directory = "$DIR/bad"
file_match = 'a\.log'
rescan_interval = "200ms"

[good]
type = "LogstreamerInput"
log_directory = "$DIR/good"
file_match = 'a\.log'
rescan_interval = "200ms"

[PayloadEncoder]
append_newlines = false

[bad_out]
type = "FileOutput"
message_matcher = "Logger == 'bad'"
path = "$DIR/bad.out"
encoder = "PayloadEncoder"
flush_interval = 10

[good_out]
type = "FileOutput"
message_matcher = "Logger == 'good'"
path = "$DIR/good.out"
encoder = "PayloadEncoder"
flush_interval = 10
"#;

/// A scratch folder with both logs, and a daemon that reads them.
fn start(bad: &[u8], good: &[u8]) -> (Scratch, Daemon) {
    let scratch = Scratch::new().unwrap();
    configure(&scratch, CONFIG).unwrap();
    scratch.write("bad/a.log", bad).unwrap();
    scratch.write("good/a.log", good).unwrap();
    let daemon = Daemon::start(HEKAD, &scratch).unwrap();
    (scratch, daemon)
}

/// Waits until an output holds exactly these bytes.
fn expect(daemon: &mut Daemon, scratch: &Scratch, output: &str, bytes: &[u8]) {
    let waited = daemon
        .wait_for(&format!("{} bytes in {output}", bytes.len()), LIMIT, |_| scratch.read(output) == bytes);
    waited.unwrap_or_else(|e| panic!("{output}: {} bytes; {e}", scratch.size(output)));
}

fn append(scratch: &Scratch, name: &str, bytes: &[u8]) {
    OpenOptions::new().append(true).create(true).open(scratch.join(name)).unwrap().write_all(bytes).unwrap();
}

fn stop(mut daemon: Daemon) {
    let status = daemon.stop(LIMIT).unwrap();
    assert!(status.success(), "{status}; log:\n{}", daemon.log());
}

#[test]
fn binary_lines_pass_unchanged() {
    let mut random = Random::new(5);
    let mut bytes: Vec<u8> = (0..200_000).map(|_| random.next_u64() as u8).collect();
    // No line longer than a record may be.
    bytes.chunks_mut(20_000).for_each(|chunk| chunk[0] = b'\n');
    bytes.extend_from_slice(b"\0\0\0\n\xff\xfe\n\x1e\x02\x08\x05\x1f\n\n\n\r\n\xc3(\n");
    let good = AccessLog::new(1).take_lines(500);
    let (scratch, mut daemon) = start(&bytes, good.as_bytes());
    expect(&mut daemon, &scratch, "bad.out", &bytes);
    expect(&mut daemon, &scratch, "good.out", good.as_bytes());
    stop(daemon);
}

#[test]
fn a_line_of_ten_megabytes_is_told_and_the_others_arrive() {
    let before = "before 1\nbefore 2\n";
    let after = "after 1\nafter 2\n";
    let bytes = [before, &"x".repeat(10_000_000), "\n", after].concat();
    let good = AccessLog::new(2).take_lines(500);
    let (scratch, mut daemon) = start(bytes.as_bytes(), good.as_bytes());
    let line = daemon.wait_for_log("exceeded MAX_RECORD_SIZE", LIMIT).unwrap();
    assert!(line.contains("'bad'"), "{line}");
    expect(&mut daemon, &scratch, "bad.out", [before, after].concat().as_bytes());
    expect(&mut daemon, &scratch, "good.out", good.as_bytes());
    stop(daemon);
}

#[test]
fn a_file_truncated_while_it_is_read_is_read_from_its_start() {
    let first = AccessLog::new(3).take_lines(1000);
    let good = AccessLog::new(4).take_lines(100);
    let (scratch, mut daemon) = start(first.as_bytes(), good.as_bytes());
    expect(&mut daemon, &scratch, "bad.out", first.as_bytes());
    File::create(scratch.join("bad/a.log")).unwrap();
    append(&scratch, "bad/a.log", b"new 1\n");
    let mut all = first.into_bytes();
    all.extend_from_slice(b"new 1\n");
    expect(&mut daemon, &scratch, "bad.out", &all);
    append(&scratch, "bad/a.log", b"new 2\n");
    all.extend_from_slice(b"new 2\n");
    expect(&mut daemon, &scratch, "bad.out", &all);
    expect(&mut daemon, &scratch, "good.out", good.as_bytes());
    stop(daemon);
}

#[test]
fn a_deleted_folder_disturbs_nobody_and_may_come_back() {
    let first = "one\ntwo\n";
    let (scratch, mut daemon) = start(first.as_bytes(), b"good 1\n");
    expect(&mut daemon, &scratch, "bad.out", first.as_bytes());
    fs::remove_dir_all(scratch.join("bad")).unwrap();
    append(&scratch, "good/a.log", b"good 2\n");
    expect(&mut daemon, &scratch, "good.out", b"good 1\ngood 2\n");
    scratch.write("bad/a.log", "a new file\nwith more lines\n").unwrap();
    expect(&mut daemon, &scratch, "bad.out", b"one\ntwo\na new file\nwith more lines\n");
    stop(daemon);
}

#[test]
fn lines_that_do_not_decode_are_told_and_the_others_arrive() {
    let scratch = Scratch::new().unwrap();
    let decoding = CONFIG
        .replace("[bad]\n", "[bad]\ndecoder = \"nginx\"\n")
        .replace("Logger == 'bad'", "Type == 'access'");
    let nginx = format!(
        "[nginx]\ntype = \"SandboxDecoder\"\nfilename = \"lua_decoders/nginx_access.lua\"\n[nginx.config]\ntype = \"access\"\n\
         payload_keep = true\nlog_format = '{LOG_FORMAT}'\n"
    );
    configure(&scratch, &(decoding + &nginx)).unwrap();
    let lines = AccessLog::new(6).take_lines(300);
    let garbage = [
        "\n",
        "GET / HTTP/1.1\n",
        "\u{fffd}\0\u{1}\n",
        "127.0.0.1 - - [not a time] \"x\" 200 1 \"-\" \"-\"\n",
        "%s%n{}[](\n",
    ];
    let mut mixed = String::new();
    for (number, line) in lines.split_inclusive('\n').enumerate() {
        mixed.push_str(line);
        mixed.push_str(garbage[number % garbage.len()]);
    }
    scratch.write("bad/a.log", &mixed).unwrap();
    scratch.write("good/a.log", "good 1\n").unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    expect(&mut daemon, &scratch, "bad.out", lines.as_bytes());
    expect(&mut daemon, &scratch, "good.out", b"good 1\n");
    let told = |daemon: &Daemon| daemon.log().matches("Decoder 'bad-nginx-1' error: Failed parsing:").count();
    daemon.wait_for("a log line for each bad line", LIMIT, |daemon| told(daemon) == 300).unwrap();
    stop(daemon);
}
