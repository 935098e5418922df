//! Sends messages as mails.

mod auth;
mod collection;
mod mail;
mod post;
mod reply;
mod session;

use std::sync::Arc;
use std::time::Duration;

use heka_plugin::output::OutputPlugin;
use heka_plugin::{
    ConfigError, Context, Log, Output, OutputDefaults, Pace, PluginDef, Record, SendError, Stop, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::auth::{Auth, Mechanism};
use self::collection::Collection;
use self::post::{Outcome, Post};
use self::session::Route;
use crate::addressing::split_host_port;
use crate::tls::TlsOptions;

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<SmtpOutput>();

/// While collected messages are full, the queue is asked to wait so long at a time.
const FULL_WAIT: Duration = Duration::from_millis(500);

/// Sends by mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "smtp.SmtpOutputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// The sender's address.
    pub send_from: String,
    /// The recipients' addresses; there must be one.
    pub send_to: Vec<String>,
    /// The subject of every mail. Default: `Heka [<name of the output>]`.
    pub subject: String,
    /// The mail server, as `host:port`. TLS is begun with `STARTTLS` if the server offers it.
    pub host: String,
    /// How to log in: `none`, `Plain` or `CRAMMD5`. With `Plain` the password is sent only over TLS or to this machine.
    pub auth: String,
    /// The name to log in with.
    pub user: String,
    /// The password to log in with.
    pub password: String,
    /// Seconds between two mails at least; messages that come in between are collected and sent in one mail. 0: every
    /// message is a mail, at once.
    pub send_interval: u32,
    /// Seconds to wait for the server's reply to a command.
    pub timeout: u32,
    /// The connection begins with TLS (usually on port 465).
    pub use_tls: bool,
    /// How TLS is spoken, whether by `use_tls` or by `STARTTLS`.
    pub tls: TlsOptions,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            send_from: "heka@localhost.localdomain".into(),
            send_to: Vec::new(),
            subject: String::new(),
            host: "127.0.0.1:25".into(),
            auth: "none".into(),
            user: String::new(),
            password: String::new(),
            send_interval: 0,
            timeout: 60,
            use_tls: false,
            tls: TlsOptions::default(),
        }
    }
}

/// Sends each message as a mail of its own, or those of an interval in one. A message is delivered once the server has
/// taken its mail; until then it stays queued, and is sent again after a failure, a stop or a kill.
///
/// A mail that the server refuses for good (a reply of 500 or more that does not ask for a login) is dropped with an error
/// line.
pub struct SmtpOutput {
    post: Post,
    log: Arc<dyn Log>,
    /// `None`: no interval.
    collection: Option<Collection>,
    /// Records of the batch at hand that were delivered.
    delivered: usize,
    /// Batches that are at least in part collected.
    collected_batches: usize,
    /// The stop signal of the last send: a mail sent between batches hears it too.
    stop: Stop,
}

impl OutputPlugin for SmtpOutput {
    type Config = Config;
    const NAME: &'static str = "SmtpOutput";
    const DEFAULTS: OutputDefaults = OutputDefaults { outlives_process: true, ..OutputDefaults::USUAL };
    const NEEDS_ENCODER: Option<&'static str> = Some("encoder required");

