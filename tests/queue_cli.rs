//! `hekad queue`: on queues that a real daemon made and this test damages.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use heka_queue::fs::RealFs;
use heka_queue::inspect::{Listing, Piece, Segment};
use heka_queue::{Cursors, Position, SyncMode};
use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::{Random, Scratch};
use serde_json::Value;

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const HEKA_CAT: &str = env!("CARGO_BIN_EXE_heka-cat");
const LIMIT: Duration = Duration::from_secs(60);
const LINES: usize = 3000;

/// One output that takes everything and one whose peer is away.
const CONFIG: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0
queue_segment_size = 262144

[in]
type = "LogstreamerInput"
log_directory = "$DIR/logs"
file_match = 'a\.log'
rescan_interval = "200ms"

[PayloadEncoder]
append_newlines = false

[archive]
type = "FileOutput"
message_matcher = "Logger == 'in'"
path = "$DIR/archive.out"
encoder = "PayloadEncoder"
flush_interval = 10

[upstream]
type = "TcpOutput"
message_matcher = "Logger == 'in'"
address = "127.0.0.1:1"
encoder = "ProtobufEncoder"

[ProtobufEncoder]
"#;

fn lines() -> String {
    (0..LINES).map(|n| format!("line {n} of a log that somebody wrote\n")).collect()
}

/// A daemon that has read all lines and delivered them to one of its two outputs.
fn start() -> (Scratch, Daemon) {
    let scratch = Scratch::new().unwrap();
    configure(&scratch, CONFIG).unwrap();
    scratch.write("logs/a.log", lines()).unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    daemon.wait_for("all lines", LIMIT, |_| scratch.read("archive.out") == lines().as_bytes()).unwrap();
    // The cursors are saved after that.
    daemon
        .wait_for("saved cursors", LIMIT, |_| reader(&status(&scratch), "archive")["lag_bytes"] == 0)
        .unwrap();
    (scratch, daemon)
}

/// The same after a kill.
fn killed() -> Scratch {
    let (scratch, mut daemon) = start();
    daemon.kill().unwrap();
    scratch
}

