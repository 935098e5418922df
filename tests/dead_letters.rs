//! What an output rejects: kept with its reason, listed, shown, sent again and given up, while hekad runs, dies and rests.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::{Scratch, wait_until};
use serde_json::Value;

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const HEKA_CAT: &str = env!("CARGO_BIN_EXE_heka-cat");
const LIMIT: Duration = Duration::from_secs(60);

/// A web server that refuses what has "bad" in it, until it is told to take it.
#[derive(Default)]
struct Peer {
    took: Mutex<Vec<String>>,
    refused: AtomicU64,
    takes_all: AtomicBool,
}

impl Peer {
    fn start() -> (Arc<Peer>, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let peer = Arc::new(Peer::default());
        let serving = peer.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let (socket, peer) = (socket.unwrap(), serving.clone());
                std::thread::spawn(move || peer.serve(&socket));
            }
        });
        (peer, port)
    }

    /// Answers the requests of a connection until it ends.
    fn serve(&self, socket: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(socket);
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                if let Some(value) = line.strip_prefix("Content-Length: ") {
                    length = value.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let body = String::from_utf8(body).unwrap();
            let answer = if body.contains("bad") && !self.takes_all.load(Ordering::SeqCst) {
                self.refused.fetch_add(1, Ordering::SeqCst);
                "HTTP/1.1 400 Bad Request\r\nContent-Length: 6\r\n\r\nwhat??"
            } else {
                self.took.lock().unwrap().push(body);
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
            };
            (&mut &*socket).write_all(answer.as_bytes()).ok()?;
        }
    }

    fn took(&self) -> Vec<String> {
        self.took.lock().unwrap().clone()
    }

    fn count(&self, text: &str) -> usize {
        self.took().iter().filter(|body| body.contains(text)).count()
    }
}

const CONFIG: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0
$HEKAD

[log]
type = "LogstreamerInput"
log_directory = "$DIR/logs"
file_match = 'app\.log'

[PayloadEncoder]
append_newlines = false

[web]
type = "HttpOutput"
message_matcher = "Type == 'logfile'"
encoder = "PayloadEncoder"
address = "http://127.0.0.1:$PORT/"
"#;

fn prepare(port: u16, hekad: &str) -> Scratch {
    let scratch = Scratch::new().unwrap();
    configure(&scratch, &CONFIG.replace("$PORT", &port.to_string()).replace("$HEKAD", hekad)).unwrap();
    scratch.write("logs/app.log", "").unwrap();
    scratch
}

fn say(scratch: &Scratch, text: &str) {
    let mut log = OpenOptions::new().append(true).open(scratch.join("logs/app.log")).unwrap();
    log.write_all(text.as_bytes()).unwrap();
}

fn dead(scratch: &Scratch, args: &[&str]) -> Output {
    let base = scratch.join("base");
    let place = ["--base-dir", base.to_str().unwrap()];
    Command::new(HEKAD).args(["queue", "dead"]).args(args).args(place).output().unwrap()
}