    fn open(config: Config, context: &Context) -> Result<SmtpOutput, ConfigError> {
        if config.send_to.is_empty() {
            return Err(ConfigError::init("send_to must contain at least one recipient"));
        }
        let Ok((server, _)) = split_host_port(&config.host) else {
            return Err(ConfigError::init("Host must contain a port specifier"));
        };
        let mechanism = match config.auth.as_str() {
            "none" => None,
            "Plain" => Some(Mechanism::Plain),
            "CRAMMD5" => Some(Mechanism::CramMd5),
            other => return Err(ConfigError::Init(format!("Invalid auth type: {other}"))),
        };
        for address in config.send_to.iter().chain([&config.send_from]) {
            if address.chars().any(|letter| letter.is_control() || matches!(letter, '<' | '>')) {
                return Err(ConfigError::Init(format!("{address:?} is no mail address")));
            }
        }
        let name = if server.is_empty() { "localhost" } else { server };
        let checked = config.tls.client(name);
        checked.map_err(|why| ConfigError::Init(format!("TLS init error: {why}")))?;
        config.tls.remarks().iter().for_each(|remark| context.log.info(remark));
        let subject = match config.subject.as_str() {
            "" => format!("Heka [{}]", context.name),
            subject => subject.into(),
        };
        let header = mail::header(&config.send_from, &subject);
        let interval = Duration::from_secs(config.send_interval.into());
        let route = Route {
            server: server.into(),
            address: config.host,
            timeout: Duration::from_secs(u64::from(config.timeout).max(1)),
            secret: config.use_tls,
            tls: config.tls,
            auth: mechanism.map(|mechanism| Auth { mechanism, user: config.user, password: config.password }),
            from: config.send_from,
            to: config.send_to,
        };
        Ok(SmtpOutput {
            post: Post::new(route, header, context.log.clone()),
            log: context.log.clone(),
            collection: (!interval.is_zero()).then(|| Collection::new(interval)),
            delivered: 0,
            collected_batches: 0,
            stop: Stop::new(),
        })
    }
}

impl Output for SmtpOutput {
    fn send(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError> {
        self.delivered = 0;
        self.stop = stop.clone();
        let again = || SendError::Retry(String::new());
        if self.collection.is_some() {
            return if self.collect(batch) { Ok(()) } else { Err(again()) };
        }
        for (index, record) in batch.iter().enumerate() {
            match self.post.mail(record.bytes, stop) {
                Outcome::Taken => self.delivered = index + 1,
                Outcome::Again => return Err(again()),
                Outcome::Refused(why) => return Err(SendError::Reject { index, why }),
            }
        }
        Ok(())
    }

    fn pace(&self) -> Pace {
        match self.collection {
            // A kill between two mails then repeats one of them at most.
            None => Pace { batch_records: 1, ..Pace::USUAL },
            Some(_) => Pace::USUAL,
        }
    }

    fn delivered(&self) -> usize {
        self.delivered
    }

    fn in_flight(&mut self) -> usize {
        self.collected_batches
    }

    fn flush(&mut self) -> Result<(), SendError> {
        // The messages that wait for the next mail are in flight, and so stay queued.
        Ok(())
    }

    fn idle(&mut self, _: i64) -> Result<(), SendError> {
        self.mail_what_is_due();
        Ok(())
    }
}

impl SmtpOutput {
    /// Adds a batch to what is collected, and sends what is due. Returns false if there is no room yet.
    fn collect(&mut self, batch: &[Record<'_>]) -> bool {
        self.mail_what_is_due();
        if self.collection.as_ref().is_some_and(Collection::is_full) {
            self.stop.wait(FULL_WAIT);
            return false;
        }
        for record in batch {
            if let Some(collection) = &mut self.collection {
                collection.push(record.bytes);
            }
            // The first message after a quiet time is a mail of its own.
            self.mail_what_is_due();
        }
        if self.collection.as_ref().is_some_and(|collection| !collection.is_empty()) {
            self.collected_batches += 1;
        }
        true
    }

    fn mail_what_is_due(&mut self) {
        let Some(collection) = &mut self.collection else { return };
        if self.post.is_pausing() {
            return;
        }
        let Some(text) = collection.due_text() else { return };
        match self.post.mail(&text, &self.stop) {
            Outcome::Taken => collection.clear(),
            Outcome::Again => return,
            Outcome::Refused(why) if collection.len() == 1 => {
                self.log.error(&why);
                collection.clear();
            }
            Outcome::Refused(why) => {
                self.log.error(&format!("{why} in one mail with others; each goes alone"));
                while let Some(message) = collection.first() {
                    match self.post.mail(message, &self.stop) {
                        Outcome::Taken => {}
                        Outcome::Again => return,
                        Outcome::Refused(why) => self.log.error(&why),
                    }
                    collection.drop_first();
                }
                collection.clear();
            }
        }
        self.collected_batches = 0;
    }
}

#[cfg(test)]
mod tests;
