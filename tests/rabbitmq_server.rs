//! AMQPInput and AMQPOutput with RabbitMQ, and with pika, a client of other making.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::ports::free_ports;
use heka_testkit::servers;
use heka_testkit::{Scratch, wait_until};
use rustix::process::{Pid, Signal, kill_process_group};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const LIMIT: Duration = Duration::from_secs(60);

/// A broker with all its files in a folder, and Erlang's port mapper, which it needs.
struct Broker {
    scratch: Scratch,
    plain: u16,
    secret: u16,
    distribution: u16,
    mapper_port: u16,
    mapper: Child,
    server: Option<Child>,
}

impl Broker {
    fn start() -> Broker {
        let scratch = Scratch::new().unwrap();
        let free = free_ports(4).unwrap();
        let [plain, secret, distribution, mapper_port] = free[..] else { panic!("{free:?}") };
        let dir = scratch.path();
        make_certificate(dir);
        let conf = format!(
            "listeners.tcp.default = 127.0.0.1:{plain}\nlisteners.ssl.default = 127.0.0.1:{secret}\n\
             ssl_options.cacertfile = {dir}/cert.pem\nssl_options.certfile = {dir}/cert.pem\n\
             ssl_options.keyfile = {dir}/key.pem\nssl_options.verify = verify_none\n\
             default_user = heka\ndefault_pass = s3cret\nlog.file.level = info\n",
            dir = dir.display()
        );
        scratch.write("rabbitmq.conf", conf).unwrap();
        scratch.write("enabled_plugins", "[].\n").unwrap();
        scratch.write("empty", "").unwrap();
        scratch.write("amqp.py", PIKA).unwrap();
        let mapper = Command::new("epmd")
            .args(["-address", "127.0.0.1", "-port", &mapper_port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut broker = Broker { scratch, plain, secret, distribution, mapper_port, mapper, server: None };
        broker.boot();
        broker
    }

    fn boot(&mut self) {
        let dir = self.scratch.path();
        let text = |name: &str| dir.join(name).display().to_string();
        let output = fs::File::create(dir.join("rabbitmq.out")).unwrap();
        let child = Command::new("/usr/lib/rabbitmq/bin/rabbitmq-server")
            .env("HOME", dir)
            .env("ERL_EPMD_PORT", self.mapper_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", format!("hekad{}@localhost", self.plain))
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.plain.to_string())
            .env("RABBITMQ_DIST_PORT", self.distribution.to_string())
            .env("RABBITMQ_CONFIG_FILE", text("rabbitmq"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", text("none.config"))
            .env("RABBITMQ_CONF_ENV_FILE", text("empty"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", text("enabled_plugins"))
            .env("RABBITMQ_MNESIA_BASE", text("mnesia"))
            .env("RABBITMQ_MNESIA_DIR", text("mnesia/node"))
            .env("RABBITMQ_PID_FILE", text("rabbitmq.pid"))
            .env("RABBITMQ_LOG_BASE", text("log"))
            .env("RABBITMQ_LOGS", text("rabbitmq.log"))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2")
            .current_dir(dir)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        self.server = Some(child);
        let port = self.plain;
        let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        let came = wait_until(LIMIT, || listens() && self.log().contains("Server startup complete"));
        assert!(came, "{}\n{}", self.log(), self.scratch_text("rabbitmq.out"));
    }

    /// `kill -9` of it all, without warning.
    fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let group = Pid::from_child(&server);
            // It fails only if it is gone already.
            let _ = kill_process_group(group, Signal::KILL);
            server.wait().unwrap();
            let port = self.plain;
            assert!(wait_until(LIMIT, || TcpStream::connect(("127.0.0.1", port)).is_err()));
            let _ = fs::remove_file(self.scratch.join("rabbitmq.log"));
        }
    }

    fn scratch_text(&self, name: &str) -> String {
        String::from_utf8_lossy(&self.scratch.read(name)).into_owned()
    }

    fn log(&self) -> String {
        self.scratch_text("rabbitmq.log")
    }

    /// Fills ports and folders of a configuration in, and starts hekad with it.
    fn hekad(&self, scratch: &Scratch, config: &str) -> Daemon {
        let config = config
            .replace("$PLAIN", &format!("amqp://heka:s3cret@127.0.0.1:{}", self.plain))
            .replace("$SECRET", &format!("amqps://heka:s3cret@localhost:{}", self.secret))
            .replace("$WRONG", &format!("amqp://heka:wrong@127.0.0.1:{}", self.plain))
            .replace("$CERT", &self.scratch.join("cert.pem").display().to_string());
        configure(scratch, &config).unwrap();
        Daemon::start(HEKAD, scratch).unwrap()
    }

    /// Runs a piece of Python with an open channel `c`; gives what it prints.
    fn pika(&self, code: &str) -> String {
        let output = Command::new("/usr/bin/python3")
            .arg(self.scratch.join("amqp.py"))
            .arg(self.plain.to_string())
            .arg(code)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the code until it prints what is expected.
    fn await_pika(&self, code: &str, expected: &str) {
        let mut seen = String::new();
        let came = wait_until(LIMIT, || {
            seen = self.pika(code);
            seen == expected
        });
        assert!(came, "{code}: {seen:?}");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = kill_process_group(Pid::from_child(&server), Signal::KILL);
            let _ = server.wait();
        }
        let _ = self.mapper.kill();
        let _ = self.mapper.wait();
    }
}

const PIKA: &str = r#"
import sys, pika
where = pika.ConnectionParameters("127.0.0.1", int(sys.argv[1]), "/", pika.PlainCredentials("heka", "s3cret"))
connection = pika.BlockingConnection(where)
c = connection.channel()
def send(exchange, key, body, **properties):
    c.confirm_delivery()
    c.basic_publish(exchange, key, body, pika.BasicProperties(**properties))
exec(sys.argv[2])
connection.close()
"#;

fn make_certificate(dir: &Path) {
    let key = rcgen::KeyPair::generate().unwrap();
    let made = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().self_signed(&key).unwrap();
    fs::write(dir.join("cert.pem"), made.pem()).unwrap();
    fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
}

const SENDER: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0

[lines]
type = "LogstreamerInput"
log_directory = "$DIR"
file_match = 'lines\.log'
splitter = "TokenSplitter"

[out]
type = "AMQPOutput"
message_matcher = "Logger == 'lines'"
url = "$PLAIN"
exchange = "logs"
exchange_type = "topic"
exchange_durability = true
exchange_auto_delete = false
routing_key = "a.b"
persistent = true
[out.retries]
delay = "20ms"
max_delay = "200ms"
"#;

const RECEIVER: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0

[in]
type = "AMQPInput"
url = "$SECRET"
exchange = "logs"
exchange_type = "topic"
exchange_durability = true
exchange_auto_delete = false
routing_key = "a.#"
queue = "kept"
queue_durability = true
queue_auto_delete = false
prefetch_count = 40
splitter = "HekaFramingSplitter"
decoder = "ProtobufDecoder"
[in.retries]
delay = "20ms"
max_delay = "200ms"
[in.tls]
root_cafile = "$CERT"

[PayloadEncoder]
append_newlines = false

[file]
type = "FileOutput"
message_matcher = "Logger == 'lines'"
path = "$DIR/got"
encoder = "PayloadEncoder"
"#;

/// The numbers in a file of lines, and whether each of them below `count` is there.
fn has_all(path: &Path, count: usize) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut seen = vec![false; count];
    for number in text.lines().filter_map(|line| line.strip_prefix("line ")?.parse::<usize>().ok()) {
        if let Some(place) = seen.get_mut(number) {
            *place = true;
        }
    }
    seen.iter().all(|is_seen| *is_seen)
}

fn append(path: &Path, numbers: std::ops::Range<usize>) {
    let mut text = String::new();
    numbers.for_each(|number| writeln!(text, "line {number}").unwrap());
    fs::OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// Lines go from one hekad to another while the broker is killed again and again, and the receiver once.
fn every_message_arrives(broker: &mut Broker) {
    let (from, to) = (Scratch::new().unwrap(), Scratch::new().unwrap());
    let (lines, got) = (from.join("lines.log"), to.join("got"));
    let mut receiver = broker.hekad(&to, RECEIVER);
    // Without its queue messages would be dropped.
    broker.await_pika("print('kept' if c.queue_declare('kept', passive=True) else '')", "kept\n");
    append(&lines, 0..5_000);
    let mut sender = broker.hekad(&from, SENDER);
    assert!(wait_until(LIMIT, || fs::metadata(&got).is_ok_and(|file| file.len() > 100)));
    for round in 1..3 {
        broker.kill();
        append(&lines, round * 5_000..(round + 1) * 5_000);
        sender.wait_for_log("can't connect: dial tcp 127.0.0.1:", LIMIT).unwrap();
        if round == 1 {
            receiver.kill().unwrap();
            receiver = Daemon::start(HEKAD, &to).unwrap();
        }
        broker.boot();
    }
    assert!(wait_until(LIMIT, || has_all(&got, 15_000)), "{}\n{}", sender.log(), receiver.log());
    // All is acknowledged: nothing is left for another consumer.
    broker.await_pika("print(c.queue_declare('kept', passive=True).method.message_count)", "0\n");
    sender.stop(LIMIT).unwrap();
    receiver.stop(LIMIT).unwrap();
    broker.await_pika("print(c.queue_declare('kept', passive=True).method.message_count)", "0\n");
    // A broker that is away is told of, but not all the time.
    for log in [sender.log(), receiver.log()] {
        assert!(log.matches("can't connect: ").count() < 20, "{log}");
    }
    assert!(!sender.log().contains("dropped"), "{}", sender.log());
}

const OPTIONS: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0

[plain]
type = "AMQPInput"
url = "$PLAIN"
exchange = "texts"
exchange_type = "fanout"
queue = "texts"
queue_ttl = 60000
prefetch_count = 0

[named_by_broker]
type = "AMQPInput"
url = "$PLAIN"
exchange = "texts"
exchange_type = "fanout"
queue_exclusive = true
splitter = "TokenSplitter"

[read_only]
type = "AMQPInput"
url = "$PLAIN"
queue = "mine"
read_only = true

[unbound]
type = "AMQPInput"
url = "$PLAIN"
queue = "not.there"
bind_queue = false

[log]
type = "FileOutput"
message_matcher = "Type == 'amqp'"
path = "$DIR/got"
encoder = "fields"

[fields]
type = "SandboxEncoder"
filename = "$DIR/fields.lua"

[back]
type = "AMQPOutput"
message_matcher = "Logger == 'plain'"
url = "$PLAIN"
exchange = ""
routing_key = "back"
encoder = "PayloadEncoder"
use_framing = false
content_type = "text/plain"
persistent = true
drop_unroutable = false

[lost]
type = "AMQPOutput"
message_matcher = "Logger == 'plain'"
url = "$PLAIN"
exchange = "nowhere"
exchange_type = "direct"
encoder = "PayloadEncoder"
use_framing = false

[PayloadEncoder]
append_newlines = false
"#;

const FIELDS: &str = r#"
require "string"
function process_message()
    local text = string.gsub(read_message("Payload"), "\n", "|")
    inject_payload("txt", "", string.format("%s %s %s %s\n", read_message("Logger"), read_message("Type"),
        read_message("Hostname") == "" and "-" or "?", text))
    return 0
end
"#;

/// The options that are seen on the wire, with a client of other making at the other end.
fn options_are_what_they_say(broker: &Broker) {
    let scratch = Scratch::new().unwrap();
    scratch.write("fields.lua", FIELDS).unwrap();
    broker.pika("c.queue_declare('mine')");
    let mut daemon = broker.hekad(&scratch, OPTIONS);
    daemon
        .wait_for_log("Cannot consume from queue not.there: Exception (404) Reason: \"NOT_FOUND", LIMIT)
        .unwrap();
    let declared =
        "c.queue_declare('texts', auto_delete=True, arguments={'x-message-ttl': 60000}); print('same')";
    let texts_are_there = "print(c.queue_declare('texts', passive=True).method.consumer_count)";
    assert!(wait_until(LIMIT, || {
        let there = format!(
            "try:\n  {texts_are_there}\nexcept pika.exceptions.ChannelClosed: print('no'); sys.exit()"
        );
        broker.pika(&there) == "1\n"
    }));
    broker.await_pika(declared, "same\n");
    // The queue that the broker names is bound a little later, so this is sent until it is there.
    let got = scratch.join("got");
    let text = || fs::read_to_string(&got).unwrap_or_default();
    let came = wait_until(LIMIT, || {
        broker.pika("send('texts', '', b'one\\ntwo\\nrest', type='note')");
        text().contains("named_by_broker amqp - one|\n")
    });
    assert!(came, "{}\n{}", text(), daemon.log());
    broker.pika("send('', 'mine', b'direct')");
    let expected =
        ["plain amqp - one|two|rest\n", "named_by_broker amqp - two|\n", "read_only amqp - direct\n"];
    assert!(
        wait_until(LIMIT, || expected.iter().all(|line| text().contains(line))),
        "{}\n{}",
        text(),
        daemon.log()
    );
    let extra = "extra data in message of type note dropped";
    daemon.wait_for_log(extra, LIMIT).unwrap();
    broker.pika("send('texts', '', b'', type='empty')");
    daemon.wait_for_log("processing message of type empty: no records", LIMIT).unwrap();

    // There is no queue for these.
    daemon
        .wait_for_log("messages dropped: no queue takes what is sent to exchange 'nowhere'", LIMIT)
        .unwrap();
    daemon.wait_for_log("no queue takes what is sent to exchange '' with routing key 'back'", LIMIT).unwrap();
    broker.pika("c.queue_declare('back')");
    let get = "m, p, b = c.basic_get('back', True); print(p and (p.content_type, p.delivery_mode, p.timestamp > 1, b))";
    broker.await_pika(get, "('text/plain', 2, True, b'one\\ntwo\\nrest')\n");
    daemon.stop(LIMIT).unwrap();
    assert_eq!(daemon.log().matches("messages dropped").count(), 1, "{}", daemon.log());
}

const WRONG: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0

[in]
type = "AMQPInput"
url = "$WRONG"
queue = "mine"
[in.retries]
delay = "1ms"
max_delay = "10ms"
max_jitter = "1ms"
"#;

/// One line is enough to say it.
fn a_wrong_password_is_told_once(broker: &Broker) {
    let scratch = Scratch::new().unwrap();
    let mut daemon = broker.hekad(&scratch, WRONG);
    let refused = || broker.log().matches("PLAIN login refused: user 'heka'").count();
    assert!(wait_until(LIMIT, || refused() >= 4), "{}", broker.log());
    daemon.stop(LIMIT).unwrap();
    let log = daemon.log();
    let why = "Input 'in' error: can't connect: Exception (403) Reason: \"ACCESS_REFUSED - Login was refused";
    assert_eq!((log.matches(why).count(), log.matches("error").count()), (1, 1), "{log}");
}

#[test]
fn with_rabbitmq() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "rabbitmq", "RabbitMQ") {
        return;
    }
    let mut broker = Broker::start();
    options_are_what_they_say(&broker);
    a_wrong_password_is_told_once(&broker);
    every_message_arrives(&mut broker);
}
