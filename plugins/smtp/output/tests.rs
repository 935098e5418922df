use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;
use std::time::Instant;

use heka_message::MessageView;

use super::*;

/// An SMTP server that answers each command by its first word, and keeps what it heard.
struct FakeServer {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

type Answers = Vec<(&'static str, &'static str)>;

impl FakeServer {
    /// Commands that are not in `answers` are consented to. `.` is the end of a mail.
    fn start(answers: Answers) -> FakeServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let theirs = heard.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let mut socket = socket.unwrap();
                let mut lines = BufReader::new(socket.try_clone().unwrap()).lines();
                let mut say = |text: &str| socket.write_all(format!("{text}\r\n").as_bytes()).is_ok();
                let mut in_mail = false;
                say(answers.iter().find(|(word, _)| word.is_empty()).map_or("220 hi", |(_, answer)| answer));
                while let Some(Ok(line)) = lines.next() {
                    theirs.lock().unwrap().push(line.clone());
                    if in_mail && line != "." {
                        continue;
                    }
                    let given =
                        answers.iter().find(|(begin, _)| !begin.is_empty() && line.starts_with(begin));
                    let usual = if line == "DATA" { "354 go on" } else { "250 fine" };
                    let answer = given.map_or(usual, |(_, answer)| answer);
                    in_mail = line == "DATA" && answer.starts_with("354");
                    if !say(answer) {
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

    /// Texts of the mails that came, decoded.
    fn texts(&self) -> Vec<String> {
        use base64::Engine;
        let mut texts = Vec::new();
        let mut body: Option<String> = None;
        for line in self.heard() {
            match (&mut body, line.as_str()) {
                (None, "") => body = Some(String::new()),
                (Some(text), ".") => {
                    let decoded = base64::engine::general_purpose::STANDARD.decode(&*text).unwrap();
                    texts.push(String::from_utf8(decoded).unwrap());
                    body = None;
                }
                (Some(text), line) => text.push_str(line),
                (None, _) => {}
            }
        }
        texts
    }
}

/// Keeps what is logged.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Log for Kept {
    fn info(&self, _: &str) {}
    fn error(&self, text: &str) {
        self.0.lock().unwrap().push(text.into());
    }
    fn plain(&self, _: &[u8]) {}
}

fn config(host: impl ToString) -> Config {
    Config { send_to: vec!["to@b".into()], host: host.to_string(), timeout: 20, ..Config::default() }
}

fn opened(config: Config) -> (SmtpOutput, Arc<Kept>) {
    let log = Arc::new(Kept::default());
    let context = Context { log: log.clone(), ..Context::for_test("out") };
    (SmtpOutput::open(config, &context).unwrap(), log)
}

fn refused(config: Config) -> String {
    SmtpOutput::open(config, &Context::for_test("out")).err().unwrap().to_string()
}

fn send(output: &mut SmtpOutput, texts: &[&str]) -> Result<(), SendError> {
    let record = |text: &&str| Record {
        message: MessageView::new(b""),
        bytes: String::from(*text).leak().as_bytes(),
        loop_count: 0,
    };
    output.send(&texts.iter().map(record).collect::<Vec<_>>(), &Stop::new())
}

#[test]
fn a_message_is_a_mail() {
    let extensions = "250-fake\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE";
    let server = FakeServer::start(vec![("EHLO", extensions)]);
    let two = Config { send_to: vec!["to@b".into(), "too@b".into()], ..config(server.address) };
    let (mut output, log) = opened(two);
    send(&mut output, &["hello", ""]).unwrap();
    assert_eq!((output.delivered(), output.in_flight()), (2, 0));
    output.flush().unwrap();
    let heard = server.heard();
    let expected = [
        "EHLO localhost",
        "MAIL FROM:<heka@localhost.localdomain> BODY=8BITMIME",
        "RCPT TO:<to@b>",
        "RCPT TO:<too@b>",
        "DATA",
        "From: heka@localhost.localdomain",
        "Subject: Heka [out]",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=\"utf-8\"",
        "Content-Transfer-Encoding: base64",
        "",
        "aGVsbG8=",
        ".",
        "QUIT",
        "EHLO localhost",
    ];
    assert_eq!(heard[..expected.len()], expected);
    assert_eq!(server.texts(), ["hello", ""]);
    assert_eq!(log.0.lock().unwrap().len(), 0);
}

#[test]
fn an_old_server_is_greeted_the_old_way() {
    let server = FakeServer::start(vec![("EHLO", "502 what?")]);
    let (mut output, _) = opened(Config { send_from: "é@b".into(), ..config(server.address) });
    send(&mut output, &["x"]).unwrap();
    assert_eq!(server.heard()[..3], ["EHLO localhost", "HELO localhost", "MAIL FROM:<é@b>"]);
}

#[test]
fn a_mail_that_is_refused_is_dropped_and_the_next_one_is_sent() {
    for (stage, answers) in [
        ("DATA", vec![(".", "554 no\r")]),
        ("DATA", vec![("DATA", "554 no")]),
        ("MAIL", vec![("MAIL", "554 no")]),
        ("RCPT to@b", vec![("RCPT", "554 no")]),
    ] {
        let server = FakeServer::start(answers);
        let (mut output, _) = opened(config(server.address));
        let failed = send(&mut output, &["one", "two"]).unwrap_err();
        let SendError::Reject { index: 0, why } = failed else { panic!("{failed:?}") };
        assert_eq!(why, format!("sending error: {stage}: 554 no; not sent again"));
    }
}

#[test]
fn a_refused_recipient_does_not_keep_the_mail_from_others() {
    let server = FakeServer::start(vec![("RCPT TO:<gone@b>", "550 5.1.1 gone")]);
    let both = Config { send_to: vec!["gone@b".into(), "here@b".into()], ..config(server.address) };
    let (mut output, log) = opened(both);
    send(&mut output, &["one", "two"]).unwrap();
    let why = "sending error: RCPT gone@b: 550 5.1.1 gone; the mail goes to the other recipients";
    assert_eq!(*log.0.lock().unwrap(), [why]);
    assert_eq!(server.texts(), ["one", "two"]);
}

#[test]
fn what_may_pass_is_tried_again_and_told_once() {
    for (stage, why, answers) in [
        ("greeting", "554 full", vec![("", "554 full")]),
        ("greeting", "malformed reply \"SSH\"", vec![("", "SSH")]),
        ("MAIL", "530 5.7.0 Authentication required", vec![("MAIL", "530 5.7.0 Authentication required")]),
        ("RCPT to@b", "451 grey", vec![("RCPT", "451 grey")]),
        ("DATA", "452 full", vec![("DATA", "452 full")]),
        ("DATA", "421 bye", vec![(".", "421 bye")]),
    ] {
        let server = FakeServer::start(answers);
        let (mut output, log) = opened(config(server.address));
        for _ in 0..3 {
            let failed = send(&mut output, &["one"]).unwrap_err();
            assert!(matches!(&failed, SendError::Retry(text) if text.is_empty()), "{failed:?}");
        }
        assert_eq!(*log.0.lock().unwrap(), [format!("sending error: {stage}: {why}; trying again")]);
        assert_eq!(output.delivered(), 0);
    }
}

#[test]
fn nobody_there_is_told_once() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (mut output, log) = opened(config(free));
    send(&mut output, &["one"]).unwrap_err();
    send(&mut output, &["one"]).unwrap_err();
    let why = format!("sending error: dial tcp {free}: connect: connection refused; trying again");
    assert_eq!(*log.0.lock().unwrap(), [why]);
}

#[test]
fn logging_in() {
    let fine = vec![("EHLO", "250-x\r\n250 AUTH PLAIN CRAM-MD5"), ("AUTH CRAM", "334 PDE+")];
    let server = FakeServer::start(fine.clone());
    let auth = |auth: &str| Config {
        auth: auth.into(),
        user: "u".into(),
        password: "p".into(),
        ..config(server.address)
    };
    send(&mut opened(auth("Plain")).0, &["one"]).unwrap();
    send(&mut opened(auth("CRAMMD5")).0, &["one"]).unwrap();
    let heard = server.heard();
    assert!(heard.contains(&"AUTH PLAIN AHUAcA==".into()) && heard.contains(&"AUTH CRAM-MD5".into()));

    for (answers, why) in [
        (vec![], "AUTH: smtp: server doesn't support AUTH"),
        (vec![("EHLO", "250-x\r\n250 AUTH PLAIN"), ("AUTH", "535 5.7.8 wrong")], "AUTH: 535 5.7.8 wrong"),
        (
            vec![("EHLO", "250-x\r\n250 AUTH PLAIN"), ("AUTH", "334 more")],
            "AUTH: unexpected server challenge",
        ),
    ] {
        let server = FakeServer::start(answers);
        let (mut output, log) = opened(Config { host: server.address.to_string(), ..auth("Plain") });
        send(&mut output, &["one"]).unwrap_err();
        assert_eq!(*log.0.lock().unwrap(), [format!("sending error: {why}; trying again")]);
    }
}

#[test]
fn a_password_does_not_cross_the_network_in_the_clear() {
    let server = FakeServer::start(vec![("EHLO", "250-x\r\n250 AUTH PLAIN")]);
    // Another address of this machine, which is none of those known to be here.
    let host = format!("127.0.0.2:{}", server.address.port());
    let listener = TcpListener::bind(&host).unwrap();
    let to = server.address;
    std::thread::spawn(move || {
        let (there, _) = listener.accept().unwrap();
        let here = std::net::TcpStream::connect(to).unwrap();
        let (mut from, mut into) = (there.try_clone().unwrap(), here.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from, &mut into));
        let (mut from, mut into) = (here, there);
        // Ends with the client.
        let _ = std::io::copy(&mut from, &mut into);
    });
    let secret = Config { auth: "Plain".into(), user: "u".into(), password: "p".into(), ..config(host) };
    let (mut output, log) = opened(secret);
    send(&mut output, &["one"]).unwrap_err();
    let why = "sending error: AUTH: unencrypted connection: the password is not sent; trying again";
    assert_eq!(*log.0.lock().unwrap(), [why]);
    assert_eq!(server.heard(), ["EHLO localhost"]);
}

