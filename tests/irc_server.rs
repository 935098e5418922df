//! IrcOutput with an IRC server, ngircd: keys, TLS, a password, and messages that outlast kills of the server.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::ports::free_ports;
use heka_testkit::servers;
use heka_testkit::{Scratch, wait_until};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const LIMIT: Duration = Duration::from_secs(60);

/// `#locked` has a key, `#full` no place, `#mute` takes nothing from those who are not its operators.
const SERVER: &str = "
[Global]
Name = irc.example.net
Info = test
Listen = 127.0.0.1
Ports = $PORT
Password = pw
MotdPhrase = hello
[Limits]
MaxPenaltyTime = 0
MaxConnectionsIP = 0
MaxNickLength = 9
PingTimeout = 5
[Options]
DNS = no
Ident = no
PAM = no
[SSL]
Ports = $SECRET
CertFile = $DIR/cert.pem
KeyFile = $DIR/key.pem
[Channel]
Name = #locked
Modes = +tnk sesame
[Channel]
Name = #full
Modes = +l 0
[Channel]
Name = #invited
Modes = +i
";

const BEGIN: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0

[feed]
type = "LogstreamerInput"
log_directory = "$DIR/in"
file_match = 'feed\.log'

[PayloadEncoder]

[log]
type = "LogOutput"
message_matcher = "Type == 'logfile'"
encoder = "PayloadEncoder"
"#;

/// ngircd. Dropping it kills it.
struct Server(Child);

impl Server {
    fn start(rig: &Rig) -> Server {
        let config = SERVER
            .replace("$DIR", rig.dir().to_str().unwrap())
            .replace("$PORT", &rig.port.to_string())
            .replace("$SECRET", &rig.secret.to_string());
        let path = rig.scratch.write("ngircd.conf", config).unwrap();
        let path_of_program = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
        let log = OpenOptions::new().create(true).append(true).open(rig.dir().join("ngircd.log")).unwrap();
        let mut command = Command::new("ngircd");
        command.env("PATH", path_of_program).arg("-n").arg("-f").arg(&path);
        let mut child = command.stdin(Stdio::null()).stdout(log).spawn().unwrap();
        let listens = || {
            assert!(
                child.try_wait().unwrap().is_none(),
                "{:?}",
                fs::read_to_string(rig.dir().join("ngircd.log"))
            );
            [rig.port, rig.secret].iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
        };
        assert!(wait_until(LIMIT, listens), "ngircd does not listen");
        Server(child)
    }

    /// With SIGKILL.
    fn kill(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It fails only if the server is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A member of channels that keeps what others say there.
struct Member {
    socket: TcpStream,
    /// Channel and text.
    heard: Arc<Mutex<Vec<(String, String)>>>,
}

impl Member {
    /// Joins with the lines given, and waits until it is in as many channels.
    fn join(port: u16, nick: &str, joins: &[&str]) -> Member {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        write!(socket, "PASS pw\r\nNICK {nick}\r\nUSER {nick} 0 0 :{nick}\r\n").unwrap();
        let heard: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let joined = Arc::new(Mutex::new(0));
        let (theirs, counted, joins_text) = (
            heard.clone(),
            joined.clone(),
            joins.iter().map(|join| format!("JOIN {join}\r\n")).collect::<String>(),
        );
        let (reader, mut writer) = (socket.try_clone().unwrap(), socket.try_clone().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                let words: Vec<&str> = line.splitn(4, ' ').collect();
                let said = match words[..] {
                    ["PING", token, ..] => write!(writer, "PONG {token}\r\n"),
                    [_, "001", ..] => writer.write_all(joins_text.as_bytes()),
                    [_, "366", ..] => {
                        *counted.lock().unwrap() += 1;
                        Ok(())
                    }
                    [_, "PRIVMSG", channel, text] => {
                        assert!(line.len() <= 510, "{line}");
                        theirs.lock().unwrap().push((channel.into(), text.trim_start_matches(':').into()));
                        Ok(())
                    }
                    _ => Ok(()),
                };
                if said.is_err() {
                    break;
                }
            }
        });
        assert!(
            wait_until(LIMIT, || *joined.lock().unwrap() == joins.len()),
            "{nick} is not in its channels"
        );
        Member { socket, heard }
    }

