//! Writes messages into IRC channels.

mod channels;
mod ctcp;
mod dialing;
mod message;
mod session;
mod text;
mod underway;

use std::time::{Duration, Instant};

use heka_plugin::output::OutputPlugin;
use heka_plugin::{
    ConfigError, Context, Output, OutputDefaults, Pace, PluginDef, Record, SendError, Stop, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::channels::{Channel, named};
use self::session::{Session, Settings};
use self::underway::{Progress, Throttle, Underway};
use crate::addressing::split_host_port;
use crate::tls::TlsOptions;

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<IrcOutput>();

/// Default of `ticker_interval`.
const TICKER_S: u64 = 2;
/// When nothing has moved for so long the engine is asked whether to go on.
const PATIENCE: Duration = Duration::from_secs(1);
/// How late a stop is heard.
const WAIT: Duration = Duration::from_millis(50);
/// A connection is worked on for so long between batches.
const IDLE_PATIENCE: Duration = Duration::from_millis(200);
/// Longest name of a channel, nick or ident, so that there is room for text in a line.
const NAME_MAX: usize = 100;

/// Says in channels of IRC.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "irc.IrcOutputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// The server, as `host:port`.
    pub server: String,
    /// The nick. While somebody else has it, underscores are added.
    pub nick: String,
    /// The user's name, and the real name.
    pub ident: String,
    /// The server's password.
    pub password: String,
    /// The channels to write to. A channel's key stands behind its name and a blank.
    pub channels: Vec<String>,
    /// Seconds to wait for a connection, for the welcome and for each join.
    pub timeout: u32,
    /// The connection is encrypted.
    #[serde(rename = "use_tls|UseTLS")]
    pub use_tls: bool,
    /// How.
    pub tls: TlsOptions,
    /// Has no effect: messages wait in the queue on disk.
    pub queue_size: i64,
    /// A channel that we were kicked out of is joined again, after `time_before_rejoin`. Else it is given up.
    pub rejoin_on_kick: bool,
    /// Seconds between two lines, so that the server does not throw us out; 0: as fast as it takes them.
    pub ticker_interval: u32,
    /// Seconds before a lost connection is made anew; the pause doubles while that fails.
    pub time_before_reconnect: u32,
    /// Seconds before a full channel is tried again.
    pub time_before_rejoin: u32,
    /// How often a full channel is tried again.
    pub max_join_retries: u32,
    /// All lines from and to the server are logged.
    #[serde(rename = "verbose_irc_logging|VerboseIRCLogging")]
    pub verbose_irc_logging: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            server: String::new(),
            nick: String::new(),
            ident: String::new(),
            password: String::new(),
            channels: Vec::new(),
            timeout: 10,
            use_tls: false,
            tls: TlsOptions::default(),
            queue_size: 100,
            rejoin_on_kick: false,
            ticker_interval: TICKER_S as u32,
            time_before_reconnect: 3,
            time_before_rejoin: 3,
            max_join_retries: 3,
            verbose_irc_logging: false,
        }
    }
}

/// Writes each line of a message into every channel. Lines that are too long for the protocol are cut into several.
///
/// After the lines of a message the server is asked for a sign of life, which it gives when it has dealt with them: with that
/// the message is delivered. Without it, or if a channel does not take the lines, they are written again.
pub struct IrcOutput {
    session: Session,
    throttle: Throttle,
    underway: Option<Underway>,
    /// Records of the batch at hand that were delivered.
    delivered: usize,
}

impl OutputPlugin for IrcOutput {
    type Config = Config;
    const NAME: &'static str = "IrcOutput";
    const DEFAULTS: OutputDefaults = OutputDefaults {
        ticker_interval_s: TICKER_S,
        restarts: true,
        outlives_process: true,
        never_rejects: true,
        ..OutputDefaults::USUAL
    };
    const NEEDS_ENCODER: Option<&'static str> = Some("Encoder required.");

