//! The logs of real programs, which `compat/real` makes: the shipped decoders read every line of them.
//!
//! A program that is not installed is skipped, and said so; with `CI=true` that is a failure.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::frames::frames;
use heka_testkit::ports::free_ports;
use heka_testkit::wire::{self, Value};
use heka_testkit::{Scratch, wait_until};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/compat/real");
const LIMIT: Duration = Duration::from_mins(1);

/// A script's way to say that its program is not installed.
const NOT_INSTALLED: i32 = 77;

const BEGIN: &str = r#"
[hekad]
base_dir = "$DIR/base"
share_dir = "/nonexistent/share"
hostname = "real.test"

[out]
type = "FileOutput"
message_matcher = "Type !~ /^heka/"
path = "$DIR/out.pb"
encoder = "ProtobufEncoder"
use_framing = true
flush_interval = 50

[ProtobufEncoder]
"#;

/// What came out for a line.
#[derive(Debug, Default)]
struct Message {
    timestamp: u64,
    kind: String,
    logger: String,
    severity: u64,
    payload: String,
    pid: u64,
    hostname: String,
    /// Values as text.
    fields: BTreeMap<String, Vec<String>>,
}

impl Message {
    fn parse(bytes: &[u8]) -> Message {
        let mut message = Message::default();
        for field in wire::fields(bytes).map(Result::unwrap) {
            match (field.number, field.value) {
                (2, Value::Varint(number)) => message.timestamp = number,
                (3, Value::Bytes(text)) => message.kind = lossy(text),
                (4, Value::Bytes(text)) => message.logger = lossy(text),
                (5, Value::Varint(number)) => message.severity = number,
                (6, Value::Bytes(text)) => message.payload = lossy(text),
                (8, Value::Varint(number)) => message.pid = number,
                (9, Value::Bytes(text)) => message.hostname = lossy(text),
                (10, Value::Bytes(field)) => {
                    let name = lossy(wire::bytes_of(field, 1).unwrap());
                    message.fields.insert(name, values(field));
                }
                _ => {}
            }
        }
        message
    }

    fn failed(&self) -> bool {
        self.fields.contains_key("decode_failure")
    }

    /// The values of a field, with spaces between.
    fn field(&self, name: &str) -> String {
        let Some(values) = self.fields.get(name) else { panic!("no field {name}: {self:?}") };
        values.join(" ")
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn values(field: &[u8]) -> Vec<String> {
    let mut values = Vec::new();
    for value in wire::fields(field).map(Result::unwrap) {
        match (value.number, value.value) {
            (4 | 5, Value::Bytes(text)) => values.push(lossy(text)),
            (6 | 8, Value::Varint(number)) => values.push(number.cast_signed().to_string()),
            (6 | 8, Value::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    values.push(wire::take_varint(&mut packed).unwrap().cast_signed().to_string());
                }
            }
            (7, Value::Fixed64(bytes)) => values.push(f64::from_le_bytes(bytes).to_string()),
            (7, Value::Bytes(packed)) => values.extend(
                packed.chunks(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()).to_string()),
            ),
            _ => {}
        }
    }
    values
}

/// Whether the script's program is there. The script has run when this returns true.
fn ran(script: &str, logs: &Path, arguments: &[u16]) -> bool {
    fs::create_dir_all(logs).unwrap();
    let mut command = Command::new(format!("{SCRIPTS}/{script}.sh"));
    let output = command.arg(logs).args(arguments.iter().map(u16::to_string)).output().unwrap();
    let said = lossy(&output.stderr);
    if output.status.code() == Some(NOT_INSTALLED) {
        assert!(std::env::var("CI").is_err(), "{script}: {said}");
        // Not by println: cargo shows nothing of that for a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped {script}: {}", said.trim_end());
        return false;
    }
    assert!(output.status.success(), "{script}: {} {said}", output.status);
    true
}

fn messages(scratch: &Scratch) -> Vec<Message> {
    let bytes = scratch.read("out.pb");
    frames(&bytes).map_while(Result::ok).map(|frame| Message::parse(frame.message)).collect()
}

fn count(scratch: &Scratch) -> usize {
    frames(&scratch.read("out.pb")).filter(Result::is_ok).count()
}

