//! One mail's way to the server: a connection, the commands of RFC 5321, the good-bye.
//!
//! The commands are those of Go's `smtp.SendMail`, in its order: `EHLO localhost`, `STARTTLS` if it is offered, `AUTH` if it
//! is configured, then the mail to all recipients at once.

use std::time::Duration;

use heka_plugin::Stop;

use super::auth::{Auth, Mechanism};
use super::reply::Reply;
use crate::text_link::{Deadline, LinkError, TextLink};
use crate::tls::TlsOptions;

/// A server may look at a mail for so many times as long as at a command before it takes it.
const LOOKS: u32 = 10;
/// The reply to the good-bye is not waited for longer.
const GOODBYE: Duration = Duration::from_secs(2);

/// Where mails go.
pub(super) struct Route {
    /// `host:port`
    pub(super) address: String,
    /// The host's name.
    pub(super) server: String,
    /// The longest wait for a reply.
    pub(super) timeout: Duration,
    /// TLS begins with the connection.
    pub(super) secret: bool,
    pub(super) tls: TlsOptions,
    pub(super) auth: Option<Auth>,
    pub(super) from: String,
    pub(super) to: Vec<String>,
}

/// Why a mail was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// hekad stops.
    Stopped,
    /// There was no talk with the server.
    Away(String),
    /// The server wants it later, or not from us as we are configured; and what tells it from other failures.
    Later { why: String, kind: String },
    /// The server never wants this mail.
    Refused(String),
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Failure {
        match error {
            LinkError::Stopped => Failure::Stopped,
            LinkError::Failed(why) => Failure::Away(why),
        }
    }
}

impl Failure {
    fn later(stage: &str, why: impl std::fmt::Display) -> Failure {
        Failure::Later { why: format!("{stage}: {why}"), kind: stage.into() }
    }
}

impl Route {
    /// Sends a mail. Tells which recipients the server refused while it took the mail for others.
    ///
    /// # Errors
    /// It was taken for nobody.
    pub(super) fn deliver(&self, mail: &[u8], stop: &Stop) -> Result<Vec<String>, Failure> {
        let link = TextLink::connect(&self.address, &Deadline::after(self.timeout, stop))?;
        let mut session = Session { route: self, link, stop, extensions: Vec::new() };
        session.begin()?;
        session.hand_over(mail)
    }
}

/// A talk with the server.
struct Session<'a> {
    route: &'a Route,
    link: TextLink,
    stop: &'a Stop,
    /// What the server can do, by its reply to EHLO.
    extensions: Vec<String>,
}