fn queue(scratch: &Scratch, args: &[&str]) -> Output {
    let (command, rest) = args.split_first().unwrap();
    Command::new(HEKAD)
        .args(["queue", command, "--base-dir"])
        .arg(scratch.join("base"))
        .args(rest)
        .env("TZ", "UTC")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn status(scratch: &Scratch) -> Value {
    let output = queue(scratch, &["status", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn reader<'a>(status: &'a Value, name: &str) -> &'a Value {
    let readers = status["readers"].as_array().unwrap();
    readers.iter().find(|reader| reader["name"] == name).unwrap_or(&Value::Null)
}

fn export(scratch: &Scratch, args: &[&str]) -> Vec<u8> {
    let args = [&["export"], args].concat();
    let output = queue(scratch, &args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    output.stdout
}

fn assert_clean(scratch: &Scratch) {
    let check = queue(scratch, &["check"]);
    assert_eq!(check.status.code(), Some(0), "{}{}", text(&check.stdout), text(&check.stderr));
}

fn repair(scratch: &Scratch) -> String {
    let output = queue(scratch, &["repair", "--yes"]);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn segment(scratch: &Scratch, id: u64) -> PathBuf {
    scratch.join(format!("base/queue/input/{id:08}.log"))
}

fn segments(scratch: &Scratch) -> Vec<u64> {
    let dir = scratch.join("base/queue/input");
    Listing::read(&dir, &RealFs).unwrap().segments.iter().map(|file| file.id).collect()
}

/// Where the records of a segment start and end.
fn records(scratch: &Scratch, id: u64) -> Vec<(u64, u64)> {
    let listing = Listing::read(&scratch.join("base/queue/input"), &RealFs).unwrap();
    let file = listing.segments.iter().find(|file| file.id == id).unwrap();
    let segment = Segment::read(file, &RealFs).unwrap().unwrap();
    let of = |piece: Piece<'_>| match piece {
        Piece::Record(entry) => Some((entry.start, entry.record.position.offset)),
        Piece::Bad { .. } => None,
    };
    segment.walk(0).filter_map(of).collect()
}

fn set_cursor(scratch: &Scratch, reader: &str, at: Position) {
    let cursors = Cursors::open(&scratch.join("base/queue"), Arc::new(RealFs), SyncMode::Ack).unwrap();
    cursors.set(reader, "input", at);
    cursors.save_if_changed().unwrap();
}

/// All files below a folder.
fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(tree(&path));
        } else {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    files
}

#[test]
fn a_running_queue_is_shown_and_left_alone() {
    let (scratch, mut daemon) = start();
    let shown = status(&scratch);
    assert_eq!(shown["running"], daemon.pid());
    assert_eq!(shown["queues"][0]["records"], LINES);
    assert_eq!(reader(&shown, "archive")["lag_records"], 0);
    assert_eq!(reader(&shown, "upstream")["lag_records"], LINES);
    assert!(reader(&shown, "upstream")["oldest_unread_age_s"].is_number());
    assert_clean(&scratch);
    for command in [&["repair", "--yes"][..], &["repair"], &["forget", "upstream", "--yes"]] {
        let refused = queue(&scratch, command);
        assert_eq!(refused.status.code(), Some(2));
        assert!(text(&refused.stderr).contains("hekad is running on"), "{}", text(&refused.stderr));
    }
    assert!(daemon.stop(LIMIT).unwrap().success());
    let shown = status(&scratch);
    assert_eq!(shown["running"], Value::Null);
    assert_eq!(reader(&shown, "upstream")["lag_records"], LINES);
    assert_clean(&scratch);
    let config = scratch.join("hekad.toml");
    let found = Command::new(HEKAD).args(["queue", "status", "--config"]).arg(config).output().unwrap();
    assert!(text(&found.stdout).contains("upstream"), "{}", text(&found.stderr));
}

#[test]
fn what_is_exported_is_read_back() {
    let scratch = killed();
    let json = export(&scratch, &["--format", "json"]);
    let payloads: String = text(&json)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["payload"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(payloads, lines());
    let file = scratch.join("export.pb");
    let shown = file.display().to_string();
    export(&scratch, &["--matcher", "Payload =~ /line [0-9] /", "-o", &shown]);
    let cat = Command::new(HEKA_CAT).args(["-format=txt", &shown]).output().unwrap();
    assert!(text(&cat.stderr).contains("Processed: 10, matched: 10 messages"), "{}", text(&cat.stderr));
    assert_eq!(text(&cat.stdout), text(&export(&scratch, &["--format", "text"]))[..cat.stdout.len()]);
    let rst = text(&export(&scratch, &["--format", "rst", "--matcher", "Payload =~ /line 7 /"]));
    assert!(rst.contains("\n:Logger: in\n:Payload: line 7 of a log"), "{rst}");
    assert_eq!(export(&scratch, &["--reader", "archive"]), b"");
    assert_eq!(export(&scratch, &["--reader", "upstream"]), export(&scratch, &["--from-oldest"]));
    let refused = queue(&scratch, &["export", "--reader", "nobody"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("base/queue/cursors; there are: archive, upstream"));
    let refused = queue(&scratch, &["export", "--matcher", "Payload =="]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("--matcher"), "{}", text(&refused.stderr));
}

/// One damage of a segment's file.
fn damage(scratch: &Scratch, random: &mut Random) -> String {
    let ids = segments(scratch);
    let id = ids[random.below(ids.len() as u64) as usize];
    let path = segment(scratch, id);
    let mut bytes = fs::read(&path).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if used == 0 {
        return format!("{id}: empty");
    }
    let at = random.below(used as u64) as usize;
    let to = (at + 1 + random.below(2000) as usize).min(used);
    let what = random.below(7);
    match what {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at..to].fill(0),
        2 => bytes[at..to].fill(0x1E),
        3 => drop(bytes.splice(at..at, *b"\x1e\x26\x08 garbage between records \x1f")),
        4 => drop(bytes.drain(at..to)),
        5 => bytes.truncate(at),
        _ => bytes.extend_from_slice(b"garbage at the end"),
    }
    fs::write(&path, bytes).unwrap();
    format!("{id}: {what} at {at} to {to}")
}

#[test]
fn repair_loses_no_record_that_could_be_read() {
    let scratch = killed();
    let base = scratch.join("base");
    let good = tree(&base);
    let mut random = Random::new(7);
    for round in 0..60 {
        fs::remove_dir_all(&base).unwrap();
        for (path, bytes) in &good {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let ids = segments(&scratch);
        let id = ids[random.below(ids.len() as u64) as usize];
        let of_segment = records(&scratch, id);
        let (_, offset) = of_segment[random.below(of_segment.len() as u64) as usize];
        set_cursor(&scratch, "upstream", Position::new(id, offset));
        let done: Vec<String> = (0..=random.below(4)).map(|_| damage(&scratch, &mut random)).collect();
        let case = format!("round {round}, cursor {id}:{offset}, {done:?}");
        let (all, unread) = (export(&scratch, &[]), export(&scratch, &["--reader", "upstream"]));
        let was_clean = queue(&scratch, &["check"]).status.success();
        let said = repair(&scratch);
        assert_clean(&scratch);
        assert!(export(&scratch, &[]) == all, "{case}: {said}");
        let now = export(&scratch, &["--reader", "upstream"]);
        // A cursor that the damage left inside a record goes back to its start.
        assert!(now.ends_with(&unread), "{case}: {} of {} bytes; {said}", now.len(), unread.len());
        assert_eq!(said.contains("nothing to repair"), was_clean, "{case}");
        assert!(repair(&scratch).contains("nothing to repair"), "{case}");
    }
}

#[test]
fn the_daemon_goes_on_after_a_repair() {
    let scratch = killed();
    let id = segments(&scratch)[0];
    let records = records(&scratch, id);
    let path = segment(&scratch, id);
    let mut bytes = fs::read(&path).unwrap();
    let (start, end) = records[20];
    bytes[usize::try_from(end).unwrap() - 1] ^= 1;
    fs::write(&path, &bytes).unwrap();
    set_cursor(&scratch, "upstream", Position::new(id, records[500].0));

    let check = queue(&scratch, &["check"]);
    assert_eq!(check.status.code(), Some(1));
    let damaged = format!("{}:{start}: {} damaged bytes between records\n", path.display(), end - start);
    let missing = format!("{}:{end}: record number 20 is missing\n", path.display());
    assert!(text(&check.stdout).contains(&damaged), "{}", text(&check.stdout));
    assert!(text(&check.stdout).contains(&missing), "{}", text(&check.stdout));
    let before = tree(&scratch.join("base"));
    let plan = queue(&scratch, &["repair"]);
    assert!(text(&plan.stdout).contains("would move"), "{}", text(&plan.stdout));
    assert_eq!(tree(&scratch.join("base")), before);
    repair(&scratch);
    let moved = scratch.join(format!("base/queue/damaged/input-{id:08}.log-at-{start}"));
    assert_eq!(fs::read(moved).unwrap(), bytes[start as usize..end as usize]);

    // The same reader with a peer that takes everything.
    let config = CONFIG
        .replace(
            "type = \"TcpOutput\"",
            "type = \"FileOutput\"\npath = \"$DIR/upstream.out\"\nflush_interval = 10",
        )
        .replace("address = \"127.0.0.1:1\"\nencoder = \"ProtobufEncoder\"", "encoder = \"PayloadEncoder\"");
    configure(&scratch, &config).unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    let expected: String = lines().split_inclusive('\n').skip(500).collect();
    let waited = daemon.wait_for("the rest", LIMIT, |_| scratch.read("upstream.out") == expected.as_bytes());
    waited.unwrap();
    assert!(daemon.stop(LIMIT).unwrap().success());
    assert_clean(&scratch);
}

#[test]
fn damaged_cursors_let_everybody_start_at_the_oldest_record() {
    let scratch = killed();
    let cursors = scratch.join("base/queue/cursors");
    let good = fs::read(&cursors).unwrap();
    fs::write(&cursors, &good[..good.len() / 2]).unwrap();
    fs::write(scratch.join("base/queue/input/notes.txt"), "not a segment").unwrap();
    let check = queue(&scratch, &["check", "--json"]);
    assert_eq!(check.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!(found["clean"], false);
    assert_eq!(found["records"], LINES);
    let kinds: Vec<_> = found["problems"].as_array().unwrap().iter().map(|p| &p["kind"]).collect();
    assert_eq!(kinds, ["other", "foreign"]);
    assert!(status(&scratch)["cursors_error"].is_string());
    let refused = queue(&scratch, &["forget", "upstream"]);
    assert!(text(&refused.stderr).contains("base/queue/cursors"), "{}", text(&refused.stderr));
    repair(&scratch);
    assert_clean(&scratch);
    assert_eq!(fs::read(scratch.join("base/queue/damaged/cursors")).unwrap(), good[..good.len() / 2]);
    assert!(scratch.join("base/queue/damaged/input-notes.txt").exists());
}

#[test]
fn a_cursor_inside_a_record_goes_back_to_its_start() {
    let scratch = killed();
    let id = segments(&scratch)[0];
    let (start, _) = records(&scratch, id)[10];
    set_cursor(&scratch, "upstream", Position::new(id, start + 5));
    let check = queue(&scratch, &["check"]);
    assert!(text(&check.stdout).contains(&format!("is inside the record at {id}:{start}")));
    repair(&scratch);
    assert_clean(&scratch);
    let shown = status(&scratch);
    assert_eq!(reader(&shown, "upstream")["lag_records"], LINES - 10);
}

#[test]
fn a_reader_is_forgotten_only_when_told_so() {
    let scratch = killed();
    let asked = queue(&scratch, &["forget", "upstream"]);
    assert!(asked.status.success());
    assert!(text(&asked.stdout).contains(&format!("has {LINES} unread records")), "{}", text(&asked.stdout));
    assert!(reader(&status(&scratch), "upstream").is_object());
    assert!(queue(&scratch, &["forget", "upstream", "--yes"]).status.success());
    assert!(reader(&status(&scratch), "upstream").is_null());
    assert!(reader(&status(&scratch), "archive").is_object());
    assert_eq!(queue(&scratch, &["forget", "upstream", "--yes"]).status.code(), Some(2));
}

#[test]
fn only_our_words_come_before_the_old_command_line() {
    let run = |args: &[&str]| Command::new(HEKAD).args(args).output().unwrap();
    for args in [&["-version", "queue", "status"][..], &["--version", "help"]] {
        let output = run(args);
        assert!(output.status.success());
        assert_eq!(text(&output.stdout).trim(), env!("CARGO_PKG_VERSION"));
    }
    let missing = run(&["-config=/no/such/file", "queue"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("/no/such/file"));
    let nothing = run(&["queue", "check", "--base-dir", "/no/such/folder"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("/no/such/folder/queue"), "{}", text(&nothing.stderr));
    let nothing = run(&["queue", "check", "--config", "/no/such/file"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("/no/such/file"), "{}", text(&nothing.stderr));
}
