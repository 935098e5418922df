//! `/metrics`, `/health` and `/ready` of a running hekad, without a dashboard.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::ports::free_ports;
use heka_testkit::{Scratch, wait_until};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const LIMIT: Duration = Duration::from_secs(60);
const LINES: usize = 5000;
const SCRAPES: u32 = 200;

const CONFIG: &str = r#"
[hekad]
base_dir = "$DIR/base"
admin_address = "127.0.0.1:$PORT"

[log]
type = "LogstreamerInput"
log_directory = "$DIR/logs"
file_match = 'app\.log'
decoder = "number"

[number]
type = "PayloadRegexDecoder"
match_regex = 'line (?P<number>\d+)'
[number.message_fields]
number = "%number%"

[PayloadEncoder]

[out]
type = "FileOutput"
message_matcher = "Logger == 'log'"
path = "$DIR/out"
encoder = "PayloadEncoder"

[far]
type = "TcpOutput"
message_matcher = "Logger == 'log'"
address = "127.0.0.1:$NOWHERE"
encoder = "PayloadEncoder"
"#;

/// Name with labels, and the value.
type Samples = BTreeMap<String, f64>;

/// Reads the text format strictly: each family once, its help before its type before its samples, no sample twice, histograms
/// that grow and end with infinity.
fn parse(text: &str) -> Samples {
    let mut samples = Samples::new();
    let mut families = BTreeSet::new();
    let (mut family, mut kind) = (String::new(), String::new());
    assert!(text.ends_with('\n') && !text.contains("\n\n"));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').unwrap();
            assert!(families.insert(name.to_string()), "{name} comes twice");
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && !text.is_empty(),
                "{line}"
            );
            (family, kind) = (name.into(), String::new());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, of) = rest.split_once(' ').unwrap();
            assert!(
                name == family && kind.is_empty() && ["counter", "gauge", "histogram"].contains(&of),
                "{line}"
            );
            assert_eq!(of == "counter", name.ends_with("_total"), "{line}");
            kind = of.into();
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let bare = name.split('{').next().unwrap();
            let suffix = bare.strip_prefix(family.as_str()).unwrap();
            let allowed: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(allowed.contains(&suffix), "{line}");
            assert!(name == bare || name.ends_with("\"}"), "{line}");
            let value: f64 = value.parse().unwrap();
            assert!(value.is_finite() && value >= 0.0, "{line}");
            assert!(samples.insert(name.into(), value).is_none(), "{line} comes twice");
        }
    }
    for (name, count) in samples.iter().filter(|(name, _)| name.contains("_count{")) {
        let infinite = name.replace("_count{", "_bucket{").replace('}', ",le=\"+Inf\"}");
        assert_eq!(samples.get(&infinite), Some(count), "{name}");
    }
    samples
}

fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())
        .ok()?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).ok()?;
    let (head, body) = reply.split_once("\r\n\r\n")?;
    Some((head.get(9..12)?.parse().ok()?, body.into()))
}

#[test]
fn metrics_tell_what_happens_and_cost_little() {
    let scratch = Scratch::new().unwrap();
    let ports = free_ports(2).unwrap();
    let (port, nowhere) = (ports[0], ports[1]);
    let config = CONFIG.replace("$PORT", &port.to_string()).replace("$NOWHERE", &nowhere.to_string());
    configure(&scratch, &config).unwrap();
    let lines: String = (0..LINES).map(|number| format!("line {number}\n")).collect();
    scratch.write("logs/app.log", format!("{lines}no number\n")).unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    daemon
        .wait_for("/ready", LIMIT, |_| get(port, "/ready").is_some_and(|(status, _)| status == 200))
        .unwrap();
    assert_eq!(get(port, "/health"), Some((200, "ok\n".into())));
    assert_eq!(get(port, "/hekad/").unwrap().0, 404, "there is no dashboard");

    let metrics = || parse(&get(port, "/metrics").unwrap().1);
    let input = |name: &str| format!("hekad_input_{name}{{plugin=\"log\",type=\"LogstreamerInput\"}}");
    let reader = |name: &str, plugin: &str, of: &str| {
        format!("hekad_reader_{name}{{plugin=\"{plugin}\",type=\"{of}\",kind=\"output\"}}")
    };
    let out = |name: &str| reader(name, "out", "FileOutput");
    let far = |name: &str| reader(name, "far", "TcpOutput");
    let all = LINES as f64;
    let arrived = wait_until(LIMIT, || {
        let now = metrics();
        now[&out("messages_total")] == all && now[&out("lag_records")] == 0.0 && now[&far("stuck")] == 1.0
    });
    let now = metrics();
    assert!(arrived, "{now:#?}");
    for (name, value) in [
        (input("messages_total"), all),
        (input("decoded_total"), all + 1.0),
        (input("decode_failures_total"), 1.0),
        (input("up"), 1.0),
        (out("failures_total"), 0.0),
        (out("oldest_unread_seconds"), 0.0),
        (out("stuck"), 0.0),
        (far("lag_records"), all),
        ("hekad_queue_records_total{queue=\"input\"}".into(), all),
        ("hekad_inputs_held".into(), 0.0),
    ] {
        assert_eq!(now.get(&name), Some(&value), "{name}");
    }
    assert!(now[&out("bytes_total")] > 20.0 * all && now[&far("retries_total")] >= 1.0);
    assert!(now[&far("busy_seconds")] >= 2.0 && now[&far("oldest_unread_seconds")] >= 2.0);
    assert!(
        now[&out("duration_seconds_count")] >= 1.0 && now[&input("append_duration_seconds_count")] >= 1.0
    );
    assert!(now["process_resident_memory_bytes"] > 1e6 && now["process_start_time_seconds"] > 1e9);

    let before = daemon.cpu_time().unwrap();
    for _ in 0..SCRAPES {
        get(port, "/metrics").unwrap();
    }
    let cost = (daemon.cpu_time().unwrap() - before) / SCRAPES;
    println!("a scrape costs {cost:?}");
    assert!(cost < Duration::from_millis(10), "{cost:?}: once a second that is over 1 % of a processor");

    assert!(daemon.stop(LIMIT).unwrap().success());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}
