//! CarbonOutput with Graphite's carbon, and WhisperOutput's files beside those of Graphite's whisper.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use heka_testkit::daemon::{Daemon, Signal, configure, send_signal};
use heka_testkit::ports::free_ports;
use heka_testkit::random::Random;
use heka_testkit::servers;
use heka_testkit::{Scratch, wait_until};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const LIMIT: Duration = Duration::from_secs(120);

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn python(code: &str, args: &[&str]) -> String {
    let output = Command::new("/usr/bin/python3").arg("-c").arg(code).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// carbon-cache with all its files in a folder.
struct Carbon<'a> {
    dir: &'a Path,
    port: u16,
    server: Option<Child>,
}

impl Carbon<'_> {
    fn new(dir: &Path, port: u16) -> Carbon<'_> {
        let conf = format!(
            "[cache]\nSTORAGE_DIR = {dir}\nCONF_DIR = {dir}\nLOG_DIR = {dir}/log\nPID_DIR = {dir}\n\
             LOCAL_DATA_DIR = {dir}/data\nUSER =\nLINE_RECEIVER_INTERFACE = 127.0.0.1\nLINE_RECEIVER_PORT = {port}\n\
             ENABLE_UDP_LISTENER = True\nUDP_RECEIVER_INTERFACE = 127.0.0.1\nUDP_RECEIVER_PORT = {port}\n\
             PICKLE_RECEIVER_PORT = 0\nCACHE_QUERY_PORT = 0\nMAX_CACHE_SIZE = inf\nMAX_UPDATES_PER_SECOND = 100000\n\
             MAX_CREATES_PER_MINUTE = inf\n",
            dir = dir.display()
        );
        fs::write(dir.join("carbon.conf"), conf).unwrap();
        fs::write(dir.join("storage-schemas.conf"), "[all]\npattern = .*\nretentions = 1s:3h\n").unwrap();
        let mut carbon = Carbon { dir, port, server: None };
        carbon.boot();
        carbon
    }

    fn boot(&mut self) {
        let output = fs::File::create(self.dir.join("carbon.out")).unwrap();
        let child = Command::new("/usr/bin/carbon-cache")
            .arg("--config")
            .arg(self.dir.join("carbon.conf"))
            .arg("--pidfile")
            .arg(self.dir.join("carbon.pid"))
            .args(["--nodaemon", "start"])
            .env("GRAPHITE_ROOT", self.dir)
            .current_dir(self.dir)
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        self.server = Some(child);
        let listens = || TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        let out = || fs::read_to_string(self.dir.join("carbon.out")).unwrap_or_default();
        assert!(wait_until(LIMIT, listens), "{}", out());
    }

    fn signal(&self, signal: Signal) {
        send_signal(self.server.as_ref().unwrap(), signal).unwrap();
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut server) = self.server.take() {
            send_signal(&server, signal).unwrap();
            server.wait().unwrap();
            let _ = fs::remove_file(self.dir.join("carbon.pid"));
        }
    }

    /// Values that Graphite finds for a name.
    fn values(&self, name: &str) -> Vec<f64> {
        let code = "import sys, whisper, time\n\
            (_, values) = whisper.fetch(sys.argv[1], int(time.time()) - 10000)\n\
            print(*[value for value in values if value is not None])";
        let path = self.dir.join("data").join(name.replace('.', "/")).with_extension("wsp");
        if !path.exists() {
            return Vec::new();
        }
        python(code, &[path.to_str().unwrap()])
            .split_whitespace()
            .map(|value| value.parse().unwrap())
            .collect()
    }

    fn await_values(&self, name: &str, count: u32, daemon: &Daemon) {
        let expected: Vec<f64> = (0..count).map(f64::from).collect();
        let found = || self.values(name) == expected;
        assert!(wait_until(LIMIT, found), "{name}: {} of {count}\n{}", self.values(name).len(), daemon.log());
    }
}

impl Drop for Carbon<'_> {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

const TO_CARBON: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0

[lines]
type = "LogstreamerInput"
log_directory = "$DIR"
file_match = 'lines\.log'
splitter = "TokenSplitter"

[StatsdInput]
address = "127.0.0.1:$STATSD"

[StatAccumInput]
ticker_interval = 1