/// Feeds a log to hekad by this decoder until so many messages came, and gives them.
fn decoded(scratch: &Scratch, log: &str, decoder: &str, expected: usize) -> Vec<Message> {
    let input = format!(
        "{BEGIN}\n[in]\ntype = \"LogstreamerInput\"\nlog_directory = \"$DIR/logs\"\nfile_match = '{log}\\.log'\n\
         decoder = \"dec\"\nsend_decode_failures = true\n{decoder}"
    );
    configure(scratch, &input).unwrap();
    let mut daemon = Daemon::start(HEKAD, scratch).unwrap();
    daemon.wait_for(&format!("{expected} messages"), LIMIT, |_| count(scratch) >= expected).unwrap();
    assert!(daemon.stop(LIMIT).unwrap().success(), "{}", daemon.log());
    let messages = messages(scratch);
    assert_eq!(messages.len(), expected, "{log}");
    messages
}

/// Runs a script and checks that each line of its log is decoded. `None` if the program is not there.
fn every_line(script: &str, log: &str, decoder: &str) -> Option<Vec<Message>> {
    let scratch = Scratch::new().unwrap();
    if !ran(script, &scratch.join("logs"), &[]) {
        return None;
    }
    Some(lines_of(&scratch, log, decoder))
}

fn lines_of(scratch: &Scratch, log: &str, decoder: &str) -> Vec<Message> {
    let lines = scratch.read(format!("logs/{log}.log")).split_inclusive(|byte| *byte == b'\n').count();
    assert!(lines >= 2000, "{log}: {lines} lines");
    let messages = decoded(scratch, log, decoder, lines);
    no_failure(&messages);
    println!("{log}: {lines} lines, such as {:?}", messages[7]);
    let _ = fs::remove_file(scratch.join("out.pb"));
    let _ = fs::remove_dir_all(scratch.join("base"));
    messages
}

fn no_failure(messages: &[Message]) {
    let failures: Vec<&Message> = messages.iter().filter(|message| message.failed()).collect();
    assert!(failures.is_empty(), "{} failures: {:#?}", failures.len(), &failures[..failures.len().min(3)]);
}

const NGINX_ACCESS: &str = r#"
[dec]
type = "SandboxDecoder"
filename = "lua_decoders/nginx_access.lua"
[dec.config]
type = "nginx.access"
user_agent_transform = true
log_format = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
"#;

const NGINX_ERROR: &str = "[dec]\ntype = \"SandboxDecoder\"\nfilename = \"lua_decoders/nginx_error.lua\"\n";

#[test]
fn nginx() {
    let scratch = Scratch::new().unwrap();
    if !ran("nginx", &scratch.join("logs"), &[]) {
        return;
    }
    let messages = lines_of(&scratch, "access", NGINX_ACCESS);
    let page = &messages[18];
    assert_eq!(page.kind, "nginx.access");
    assert_eq!(page.field("remote_addr"), "127.0.0.1");
    assert_eq!(page.field("request"), "GET /page.html HTTP/1.1");
    assert_eq!((page.field("status"), page.field("body_bytes_sent")), ("200".into(), "13".into()));
    assert!(page.field("http_referer").contains("http://example.com/"), "{page:?}");
    assert_eq!(page.field("user_agent_os"), "Linux");
    let refused = messages.iter().filter(|message| message.field("status") == "400").count();
    assert!(refused >= 2, "{refused}");

    let messages = lines_of(&scratch, "error", NGINX_ERROR);
    let lost = messages.iter().find(|message| message.payload.contains("open()")).unwrap();
    assert_eq!((lost.kind.as_str(), lost.severity), ("nginx.error", 3));
    assert!(lost.payload.contains("No such file or directory"), "{lost:?}");
    assert!(lost.pid > 1 && lost.field("connection").parse::<f64>().unwrap() >= 1.0, "{lost:?}");
}

#[test]
fn apache() {
    let decoder = r#"
[dec]
type = "SandboxDecoder"
filename = "lua_decoders/apache_access.lua"
[dec.config]
type = "combined"
log_format = '%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"'
"#;
    let Some(messages) = every_line("apache", "access", decoder) else { return };
    let page = &messages[1];
    assert_eq!(page.kind, "combined");
    assert_eq!(page.field("request"), "GET /page.html?n=1&q=a%20b%22c HTTP/1.1");
    assert_eq!(page.field("status"), "200");
    assert!(page.field("response_length").parse::<f64>().unwrap() > 13.0, "{page:?}");
    assert!(page.field("http_user_agent").contains("Chrome/32"), "{page:?}");
    assert!(messages.iter().any(|message| message.field("http_referer").contains("&c=[d]")));
}

