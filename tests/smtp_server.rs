//! SmtpOutput with a mail server, aiosmtpd: STARTTLS, logging in, refusals, and mails that outlast a kill of either side.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::ports::free_ports;
use heka_testkit::servers;
use heka_testkit::{Scratch, wait_until};
use serde_json::{Value, json};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/servers/smtp/bin/python");
const LIMIT: Duration = Duration::from_secs(60);

/// The server. It writes each mail as a line of JSON, and syncs it, before it says that it has the mail.
const SERVER: &str = r#"
import asyncio, email, hashlib, hmac, json, os, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult, MISSING

conf = json.loads(sys.argv[1])
kept = os.open(conf["kept"], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
put_off = 0

def keep(record):
    os.write(kept, (json.dumps(record) + "\n").encode())
    os.fsync(kept)

def log_in(server, session, envelope, mechanism, data):
    good = data.login == b"u" and data.password == b"p:\xc3\xa9"
    return AuthResult(success=good, handled=False, auth_data=mechanism)

class Handler:
    async def auth_CRAM__MD5(self, server, args):
        challenge = b"<1.2@fake>"
        answer = await server.challenge_auth(challenge)
        if answer is MISSING:
            return AuthResult(success=False)
        digest = hmac.new(b"p:\xc3\xa9", challenge, hashlib.md5).hexdigest()
        good = answer == b"u " + digest.encode()
        return AuthResult(success=good, handled=False, auth_data="CRAM-MD5")

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        global put_off
        mail = email.message_from_bytes(envelope.content)
        text = mail.get_payload(decode=True).decode()
        if "refuse" in text:
            return "554 5.6.0 no such words here"
        if "later" in text and put_off < 2:
            put_off += 1
            return "451 4.3.0 not now"
        keep({
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "options": envelope.mail_options,
            "secure": session.ssl is not None or conf["secret"], "login": session.auth_data,
            "host": session.host_name, "headers": [list(header) for header in mail.items()], "text": text,
        })
        return "250 OK"

async def main():
    loop = asyncio.get_running_loop()
    context = None
    if "cert" in conf:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(conf["cert"], conf["key"])
    secret = conf["secret"]
    def talk():
        return SMTP(Handler(), hostname="fake", loop=loop, tls_context=None if secret else context,
                    auth_required=conf["login"], auth_require_tls=not secret, authenticator=log_in)
    server = await loop.create_server(talk, "127.0.0.1", conf["port"], ssl=context if secret else None)
    await server.serve_forever()

asyncio.run(main())
"#;

const BEGIN: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0

[feed]
type = "LogstreamerInput"
log_directory = "$DIR/in"
file_match = 'feed\.log'

[PayloadEncoder]
append_newlines = false

[log]
type = "LogOutput"
message_matcher = "Type == 'logfile'"
encoder = "PayloadEncoder"
"#;

/// A mail server. Dropping it kills it.
struct Server {
    child: Child,
}

impl Server {
    /// Starts one on a port; `more` overrides what it is told.
    fn start(dir: &Path, port: u16, more: &Value) -> Server {
        let mut conf = json!({ "port": port, "kept": dir.join("mails"), "secret": false, "login": false });
        for (name, value) in more.as_object().unwrap() {
            conf[name] = value.clone();
        }
        let log = OpenOptions::new().create(true).append(true).open(dir.join("server.log")).unwrap();
        let script = dir.join("server.py");
        fs::write(&script, SERVER).unwrap();
        let mut command = Command::new(PYTHON);
        let child = command.arg(&script).arg(conf.to_string()).stderr(log).spawn().unwrap();
        let mut server = Server { child };
        let listens = || {
            assert!(
                server.child.try_wait().unwrap().is_none(),
                "{:?}",
                fs::read_to_string(dir.join("server.log"))
            );
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        };
        assert!(wait_until(LIMIT, listens), "the mail server does not listen");
        server
    }

    /// With SIGKILL.
    fn kill(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It fails only if the server is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Rig {
    scratch: Scratch,
    sections: String,
}

impl Rig {
    /// `sections` follow the feed and the log; in them `$DIR` is the scratch folder.
    fn new(sections: &str) -> Rig {
        let scratch = Scratch::new().unwrap();
        let rig = Rig { scratch, sections: sections.into() };
        rig.feed(&[]);
        rig
    }

    fn dir(&self) -> &Path {
        self.scratch.path()
    }

    fn start(&self) -> Daemon {
        configure(&self.scratch, &format!("{BEGIN}{}", self.sections)).unwrap();
        Daemon::start(HEKAD, &self.scratch).unwrap()
    }

    fn feed(&self, lines: &[&str]) {
        let path = self.scratch.join("in/feed.log");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes()).unwrap();
    }

    fn mails(&self) -> Vec<Value> {
        let kept = self.scratch.read("mails");
        let kept = String::from_utf8_lossy(&kept);
        kept.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The texts of the mails with this subject, without the line's end that a message of a log file has.
    fn texts(&self, subject: &str) -> Vec<String> {
        let wanted = |mail: &&Value| header(mail, "Subject") == subject;
        self.mails()
            .iter()
            .filter(wanted)
            .map(|mail| mail["text"].as_str().unwrap().trim_end().into())
            .collect()
    }

    /// A certificate for `localhost`, as paths of certificate and key.
    fn certificate(&self) -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let write =
            |name: &str, text: String| self.scratch.write(name, text).unwrap().to_str().unwrap().to_string();
        (write("cert.pem", made.cert.pem()), write("key.pem", made.signing_key.serialize_pem()))
    }
}

fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    let headers = mail["headers"].as_array().unwrap();
    headers.iter().find(|header| header[0] == name).map_or("", |header| header[1].as_str().unwrap())
}

/// A section of an SmtpOutput.
fn output(name: &str, port: u16, options: &str) -> String {
    format!(
        "\n[{name}]\ntype = \"SmtpOutput\"\nmessage_matcher = \"Type == 'logfile'\"\nencoder = \"PayloadEncoder\"\n\
         send_to = [\"ops@example.com\"]\nhost = \"localhost:{port}\"\n{options}\n"
    )
}

#[test]
fn mails_go_over_tls_with_each_login() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "smtp", "aiosmtpd") {
        return;
    }
    let ports = free_ports(2).unwrap();
    let trust = |name: &str| format!("[{name}.tls]\nroot_cafile = \"$DIR/cert.pem\"");
    let login = |how: &str| format!("auth = \"{how}\"\nuser = \"u\"\npassword = \"p:é\"");
    let wrong = "auth = \"Plain\"\nuser = \"u\"\npassword = \"wrong\"";
    let subject = "subject = \"Ошибка на сервере: смотрите журнал, пожалуйста, сейчас же\"\nsend_from = \"me@example.com\"";
    let rig = Rig::new(
        &[
            output("plain", ports[0], &format!("{}\n{}", login("Plain"), trust("plain"))),
            output("cram", ports[0], &format!("{}\n{subject}\n{}", login("CRAMMD5"), trust("cram"))),
            output("secret", ports[1], &format!("use_tls = true\n{}\n{}", login("Plain"), trust("secret"))),
            output("wrong", ports[0], &format!("{wrong}\n{}", trust("wrong"))),
            output("stranger", ports[0], &login("Plain")),
            output("nobody", ports[0], &trust("nobody")),
        ]
        .concat(),
    );
    let (cert, key) = rig.certificate();
    let tls = json!({ "cert": cert, "key": key, "login": true });
    let _server = Server::start(rig.dir(), ports[0], &tls);
    let secret = json!({ "cert": cert, "key": key, "login": true, "secret": true });
    let _other = Server::start(rig.dir(), ports[1], &secret);
    let mut daemon = rig.start();
    rig.feed(&["one é", "two"]);
    daemon.wait_for("six mails", LIMIT, |_| rig.mails().len() == 6).unwrap();
    let mails = rig.mails();
    for (subject, login) in [("Heka [plain]", "PLAIN"), ("Heka [secret]", "PLAIN")] {
        assert_eq!(rig.texts(subject), ["one é", "two"]);
        let mail = mails.iter().find(|mail| header(mail, "Subject") == subject).unwrap();
        assert_eq!(
            (&mail["secure"], &mail["login"], &mail["host"]),
            (&json!(true), &json!(login), &json!("localhost"))
        );
        assert_eq!(
            (&mail["from"], &mail["to"]),
            (&json!("heka@localhost.localdomain"), &json!(["ops@example.com"]))
        );
        let expected = json!([
            ["From", "heka@localhost.localdomain"],
            ["Subject", subject],
            ["MIME-Version", "1.0"],
            ["Content-Type", "text/plain; charset=\"utf-8\""],
            ["Content-Transfer-Encoding", "base64"],
        ]);
        assert_eq!(mail["headers"], expected);
    }
    let cram = mails.iter().find(|mail| mail["login"] == "CRAM-MD5").unwrap();
    assert!(
        header(cram, "Subject").contains("=?utf-8?B?") && header(cram, "From") == "me@example.com",
        "{cram}"
    );

    // Those that cannot get through say why, once each, and try on.
    for why in ["AUTH: 535", "TLS handshake: invalid peer certificate", "MAIL: 530"] {
        daemon.wait_for_log(&format!("sending error: {why}"), LIMIT).unwrap();
    }
    assert!(daemon.stop(LIMIT).unwrap().success());
    let log = daemon.log();
    assert_eq!(log.matches("sending error").count(), 3, "{log}");
}

