//! The connection to an IRC server and what is known over it. Nothing here waits: [`Session::step`] does what can be done now.

mod hearing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use heka_plugin::{Log, Stop};

use super::channels::{Channel, State, named};
use super::dialing::Dialing;
use super::text::LINE_MAX;
use crate::complaint::Complaint;
use crate::text_link::{Deadline, TextLink};
use crate::tls::TlsOptions;

/// The longest pause between attempts to connect, unless the shortest is longer.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// The shortest.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// A server that was silent for so long is asked whether it is still there.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// A server has so many times `timeout` for the answer.
const ANSWER_TIMES: u32 = 3;
/// A nick that was taken is asked for again after so long.
const NICK_AGAIN: Duration = Duration::from_secs(60);
/// The good-bye waits so long for the system.
const GOODBYE: Duration = Duration::from_millis(500);
/// Longest host name of ours that others may see, as far as we do not know it.
const HOST_MAX: usize = 63;

/// What the options say about the connection.
pub(super) struct Settings {
    /// `host:port`
    pub(super) server: String,
    pub(super) nick: String,
    pub(super) ident: String,
    pub(super) password: String,
    /// For connecting, logging in, joining.
    pub(super) timeout: Duration,
    pub(super) tls: Option<TlsOptions>,
    pub(super) rejoin_on_kick: bool,
    pub(super) before_reconnect: Duration,
    pub(super) before_rejoin: Duration,
    pub(super) max_join_retries: u32,
    pub(super) verbose: bool,
}

enum Stage {
    /// No connection before then.
    Away(Instant),
    Dialing(Dialing),
    /// The server has not welcomed us; it has until then.
    Registering(TextLink, Instant),
    Up(TextLink),
}

/// A session, which outlives its connections.
pub(super) struct Session {
    settings: Settings,
    log: Arc<dyn Log>,
    stage: Stage,
    channels: Vec<Channel>,
    /// The nick that we have, or ask for.
    nick: String,
    /// Length of `nick!user@host` as others see us.
    mask_len: Option<usize>,
    /// Number of connections that were lost.
    epoch: u64,
    /// Numbers of the last PING and the last PONG.
    pinged: u64,
    ponged: u64,
    /// Since when a PING is unanswered.
    ping_at: Option<Instant>,
    heard_at: Instant,
    nick_again_at: Instant,
    /// When a client's question was answered last.
    answered_at: Option<Instant>,
    /// Channels that did not take a line, and why.
    refusals: Vec<(String, String)>,
    /// The last pause before connecting; zero after a connection that was good for something.
    pause: Duration,
    welcomed_before: bool,
    complaint: Complaint,
}

impl Session {
    /// A session that will connect at its first step.
    pub(super) fn new(settings: Settings, channels: Vec<Channel>, log: Arc<dyn Log>) -> Session {
        let now = Instant::now();
        Session {
            nick: settings.nick.clone(),
            settings,
            log,
            stage: Stage::Away(now),
            channels,
            mask_len: None,
            epoch: 0,
            pinged: 0,
            ponged: 0,
            ping_at: None,
            heard_at: now,
            nick_again_at: now,
            answered_at: None,
            refusals: Vec::new(),
            pause: Duration::ZERO,
            welcomed_before: false,
            complaint: Complaint::default(),
        }
    }

    /// Does what can be done now.
    ///
    /// # Errors
    /// There is nothing more to be done: the text says why.
    pub(super) fn step(&mut self) -> Result<(), String> {
        match &self.stage {
            Stage::Away(until) if Instant::now() < *until => Ok(()),
            Stage::Away(_) => {
                let Settings { server, tls, timeout, .. } = &self.settings;
                self.stage = Stage::Dialing(Dialing::start(server, tls.as_ref(), *timeout));
                Ok(())
            }
            Stage::Dialing(dialing) => {
                match dialing.outcome() {
                    None => {}
                    Some(Ok(link)) => self.register(link),
                    Some(Err(why)) => self.fail(&why),
                }
                Ok(())
            }
            Stage::Registering(..) | Stage::Up(_) => {
                self.listen()?;
                self.look_at_the_clock()?;
                self.speak();
                Ok(())
            }
        }
    }

    /// Waits until something may have happened.
    pub(super) fn wait(&mut self, time: Duration, stop: &Stop) {
        match &self.stage {
            Stage::Registering(link, _) | Stage::Up(link) => link.wait(time),
            Stage::Away(_) | Stage::Dialing(_) => {
                stop.wait(time.min(Duration::from_millis(20)));
            }
        }
    }

    /// Whether a step may soon bring something new.
    pub(super) fn is_settling(&self) -> bool {
        !matches!(self.stage, Stage::Away(_)) && !self.is_ready()
    }