#[test]
fn bind() {
    let decoder = "[dec]\ntype = \"SandboxDecoder\"\nfilename = \"lua_decoders/bind_query_log.lua\"\n\
                   [dec.config]\ntype = \"bind.query\"\n";
    let Some(messages) = every_line("bind", "query", decoder) else { return };
    let first = messages.iter().find(|message| message.field("FullQuery") == "host-3.example.test").unwrap();
    assert_eq!(first.kind, "bind.query");
    assert_eq!(first.field("ClientIP"), "127.0.0.1");
    assert_eq!(
        (first.field("QueryName"), first.field("QueryDomain")),
        ("host-3".into(), "example.test".into())
    );
    assert_eq!((first.field("RecordClass"), first.field("RecordType")), ("IN".into(), "TXT".into()));
    assert_eq!(first.field("QueryFlags"), "recursion requested EDNS used cookie of the client only");
    let kinds = ["ANY", "HTTPS", "SVCB", "TYPE65280", "CAA", "DLC", "A", "AAAA", "NSEC3PARAM"];
    for kind in kinds {
        assert!(messages.iter().any(|message| message.field("RecordType") == kind), "{kind}");
    }
}

#[test]
fn mariadb() {
    let scratch = Scratch::new().unwrap();
    if !ran("mariadb", &scratch.join("logs"), &[]) {
        return;
    }
    let log = lossy(&scratch.read("logs/slow.log"));
    let entries = log.lines().filter(|line| line.starts_with("# User@Host:")).count();
    assert!(entries >= 2000, "{entries}");
    let decoder = r#"splitter = "entries"
[entries]
type = "RegexSplitter"
delimiter = '\n(# User@Host:)'
delimiter_eol = false
[dec]
type = "SandboxDecoder"
filename = "lua_decoders/mariadb_slow_query.lua"
"#;
    // The server's first lines come instead of the last entry, of which no one knows whether it is complete.
    let mut messages = decoded(&scratch, "slow", decoder, entries);
    let header = messages.remove(0);
    assert!(header.failed() && header.payload.contains("Version:"), "{header:?}");
    no_failure(&messages);
    println!("mariadb: {entries} entries, such as {:?}", messages[7]);

    let insert = messages.iter().find(|message| message.payload.starts_with("INSERT")).unwrap();
    assert_eq!((insert.kind.as_str(), insert.hostname.as_str()), ("mariadb.slow-query", "localhost"));
    assert_eq!(insert.payload, "INSERT INTO t VALUES (0, 'text 0');");
    assert_eq!((insert.field("Schema"), insert.field("Rows_sent")), ("d".into(), "0".into()));
    let has_plan =
        |message: &&Message| message.payload.contains("JOIN") && message.fields.contains_key("Full_scan");
    let join = messages.iter().find(has_plan).unwrap();
    assert_eq!((join.field("Full_scan"), join.field("Full_join")), ("Yes".into(), "Yes".into()));
    assert!(messages.iter().any(|message| message.payload.contains("\nWHERE b = \"x; # User@Host")));
}

fn rsyslog_decoder(name: &str, template: &str) -> String {
    format!(
        "[{name}]\ntype = \"SandboxDecoder\"\nfilename = \"lua_decoders/rsyslog.lua\"\n\
         [{name}.config]\ntype = \"{name}\"\ntemplate = '{template}'\n"
    )
}