fn done(scratch: &Scratch, args: &[&str]) -> String {
    let output = dead(scratch, args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The payloads of the dead letters.
fn letters(scratch: &Scratch) -> Vec<String> {
    let output = dead(scratch, &["list", "web", "--json"]);
    if !output.status.success() {
        return Vec::new();
    }
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    all.iter().map(|one| one["payload"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_rejected_message_is_kept_shown_sent_again_and_given_up() {
    let (peer, port) = Peer::start();
    let scratch = prepare(port, "");
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    say(&scratch, "good 1\nbad 1\ngood 2\nbad 2\nbad 3\ngood 3\n");
    let kept = || peer.count("good") == 3 && letters(&scratch).len() == 3;
    assert!(wait_until(LIMIT, kept), "{:?} {:?} {}", peer.took(), letters(&scratch), daemon.log());
    assert_eq!(letters(&scratch), ["bad 1\n", "bad 2\n", "bad 3\n"]);

    let reason = "HTTP Error code returned: 400 400 Bad Request - what??";
    let listed = done(&scratch, &["list", "web"]);
    assert!(listed.lines().count() == 4 && listed.matches(reason).count() == 3, "{listed}");
    let outputs = done(&scratch, &["list"]);
    assert!(outputs.contains("web") && outputs.contains(reason), "{outputs}");
    let shown = done(&scratch, &["show", "web", "--id", "1"]);
    assert!(shown.starts_with(&format!("Rejected 1: {reason}\n")) && shown.contains("bad 2"), "{shown}");
    assert!(!dead(&scratch, &["show", "other"]).status.success());

    // Both what is shown and the queue itself are streams that Heka's tools read.
    let stream = scratch.join("stream");
    done(&scratch, &["show", "web", "--format", "protobuf", "--output", stream.to_str().unwrap()]);
    let folder = std::fs::read_dir(scratch.join("base/queue/dead")).unwrap().next().unwrap().unwrap().path();
    let segment = std::fs::read_dir(folder.join("letters")).unwrap().next().unwrap().unwrap().path();
    for file in [&stream, &segment] {
        let cat = Command::new(HEKA_CAT).args(["-format=txt"]).arg(file).output().unwrap();
        let text = String::from_utf8_lossy(&cat.stdout).into_owned();
        assert_eq!(text.matches("Payload: bad").count(), 3, "{text}");
    }

    // The peer still refuses the first: it is a new letter.
    done(&scratch, &["replay", "web", "--until", "0"]);
    assert!(wait_until(LIMIT, || peer.refused.load(Ordering::SeqCst) == 4));
    assert!(wait_until(LIMIT, || letters(&scratch) == ["bad 2\n", "bad 3\n", "bad 1\n"]), "{}", daemon.log());
    // hekad rests: it is done when it runs again.
    daemon.stop(LIMIT).unwrap();
    peer.takes_all.store(true, Ordering::SeqCst);
    let said = done(&scratch, &["replay", "web", "--until", "1"]);
    assert!(said.contains("1 messages") && said.contains("when hekad runs"), "{said}");
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    assert!(wait_until(LIMIT, || letters(&scratch) == ["bad 3\n", "bad 1\n"]), "{}", daemon.log());
    assert_eq!((peer.count("bad"), peer.count("good")), (1, 3));

    let said = done(&scratch, &["forget", "web"]);
    assert!(said.contains("2 messages") && said.contains("--yes") && letters(&scratch).len() == 2, "{said}");
    done(&scratch, &["forget", "web", "--yes"]);
    assert!(wait_until(LIMIT, || letters(&scratch).is_empty()), "{}", daemon.log());
    assert!(!dead(&scratch, &["replay", "web"]).status.success());
    daemon.stop(LIMIT).unwrap();
    assert_eq!((peer.count("bad"), peer.count("good")), (1, 3));
}

#[test]
fn nothing_is_lost_when_hekad_dies_while_it_rejects_or_sends_again() {
    const LINES: usize = 600;
    let (peer, port) = Peer::start();
    let scratch = prepare(port, "");
    let text: String = (0..LINES).map(|number| format!("bad {number};\n")).collect();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    say(&scratch, &text);
    assert!(wait_until(LIMIT, || peer.refused.load(Ordering::SeqCst) > 100), "{}", daemon.log());
    daemon.kill().unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    let is_there = |all: &[String]| (0..LINES).all(|number| all.contains(&format!("bad {number};\n")));
    assert!(
        wait_until(LIMIT, || is_there(&letters(&scratch))),
        "{} {}",
        letters(&scratch).len(),
        daemon.log()
    );
    // A process that dies may have rejected one that it had not noted.
    assert!(letters(&scratch).len() <= LINES + 1, "{}", letters(&scratch).len());

    peer.takes_all.store(true, Ordering::SeqCst);
    done(&scratch, &["replay", "web"]);
    assert!(wait_until(LIMIT, || peer.count("bad") > 50), "{}", daemon.log());
    daemon.kill().unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    assert!(wait_until(LIMIT, || letters(&scratch).is_empty()), "{}", daemon.log());
    assert!(is_there(&peer.took()));
    // A rejected message is not told six hundred times.
    let told = String::from_utf8_lossy(&scratch.read("stderr")).matches("HTTP Error code").count();
    assert!(told <= 40, "{told} lines");
    daemon.stop(LIMIT).unwrap();
}

#[test]
fn without_room_for_dead_letters_rejected_messages_are_dropped_with_a_word() {
    let (peer, port) = Peer::start();
    let scratch = prepare(port, "dead_letters_max_size = 0");
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    say(&scratch, "bad 1\ngood 1\n");
    assert!(wait_until(LIMIT, || peer.count("good") == 1), "{}", daemon.log());
    daemon.stop(LIMIT).unwrap();
    assert!(daemon.log().contains("what??") && !scratch.join("base/queue/dead").exists());
}