#[test]
fn what_is_refused_is_dropped_and_what_is_put_off_comes_later() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "smtp", "aiosmtpd") {
        return;
    }
    let port = free_ports(1).unwrap()[0];
    let two = "send_to = [\"gone@example.com\", \"ops@example.com\"]";
    let rig = Rig::new(&output("mail", port, "").replace("send_to = [\"ops@example.com\"]", two));
    let _server = Server::start(rig.dir(), port, &json!({}));
    let mut daemon = rig.start();
    rig.feed(&["one", "refuse this", "later please", ".", "last"]);
    daemon.wait_for("the last mail", LIMIT, |_| rig.texts("Heka [mail]").contains(&"last".into())).unwrap();
    assert_eq!(rig.texts("Heka [mail]"), ["one", "later please", ".", "last"]);
    assert_eq!(rig.mails()[0]["to"], json!(["ops@example.com"]));
    assert!(daemon.stop(LIMIT).unwrap().success());
    let log = daemon.log();
    for why in [
        "RCPT gone@example.com: 550 5.1.1 no such user",
        "DATA: 554 5.6.0 no such words here",
        "DATA: 451 4.3.0 not now",
    ] {
        assert_eq!(log.matches(&format!("sending error: {why}")).count(), 1, "{log}");
    }
}