#[test]
fn rsyslog() {
    let scratch = Scratch::new().unwrap();
    let ports = free_ports(2).unwrap();
    let net = format!(
        "{BEGIN}\n[udp]\ntype = \"UdpInput\"\naddress = \"127.0.0.1:{}\"\nsplitter = \"NullSplitter\"\n\
         decoder = \"forwarded\"\nsend_decode_failures = true\n\
         [tcp]\ntype = \"TcpInput\"\naddress = \"127.0.0.1:{}\"\nsplitter = \"TokenSplitter\"\n\
         decoder = \"protocol23\"\nsend_decode_failures = true\n{}{}",
        ports[0],
        ports[1],
        rsyslog_decoder(
            "forwarded",
            "<%PRI%>%TIMESTAMP:::date-rfc3339% %HOSTNAME% %syslogtag:1:32%%msg:::sp-if-no-1st-sp%%msg%"
        ),
        rsyslog_decoder(
            "protocol23",
            "<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %app-name% %procid% %msgid% - %msg%"
        ),
    );
    configure(&scratch, &net).unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    let listening = wait_until(LIMIT, || std::net::TcpStream::connect(("127.0.0.1", ports[1])).is_ok());
    assert!(listening, "{}", daemon.log());
    if !ran("rsyslog", &scratch.join("logs"), &ports) {
        return;
    }
    let lines = scratch.read("logs/file.log").split_inclusive(|byte| *byte == b'\n').count();
    // Datagrams may be lost, and no one knows when the last one has come.
    let enough = lines + lines * 9 / 10;
    daemon.wait_for(&format!("{enough} messages"), LIMIT, |_| count(&scratch) >= enough).unwrap();
    let of_tcp = || messages(&scratch).iter().filter(|message| message.logger != "udp").count();
    daemon.wait_for(&format!("{lines} messages over TCP"), LIMIT, |_| of_tcp() >= lines).unwrap();
    assert!(daemon.stop(LIMIT).unwrap().success(), "{}", daemon.log());
    let all = messages(&scratch);
    no_failure(&all);
    let (forwarded, protocol): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|message| message.kind == "forwarded");
    println!("rsyslog: {} over UDP, {} over TCP of {lines}", forwarded.len(), protocol.len());
    assert!(forwarded.len() >= lines * 9 / 10 && protocol.len() == lines);
    let first = protocol.iter().find(|message| message.field("app-name") == "widget").unwrap();
    assert_eq!((first.field("procid"), first.field("syslogfacility")), ("4322".into(), "16".into()));
    assert_eq!((first.severity, first.payload.trim()), (6, "message 0 of a program"));
    assert!(forwarded.iter().any(|message| message.pid == 4322 && message.field("programname") == "widget"));

    fs::remove_file(scratch.join("out.pb")).unwrap();
    fs::remove_dir_all(scratch.join("base")).unwrap();
    let end = r"%HOSTNAME% %syslogtag%%msg:::sp-if-no-1st-sp%%msg:::drop-last-lf%\n";
    let traditional =
        lines_of(&scratch, "traditional", &rsyslog_decoder("dec", &format!("%TIMESTAMP% {end}")));
    let cron = traditional.iter().find(|message| message.payload == "no process id").unwrap();
    assert_eq!(cron.field("programname"), "cron");
    let file =
        lines_of(&scratch, "file", &rsyslog_decoder("dec", &format!("%TIMESTAMP:::date-rfc3339% {end}")));
    assert_eq!(file[0].payload, "message 0 of a program");
    assert!(
        !file[0].timestamp.is_multiple_of(1_000_000_000),
        "the fraction of the second is lost: {:?}",
        file[0]
    );
}

/// Uses the modules for syslog and Postfix, as no decoder of them is shipped.
const POSTFIX: &str = r#"
local syslog  = require "syslog"
local postfix = require "postfix"
local grammar = syslog.build_rsyslog_grammar(read_config("template"))

local msg = {Type = "postfix"}

function process_message()
    local line = grammar:match(read_message("Payload"))
    if not line then return -1, "no line of syslog" end

    local fields = postfix.postfix_match(line.syslogtag.programname, line.msg, true)
    if not fields then return -1, "no line of Postfix" end

    msg.Timestamp, msg.Hostname, msg.Pid, msg.Payload = line.timestamp, line.hostname, line.syslogtag.pid, line.msg
    msg.Fields = fields
    inject_message(msg)
    return 0
end
"#;

