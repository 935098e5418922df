//! Queue folders of an old hekad: a start of this one takes them over, `hekad import` too, and kills in the middle cost
//! nothing.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::peer::{Manner, Peer};
use heka_testkit::{Random, Scratch, ports, wait_until};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const LIMIT: Duration = Duration::from_secs(30);

/// Two outputs that want the same messages, and an input for new ones.
const CONFIG: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0

[lines]
type = "LogstreamerInput"
log_directory = "$DIR/in"
file_match = 'a\.log'
rescan_interval = "200ms"

[PayloadEncoder]
append_newlines = false

[my-out]
type = "FileOutput"
message_matcher = "TRUE"
path = "$DIR/out"
encoder = "PayloadEncoder"
use_buffering = true

[other]
type = "FileOutput"
message_matcher = "TRUE"
path = "$DIR/other"
encoder = "PayloadEncoder"
use_buffering = true
"#;

fn varint(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A record as an old hekad stored it: a message with UUID, timestamp and payload in an unsigned frame.
fn record(payload: &str) -> Vec<u8> {
    let mut message = vec![0x0a, 16];
    message.extend_from_slice(&[7; 16]);
    message.extend_from_slice(&[0x10, 0x80, 0x80, 0xa8, 0xb1, 0xe3, 0x9f, 0xe7, 0xcb, 0x17, 0x32]);
    varint(payload.len(), &mut message);
    message.extend_from_slice(payload.as_bytes());
    let mut header = vec![0x08];
    varint(message.len(), &mut header);
    let mut frame = vec![0x1e, header.len() as u8];
    frame.extend(header);
    frame.push(0x1f);
    frame.extend(message);
    frame
}

fn records<S: AsRef<str>>(payloads: &[S]) -> Vec<u8> {
    payloads.iter().flat_map(|payload| record(payload.as_ref())).collect()
}

fn old(scratch: &Scratch, name: &str, bytes: impl AsRef<[u8]>) {
    scratch.write(Path::new("base/output_queue").join(name), bytes).unwrap();
}

fn scratch(config: &str) -> Scratch {
    let scratch = Scratch::new().unwrap();
    configure(&scratch, config).unwrap();
    scratch.write("in/a.log", "").unwrap();
    scratch
}

fn expect(daemon: &mut Daemon, scratch: &Scratch, output: &str, text: &str) {
    let waited = daemon.wait_for(output, LIMIT, |_| scratch.read(output) == text.as_bytes());
    waited.unwrap_or_else(|e| panic!("{output}: {:?}; {e}", String::from_utf8_lossy(&scratch.read(output))));
}

fn stop(daemon: &mut Daemon) {
    let status = daemon.stop(LIMIT).unwrap();
    assert!(status.success(), "{status}; log:\n{}", daemon.log());
}

fn stdout(scratch: &Scratch) -> String {
    String::from_utf8(scratch.read("stdout")).unwrap()
}

fn names(dir: PathBuf) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_start_delivers_what_the_old_one_did_not_to_the_one_that_it_was_for() {
    let scratch = scratch(CONFIG);
    let delivered = record("a1\n").len();
    old(&scratch, "my_out/3.log", records(&["a1\n", "a2\n"]));
    old(&scratch, "my_out/7.log", [b"garbage".as_slice(), &records(&["b1\n"])].concat());
    old(&scratch, "my_out/checkpoint.txt", format!("3 {delivered}"));
    old(&scratch, "gone/0.log", records(&["never\n"]));
    scratch.write("in/a.log", "new\n").unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    expect(&mut daemon, &scratch, "out", "a2\nb1\nnew\n");
    expect(&mut daemon, &scratch, "other", "new\n");
    let queues = scratch.join("base/queue/imported");
    daemon.wait_for("the imported queue's end", LIMIT, |_| names(queues.clone()).is_empty()).unwrap();
    stop(&mut daemon);
    assert_eq!(daemon.log(), "");
    let log = stdout(&scratch);
    assert!(log.contains("Plugin 'my-out': imported output_queue/my_out: 2 messages ("), "{log}");
    assert!(log.contains("7 damaged bytes in 1 places skipped"), "{log}");
    assert!(log.contains("output_queue/gone is left as it is"), "{log}");
    assert_eq!(names(scratch.join("base/output_queue")), ["gone"]);
    let kept = scratch.join("base/output_queue.imported/my_out");
    assert_eq!(names(kept), ["3.log", "7.log", "checkpoint.txt"]);

    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    scratch.write("in/a.log", "new\nmore\n").unwrap();
    expect(&mut daemon, &scratch, "out", "a2\nb1\nnew\nmore\n");
    stop(&mut daemon);
}

#[test]
fn a_damaged_checkpoint_is_told_and_all_is_delivered() {
    let scratch = scratch(CONFIG);
    old(&scratch, "my_out/3.log", records(&["a1\n", "a2\n"]));
    old(&scratch, "my_out/checkpoint.txt", "");
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    let line = daemon.wait_for_log("checkpoint.txt is damaged", LIMIT).unwrap();
    assert!(line.starts_with("Plugin 'my-out' error: output_queue/my_out: "), "{line}");
    expect(&mut daemon, &scratch, "out", "a1\na2\n");
    stop(&mut daemon);
}

#[test]
fn what_the_peer_does_not_take_waits_for_it_and_comes_before_what_is_new() {
    let port = ports::free_ports(1).unwrap()[0];
    let config = format!(
        r#"{CONFIG}
[tcp]
type = "TcpOutput"
message_matcher = "TRUE"
address = "127.0.0.1:{port}"
encoder = "PayloadEncoder"
"#
    );
    let scratch = scratch(&config);
    old(&scratch, "tcp/0.log", records(&["a1\n", "a2\n"]));
    scratch.write("in/a.log", "new\n").unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    expect(&mut daemon, &scratch, "other", "new\n");
    daemon.kill().unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    let peer = Peer::listen(port, Manner::Read).unwrap();
    let text = || String::from_utf8(peer.received()).unwrap();
    daemon.wait_for("all at the peer", LIMIT, |_| text() == "a1\na2\nnew\n").unwrap();
    stop(&mut daemon);
    assert_eq!(text(), "a1\na2\nnew\n");
}

/// Kills at any moment of the import and of the delivery, until all is through.
#[test]
fn kills_in_the_middle_lose_nothing() {
    let scratch = scratch(CONFIG);
    let filler = "x".repeat(300);
    let payloads: Vec<String> = (0..60_000).map(|n| format!("{n} {filler}\n")).collect();
    for (number, part) in payloads.chunks(7_000).enumerate() {
        old(&scratch, &format!("my_out/{number}.log"), records(part));
    }
    let mut random = Random::new(11);
    let mut kills = 0;
    let complete = |scratch: &Scratch| {
        scratch.read("out").ends_with(payloads[payloads.len() - 1].as_bytes())
            && names(scratch.join("base/queue/imported")).is_empty()
    };
    for _ in 0..40 {
        let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
        // Short ones for the import, long ones so that it is through at some time.
        let longest = if random.below(2) == 0 { 80 } else { 300 };
        let patience = Duration::from_millis(10 + random.below(longest));
        if wait_until(patience, || complete(&scratch)) {
            stop(&mut daemon);
            break;
        }
        daemon.kill().unwrap();
        kills += 1;
    }
    if !complete(&scratch) {
        let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
        daemon.wait_for("the end", LIMIT, |_| complete(&scratch)).unwrap();
        stop(&mut daemon);
    }
    assert!(kills > 0);
    let text = String::from_utf8(scratch.read("out")).unwrap();
    let mut seen = vec![0; payloads.len()];
    for line in text.split_inclusive('\n') {
        let number = line.split(' ').next().unwrap_or_default().parse::<usize>().ok();
        if let Some(number) = number.filter(|number| payloads.get(*number).is_some_and(|of| of == line)) {
            seen[number] += 1;
        }
    }
    let lost = seen.iter().filter(|count| **count == 0).count();
    let twice: usize = seen.iter().filter(|count| **count > 1).map(|count| count - 1).sum();
    println!("{kills} kills: {lost} lost, {twice} twice");
    assert_eq!(lost, 0);
    assert!(twice <= kills * 2_000, "{twice} twice in {kills} kills");
    assert_eq!(names(scratch.join("base/output_queue.imported")), ["my_out"]);
}

fn import(scratch: &Scratch, more: &[&str]) -> (Output, String) {
    let config = format!("--config={}", scratch.join("hekad.toml").display());
    let output = Command::new(HEKAD).arg("import").arg(config).args(more).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned();
    (output, text)
}

#[test]
fn the_command_tells_then_does_it() {
    let scratch = scratch(CONFIG);
    old(&scratch, "my_out/3.log", records(&["a1\n", "a2\n"]));
    old(&scratch, "gone/3.log", [records(&["b1\n"]).as_slice(), b"torn"].concat());
    old(&scratch, "gone/checkpoint.txt", "x");
    scratch.write("base/logstreamer/lines", r#"{"seek":3,"file_name":"/a.log","last_hash":""}"#).unwrap();
    scratch.write("base/logstreamer/bad", "no journal").unwrap();
    scratch.write("base/sandbox_preservation/f.data", "_G[\"n\"] = 7\n").unwrap();
    scratch.write("base/sandbox_preservation/g.data", "_G[\"n\"] = {").unwrap();

    let (output, text) = import(&scratch, &["--check"]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for line in [
        "output_queue/gone: 1 messages (",
        " bytes) not delivered, 4 damaged bytes in 1 places, left as it is: no filter or output of that name",
        "; checkpoint.txt is damaged (it is no file number and offset): read from the start of 3.log",
        "output_queue/my_out: 2 messages (",
        " bytes) not delivered, for [my-out]\n",
        "logstreamer/lines: journal: goes on in /a.log at 3\n",
        "logstreamer/bad: cannot be used: ",
        "sandbox_preservation/f.data: preserved data: can be taken up\n",
        "sandbox_preservation/g.data: cannot be used: ",
    ] {
        assert!(text.contains(line), "{line:?} in:\n{text}");
    }
    assert_eq!(names(scratch.join("base")), ["logstreamer", "output_queue", "sandbox_preservation"]);

    let (output, text) = import(&scratch, &[]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("Plugin 'my-out': imported output_queue/my_out: 2 messages ("), "{text}");
    assert!(text.contains("output_queue/gone is left as it is"), "{text}");
    assert_eq!(names(scratch.join("base/output_queue")), ["gone"]);

    fs::remove_dir_all(scratch.join("base/logstreamer")).unwrap();
    fs::remove_dir_all(scratch.join("base/output_queue/gone")).unwrap();
    let (output, text) = import(&scratch, &[]);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    expect(&mut daemon, &scratch, "out", "a1\na2\n");
    let (output, text) = import(&scratch, &[]);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("is in use by another hekad"), "{text}");
    stop(&mut daemon);
}

#[test]
fn a_check_needs_no_configuration_with_a_base_dir() {
    let scratch = Scratch::new().unwrap();
    old(&scratch, "a/3.log", records(&["a1\n"]));
    let base_dir = format!("--base-dir={}", scratch.join("base").display());
    let (output, text) = import(&scratch, &["--check", &base_dir]);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("output_queue/a: 1 messages ("), "{text}");
    assert!(text.contains("reader unknown without a configuration"), "{text}");
}

/// A backlog over the limit of `full_action = "shutdown"`.
fn full(port: u16) -> Scratch {
    let scratch = scratch(&format!(
        r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0
full_buffer_max_retries = 1

[lines]
type = "LogstreamerInput"
log_directory = "$DIR/in"
file_match = 'a\.log'
rescan_interval = "200ms"

[PayloadEncoder]
append_newlines = false

[tcp]
type = "TcpOutput"
message_matcher = "TRUE"
address = "127.0.0.1:{port}"
encoder = "PayloadEncoder"
[tcp.buffering]
max_file_size = 100_000
max_buffer_size = 100_000
full_action = "shutdown"
"#
    ));
    let payloads: Vec<String> = (0..2_000).map(|n| format!("{n:099}\n")).collect();
    old(&scratch, "tcp/0.log", records(&payloads));
    scratch.write("in/a.log", "new\n").unwrap();
    scratch
}

const DELAYING: &str = "Plugin 'tcp': Delaying start while trying to relieve back-pressure...";

#[test]
fn a_backlog_over_the_limit_is_worked_down_before_inputs_go_on() {
    let port = ports::free_ports(1).unwrap()[0];
    let peer = Peer::listen(port, Manner::Read).unwrap();
    let scratch = full(port);
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    daemon.wait_for("all at the peer", LIMIT, |_| peer.received_bytes() == 200_004).unwrap();
    assert!(peer.received().ends_with(b"new\n"));
    stop(&mut daemon);
    assert!(stdout(&scratch).contains(DELAYING));
}

#[test]
fn a_backlog_over_the_limit_that_stays_ends_hekad() {
    let scratch = full(ports::free_ports(1).unwrap()[0]);
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    assert_eq!(daemon.wait(LIMIT).unwrap().code(), Some(1), "{}", daemon.log());
    let text = "Plugin 'tcp' error: back-pressure not resolving: triggering shutdown";
    assert!(daemon.log().contains(text), "{}", daemon.log());
    assert!(stdout(&scratch).contains(DELAYING));
}