    fn open(config: Config, context: &Context) -> Result<IrcOutput, ConfigError> {
        let channels = check(&config)
            .map_err(|why| ConfigError::Init(format!("Error setting up Irc Connection: {why}")))?;
        if config.use_tls {
            config.tls.remarks().iter().for_each(|remark| context.log.info(remark));
        }
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let settings = Settings {
            server: config.server,
            nick: config.nick,
            ident: config.ident,
            password: config.password,
            timeout: seconds(config.timeout).max(Duration::from_secs(1)),
            tls: config.use_tls.then_some(config.tls),
            rejoin_on_kick: config.rejoin_on_kick,
            before_reconnect: seconds(config.time_before_reconnect),
            before_rejoin: seconds(config.time_before_rejoin),
            max_join_retries: config.max_join_retries,
            verbose: config.verbose_irc_logging,
        };
        Ok(IrcOutput {
            session: Session::new(settings, channels, context.log.clone()),
            throttle: Throttle::new(seconds(config.ticker_interval)),
            underway: None,
            delivered: 0,
        })
    }
}

/// Looks at the options; gives the channels.
fn check(config: &Config) -> Result<Vec<Channel>, String> {
    if config.server.is_empty() {
        return Err("Irc server cannot be blank.".into());
    }
    if config.nick.is_empty() || config.ident.is_empty() {
        return Err("Nick or Ident cannot be blank".into());
    }
    if config.channels.is_empty() {
        return Err("Need at least 1 channel to join.".into());
    }
    let Ok((host, _)) = split_host_port(&config.server) else {
        return Err(format!("'{}' is not host:port", config.server));
    };
    // Heka looks at the section even if it is not used.
    config.tls.client(host).map_err(|why| format!("TLS init error: {why}"))?;
    let mut channels: Vec<Channel> = Vec::new();
    for text in &config.channels {
        let channel = Channel::configured(text);
        let is_name = is_word(&channel.name) && !channel.name.contains(',');
        if !is_name || text.chars().any(char::is_control) {
            return Err(format!("{text:?} is no channel"));
        }
        if named(&mut channels, &channel.name).is_none() {
            channels.push(channel);
        }
    }
    for (option, word) in [("nick", &config.nick), ("ident", &config.ident)] {
        if !is_word(word) {
            return Err(format!("{option} {word:?} cannot be sent"));
        }
    }
    if config.password.chars().any(char::is_control) {
        return Err("the password cannot be sent".into());
    }
    Ok(channels)
}

/// Whether a text can stand as one word in a line.
fn is_word(text: &str) -> bool {
    let fits = (1..=NAME_MAX).contains(&text.len()) && !text.starts_with(':');
    fits && !text.chars().any(|letter| letter == ' ' || letter.is_control())
}

impl Output for IrcOutput {
    fn send(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError> {
        self.delivered = 0;
        for record in batch {
            self.write(record.bytes, stop)?;
            self.delivered += 1;
        }
        Ok(())
    }

    fn delivered(&self) -> usize {
        self.delivered
    }

    fn pace(&self) -> Pace {
        // A kill between two messages then repeats one of them at most.
        Pace { batch_records: 1, ..Pace::USUAL }
    }

    fn idle(&mut self, _: i64) -> Result<(), SendError> {
        let end = Instant::now() + IDLE_PATIENCE;
        loop {
            self.session.step().map_err(SendError::Fatal)?;
            if !self.session.is_settling() || Instant::now() >= end {
                return Ok(());
            }
            self.session.wait(WAIT, &Stop::new());
        }
    }

    fn stop(&mut self) {
        self.session.quit();
    }
}

impl IrcOutput {
    /// Writes a record. One that takes long is gone on with at the next call.
    fn write(&mut self, record: &[u8], stop: &Stop) -> Result<(), SendError> {
        let known = self.underway.take().filter(|underway| underway.is_of(record));
        let underway = self.underway.insert(known.unwrap_or_else(|| Underway::new(record)));
        let mut end = Instant::now() + PATIENCE;
        loop {
            self.session.step().map_err(SendError::Fatal)?;
            match underway.drive(&mut self.session, &mut self.throttle) {
                Progress::Done => break,
                Progress::Moved => end = Instant::now() + PATIENCE,
                Progress::Waiting if stop.is_requested() || Instant::now() >= end => {
                    // The session has told what troubles it.
                    return Err(SendError::Retry(String::new()));
                }
                Progress::Waiting => {
                    let left = self.throttle.left();
                    let time = if left.is_zero() { WAIT } else { left.min(WAIT) };
                    self.session.wait(time, stop);
                }
            }
        }
        self.underway = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