    /// What was said in a channel.
    fn heard(&self, channel: &str) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|(name, _)| name == channel).map(|(_, text)| text.clone()).collect()
    }

    fn say(&mut self, line: &str) {
        write!(self.socket, "{line}\r\n").unwrap();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // It fails only if the server is gone already.
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }
}

struct Rig {
    scratch: Scratch,
    port: u16,
    secret: u16,
}

impl Rig {
    fn new() -> Rig {
        let scratch = Scratch::new().unwrap();
        let ports = free_ports(2).unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        scratch.write("cert.pem", made.cert.pem()).unwrap();
        scratch.write("key.pem", made.signing_key.serialize_pem()).unwrap();
        let rig = Rig { scratch, port: ports[0], secret: ports[1] };
        rig.feed(&[]);
        rig
    }

    fn dir(&self) -> &Path {
        self.scratch.path()
    }

    /// A section of an IrcOutput.
    fn output(&self, name: &str, port: u16, options: &str) -> String {
        format!(
            "\n[{name}]\ntype = \"IrcOutput\"\nmessage_matcher = \"Type == 'logfile'\"\nencoder = \"PayloadEncoder\"\n\
             server = \"localhost:{port}\"\nnick = \"{name}\"\nident = \"heka\"\ntime_before_reconnect = 1\n{options}\n"
        )
    }

    fn start(&self, sections: &str) -> Daemon {
        configure(&self.scratch, &format!("{BEGIN}{sections}")).unwrap();
        Daemon::start(HEKAD, &self.scratch).unwrap()
    }

    fn feed(&self, lines: &[&str]) {
        let path = self.scratch.join("in/feed.log");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes()).unwrap();
    }
}

#[test]
fn messages_reach_the_members_of_channels() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "irc", "ngircd") {
        return;
    }
    let rig = Rig::new();
    let _server = Server::start(&rig);
    // The first member of a new channel is its operator.
    let mut member = Member::join(rig.port, "watcher", &["#open", "#locked sesame", "#kicked", "#mute"]);
    let plain =
        "password = \"pw\"\nchannels = [\"#open\", \"#locked sesame\", \"#invited\"]\nticker_interval = 0";
    let secret = "password = \"pw\"\nchannels = [\"#open\"]\nticker_interval = 0\nuse_tls = true";
    let trusted = format!("{secret}\n[safe.tls]\nroot_cafile = \"$DIR/cert.pem\"");
    let wrong = "password = \"no\"\nchannels = [\"#open\"]";
    let again = "password = \"pw\"\nchannels = [\"#kicked\", \"#mute\"]\nticker_interval = 0\nrejoin_on_kick = true\n\
                 time_before_rejoin = 1";
    let sections = [
        rig.output("plain", rig.port, plain),
        rig.output("safe", rig.secret, &trusted),
        rig.output("stranger", rig.secret, secret),
        rig.output("wrong", rig.port, wrong),
        rig.output("again", rig.port, again),
    ]
    .concat();
    let mut daemon = rig.start(&sections);
    let why = "An error occurred joining channel: #invited. Reason: Cannot join channel (+i)";
    daemon.wait_for_log(why, LIMIT).unwrap();
    for why in ["TLS handshake: invalid peer certificate", "Plugin 'wrong'"] {
        daemon.wait_for_log(why, LIMIT).unwrap();
    }
    let long = format!("{} end", "wörd ".repeat(200));
    rig.feed(&["one", &long]);
    let all_of = |member: &Member, channel: &str| member.heard(channel).concat();
    let twice = |member: &Member| all_of(member, "#open").matches(" end").count() == 2;
    daemon.wait_for("#open twice", LIMIT, |_| twice(&member)).unwrap();
    daemon.wait_for("#locked", LIMIT, |_| all_of(&member, "#locked").ends_with(" end")).unwrap();
    assert_eq!(all_of(&member, "#locked"), format!("one{long}"));
    assert_eq!(member.heard("#open").iter().filter(|text| *text == "one").count(), 2);

    daemon.wait_for("#kicked", LIMIT, |_| all_of(&member, "#kicked").ends_with(" end")).unwrap();
    member.say("KICK #kicked again :out with you");
    member.say("MODE #mute +m");
    daemon.wait_for_log("Kicked from channel: #kicked. Reason: out with you", LIMIT).unwrap();
    rig.feed(&["after all"]);
    let quiet = "#mute does not take a message: ";
    daemon.wait_for("the kicked one", LIMIT, |_| all_of(&member, "#kicked").ends_with("after all")).unwrap();
    daemon.wait_for_log(quiet, LIMIT).unwrap();
    assert!(!all_of(&member, "#mute").contains("after all"));
    member.say("MODE #mute -m");
    daemon.wait_for("#mute", LIMIT, |_| all_of(&member, "#mute").ends_with("after all")).unwrap();
    assert!(daemon.stop(LIMIT).unwrap().success());
    let log = daemon.log();
    assert_eq!(log.matches("invalid peer certificate").count(), 1, "{log}");
}

