//! Scripts that try to break out, to use up the machine or to take the daemon down. Each ends its own plugin with Heka's
//! message, or is refused what it tried; a second filter goes on, and nothing outside is reached.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "sandbox_abuse/attempts.rs"]
mod attempts;

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::frames::frames;
use heka_testkit::{Scratch, wire};

use attempts::{ATTEMPTS, Attempt, End, PRELUDE};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const LONG: Duration = Duration::from_secs(240);

/// Field numbers of a message.
const TYPE: u64 = 3;
const PAYLOAD: u64 = 6;
const FIELDS: u64 = 10;
/// Field number of a field's text.
const STRING_VALUE: u64 = 4;

/// Attempts that one daemon makes at the same time.
const AT_ONCE: usize = 12;

const CONFIG: &str = r#"
[hekad]
base_dir = "$DIR/base"
share_dir = "$DIR/share"
log_flags = 0

[log]
type = "LogstreamerInput"
log_directory = "$DIR/logs"
file_match = 'in\.log'
rescan_interval = "100ms"

[bystander]
type = "SandboxFilter"
filename = "$DIR/bystander.lua"
message_matcher = "Type == 'logfile'"

[out]
type = "FileOutput"
message_matcher = "Type =~ /^heka.sandbox/"
path = "$DIR/out"
encoder = "ProtobufEncoder"
flush_interval = 20
"#;

const BYSTANDER: &str = r#"
function process_message()
    inject_payload("txt", "bystander", "bystander ", read_message("Payload"))
    return 0
end
"#;

/// A message of the daemon about its sandboxes.
#[derive(Debug)]
struct Said {
    kind: String,
    payload: String,
    /// The plugin that a termination is about, else empty.
    plugin: String,
}

/// All messages so far.
fn said(scratch: &Scratch) -> Vec<Said> {
    let bytes = scratch.read("out");
    let text = |message: &[u8], field| {
        String::from_utf8_lossy(wire::bytes_of(message, field).unwrap_or_default()).into_owned()
    };
    let message = |message: &[u8]| Said {
        kind: text(message, TYPE),
        payload: text(message, PAYLOAD),
        plugin: wire::bytes_of(message, FIELDS).map(|field| text(field, STRING_VALUE)).unwrap_or_default(),
    };
    frames(&bytes).map_while(Result::ok).map(|frame| message(frame.message)).collect()
}

/// A daemon with these attempts as filters.
fn start(attempts: &[Attempt]) -> (Scratch, Daemon) {
    let scratch = Scratch::new().unwrap();
    let mut config = CONFIG.to_string();
    scratch.write("secret", "the secret").unwrap();
    scratch.write("bystander.lua", BYSTANDER).unwrap();
    for attempt in attempts {
        let name = attempt.name;
        let script = format!(
            "name, dir = \"{name}\", \"{}\"\n{PRELUDE}\nfunction process_message()\n{}\nend\n",
            scratch.path().display(),
            attempt.body
        );
        scratch.write(format!("{name}.lua"), script).unwrap();
        write!(
            config,
            "[{name}]\ntype = \"SandboxFilter\"\nfilename = \"$DIR/{name}.lua\"\n\
             message_matcher = \"Type == 'logfile'\"\n"
        )
        .unwrap();
    }
    configure(&scratch, &config).unwrap();
    scratch.write("logs/in.log", "first\n").unwrap();
    let daemon = Daemon::start(HEKAD, &scratch).unwrap();
    (scratch, daemon)
}

/// Whether the attempt ended as it should.
fn is_over(attempt: &Attempt, said: &[Said]) -> bool {
    match attempt.end {
        End::Refused => said.iter().any(|said| said.payload == format!("{} refused", attempt.name)),
        End::Terminated(why) => {
            said.iter().any(|said| is_end(said) && said.plugin == attempt.name && said.payload.contains(why))
        }
    }
}

fn is_end(said: &Said) -> bool {
    said.kind == "heka.sandbox-terminated"
}

fn run(attempts: &[Attempt]) {
    let (scratch, mut daemon) = start(attempts);
    // An attempt that ends in some other way is seen at once.
    let is_done = |attempt: &Attempt, said: &[Said]| {
        is_over(attempt, said) || said.iter().any(|said| is_end(said) && said.plugin == attempt.name)
    };
    let all_over = daemon.wait_for("the end of all attempts", LONG, |_| {
        let said = said(&scratch);
        attempts.iter().all(|attempt| is_done(attempt, &said))
    });
    let now = said(&scratch);
    for attempt in attempts {
        assert!(is_over(attempt, &now), "{}: {:?}; said:\n{now:#?}\n{all_over:?}", attempt.name, attempt.end);
    }
    // Nobody reports a way out, and each that was to end did.
    assert!(!now.iter().any(|said| said.payload.contains("REACHED")), "{now:#?}");
    let ended = now.iter().filter(|said| is_end(said)).count();
    let to_end = attempts.iter().filter(|attempt| matches!(attempt.end, End::Terminated(_))).count();
    assert_eq!(ended, to_end, "{now:#?}");
    // The other filter sees what comes after.
    let mut log = std::fs::OpenOptions::new().append(true).open(scratch.join("logs/in.log")).unwrap();
    log.write_all(b"last\n").unwrap();
    daemon
        .wait_for("the bystander's last", LONG, |_| {
            said(&scratch).iter().any(|said| said.payload.starts_with("bystander last"))
        })
        .unwrap();
    // Nothing was made, taken away or changed.
    assert_eq!(scratch.read("secret"), b"the secret");
    assert!(!scratch.join("made").exists());
    let memory = daemon.memory().unwrap();
    println!("{} attempts; {memory:?}", attempts.len());
    let status = daemon.stop(LONG).unwrap();
    assert!(status.success(), "{status}; log:\n{}", daemon.log());
}

#[test]
fn every_attempt_ends_only_itself() {
    assert!(ATTEMPTS.len() >= 40, "only {} attempts", ATTEMPTS.len());
    for attempts in ATTEMPTS.chunks(AT_ONCE) {
        run(attempts);
    }
}