[each]
type = "CarbonOutput"
message_matcher = "Payload =~ /^each/"
address = "127.0.0.1:$CARBON"

[kept]
type = "CarbonOutput"
message_matcher = "Payload =~ /^kept/ || Type == 'heka.statmetric'"
address = "localhost:$CARBON"
tcp_keep_alive = true

[datagrams]
type = "CarbonOutput"
message_matcher = "Payload =~ /^datagrams/"
address = "127.0.0.1:$CARBON"
protocol = "udp"
"#;

/// Adds lines of which each second of the time since `start_s` has one.
fn append(path: &Path, name: &str, start_s: u64, numbers: std::ops::Range<u64>) {
    let mut text = String::new();
    numbers.for_each(|number| writeln!(text, "{name} {number} {}", start_s + number).unwrap());
    fs::OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn carbon_gets_every_line() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "graphite", "Graphite") {
        return;
    }
    let (scratch, place) = (Scratch::new().unwrap(), Scratch::new().unwrap());
    let free = free_ports(2).unwrap();
    let mut carbon = Carbon::new(place.path(), free[0]);
    let config = TO_CARBON.replace("$CARBON", &free[0].to_string()).replace("$STATSD", &free[1].to_string());
    configure(&scratch, &config).unwrap();
    let (lines, start_s) = (scratch.join("lines.log"), now_s() - 9_000);
    for name in ["each.x", "kept.x"] {
        append(&lines, name, start_s, 0..300);
    }
    // No more than the system keeps for a busy carbon.
    append(&lines, "datagrams.x", start_s, 0..60);
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    for (name, count) in [("each.x", 300), ("kept.x", 300), ("datagrams.x", 60)] {
        carbon.await_values(name, count, &daemon);
    }
    let statsd = UdpSocket::bind("127.0.0.1:0").unwrap();
    let counted = || {
        statsd.send_to(b"hits:5|c", ("127.0.0.1", free[1])).unwrap();
        carbon.values("stats.counters.hits.count").iter().any(|count| *count >= 5.0)
    };
    assert!(wait_until(LIMIT, counted), "{}", daemon.log());

    // Killed while it has nothing that is not written.
    carbon.end(Signal::KILL);
    for name in ["each.x", "kept.x"] {
        append(&lines, name, start_s, 300..600);
    }
    for name in ["each", "kept"] {
        daemon.wait_for_log(&format!("Plugin '{name}' error: Dial failed: dial tcp"), LIMIT).unwrap();
    }
    carbon.boot();
    for name in ["each.x", "kept.x"] {
        carbon.await_values(name, 600, &daemon);
    }

    // What its system has taken and it has not read dies with it. Only a connection for each batch, whose end carbon answers,
    // tells of that. Lines keep coming meanwhile.
    for round in 1..3 {
        carbon.signal(Signal::STOP);
        for part in 0..3 {
            let from = round * 600 + part * 100;
            append(&lines, "each.x", start_s, from..from + 100);
        }
        let waits = || daemon.log().matches("i/o timeout").count() as u64 >= round;
        assert!(wait_until(LIMIT, waits), "{}", daemon.log());
        carbon.end(Signal::KILL);
        append(&lines, "each.x", start_s, round * 600 + 300..round * 600 + 450);
        append(&lines, "kept.x", start_s, round * 600..round * 600 + 450);
        carbon.boot();
        for name in ["each.x", "kept.x"] {
            append(&lines, name, start_s, round * 600 + 450..round * 600 + 600);
        }
        let count = u32::try_from(round * 600 + 600).unwrap();
        for name in ["each.x", "kept.x"] {
            carbon.await_values(name, count, &daemon);
        }
    }
    daemon.stop(LIMIT).unwrap();
    carbon.end(Signal::TERM);
    assert!(daemon.log().matches("Dial failed").count() < 30, "{}", daemon.log());
}

/// Archives and aggregation of an output, and how whisper is told of them.
const WHISPERS: [(&str, &str, &str); 5] = [
    ("one", "[[0, 60, 1440], [0, 900, 8], [0, 3600, 168], [0, 43200, 1456]]", "1"),
    ("two", "[[0, 1, 600], [0, 10, 600], [0, 60, 1000]]", "2"),
    ("three", "[[0, 2, 900], [0, 8, 700]]", "3"),
    ("four", "[[0, 5, 400], [0, 60, 300], [0, 300, 1000]]", "4"),
    ("five", "[[0, 10, 360]]", "5"),
];