impl Session<'_> {
    fn deadline(&self) -> Deadline {
        Deadline::after(self.route.timeout, self.stop)
    }

    fn reply(&mut self, stage: &str, deadline: &Deadline) -> Result<Reply, Failure> {
        let why = match Reply::read(|| self.link.read_line(deadline))? {
            Ok(reply) if reply.code == 421 => reply.to_string(),
            Ok(reply) => return Ok(reply),
            Err(why) => why,
        };
        Err(Failure::later(stage, why))
    }

    /// Sends a command and gives the reply. `stage` stands for it in texts.
    fn command(&mut self, stage: &str, line: &str) -> Result<Reply, Failure> {
        let deadline = self.deadline();
        self.link.write(format!("{line}\r\n").as_bytes(), &deadline)?;
        self.reply(stage, &deadline)
    }

    /// A command without which there is no service.
    fn need(&mut self, stage: &str, line: &str) -> Result<Reply, Failure> {
        let reply = self.command(stage, line)?;
        if reply.is_ok() { Ok(reply) } else { Err(Failure::later(stage, reply)) }
    }

    /// All up to the mail.
    fn begin(&mut self) -> Result<(), Failure> {
        let deadline = self.deadline();
        if self.route.secret {
            self.link.encrypt(&self.route.tls, &self.route.address, &deadline)?;
        }
        let greeting = self.reply("greeting", &deadline)?;
        if !greeting.is_ok() {
            return Err(Failure::later("greeting", greeting));
        }
        self.hello()?;
        if !self.link.is_encrypted() && self.has("STARTTLS") {
            self.need("STARTTLS", "STARTTLS")?;
            self.link.encrypt(&self.route.tls, &self.route.address, &self.deadline())?;
            self.hello()?;
        }
        match &self.route.auth {
            Some(auth) => self.log_in(auth),
            None => Ok(()),
        }
    }

    fn hello(&mut self) -> Result<(), Failure> {
        let reply = self.command("EHLO", "EHLO localhost")?;
        if !reply.is_ok() {
            self.extensions.clear();
            return self.need("HELO", "HELO localhost").map(drop);
        }
        self.extensions = reply.lines.into_iter().skip(1).collect();
        Ok(())
    }

    fn has(&self, extension: &str) -> bool {
        self.extensions
            .iter()
            .any(|line| line.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(extension)))
    }

    fn log_in(&mut self, auth: &Auth) -> Result<(), Failure> {
        if !self.has("AUTH") {
            return Err(Failure::later("AUTH", "smtp: server doesn't support AUTH"));
        }
        let is_here = matches!(self.route.server.as_str(), "localhost" | "127.0.0.1" | "::1");
        if auth.mechanism == Mechanism::Plain && !self.link.is_encrypted() && !is_here {
            return Err(Failure::later("AUTH", "unencrypted connection: the password is not sent"));
        }
        let mut reply = self.command("AUTH", &auth.command())?;
        if reply.code == 334 {
            let challenge = reply.lines.first().map_or("", String::as_str);
            reply = match auth.answer(challenge) {
                Ok(answer) => self.command("AUTH", &answer)?,
                Err(why) => return Err(Failure::later("AUTH", why)),
            };
        }
        if reply.is_ok() { Ok(()) } else { Err(Failure::later("AUTH", reply)) }
    }

    fn hand_over(&mut self, mail: &[u8]) -> Result<Vec<String>, Failure> {
        let Route { from, to, .. } = self.route;
        let mut line = format!("MAIL FROM:<{from}>");
        if self.has("8BITMIME") {
            line.push_str(" BODY=8BITMIME");
        }
        if self.has("SMTPUTF8") && !(from.is_ascii() && to.iter().all(|address| address.is_ascii())) {
            line.push_str(" SMTPUTF8");
        }
        let reply = self.command("MAIL", &line)?;
        if !reply.is_ok() {
            return Err(refusal("MAIL", &reply));
        }
        let refused = self.name_recipients(to)?;
        let reply = self.command("DATA", "DATA")?;
        if reply.code != 354 {
            return Err(refusal("DATA", &reply));
        }
        let deadline = Deadline::after(self.route.timeout * LOOKS, self.stop);
        // No line of a mail begins with a dot: there is nothing to escape.
        self.link.push(mail);
        let end: &[u8] = if mail.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" };
        self.link.write(end, &deadline)?;
        let reply = self.reply("DATA", &deadline)?;
        if !reply.is_ok() {
            return Err(refusal("DATA", &reply));
        }
        self.say_goodbye();
        Ok(refused)
    }

    fn name_recipients(&mut self, to: &[String]) -> Result<Vec<String>, Failure> {
        let mut refused = Vec::new();
        let mut last = None;
        for address in to {
            let reply = self.command("RCPT", &format!("RCPT TO:<{address}>"))?;
            if reply.is_ok() {
                continue;
            }
            match refusal(&format!("RCPT {address}"), &reply) {
                Failure::Refused(why) => {
                    refused.push(why.clone());
                    last = Some(why);
                }
                // Nobody gets it now, so that nobody gets it twice.
                failure => return Err(failure),
            }
        }
        match last {
            Some(why) if refused.len() == to.len() => Err(Failure::Refused(why)),
            _ => Ok(refused),
        }
    }

    /// The mail is the server's whatever happens here.
    fn say_goodbye(&mut self) {
        let deadline = Deadline::after(GOODBYE.min(self.route.timeout), self.stop);
        if self.link.write(b"QUIT\r\n", &deadline).is_ok() {
            let _ = self.link.read_line(&deadline);
        }
    }
}

/// What a reply that is no consent means for the mail. Codes that ask for a login are about us, not about the mail.
fn refusal(stage: &str, reply: &Reply) -> Failure {
    match reply.code {
        530 | 534 | 535 | 538 => Failure::later(stage, reply),
        500.. => Failure::Refused(format!("{stage}: {reply}")),
        _ => Failure::later(stage, reply),
    }
}