#[test]
fn postfix() {
    let scratch = Scratch::new().unwrap();
    if !ran("postfix", &scratch.join("logs"), &[]) {
        return;
    }
    let script = scratch.write("postfix.lua", POSTFIX).unwrap();
    let decoder = rsyslog_decoder(
        "dec",
        r"%TIMESTAMP% %HOSTNAME% %syslogtag%%msg:::sp-if-no-1st-sp%%msg:::drop-last-lf%\n",
    )
    .replace("lua_decoders/rsyslog.lua", script.to_str().unwrap());
    let lines = scratch.read("logs/mail.log").split_inclusive(|byte| *byte == b'\n').count();
    let messages = decoded(&scratch, "mail", &decoder, lines);
    // What the shell script that starts and stops Postfix says has no grammar; how much that is depends on the time the stop takes.
    let (own, others): (Vec<_>, Vec<_>) =
        messages.into_iter().partition(|message| !message.payload.contains("postfix/postfix-script"));
    no_failure(&own);
    assert!(own.len() >= 1990, "{} {others:?}", own.len());
    let discarded = own.iter().find(|message| message.payload.contains("status=sent")).unwrap();
    println!("postfix: {lines} lines, such as {discarded:?}");
    assert_eq!(discarded.field("postfix_to"), "user@example.test");
    let rejected = own.iter().find(|message| message.payload.contains("Access denied")).unwrap();
    assert_eq!(rejected.field("postfix_status_code"), "554", "{rejected:?}");
}

/// A file of the kernel, the decoder for it, and a field of its messages.
const KERNEL: [(&str, &str, &str); 6] = [
    ("/proc/loadavg", "linux_loadavg", "NumProcesses"),
    ("/proc/meminfo", "linux_memstats", "MemTotal"),
    ("/proc/stat", "linux_procstat", "ctxt"),
    ("/proc/net/dev", "linux_netdev", "receive_bytes"),
    ("/proc/net/netstat", "linux_netstat", "IpExt_InOctets"),
    ("/proc/net/snmp", "linux_netstat", "Tcp_MaxConn"),
];

#[test]
fn the_kernel() {
    let scratch = Scratch::new().unwrap();
    let mut files = KERNEL.map(|(path, decoder, field)| (path.to_owned(), decoder, field)).to_vec();
    let disk = fs::read_dir("/sys/block").ok().and_then(|mut disks| disks.next()).and_then(Result::ok);
    if let Some(disk) = disk {
        let stat = disk.path().join("stat").display().to_string();
        files.push((stat, "linux_diskstats", "ReadsCompleted"));
    }
    // The decoder takes names of letters and digits only.
    let plain = |name: &str| name.trim().bytes().all(|byte| byte.is_ascii_alphanumeric());
    let devices = fs::read_to_string("/proc/net/dev").unwrap();
    if !devices.lines().skip(2).filter_map(|line| line.split(':').next()).all(plain) {
        let _ = writeln!(std::io::stderr(), "skipped /proc/net/dev: it has other names of devices");
        files.retain(|(path, ..)| path != "/proc/net/dev");
    }
    let ports = free_ports(files.len()).unwrap();
    let mut config = BEGIN.to_owned();
    for ((_, decoder, field), port) in files.iter().zip(&ports) {
        config += &format!(
            "[{field}]\ntype = \"UdpInput\"\naddress = \"127.0.0.1:{port}\"\nsplitter = \"NullSplitter\"\n\
             decoder = \"dec_{field}\"\nsend_decode_failures = true\n\
             [dec_{field}]\ntype = \"SandboxDecoder\"\nfilename = \"lua_decoders/{decoder}.lua\"\n"
        );
    }
    configure(&scratch, &config).unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    // A whole file is one message, and so is a datagram. It is sent again until it comes through.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for ((path, _, field), port) in files.iter().zip(&ports) {
        daemon
            .wait_for(&format!("a message of {path}"), LIMIT, |_| {
                let sent = socket.send_to(&fs::read(path).unwrap(), ("127.0.0.1", *port));
                sent.is_ok() && messages(&scratch).iter().any(|message| message.logger == *field)
            })
            .unwrap();
    }
    assert!(daemon.stop(LIMIT).unwrap().success(), "{}", daemon.log());
    let messages = messages(&scratch);
    no_failure(&messages);
    let text = fs::read_to_string("/proc/meminfo").unwrap();
    let total = text.split_whitespace().nth(1).unwrap();
    let memory = messages.iter().find(|message| message.kind == "stats.memstats").unwrap();
    assert_eq!(memory.field("MemTotal"), total);
    println!("kernel: {} messages, such as {:?}", messages.len(), messages[0]);
    for (path, _, field) in &files {
        assert!(messages.iter().any(|message| message.fields.contains_key(*field)), "{path}: no {field}");
    }
    assert!(
        messages.iter().any(|message| message.fields.get("netdevice").is_some_and(|name| name == &["lo"]))
    );
}
