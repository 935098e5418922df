//! KafkaInput and KafkaOutput with Apache Kafka itself: both ways, through kills of the broker and of consumers.
//! `HEKA_KAFKA_MESSAGES` is how many messages the group shares; 50,000 without it.

#![cfg(feature = "kafka")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::ports::free_ports;
use heka_testkit::servers;
use heka_testkit::{Scratch, Tally, wait_until};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const LIMIT: Duration = Duration::from_secs(120);

fn java() -> Command {
    let mut java = Command::new("java");
    java.args(["-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
        .arg(format!("{ROOT}/target/servers/kafka/libs/*"));
    java
}

/// A broker that is its own controller. Dropping it kills it.
struct Broker {
    scratch: Scratch,
    /// For all, and for those who log in.
    ports: [u16; 2],
    child: Option<Child>,
}

impl Broker {
    fn start() -> Broker {
        let scratch = Scratch::new().unwrap();
        let ports = free_ports(3).unwrap();
        let (plain, login, control) = (ports[0], ports[1], ports[2]);
        let dir = scratch.path().display();
        let properties = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{control}\n\
             listeners=PLAINTEXT://127.0.0.1:{plain},LOGIN://127.0.0.1:{login},CONTROL://127.0.0.1:{control}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{plain},LOGIN://127.0.0.1:{login}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,LOGIN:SASL_PLAINTEXT,CONTROL:PLAINTEXT\n\
             controller.listener.names=CONTROL\ninter.broker.listener.name=PLAINTEXT\n\
             sasl.enabled.mechanisms=PLAIN\n\
             listener.name.login.plain.sasl.jaas.config=\
             org.apache.kafka.common.security.plain.PlainLoginModule required user_heka=\"right\";\n\
             log.dirs={dir}/data\nnum.partitions=12\noffsets.topic.num.partitions=1\n\
             offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\ngroup.initial.rebalance.delay.ms=0\n"
        );
        let file = scratch.write("server.properties", properties).unwrap();
        let format = java()
            .args(["kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c"])
            .arg(file)
            .output()
            .unwrap();
        assert!(format.status.success(), "{format:?}");
        let mut broker = Broker { scratch, ports: [plain, login], child: None };
        broker.run();
        broker
    }

    fn run(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.scratch.join("log")).unwrap();
        let child = java()
            .arg("kafka.Kafka")
            .arg(self.scratch.join("server.properties"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let up = wait_until(LIMIT, || TcpStream::connect(("127.0.0.1", self.ports[0])).is_ok());
        assert!(up, "{}", String::from_utf8_lossy(&self.scratch.read("log")));
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn fill(&self, text: &str) -> String {
        text.replace("$KAFKA", &format!("127.0.0.1:{}", self.ports[0]))
            .replace("$LOGIN", &format!("127.0.0.1:{}", self.ports[1]))
    }

    /// Runs one of Kafka's own programs.
    fn tool(&self, class: &str, args: &[&str], input: &str) -> String {
        let mut child = java()
            .arg(class)
            .args(["--bootstrap-server", &format!("127.0.0.1:{}", self.ports[0])])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn lines(from: u64, to: u64) -> String {
    (from..to).map(|id| format!("{id}\n")).collect()
}

/// The numbers in a file, in their order.
fn numbers(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// Waits until all numbers below `count` are in the files.
fn await_all(paths: &[PathBuf], count: u64, limit: Duration) -> Tally {
    let end = Instant::now() + limit;
    loop {
        let tally = Tally::of(count, paths.iter().flat_map(|path| numbers(path)));
        if tally.lost.is_empty() || Instant::now() > end {
            return tally;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn append(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

const HEAD: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0
[PayloadEncoder]
append_newlines = false
"#;

const SOURCE: &str = r#"
[lines]
type = "LogstreamerInput"
log_directory = "$DIR/logs"
file_match = 'lines\.log'
rescan_interval = "100ms"
"#;

/// A hekad that sends the lines of `logs/lines.log`, and whatever `more` says.
fn sender(broker: &Broker, more: &str, text: &str) -> (Scratch, Daemon) {
    let scratch = Scratch::new().unwrap();
    scratch.write("logs/lines.log", text).unwrap();
    configure(&scratch, &broker.fill(&format!("{HEAD}{SOURCE}{more}"))).unwrap();
    let daemon = Daemon::start(HEKAD, &scratch).unwrap();
    (scratch, daemon)
}

/// A configuration that writes what comes from Kafka to `got`.
fn taker(broker: &Broker, input: &str) -> String {
    let sink = r#"
[got]
type = "FileOutput"
message_matcher = "Type == 'heka.kafka'"
encoder = "PayloadEncoder"
path = "$DIR/got"
"#;
    broker.fill(&format!("{HEAD}{input}{sink}"))
}

fn output(name: &str, options: &str) -> String {
    format!(
        "\n[{name}]\ntype = \"KafkaOutput\"\nmessage_matcher = \"Logger == 'lines'\"\nencoder = \"PayloadEncoder\"\n\
         {options}\n"
    )
}

/// Compressed in every way, hekad's messages are read by Kafka's own consumer, and Kafka's by hekad.
#[test]
fn both_sides_understand_each_other() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "kafka", "Kafka") {
        return;
    }
    let broker = Broker::start();
    let dead = free_ports(1).unwrap()[0];
    let mut outputs = String::new();
    for codec in ["None", "GZIP", "Snappy", "LZ4", "ZSTD"] {
        let options = format!("addrs = [\"$KAFKA\"]\ntopic = \"sent\"\ncompression_codec = \"{codec}\"");
        outputs += &output(&format!("o{codec}"), &options);
    }
    outputs += &output(
        "keyed",
        "addrs = [\"$KAFKA\"]\ntopic = \"keyed\"\npartitioner = \"Hash\"\nhash_variable = \"Payload\"\n\
         required_acks = \"WaitForAll\"\nmax_buffer_time = 50\nmax_buffered_bytes = 4096\n",
    );
    outputs += &output("turns", "addrs = [\"$KAFKA\"]\ntopic = \"turns\"\npartitioner = \"RoundRobin\"");
    let login = "addrs = [\"$LOGIN\"]\ntopic = \"login\"\nsasl_username = \"heka\"\n";
    outputs += &output("right", &format!("{login}sasl_password = \"right\""));
    outputs += &output("wrong", &format!("{login}sasl_password = \"wrong\""));
    outputs += &output("dead", &format!("addrs = [\"127.0.0.1:{dead}\"]\ntopic = \"dead\""));
    let small =
        "addrs = [\"$KAFKA\"]\ntopic = \"small\"\nmax_message_bytes = 3\nrequired_acks = \"NoResponse\"";
    outputs += &output("small", small);
    let (scratch, mut daemon) = sender(&broker, &outputs, &lines(0, 1000));

    let read = |topic: &str, count: u64| {
        let count = count.to_string();
        let args = ["--topic", topic, "--from-beginning", "--max-messages", &count, "--timeout-ms", "60000"];
        let text = broker.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", &args, "");
        Tally::of(1000, text.lines().filter_map(|line| line.parse().ok()))
    };
    daemon.wait_for_log("Authentication failed", LIMIT).unwrap();
    daemon.wait_for_log("Connection refused", LIMIT).unwrap();
    daemon.wait_for_log("its 4 bytes are more than max_message_bytes, 3", LIMIT).unwrap();
    let sent = read("sent", 5000);
    assert!(sent.lost.is_empty() && sent.unknown.is_empty() && sent.duplicates == 4000, "{sent}");
    for topic in ["keyed", "turns", "login"] {
        let tally = read(topic, 1000);
        assert!(tally.lost.is_empty() && tally.duplicates == 0, "{topic}: {tally}");
    }
    let log = daemon.log();
    for text in ["Authentication failed", "Connection refused"] {
        let told = log.lines().filter(|line| line.contains(text)).count();
        assert!(told <= 3, "{told} lines with {text:?}:\n{log}");
    }
    assert!(daemon.stop(LIMIT).is_ok());
    drop(scratch);

    // The other way: what Kafka's own producer compressed.
    for (index, codec) in ["none", "gzip", "snappy", "lz4", "zstd"].iter().enumerate() {
        let from = index as u64 * 100;
        let args = ["--topic", "came", "--compression-codec", codec];
        broker.tool("org.apache.kafka.tools.ConsoleProducer", &args, &lines(from, from + 100));
    }
    let scratch = Scratch::new().unwrap();
    let encoder = "\n[lined]\ntype = \"PayloadEncoder\"\n";
    let input = "[came]\ntype = \"KafkaInput\"\naddrs = [\"$LOGIN\"]\nsasl_username = \"heka\"\n\
                 sasl_password = \"right\"\ntopic = \"^ca.e$\"\nconsumer_group = \"g\"\n";
    let config =
        taker(&broker, input).replace("encoder = \"PayloadEncoder\"", "encoder = \"lined\"") + encoder;
    configure(&scratch, &config).unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    let got = [scratch.join("got")];
    let tally = await_all(&got, 500, LIMIT);
    assert!(tally.lost.is_empty() && tally.duplicates == 0, "{tally}\n{}", daemon.log());
    daemon.stop(LIMIT).unwrap();
    // What was committed is not read again.
    broker.tool("org.apache.kafka.tools.ConsoleProducer", &["--topic", "came"], &lines(500, 600));
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    let tally = await_all(&got, 600, LIMIT);
    assert!(tally.lost.is_empty() && tally.duplicates == 0, "{tally}");
    daemon.stop(LIMIT).unwrap();
    checkpoints(&broker);
}

/// One partition, read as Heka does: with the checkpoint in a file of Heka's form.
fn checkpoints(broker: &Broker) {
    let topics = "org.apache.kafka.tools.TopicCommand";
    broker.tool(topics, &["--create", "--topic", "one", "--partitions", "1"], "");
    broker.tool("org.apache.kafka.tools.ConsoleProducer", &["--topic", "one"], &lines(0, 100));
    let scratch = Scratch::new().unwrap();
    let encoder = "\n[lined]\ntype = \"PayloadEncoder\"\n";
    let input = "[one]\ntype = \"KafkaInput\"\naddrs = [\"$KAFKA\"]\ntopic = \"one\"\npartition = 0\n";
    let config =
        taker(broker, input).replace("encoder = \"PayloadEncoder\"", "encoder = \"lined\"") + encoder;
    configure(&scratch, &config).unwrap();
    let file = scratch.write("base/kafka/one.one.0.offset.bin", 40_i64.to_le_bytes()).unwrap();
    let got = scratch.join("got");
    let run = |last: u64| {
        let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
        daemon.wait_for("the last line", LIMIT, |_| numbers(&got).last() == Some(&last)).unwrap();
        daemon.stop(LIMIT).unwrap();
        daemon.log()
    };
    run(99);
    assert_eq!(numbers(&got), (40..100).collect::<Vec<_>>());
    assert_eq!(fs::read(&file).unwrap(), 100_i64.to_le_bytes());
    broker.tool("org.apache.kafka.tools.ConsoleProducer", &["--topic", "one"], &lines(100, 150));
    run(149);
    assert_eq!(numbers(&got), (40..150).collect::<Vec<_>>());
    // An offset that the broker does not have.
    fs::write(&file, 9999_i64.to_le_bytes()).unwrap();
    fs::remove_file(&got).unwrap();
    let log = run(149);
    assert!(log.contains("is not there any more; reading on from the oldest"), "{log}");
    assert_eq!(numbers(&got), (0..150).collect::<Vec<_>>());
}

/// A broker that is killed again and again loses nothing of what passes through it, and with idempotence nothing comes twice
/// on the way in.
#[test]
fn nothing_is_lost_when_the_broker_is_killed() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "kafka", "Kafka") {
        return;
    }
    let mut broker = Broker::start();
    let options =
        "addrs = [\"$KAFKA\"]\ntopic = \"t\"\nrequired_acks = \"WaitForAll\"\npartitioner = \"RoundRobin\"";
    let (scratch, mut daemon) = sender(&broker, &output("kafka", options), &lines(0, 5000));
    let taking = Scratch::new().unwrap();
    let input = "[t]\ntype = \"KafkaInput\"\naddrs = [\"$KAFKA\"]\ntopic = \"t\"\nconsumer_group = \"g\"\n";
    configure(&taking, &taker(&broker, input)).unwrap();
    let mut taker = Daemon::start(HEKAD, &taking).unwrap();
    let got = taking.join("got");
    let log = scratch.join("logs/lines.log");
    for round in 1..3_u64 {
        // Killed while records are on their way.
        taker.wait_for("some lines", LIMIT, |_| !numbers(&got).is_empty()).unwrap();
        append(&log, &lines(round * 5000, round * 5000 + 2500));
        broker.kill();
        append(&log, &lines(round * 5000 + 2500, round * 5000 + 5000));
        daemon.wait_for_log("trying on", LIMIT).unwrap();
        broker.run();
    }
    let tally = await_all(&[got], 15_000, LIMIT);
    println!("through kills of the broker: {tally}");
    assert!(tally.lost.is_empty() && tally.unknown.is_empty(), "{tally}\n{}\n{}", daemon.log(), taker.log());
    let told = daemon.log().lines().filter(|line| line.contains("trying on")).count();
    assert!(told <= 12, "{}", daemon.log());
    taker.stop(LIMIT).unwrap();
    daemon.stop(LIMIT).unwrap();
}

/// Three hekads share twelve partitions; one is killed while messages come, and started again.
#[test]
fn a_group_of_three_loses_nothing_when_one_is_killed() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "kafka", "Kafka") {
        return;
    }
    let count: u64 = std::env::var("HEKA_KAFKA_MESSAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(50_000);
    let limit = LIMIT + Duration::from_millis(count / 2);
    let broker = Broker::start();
    let input = "[t]\ntype = \"KafkaInput\"\naddrs = [\"$KAFKA\"]\ntopic = \"t\"\nconsumer_group = \"g\"\n\
                 [t.properties]\nsession.timeout.ms = \"6000\"\n";
    let folders: Vec<_> = (0..3).map(|_| Scratch::new().unwrap()).collect();
    let topics = "org.apache.kafka.tools.TopicCommand";
    broker.tool(topics, &["--create", "--topic", "t", "--partitions", "12"], "");
    let mut daemons: Vec<_> = folders
        .iter()
        .map(|folder| {
            configure(folder, &taker(&broker, input)).unwrap();
            Daemon::start(HEKAD, folder).unwrap()
        })
        .collect();
    // Each has its share.
    for (daemon, folder) in daemons.iter_mut().zip(&folders) {
        let share = |folder: &Scratch| {
            let text = String::from_utf8_lossy(&folder.read("stdout")).into_owned();
            text.lines()
                .rfind(|line| line.contains("partitions assigned"))
                .map(|l| l.matches(',').count() + 1)
        };
        daemon.wait_for("four partitions", LIMIT, |_| share(folder) == Some(4)).unwrap();
    }
    let began = Instant::now();
    let half = count / 2;
    let options =
        "addrs = [\"$KAFKA\"]\ntopic = \"t\"\nrequired_acks = \"WaitForAll\"\ncompression_codec = \"LZ4\"";
    let (scratch, mut daemon) = sender(&broker, &output("kafka", options), &lines(0, half));
    let paths: Vec<_> = folders.iter().map(|folder| folder.join("got")).collect();
    let victim = &mut daemons[1];
    victim
        .wait_for("some lines", LIMIT, |_| fs::metadata(&paths[1]).is_ok_and(|file| file.len() > 0))
        .unwrap();
    victim.kill().unwrap();
    append(&scratch.join("logs/lines.log"), &lines(half, count));
    daemons[1] = Daemon::start(HEKAD, &folders[1]).unwrap();
    let tally = await_all(&paths, count, limit);
    let time = began.elapsed();
    let shares: Vec<_> = paths.iter().map(|path| numbers(path).len()).collect();
    println!("a group of three, one killed: {tally}; shares {shares:?}; {:.1} s", time.as_secs_f64());
    assert!(tally.lost.is_empty() && tally.unknown.is_empty(), "{tally}\n{}", daemons[1].log());
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
    for daemon in &mut daemons {
        daemon.stop(LIMIT).unwrap();
    }
    daemon.stop(LIMIT).unwrap();
}
