use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use heka_message::MessageView;
use heka_plugin::Log;

use super::*;

const LONG: Duration = Duration::from_secs(30);
const MASK: &str = "me!~id@a.host.example";

/// An IRC server for one client at a time. It keeps what it heard.
struct FakeServer {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

/// Ends the connection, as an answer.
const HANG_UP: &str = "!";

impl FakeServer {
    /// `answer` gives the answers to a line if they are not the usual ones. It is also asked the number of the connection.
    fn start(answer: impl Fn(usize, &str) -> Option<Vec<String>> + Send + 'static) -> FakeServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let theirs = heard.clone();
        std::thread::spawn(move || {
            for (number, socket) in listener.incoming().enumerate() {
                let mut socket = socket.unwrap();
                let lines = BufReader::new(socket.try_clone().unwrap()).lines();
                for line in lines.map_while(Result::ok) {
                    let answers = answer(number, &line).unwrap_or_else(|| usual(&line));
                    theirs.lock().unwrap().push(line);
                    let talk = answers.iter().filter(|line| *line != HANG_UP);
                    let said: String = talk.map(|line| format!("{line}\r\n")).collect();
                    if socket.write_all(said.as_bytes()).is_err()
                        || answers.iter().any(|line| line == HANG_UP)
                    {
                        break;
                    }
                }
            }
        });
        FakeServer { address, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// What was said in channels.
    fn said(&self) -> Vec<String> {
        self.heard().into_iter().filter(|line| line.starts_with("PRIVMSG")).collect()
    }
}

fn usual(line: &str) -> Vec<String> {
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    match command {
        "USER" => vec![":irc.x 001 me :Welcome".into()],
        "JOIN" => {
            let name = rest.split(' ').next().unwrap();
            vec![format!(":{MASK} JOIN :{name}"), format!(":irc.x 366 me {name} :End of NAMES list")]
        }
        "PING" => vec![format!(":irc.x PONG irc.x {rest}")],
        _ => vec![],
    }
}

/// Keeps what is logged.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Log for Kept {
    fn info(&self, text: &str) {
        self.0.lock().unwrap().push(format!("info: {text}"));
    }
    fn error(&self, text: &str) {
        self.0.lock().unwrap().push(text.into());
    }
    fn plain(&self, _: &[u8]) {}
}

impl Kept {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn config(server: SocketAddr) -> Config {
    Config {
        server: server.to_string(),
        nick: "me".into(),
        ident: "id".into(),
        channels: vec!["#a".into()],
        ticker_interval: 0,
        time_before_reconnect: 0,
        time_before_rejoin: 0,
        ..Config::default()
    }
}

fn opened(config: Config) -> (IrcOutput, Arc<Kept>) {
    let log = Arc::new(Kept::default());
    let context = Context { log: log.clone(), ..Context::for_test("out") };
    (IrcOutput::open(config, &context).unwrap(), log)
}

fn refused(config: Config) -> String {
    IrcOutput::open(config, &Context::for_test("out")).err().unwrap().to_string()
}

/// Sends as the engine does: what is to be sent again is.
fn send(output: &mut IrcOutput, texts: &[&str]) -> Result<(), SendError> {
    let record = |text: &&str| Record {
        message: MessageView::new(b""),
        bytes: String::from(*text).leak().as_bytes(),
        loop_count: 0,
    };
    let batch: Vec<Record<'_>> = texts.iter().map(record).collect();
    let mut rest = batch.as_slice();
    let end = Instant::now() + LONG;
    loop {
        match output.send(rest, &Stop::new()) {
            Err(SendError::Retry(why)) => {
                assert!(why.is_empty() && Instant::now() < end, "{why}");
                rest = &rest[output.delivered()..];
            }
            outcome => return outcome,
        }
    }
}

#[test]
fn a_message_goes_into_every_channel_line_by_line() {
    let server = FakeServer::start(|_, _| None);
    let channels = vec!["#a".into(), "#b key".into(), "#A".into()];
    let (mut output, log) = opened(Config { channels, password: "pw".into(), ..config(server.address) });
    send(&mut output, &["one\n", "two\r\nthree", "\n"]).unwrap();
    assert_eq!(output.delivered(), 3);
    let expected = [
        "PASS pw",
        "NICK me",
        "USER id 0.0.0.0 0.0.0.0 :id",
        "JOIN #a",
        "JOIN #b key",
        "PRIVMSG #a :one",
        "PRIVMSG #b :one",
        "PING :heka-1",
        "PRIVMSG #a :two",
        "PRIVMSG #a :three",
        "PRIVMSG #b :two",
        "PRIVMSG #b :three",
        "PING :heka-2",
    ];
    assert_eq!(server.heard(), expected);
    assert_eq!(log.all(), [""; 0]);
    output.stop();
    let end = Instant::now() + LONG;
    while server.heard().last().unwrap() != "QUIT" {
        assert!(Instant::now() < end);
    }
}

#[test]
fn it_joins_without_messages_and_answers() {
    let server = FakeServer::start(|_, line| match line {
        "JOIN #a" => Some([usual(line), vec!["PING :x y".into()]].concat()),
        "PONG :x y" => Some(vec![":you!u@h PRIVMSG me :\x01PING 5\x01".into()]),
        _ => None,
    });
    let (mut output, _) = opened(config(server.address));
    let end = Instant::now() + LONG;
    while server.heard().last().is_none_or(|line| *line != "NOTICE you :\x01PING 5\x01") {
        output.idle(0).unwrap();
        assert!(Instant::now() < end, "{:?}", server.heard());
    }
}

#[test]
fn a_message_is_not_delivered_before_the_server_answers() {
    let server = FakeServer::start(|_, line| line.starts_with("PING").then(Vec::new));
    let (mut output, _) = opened(config(server.address));
    let record = Record { message: MessageView::new(b""), bytes: b"one", loop_count: 0 };
    for _ in 0..3 {
        let failed = output.send(&[record], &Stop::new()).unwrap_err();
        assert!(matches!(failed, SendError::Retry(why) if why.is_empty()));
        assert_eq!(output.delivered(), 0);
    }
    assert_eq!(server.said(), ["PRIVMSG #a :one"], "it is not said again meanwhile");
}

#[test]
fn long_lines_are_cut_so_that_others_get_them_whole() {
    let server = FakeServer::start(|_, _| None);
    let (mut output, _) = opened(config(server.address));
    let long = "é".repeat(700);
    send(&mut output, &[&long]).unwrap();
    let said = server.said();
    let relayed = |line: &String| format!(":{MASK} {line}\r\n").len();
    assert!(said.iter().all(|line| relayed(line) <= 512) && relayed(&said[0]) > 509, "{said:?}");
    let texts: String = said.iter().map(|line| line.strip_prefix("PRIVMSG #a :").unwrap()).collect();
    assert_eq!(texts, long);
}

#[test]
fn lines_keep_their_distance() {
    let server = FakeServer::start(|_, _| None);
    let (mut output, _) = opened(Config { ticker_interval: 1, ..config(server.address) });
    let began = Instant::now();
    send(&mut output, &["one\ntwo", "three"]).unwrap();
    assert!(began.elapsed() >= Duration::from_secs(2));
    assert_eq!(server.said().len(), 3);
}

#[test]
fn a_lost_connection_is_made_anew_and_the_message_said_again() {
    let server = FakeServer::start(|number, line| match (number, line) {
        (0, line) if line.starts_with("PING") => Some(vec!["ERROR :Closing Link".into(), HANG_UP.into()]),
        (1, line) if line.starts_with("PRIVMSG") => Some(vec![HANG_UP.into()]),
        _ => None,
    });
    let (mut output, log) = opened(config(server.address));
    send(&mut output, &["one", "two"]).unwrap();
    let one = "PRIVMSG #a :one";
    assert_eq!(server.said(), [one, one, one, "PRIVMSG #a :two"]);
    let lost = format!("Connection to irc server {} lost", server.address);
    let again = "info: Disconnected from Irc. Retrying to connect in 0 seconds..";
    let told = log.all();
    assert_eq!(told[..2], [format!("{lost}: Closing Link"), again.into()]);
    assert_eq!(told[2], "info: Reconnected to Irc!");
    assert!(told[3].starts_with(&lost), "{told:?}");
}

#[test]
fn nobody_there_is_told_once() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (mut output, log) = opened(config(free));
    let record = Record { message: MessageView::new(b""), bytes: b"one", loop_count: 0 };
    for _ in 0..2 {
        output.send(&[record], &Stop::new()).unwrap_err();
    }
    let why = format!("Unable to connect to irc server {free}: dial tcp {free}: connect: connection refused");
    assert_eq!(log.all(), [why]);
}

#[test]
fn a_channel_that_cannot_be_joined_is_left_out() {
    let server = FakeServer::start(|_, line| {
        (line == "JOIN #no").then(|| vec![":irc.x 474 me #no :Cannot join channel (+b)".into()])
    });
    let both = Config { channels: vec!["#no".into(), "#a".into()], ..config(server.address) };
    let (mut output, log) = opened(both);
    send(&mut output, &["one"]).unwrap();
    assert_eq!(server.said(), ["PRIVMSG #a :one"]);
    let why = "An error occurred joining channel: #no. Reason: Cannot join channel (+b)";
    assert_eq!(log.all(), [why]);
    drop(output);

    let (mut output, _) = opened(Config { channels: vec!["#no".into()], ..config(server.address) });
    let failed = send(&mut output, &["one"]).unwrap_err();
    assert!(
        matches!(&failed, SendError::Fatal(why) if why == "No joinable channels. Exiting plugin."),
        "{failed:?}"
    );
}

#[test]
fn a_full_channel_is_tried_again_for_some_time() {
    let server = FakeServer::start(|_, line| {
        (line == "JOIN #a").then(|| vec![":irc.x 471 me #a :Cannot join channel (+l)".into()])
    });
    let (mut output, log) = opened(Config { max_join_retries: 2, ..config(server.address) });
    let failed = send(&mut output, &["one"]).unwrap_err();
    assert!(matches!(failed, SendError::Fatal(_)));
    let again =
        "An error occurred joining channel: #a. Reason: Cannot join channel (+l). Retrying in 0 seconds.";
    let used_up = "Used up retry attempts attempting to join #a. No longer going to attempt to join channel.";
    assert_eq!(log.all(), [again, again, used_up]);
}

#[test]
fn a_ban_ends_it() {
    let server = FakeServer::start(|_, line| {
        line.starts_with("USER").then(|| vec![":irc.x 465 me :You are banned".into()])
    });
    let (mut output, _) = opened(config(server.address));
    let failed = send(&mut output, &["one"]).unwrap_err();
    assert!(matches!(&failed, SendError::Fatal(why) if why == "Banned from irc server. Exiting plugin."));
}

#[test]
fn a_nick_in_use_gets_an_underscore() {
    let server = FakeServer::start(|_, line| match line {
        "NICK me" => Some(vec![":irc.x 433 * me :Nickname is already in use".into()]),
        "NICK me_" => Some(vec![":irc.x 001 me_ :Welcome".into()]),
        line if line.starts_with("USER") => Some(vec![]),
        _ => None,
    });
    let (mut output, _) = opened(config(server.address));
    send(&mut output, &["one"]).unwrap();
    assert_eq!(server.heard()[..4], ["NICK me", "USER id 0.0.0.0 0.0.0.0 :id", "NICK me_", "JOIN #a"]);
}

#[test]
fn others_may_come_and_go_but_our_own_kick_counts() {
    let gone = |line: &str| line.to_string();
    let server = FakeServer::start(move |_, line| match line {
        "PRIVMSG #a :one" => Some(vec![
            gone(":op!o@h KICK #a you :out"),
            gone(":you!u@h QUIT :bye"),
            gone(":you!u@h PART #a"),
            gone(":op!o@h KICK #a me :flood"),
            gone(":irc.x 404 me #a :Cannot send to channel"),
        ]),
        _ => None,
    });
    let (mut output, log) = opened(config(server.address));
    let failed = send(&mut output, &["one"]).unwrap_err();
    assert!(matches!(failed, SendError::Fatal(_)), "{failed:?}");
    assert_eq!(log.all(), ["Kicked from channel: #a. Reason: flood"]);

    let kicked = Mutex::new(false);
    let server = FakeServer::start(move |_, line| {
        let first = line == "PRIVMSG #a :one" && !std::mem::replace(&mut *kicked.lock().unwrap(), true);
        first.then(|| vec![gone(":op!o@h KICK #a me :x"), gone(":irc.x 404 me #a :Cannot send to channel")])
    });
    let (mut output, log) = opened(Config { rejoin_on_kick: true, ..config(server.address) });
    send(&mut output, &["one"]).unwrap();
    let heard: Vec<String> = server.heard().into_iter().filter(|line| !line.starts_with("PING")).collect();
    assert_eq!(heard[2..], ["JOIN #a", "PRIVMSG #a :one", "JOIN #a", "PRIVMSG #a :one"]);
    assert_eq!(log.all()[1], "#a does not take a message: Cannot send to channel; trying again");
}

#[test]
fn options_are_checked_with_heka_s_words() {
    let begin = "Error setting up Irc Connection: ";
    let good = || config("127.0.0.1:6667".parse().unwrap());
    let text = String::from;
    for (config, why) in [
        (Config { server: text(""), ..good() }, "Irc server cannot be blank."),
        (Config { nick: text(""), ..good() }, "Nick or Ident cannot be blank"),
        (Config { ident: text(""), ..good() }, "Nick or Ident cannot be blank"),
        (Config { channels: vec![], ..good() }, "Need at least 1 channel to join."),
        (Config { server: text("host"), ..good() }, "'host' is not host:port"),
        (Config { nick: text("a b"), ..good() }, "nick \"a b\" cannot be sent"),
        (
            Config { ident: "x".repeat(101), ..good() },
            &format!("ident \"{}\" cannot be sent", "x".repeat(101)),
        ),
        (Config { channels: vec![text("#a\r\nQUIT")], ..good() }, "\"#a\\r\\nQUIT\" is no channel"),
        (Config { channels: vec![text("#a,#b")], ..good() }, "\"#a,#b\" is no channel"),
        (Config { password: text("a\nb"), ..good() }, "the password cannot be sent"),
        (
            Config { tls: TlsOptions { min_version: text("x"), ..TlsOptions::default() }, ..good() },
            "TLS init error: Invalid MinVersion: x",
        ),
    ] {
        assert_eq!(refused(config), format!("{begin}{why}"));
    }
}
