//! ElasticSearchOutput with the servers that are usually at the other end: each is killed and started again under load, hekad
//! as well, and every message arrives or is a dead letter with the server's reason.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::ports::free_ports;
use heka_testkit::servers;
use heka_testkit::{Scratch, wait_until};
use serde_json::Value;

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const LIMIT: Duration = Duration::from_secs(120);

/// Three servers at once are too much for a small machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// One in so many messages has no number where the index has a number.
const BAD_EVERY: u64 = 50;

/// A server and how it is spoken to.
struct Kind {
    name: &'static str,
    settings: &'static [&'static str],
    /// Makes an index where `n` is a number, and one where it is a text.
    numbers: &'static str,
    texts: &'static str,
    create: &'static str,
    /// Options of the output.
    options: &'static str,
}

const NEW: &[&str] = &["transport.type=netty4", "http.type=netty4", "discovery.type=single-node"];

const ELASTICSEARCH_2: Kind = Kind {
    name: "elasticsearch2",
    settings: &[],
    numbers: r#"{"settings":{"number_of_shards":1,"number_of_replicas":0},"mappings":{"message":{"properties":{"n":{"type":"integer"}}}}}"#,
    texts: r#"{"settings":{"number_of_shards":1,"number_of_replicas":0},"mappings":{"message":{"properties":{"n":{"type":"string"}}}}}"#,
    create: "/heka",
    options: "server = \"http://127.0.0.1:$PORT\"\nflush_count = 40",
};

const ELASTICSEARCH_7: Kind = Kind {
    name: "elasticsearch7",
    settings: NEW,
    numbers: r#"{"settings":{"number_of_shards":1,"number_of_replicas":0},"mappings":{"message":{"properties":{"n":{"type":"integer"}}}}}"#,
    texts: r#"{"settings":{"number_of_shards":1,"number_of_replicas":0},"mappings":{"message":{"properties":{"n":{"type":"keyword"}}}}}"#,
    create: "/heka?include_type_name=true",
    options: "server = \"http://127.0.0.1:$PORT/\"\nflush_count = 100\ngzip = true\nhttp_disable_keepalives = true",
};

/// It refuses `_type`, and here requests that are larger than a batch; one of the two servers of the output is not there.
const OPENSEARCH_2: Kind = Kind {
    name: "opensearch2",
    settings: &[
        "transport.type=netty4",
        "http.type=netty4",
        "discovery.type=single-node",
        "http.max_content_length=32kb",
    ],
    numbers: r#"{"settings":{"number_of_shards":1,"number_of_replicas":0},"mappings":{"properties":{"n":{"type":"integer"}}}}"#,
    texts: r#"{"settings":{"number_of_shards":1,"number_of_replicas":0},"mappings":{"properties":{"n":{"type":"keyword"}}}}"#,
    create: "/heka",
    options: "servers = [\"http://127.0.0.1:$NOBODY\", \"http://127.0.0.1:$PORT\"]\nflush_count = 1000",
};

const CONFIG: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0

[log]
type = "LogstreamerInput"
log_directory = "$DIR/logs"
file_match = 'app\.log'
decoder = "parts"

[parts]
type = "PayloadRegexDecoder"
match_regex = '^(?P<Id>\d+) n=(?P<N>\S+)'
[parts.message_fields]
id = "%Id%"
n = "%N%"

[ESJsonEncoder]
index = "heka"
type_name = "message"
fields = ["Timestamp", "Payload", "DynamicFields"]