#[test]
fn every_message_arrives_though_the_server_is_killed_under_load() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "irc", "ngircd") {
        return;
    }
    const COUNT: usize = 300;
    const KILLS: usize = 3;
    let rig = Rig::new();
    let options = "password = \"pw\"\nchannels = [\"#load\"]\nticker_interval = 0";
    let mut daemon = rig.start(&rig.output("flood", rig.port, options));
    let refused = format!("Unable to connect to irc server localhost:{}: dial tcp", rig.port);
    daemon.wait_for_log(&refused, LIMIT).unwrap();
    let lines: Vec<String> = (0..COUNT).map(|number| format!("message {number}.")).collect();
    let (first, rest) = lines.split_at(COUNT / 2);
    rig.feed(&first.iter().map(String::as_str).collect::<Vec<_>>());
    let mut arrived = Vec::new();
    for kill in 1..=KILLS + 1 {
        let server = Server::start(&rig);
        let member = Member::join(rig.port, "watcher", &["#load"]);
        if kill <= KILLS {
            let enough = || arrived.len() + member.heard("#load").len() >= kill * COUNT / 8;
            daemon.wait_for("some messages", LIMIT, |_| enough()).unwrap();
            server.kill();
            arrived.extend(member.heard("#load"));
            continue;
        }
        rig.feed(&rest.iter().map(String::as_str).collect::<Vec<_>>());
        let last = rest.last().unwrap();
        daemon.wait_for("the last message", LIMIT, |_| member.heard("#load").contains(last)).unwrap();
        arrived.extend(member.heard("#load"));
        assert!(daemon.stop(LIMIT).unwrap().success());
    }
    let log = daemon.log();
    assert!(log.contains(&format!("Connection to irc server localhost:{} lost: ", rig.port)), "{log}");
    // What the server had dealt with but not yet passed on to a member when it was killed is lost to that member alone.
    let missing = COUNT - arrived.iter().collect::<BTreeSet<_>>().len();
    assert!(missing <= KILLS, "{missing} messages are missing");
    assert!(arrived.len() - (COUNT - missing) <= KILLS, "{} messages came", arrived.len());
}

#[test]
fn a_silent_server_delays_nobody_else() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let rig = Rig::new();
    let mut daemon = rig.start(&rig.output("mute", port, "channels = [\"#x\"]\ntimeout = 1"));
    rig.feed(&["one"]);
    daemon.wait_for_log("the server does not welcome us: i/o timeout", LIMIT).unwrap();
    rig.feed(&["two"]);
    let logged = || String::from_utf8_lossy(&rig.scratch.read("stdout")).contains("two");
    assert!(wait_until(LIMIT, logged));
    assert!(daemon.stop(LIMIT).unwrap().success());
    assert_eq!(daemon.log().matches("does not welcome us").count(), 1);
}
