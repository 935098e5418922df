//! `hekad validate`, `explain`, `graph`, `tap`, `completions` and `man`, run as a user runs them.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use heka_testkit::Scratch;
use heka_testkit::daemon::{Daemon, configure};
use serde_json::Value;

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const LIMIT: Duration = Duration::from_secs(60);

fn hekad(arguments: &[&str]) -> Output {
    Command::new(HEKAD).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Writes a configuration, checks it, and gives the exit code and what was found.
fn validate(scratch: &Scratch, config: &str) -> (i32, Value) {
    let path = configure(scratch, config).unwrap();
    validated(&path)
}

fn validated(path: &Path) -> (i32, Value) {
    let output = hekad(&["validate", "--json", "--config", path.to_str().unwrap()]);
    let found = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code().unwrap(), found)
}

/// Each problem as `line section option stage: text`.
fn problems(found: &Value) -> Vec<String> {
    let line = |problem: &Value| {
        let text = |key: &str| problem[key].as_str().unwrap_or("-").to_string();
        format!(
            "{} {} {} {}: {}",
            problem["line"],
            text("section"),
            text("option"),
            text("stage"),
            text("text")
        )
    };
    found["problems"].as_array().unwrap().iter().map(line).collect()
}

fn suggestions(found: &Value) -> Vec<&str> {
    found["problems"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|problem| problem["suggestion"].as_str())
        .collect()
}

const GOOD: &str = r#"
[hekad]
base_dir = "$DIR/base"
share_dir = "$DIR/share"
poolsize = 1000

[tcp:5565]
type = "TcpInput"
address = "127.0.0.1:0"
decoder = "multi"

[multi]
type = "MultiDecoder"
subs = ["lua", "ProtobufDecoder"]

[lua]
type = "SandboxDecoder"
filename = "decode.lua"

[counter]
type = "CounterFilter"
message_matcher = "Type == 'x' && Fields[n] > 3"

[archive]
type = "FileOutput"
message_matcher = "TRUE"
path = "$DIR/out/archive"
encoder = "PayloadEncoder"

[PayloadEncoder]
"#;