    /// Whether all channels that can be joined are joined.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Up(_)) && !self.channels.iter().any(Channel::is_open_question)
    }

    /// Changes with every connection that is lost.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The channels that we are in.
    pub(super) fn joined(&self) -> Vec<String> {
        let is_in = |channel: &&Channel| channel.state == State::In;
        self.channels.iter().filter(is_in).map(|channel| channel.name.clone()).collect()
    }

    /// Whether a channel is given up.
    pub(super) fn is_given_up(&mut self, channel: &str) -> bool {
        named(&mut self.channels, channel).is_none_or(|channel| channel.state == State::Never)
    }

    /// Bytes of text that fit into a line to a channel, as its members get it.
    pub(super) fn room(&self, channel: &str) -> usize {
        let guess = self.nick.len() + "!~@".len() + self.settings.ident.len() + HOST_MAX;
        let mask = self.mask_len.unwrap_or(guess);
        let around = ":".len() + mask + " PRIVMSG ".len() + channel.len() + " :".len() + "\r\n".len();
        LINE_MAX.saturating_sub(around)
    }

    /// Says a line in a channel, at the next step.
    pub(super) fn say_in(&mut self, channel: &str, text: &[u8]) {
        let line = [b"PRIVMSG ", channel.as_bytes(), b" :", text].concat();
        self.say(&line);
    }

    /// Asks the server for a sign that it has dealt with all lines so far. Gives the number that
    /// [`Session::ponged`] reaches then.
    pub(super) fn ping(&mut self) -> u64 {
        self.pinged += 1;
        self.ping_at.get_or_insert(Instant::now());
        self.say(format!("PING :heka-{}", self.pinged).as_bytes());
        self.pinged
    }

    /// The number of the last PING that was answered.
    pub(super) fn ponged(&self) -> u64 {
        self.ponged
    }

    /// Channels that did not take a line since the last call, and why.
    pub(super) fn take_refusals(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.refusals)
    }

    /// Tells of a trouble, unless it was the last one told.
    pub(super) fn complain(&mut self, text: &str) {
        if self.complaint.is_due(text) {
            self.log.error(text);
        }
    }

    /// Says good-bye and hangs up.
    pub(super) fn quit(&mut self) {
        if let Stage::Up(link) = &mut self.stage {
            // The server would notice without it too.
            let _ = link.write(b"QUIT\r\n", &Deadline::after(GOODBYE, &Stop::new()));
        }
        self.stage = Stage::Away(Instant::now() + PAUSE_MAX);
    }

    fn link(&mut self) -> Option<&mut TextLink> {
        match &mut self.stage {
            Stage::Registering(link, _) | Stage::Up(link) => Some(link),
            Stage::Away(_) | Stage::Dialing(_) => None,
        }
    }

    fn say(&mut self, line: &[u8]) {
        if self.settings.verbose {
            let shown = if line.starts_with(b"PASS ") { &b"PASS ..."[..] } else { line };
            self.log.info(&format!("--> {}", String::from_utf8_lossy(shown)));
        }
        if let Some(link) = self.link() {
            link.push(line);
            link.push(b"\r\n");
        }
    }

    /// Gives what was said to the system.
    fn speak(&mut self) {
        if let Some(link) = self.link()
            && let Err(why) = link.pump()
        {
            self.fail(&why);
        }
    }

    fn register(&mut self, link: TextLink) {
        self.stage = Stage::Registering(link, Instant::now() + self.settings.timeout);
        self.heard_at = Instant::now();
        self.nick.clone_from(&self.settings.nick);
        if !self.settings.password.is_empty() {
            self.say(format!("PASS {}", self.settings.password).as_bytes());
        }
        self.say(format!("NICK {}", self.nick).as_bytes());
        let ident = &self.settings.ident;
        self.say(format!("USER {ident} 0.0.0.0 0.0.0.0 :{ident}").as_bytes());
        self.speak();
    }

    /// The connection is lost, or there was none.
    fn fail(&mut self, why: &str) {
        let server = &self.settings.server;
        let was_up = matches!(self.stage, Stage::Up(_));
        let text = match (was_up, self.welcomed_before) {
            (true, _) => format!("Connection to irc server {server} lost: {why}"),
            (false, true) => format!("Error reconnecting: {why}"),
            (false, false) => format!("Unable to connect to irc server {server}: {why}"),
        };
        let shortest = self.settings.before_reconnect.max(PAUSE_MIN);
        self.pause =
            if self.pause.is_zero() { shortest } else { (self.pause * 2).min(PAUSE_MAX.max(shortest)) };
        if self.complaint.is_due(&text) {
            self.log.error(&text);
            if was_up {
                let seconds = self.pause.as_secs();
                self.log.info(&format!("Disconnected from Irc. Retrying to connect in {seconds} seconds.."));
            }
        }
        self.epoch += 1;
        self.ping_at = None;
        self.mask_len = None;
        self.refusals.clear();
        for channel in &mut self.channels {
            channel.state = State::Out;
            channel.retries = 0;
        }
        self.stage = Stage::Away(Instant::now() + self.pause);
    }

    /// What is to be done because time has passed.
    fn look_at_the_clock(&mut self) -> Result<(), String> {
        let now = Instant::now();
        if let Stage::Registering(_, until) = self.stage {
            if now >= until {
                self.fail("the server does not welcome us: i/o timeout");
            }
            return Ok(());
        }
        if !matches!(self.stage, Stage::Up(_)) {
            return Ok(());
        }
        let patience = self.settings.timeout * ANSWER_TIMES;
        if self.ping_at.is_some_and(|at| now.duration_since(at) >= patience) {
            self.fail("the server does not answer");
            return Ok(());
        }
        if self.ping_at.is_none() && now.duration_since(self.heard_at) >= SILENCE_MAX {
            self.ping();
        }
        if self.nick != self.settings.nick && now >= self.nick_again_at {
            self.nick_again_at = now + NICK_AGAIN;
            self.say(format!("NICK {}", self.settings.nick).as_bytes());
        }
        for index in 0..self.channels.len() {
            match self.channels[index].state {
                State::Later(at) if now >= at => self.join(index),
                State::Joining(until) if now >= until => self.put_off(index, "no answer")?,
                _ => {}
            }
        }
        Ok(())
    }

    fn join(&mut self, index: usize) {
        let line = self.channels[index].join(self.settings.timeout);
        self.say(line.as_bytes());
    }
}