#[test]
fn every_mail_arrives_though_the_server_is_killed_under_load() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "smtp", "aiosmtpd") {
        return;
    }
    const COUNT: usize = 150;
    const KILLS: usize = 3;
    let port = free_ports(1).unwrap()[0];
    let rig = Rig::new(&output("mail", port, ""));
    let mut daemon = rig.start();
    let lines: Vec<String> = (0..COUNT).map(|number| format!("mail {number}.")).collect();
    rig.feed(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    daemon.wait_for_log("connection refused; trying again", LIMIT).unwrap();
    for kill in 1..=KILLS {
        let server = Server::start(rig.dir(), port, &json!({}));
        let enough = kill * COUNT / (KILLS + 1);
        daemon.wait_for("some mails", LIMIT, |_| rig.mails().len() >= enough).unwrap();
        server.kill();
    }
    // hekad too.
    daemon.kill().unwrap();
    let mut daemon = rig.start();
    let _server = Server::start(rig.dir(), port, &json!({}));
    let arrived = || rig.texts("Heka [mail]").into_iter().collect::<BTreeSet<String>>();
    daemon.wait_for("all mails", LIMIT, |_| arrived().len() == COUNT).unwrap();
    assert_eq!(arrived(), lines.into_iter().collect());
    let repeated = rig.mails().len() - COUNT;
    assert!(repeated <= KILLS + 1, "{repeated} mails came twice");
    assert!(daemon.stop(LIMIT).unwrap().success());
}

#[test]
fn collected_mails_outlast_a_kill() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "smtp", "aiosmtpd") {
        return;
    }
    let port = free_ports(1).unwrap()[0];
    let mut rig = Rig::new(&output("mail", port, "send_interval = 100000"));
    let _server = Server::start(rig.dir(), port, &json!({}));
    let mut daemon = rig.start();
    rig.feed(&["first"]);
    daemon.wait_for("the first mail", LIMIT, |_| rig.texts("Heka [mail]") == ["first"]).unwrap();
    rig.feed(&["second", "third"]);
    let logged = || String::from_utf8_lossy(&rig.scratch.read("stdout")).contains("third");
    assert!(wait_until(LIMIT, logged));
    daemon.kill().unwrap();
    assert_eq!(rig.mails().len(), 1);

    rig.sections = output("mail", port, "send_interval = 2");
    let mut daemon = rig.start();
    let all = |rig: &Rig| rig.texts("Heka [mail]")[1..].join("+");
    let done = |_: &Daemon| all(&rig).contains("second") && all(&rig).contains("third");
    daemon.wait_for("the other mails", LIMIT, done).unwrap();
    let before = rig.mails().len();
    rig.feed(&["fourth", "fifth"]);
    daemon.wait_for("the last mail", LIMIT, |_| all(&rig).contains("fifth")).unwrap();
    assert!(rig.mails().len() - before <= 2);
    assert!(daemon.stop(LIMIT).unwrap().success());
    let log = daemon.log();
    assert!(!log.contains("Plugin 'mail'"), "waiting is no error: {log}");
}

#[test]
fn a_silent_server_delays_nobody_else() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let rig = Rig::new(&output("mail", port, "timeout = 1"));
    let mut daemon = rig.start();
    rig.feed(&["one"]);
    daemon.wait_for_log("sending error: i/o timeout; trying again", LIMIT).unwrap();
    rig.feed(&["two"]);
    let logged = || String::from_utf8_lossy(&rig.scratch.read("stdout")).contains("two");
    assert!(wait_until(LIMIT, logged));
    assert!(daemon.stop(LIMIT).unwrap().success());
    assert_eq!(daemon.log().matches("i/o timeout").count(), 1);
}