const TO_WHISPER: &str = r#"
[$NAME]
type = "WhisperOutput"
message_matcher = "Payload =~ /^$NAME/"
base_path = "files"
default_agg_method = $METHOD
default_archive_info = $ARCHIVES
"#;

/// Gives whisper the same lines at the time `now` and tells which files differ.
const COMPARE: &str = r#"
import collections, json, os, sys, whisper
folder, lines, now, archives, method = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4]), int(sys.argv[5])
# What hekad 0.11 has by default whisper would not make, but it reads and updates it.
whisper.validateArchiveList = lambda archives: None
whisper.time.time = lambda: now
names = collections.defaultdict(list)
for line in open(lines):
    name, value, when = line.split()
    names[name].append((float(value), int(when)))
for name, points in names.items():
    path = os.path.join(folder, "whisper-" + name)
    whisper.create(path, [(step, count) for _, step, count in archives], 0.1, whisper.aggregationTypeToMethod[method])
    for value, when in points:
        whisper.update(path, value, when)
    ours = open(os.path.join(folder, name.replace(".", "/") + ".wsp"), "rb").read()
    theirs = open(path, "rb").read()
    if ours != theirs:
        print(name, len(ours), len(theirs), [at for at in range(min(len(ours), len(theirs))) if ours[at] != theirs[at]][:5])
    known = [value for value in whisper.fetch(os.path.join(folder, name.replace(".", "/") + ".wsp"), now - 300)[1] if value is not None]
    if not known:
        print(name, "has nothing that Graphite finds")
print("compared", len(names))
"#;

#[test]
fn whisper_files_are_as_graphite_makes_them() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "graphite", "Graphite") {
        return;
    }
    let scratch = Scratch::new().unwrap();
    let seed = Random::seed_of_run();
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut config = String::from(TO_CARBON.split("[StatsdInput]").next().unwrap());
    for (name, archives, method) in WHISPERS {
        let section =
            TO_WHISPER.replace("$NAME", name).replace("$ARCHIVES", archives).replace("$METHOD", method);
        config.push_str(&section);
    }
    configure(&scratch, &config).unwrap();
    let now_s = now_s();
    let mut all = String::new();
    for (name, archives, _) in WHISPERS {
        // Ages of up to half of the finest archive, and beyond it, but far from where an archive ends: hekad writes a
        // little later than `now_s`.
        let numbers: Vec<u64> = archives
            .split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|text| text.parse().ok())
            .collect();
        let spans: Vec<u64> = numbers.chunks(3).map(|archive| archive[1] * archive[2]).collect();
        let mut lines = String::new();
        for series in 0..6 {
            for _ in 0..150 {
                let far = random.below(4) == 0 && spans.len() > 1;
                let age = if far { spans[0] + 500 + random.below(1000) } else { random.below(spans[0] / 2) };
                let value = if random.below(5) == 0 { -1.5 } else { random.unit() * 1000.0 };
                writeln!(lines, "{name}.series.s{series} {value} {}", now_s - age).unwrap();
            }
            writeln!(lines, "{name}.series.s{series} 7 {now_s}").unwrap();
        }
        scratch.write(name, &lines).unwrap();
        all.push_str(&lines);
    }
    scratch.write("lines.log", &all).unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    // The last line of each file is the youngest one.
    let folder = scratch.join("base/files");
    let last = || WHISPERS.iter().all(|(name, ..)| folder.join(name).join("series/s5.wsp").exists());
    assert!(wait_until(LIMIT, last), "{}", daemon.log());
    daemon.stop(LIMIT).unwrap();
    for (name, archives, method) in WHISPERS {
        let (folder, lines) = (folder.to_str().unwrap(), scratch.join(name));
        let args = [folder, lines.to_str().unwrap(), &now_s.to_string(), archives, method];
        assert_eq!(python(COMPARE, &args), "compared 6\n", "{name}");
    }
    assert_eq!(daemon.log(), "");
}