[es]
type = "ElasticSearchOutput"
message_matcher = "Type == 'logfile' || Fields[id] != NIL"
encoder = "ESJsonEncoder"
flush_interval = 200
connect_timeout = 5000
http_timeout = 30000
$OPTIONS
"#;

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts it on what an earlier one has left in the folder, and waits until it answers.
    fn start(kind: &Kind, scratch: &Scratch, ports: &[u16]) -> Server {
        let home = scratch.join("server");
        for folder in ["plugins", "config", "modules"] {
            std::fs::create_dir_all(home.join(folder)).unwrap();
        }
        let start =
            format!("{}/target/servers/elasticsearch/start-{}", env!("CARGO_MANIFEST_DIR"), kind.name);
        let log = OpenOptions::new().create(true).append(true).open(scratch.join("server.log")).unwrap();
        let mut command = Command::new(start);
        command
            .arg(format!("path.home={}", home.display()))
            .arg(format!("path.data={}/data", home.display()))
            .arg(format!("http.port={}", ports[0]))
            .args(["network.host=127.0.0.1", "cluster.name=heka-test", "node.name=one"])
            .args(kind.settings);
        if kind.settings.is_empty() {
            command.arg("cluster.routing.allocation.disk.threshold_enabled=false");
        } else {
            command.arg(format!("transport.port={}", ports[1]));
            command.arg("cluster.routing.allocation.disk.threshold_enabled=false");
        }
        let child =
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let server = Server { child, port: ports[0] };
        let answers = || server.ask("GET", "/_cluster/health", "").is_some_and(|(code, _)| code == 200);
        assert!(
            wait_until(LIMIT, answers),
            "{} does not start: {}",
            kind.name,
            String::from_utf8_lossy(&scratch.read("server.log"))
        );
        server
    }

    /// Sends a request; gives status and body.
    fn ask(&self, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        socket.set_read_timeout(Some(LIMIT)).ok()?;
        let length = body.len();
        write!(
            socket,
            "{method} {path} HTTP/1.0\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .ok()?;
        let mut reply = Vec::new();
        // A reply that was cut off is none.
        socket.read_to_end(&mut reply).ok()?;
        let reply = String::from_utf8_lossy(&reply).into_owned();
        let (head, body) = reply.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    fn expect(&self, method: &str, path: &str, body: &str) -> String {
        let (code, reply) = self.ask(method, path, body).unwrap();
        assert!((200..300).contains(&code), "{method} {path}: {code} {reply}");
        reply
    }

    /// The ids of all documents, and how many documents there are.
    fn ids(&self) -> (BTreeSet<u64>, usize) {
        let refreshed = self.ask("POST", "/heka/_refresh", "");
        let found = self.ask("GET", "/heka/_search?size=10000&_source=id", "");
        let (Some((200, _)), Some((200, found))) = (refreshed, found) else { return (BTreeSet::new(), 0) };
        let found: Value = serde_json::from_str(&found).unwrap();
        let hits = found["hits"]["hits"].as_array().unwrap();
        let id = |hit: &Value| hit["_source"]["id"].as_str().unwrap().parse().unwrap();
        (hits.iter().map(id).collect(), hits.len())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Appends lines with these ids.
fn say(scratch: &Scratch, ids: std::ops::Range<u64>) {
    let mut log = OpenOptions::new().append(true).open(scratch.join("logs/app.log")).unwrap();
    let filler = "x".repeat(100);
    let mut text = String::new();
    for id in ids {
        let prefix = if is_bad(id) { "no-number-" } else { "" };
        text.push_str(&format!("{id} n={prefix}{id} {filler}\n"));
    }
    log.write_all(text.as_bytes()).unwrap();
}

fn is_bad(id: u64) -> bool {
    id % BAD_EVERY == 7
}

/// What `hekad queue dead list es` tells.
fn dead(scratch: &Scratch) -> Vec<Value> {
    let base = scratch.join("base");
    let args = ["queue", "dead", "list", "es", "--json", "--base-dir", base.to_str().unwrap()];
    let output = Command::new(HEKAD).args(args).output().unwrap();
    if !output.status.success() {
        return Vec::new();
    }
    serde_json::from_slice(&output.stdout).unwrap()
}

fn dead_ids(dead: &[Value]) -> BTreeSet<u64> {
    dead.iter()
        .map(|one| one["payload"].as_str().unwrap().split(' ').next().unwrap().parse().unwrap())
        .collect()
}

fn everything_arrives(kind: &Kind) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "elasticsearch", "Elasticsearch and OpenSearch") {
        return;
    }
    let scratch = Scratch::new().unwrap();
    let ports = free_ports(3).unwrap();
    let options = kind.options.replace("$PORT", &ports[0].to_string());
    let options = options.replace("$NOBODY", &ports[2].to_string());
    configure(&scratch, &CONFIG.replace("$OPTIONS", &options)).unwrap();
    scratch.write("logs/app.log", "").unwrap();
    let server = Server::start(kind, &scratch, &ports);
    server.expect("PUT", kind.create, kind.numbers);

    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    say(&scratch, 0..1000);
    assert!(wait_until(LIMIT, || server.ids().0.len() > 100), "{}", daemon.log());
    // The server dies, with requests in flight.
    say(&scratch, 1000..2000);
    drop(server);
    say(&scratch, 2000..2500);
    daemon.wait_for_log("can't index: HTTP request failed: ", LIMIT).unwrap();
    let complaints = daemon.log().lines().filter(|line| line.contains("can't index")).count();
    assert!(complaints < 20, "{}", daemon.log());
    let server = Server::start(kind, &scratch, &ports);
    // hekad dies, too.
    say(&scratch, 2500..3000);
    assert!(wait_until(LIMIT, || server.ids().0.len() > 1500), "{}", daemon.log());
    daemon.kill().unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    say(&scratch, 3000..3200);

    let good: BTreeSet<u64> = (0..3200).filter(|id| !is_bad(*id)).collect();
    let bad: BTreeSet<u64> = (0..3200).filter(|id| is_bad(*id)).collect();
    let all_there = || server.ids().0 == good && dead_ids(&dead(&scratch)) == bad;
    assert!(
        wait_until(LIMIT, all_there),
        "{} of {}, {:?}; {}",
        server.ids().0.len(),
        good.len(),
        dead(&scratch).len(),
        daemon.log()
    );
    // A request whose reply died with the server or with hekad is repeated, and nothing else.
    let (_, documents) = server.ids();
    assert!(documents < good.len() + 2500, "{documents} documents");
    for one in dead(&scratch) {
        let reason = one["reason"].as_str().unwrap();
        assert!(reason.contains("400 mapper_parsing_exception: failed to parse"), "{one}");
    }

    // The index is mended, and the dead letters are sent again.
    server.expect("DELETE", "/heka", "");
    server.expect("PUT", kind.create, kind.texts);
    let base = scratch.join("base");
    let args = ["queue", "dead", "replay", "es", "--base-dir", base.to_str().unwrap()];
    let asked = Command::new(HEKAD).args(args).output().unwrap();
    assert!(asked.status.success(), "{asked:?}");
    let replayed = || server.ids().0 == bad && dead(&scratch).is_empty();
    assert!(wait_until(LIMIT, replayed), "{:?} {:?} {}", server.ids(), dead(&scratch), daemon.log());
    daemon.stop(LIMIT).unwrap();
}

#[test]
fn elasticsearch_2_gets_everything() {
    everything_arrives(&ELASTICSEARCH_2);
}

#[test]
fn elasticsearch_7_gets_everything() {
    everything_arrives(&ELASTICSEARCH_7);
}

#[test]
fn opensearch_2_gets_everything() {
    everything_arrives(&OPENSEARCH_2);
}