#[test]
fn a_good_configuration_leaves_nothing_behind() {
    let scratch = Scratch::new().unwrap();
    scratch.write("share/decode.lua", "require 'cjson'\nfunction process_message() return 0 end\n").unwrap();
    let (code, found) = validate(&scratch, GOOD);
    assert_eq!(problems(&found), [""; 0]);
    assert_eq!((code, &found["good"], &found["plugin_sections"]), (0, &Value::from(true), &Value::from(6)));
    let notes = found["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note["option"] == "poolsize" && note["line"] == 5), "{notes:?}");
    assert!(!scratch.join("base").exists());
    assert!(!scratch.join("out").exists());
}

#[test]
fn nothing_is_bound() {
    let scratch = Scratch::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = format!(
        "[TcpInput]\naddress = \"{}\"\n[u]\ntype = \"UdpInput\"\nnet = \"unixgram\"\naddress = \"$DIR/u.sock\"\n\
         [s]\ntype = \"UdpOutput\"\nnet = \"unixgram\"\nmessage_matcher = \"TRUE\"\naddress = \"$DIR/none.sock\"\n\
         encoder = \"ProtobufEncoder\"\n",
        taken.local_addr().unwrap()
    );
    let (code, found) = validate(&scratch, &config);
    assert_eq!((code, problems(&found)), (0, vec![]));
    assert!(!scratch.join("u.sock").exists());
}

#[test]
fn all_problems_are_told_at_once() {
    let scratch = Scratch::new().unwrap();
    let (code, found) = validate(
        &scratch,
        r#"[TcpInput]
adress = "127.0.0.1:0"
use_tls = "yes"
Keep_Alive_Perod = 3
decoder = "some-decoder"
ticker_interval = 1.5

[some_decoder]
type = "ProtobufDecoder"

[old]
type = "LogfileInput"

[new]
type = "UdpInptu"

[LogOutput]
message_matcher = "TRUE ||"
payload_only = true

[f]
type = "FileOutput"
path = "$DIR/f"
message_matcher = "TRUE"
[f.buffering]
full_action = 3
"#,
    );
    assert_eq!(code, 1);
    let all = problems(&found);
    for expected in [
        "2 TcpInput adress load: unknown config setting for 'TcpInput': adress",
        "3 TcpInput use_tls load: Type mismatch for",
        "4 TcpInput keep_alive_perod load: unknown config setting",
        "5 TcpInput decoder start: Input 'TcpInput' failed to start: no registered 'some-decoder' decoder",
        "6 TcpInput ticker_interval load: can't decode common input config for 'TcpInput'",
        "11 old - load: No registered plugin type: LogfileInput",
        "14 new - load: No registered plugin type: UdpInptu",
        "17 LogOutput - load: Error making runner for LogOutput: Can't create message matcher",
        "26 f buffering.full_action load: can't decode common output config",
        "21 f - start: Plugin 'f' error: Encoder required.",
    ] {
        let number =
            |line: &str| line.split_once(' ').map(|(number, rest)| (number.to_string(), rest.to_string()));
        let (_, wanted) = number(expected).unwrap();
        assert!(all.iter().any(|line| number(line).unwrap().1.starts_with(&wanted)), "{expected}: {all:#?}");
    }
    let suggested = suggestions(&found);
    for wanted in ["`address`", "`keep_alive_period`", "`some_decoder`", "LogstreamerInput", "`UdpInput`"] {
        assert!(suggested.iter().any(|text| text.contains(wanted)), "{wanted}: {suggested:?}");
    }
    let lines: Vec<u64> =
        found["problems"].as_array().unwrap().iter().map(|p| p["line"].as_u64().unwrap()).collect();
    assert_eq!(lines[..4], [2, 3, 4, 6], "{all:#?}");
}

#[test]
fn the_daemon_refuses_what_is_refused_here() {
    let scratch = Scratch::new().unwrap();
    let config =
        "[TcpInput]\naddress = \"127.0.0.1:99999\"\n[LogOutput]\nencoder = \"RstEncoder\"\n[RstEncoder]\n";
    let (code, found) = validate(&scratch, config);
    assert_eq!(code, 1);
    let config = format!("[hekad]\nbase_dir = \"$DIR/base\"\nlog_flags = 0\n{config}");
    let path = configure(&scratch, &config).unwrap();
    let daemon = hekad(&[&format!("-config={}", path.display())]);
    assert_eq!(daemon.status.code(), Some(1));
    let said = String::from_utf8(daemon.stderr).unwrap();
    let found = found["problems"].as_array().unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    for problem in found {
        assert!(said.contains(problem["text"].as_str().unwrap()), "{problem}: {said}");
    }
}

#[test]
fn sandboxes_are_compiled_with_their_modules() {
    let scratch = Scratch::new().unwrap();
    scratch.write("share/decode.lua", "x = = 1\n").unwrap();
    // It would write a file if it were run.
    let script = "require 'io'\nlocal f = io.open('$DIR/written', 'w')\nf:close()\nrequire 'nowhere'\n";
    scratch.write("share/in.lua", script.replace("$DIR", scratch.path().to_str().unwrap())).unwrap();
    scratch.write("share/encode.lua", "require 'not_there'\n").unwrap();
    let (code, found) = validate(
        &scratch,
        r#"[hekad]
share_dir = "$DIR/share"
[UdpInput]
address = "127.0.0.1:0"
decoder = "lua"
[lua]
type = "SandboxDecoder"
filename = "decode.lua"
[in]
type = "SandboxInput"
filename = "in.lua"
[LogOutput]
message_matcher = "TRUE"
encoder = "enc"
[enc]
type = "SandboxEncoder"
filename = "encode.lua"
[unused]
type = "SandboxDecoder"
filename = "missing.lua"
"#,
    );
    assert_eq!(code, 1);
    let all = problems(&found);
    let wanted = ["8 lua filename start: ", "9 in - load: ", "17 enc filename start: "];
    let texts = [
        "decode.lua:1: unexpected symbol",
        "in.lua:4: module 'nowhere' not found",
        "module 'not_there' not found",
    ];
    for (place, text) in wanted.iter().zip(texts) {
        let place = place.split_once(' ').unwrap().1;
        assert!(
            all.iter().any(|line| line.contains(place) && line.contains(text)),
            "{place} {text}: {all:#?}"
        );
    }
    assert_eq!(all.len(), 3, "{all:#?}");
    assert!(!scratch.join("written").exists());
    let notes = found["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note["section"] == "unused"), "{notes:?}");
}

#[test]
fn files_that_are_no_configuration_are_told_with_their_lines() {
    let scratch = Scratch::new().unwrap();
    let folder = scratch.join("conf");
    scratch.write("conf/a.toml", "[TcpInput]\naddress = \n").unwrap();
    scratch.write("conf/b.toml", "[hekad]\nqueue_sync = \"never\"\n[LogOutput]\nx = 1\n").unwrap();
    scratch.write("conf/c.toml", "[x\n").unwrap();
    scratch.write("conf/c.txt", "[x\n").unwrap();
    let (code, found) = validated(&folder);
    assert_eq!(code, 1);
    let all = problems(&found);
    let of = |file: &str| {
        let is_in = |problem: &&Value| problem["file"].as_str().is_some_and(|path| path.ends_with(file));
        found["problems"].as_array().unwrap().iter().filter(is_in).count()
    };
    assert_eq!((of("a.toml"), of("c.toml"), of("c.txt")), (1, 1, 0), "{all:#?}");
    assert!(
        all.iter().any(|line| line.starts_with("2 hekad queue_sync load: 'queue_sync' must be")),
        "{all:#?}"
    );
    assert!(all.iter().any(|line| line.contains("LogOutput")), "{all:#?}");
}

#[test]
fn what_cannot_be_read_is_another_exit_code() {
    let output = hekad(&["validate", "--config", "/nonexistent/hekad.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("/nonexistent/hekad.toml"));
}

#[test]
fn types_and_options_are_explained() {
    let all = text(&hekad(&["explain"]));
    for name in ["Inputs:", "TcpInput", "Outputs:", "FileOutput", "SandboxDecoder"] {
        assert!(all.contains(name), "{name}: {all}");
    }
    let one = text(&hekad(&["explain", "fileoutput"]));
    for part in
        ["[FileOutput]", "  path: string", "message_matcher", "buffering.full_action", "default \"shutdown\""]
    {
        assert!(one.contains(part), "{part}: {one}");
    }
    assert!(text(&hekad(&["explain", "hekad"])).contains("shutdown_timeout: string, default \"30s\""));
    let schema: Value = serde_json::from_str(&text(&hekad(&["explain", "TcpInput", "--schema"]))).unwrap();
    assert!(schema["properties"]["address"]["description"].is_string());
    let wrong = hekad(&["explain", "FileOuptut"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("did you mean FileOutput?"));
}

#[test]
fn the_graph_shows_every_way() {
    let scratch = Scratch::new().unwrap();
    scratch.write("share/decode.lua", "function process_message() return 0 end\n").unwrap();
    let path = configure(&scratch, GOOD).unwrap();
    let config = path.to_str().unwrap();
    let shown = text(&hekad(&["graph", "--config", config]));
    for line in [
        "  tcp:5565 (TcpInput) -> HekaFramingSplitter -> multi (MultiDecoder) -> input queue",
        "calls lua (SandboxDecoder)",
        "calls ProtobufDecoder",
        "  Type == 'x' && Fields[n] > 3 -> counter (CounterFilter) -> filter queue",
        "  TRUE -> archive (FileOutput) as PayloadEncoder",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let dot = text(&hekad(&["graph", "--config", config, "--format", "dot"]));
    assert!(dot.starts_with("digraph hekad {") && dot.ends_with("}\n"), "{dot}");
    for line in ["input0 -> input0_splitter -> input0_decoder -> input_queue;", "filter0 -> filter_queue;"] {
        assert!(dot.contains(line), "{line}: {dot}");
    }
    assert!(!scratch.join("base").exists());
}

const TAPPED: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0
queue_segment_size = 262144

[in]
type = "LogstreamerInput"
log_directory = "$DIR/logs"
file_match = '(?P<Name>[a-z]+)\.log'
differentiator = ["Name"]
rescan_interval = "200ms"

[archive]
type = "FileOutput"
message_matcher = "TRUE"
path = "$DIR/archive.out"
encoder = "PayloadEncoder"

[PayloadEncoder]
append_newlines = false
"#;

#[test]
fn messages_are_tapped_from_a_running_hekad() {
    let scratch = Scratch::new().unwrap();
    let config = configure(&scratch, TAPPED).unwrap();
    scratch.write("logs/before.log", "early\n").unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    daemon.wait_for("the first line", LIMIT, |_| scratch.read("archive.out") == b"early\n").unwrap();
    let mut tap = Command::new(HEKAD)
        .args(["tap", "Logger == 'after' && Payload =~ /[05]\\s$/", "--format", "json", "--count", "400"])
        .arg("--config")
        .arg(&config)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(tap.stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert!(said.starts_with("following "), "{said}");
    // More than a segment, so that hekad removes those that are done.
    let lines: String = (0..2000).map(|n| format!("{}{n:05}\n", "x".repeat(200))).collect();
    scratch.write("logs/after.log", &lines).unwrap();
    let mut shown = String::new();
    tap.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
    assert!(tap.wait().unwrap().success());
    let numbers: Vec<usize> = shown
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|message| {
            let payload = message["payload"].as_str().or(message["Payload"].as_str()).unwrap().trim_end();
            payload.trim_start_matches('x').parse().unwrap()
        })
        .collect();
    assert_eq!(numbers, (0..2000).step_by(5).collect::<Vec<_>>());
    let oldest = hekad(&[
        "tap",
        "--base-dir",
        scratch.join("base").to_str().unwrap(),
        "--from-oldest",
        "--count",
        "1",
    ]);
    assert_eq!(oldest.status.code(), Some(0));
    assert!(text(&oldest).contains(":Payload:"), "{oldest:?}");
    assert_eq!(daemon.stop(LIMIT).unwrap().code(), Some(0));
}

#[test]
fn a_tap_without_queues_says_so() {
    let scratch = Scratch::new().unwrap();
    let output = hekad(&["tap", "--base-dir", scratch.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no queues in"));
    let output = hekad(&["tap", "Type ==", "--base-dir", scratch.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn shells_and_manuals_are_served() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&hekad(&["completions", shell])).contains("validate"), "{shell}");
    }
    assert!(text(&hekad(&["man"])).contains(".TH hekad 1"));
    assert!(text(&hekad(&["man", "tap"])).contains("hekad\\-tap"));
    assert_eq!(hekad(&["man", "nothing"]).status.code(), Some(2));
}