#[test]
fn messages_of_an_interval_are_collected() {
    let server = FakeServer::start(vec![]);
    let (mut output, _) = opened(Config { send_interval: 2, ..config(server.address) });
    let began = Instant::now();
    send(&mut output, &["one", "two"]).unwrap();
    send(&mut output, &["three"]).unwrap();
    assert_eq!(server.texts(), ["one"]);
    assert_eq!(output.in_flight(), 2);
    while server.texts().len() < 2 {
        output.idle(0).unwrap();
        assert!(began.elapsed() < Duration::from_secs(30));
        std::thread::yield_now();
    }
    assert!(began.elapsed() >= Duration::from_secs(2));
    assert_eq!(server.texts()[1], "two\r\n\r\nthree");
    assert_eq!(output.in_flight(), 0);
    output.flush().unwrap();
}

#[test]
fn collected_messages_outlast_a_failure() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (mut output, _) = opened(Config { send_interval: 1, ..config(free) });
    send(&mut output, &["one"]).unwrap();
    send(&mut output, &["two"]).unwrap();
    assert_eq!(output.in_flight(), 2);
    assert_eq!(output.collection.as_ref().unwrap().len(), 2);
}

#[test]
fn a_mail_of_many_that_is_refused_goes_in_parts() {
    let server = FakeServer::start(vec![(".", "552 too much")]);
    let (mut output, log) = opened(Config { send_interval: 1000, ..config(server.address) });
    let collection = output.collection.as_mut().unwrap();
    collection.push(b"one");
    collection.push(b"two");
    output.idle(0).unwrap();
    assert_eq!(server.texts(), ["one\r\n\r\ntwo", "one", "two"]);
    assert_eq!(log.0.lock().unwrap().len(), 3);
    assert!(output.collection.as_ref().unwrap().is_empty());
}

#[test]
fn options_are_checked_with_heka_s_words() {
    let none = Config { send_to: vec![], ..config("h:25") };
    assert_eq!(refused(none), "send_to must contain at least one recipient");
    assert_eq!(refused(config("localhost")), "Host must contain a port specifier");
    assert_eq!(refused(Config { auth: "plain".into(), ..config("h:25") }), "Invalid auth type: plain");
    let evil = Config { send_from: "a@b>\r\nRCPT TO:<c@d".into(), ..config("h:25") };
    assert_eq!(refused(evil), r#""a@b>\r\nRCPT TO:<c@d" is no mail address"#);
    let tls = TlsOptions { min_version: "x".into(), ..TlsOptions::default() };
    assert_eq!(refused(Config { tls, ..config("h:25") }), "TLS init error: Invalid MinVersion: x");
}
