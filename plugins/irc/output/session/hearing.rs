//! What the server says, and what follows.

use std::time::{Duration, Instant};

use super::{NICK_AGAIN, Session, Stage};
use crate::irc::output::channels::{State, named};
use crate::irc::output::ctcp;
use crate::irc::output::message::{Message, same_name};

/// A nick is made longer so many times before we give up.
const UNDERSCORES_MAX: usize = 8;
/// Questions of clients are answered no more often than this.
const ANSWER_EVERY: Duration = Duration::from_secs(2);

impl Session {
    /// Hears all that has come.
    pub(super) fn listen(&mut self) -> Result<(), String> {
        let broken = self.link().and_then(|link| link.pump().err());
        let before = self.epoch;
        while let Some(link) = self.link() {
            match link.line() {
                Ok(Some(line)) => self.hear(&line)?,
                Ok(None) => {
                    let over = link.is_over().then(|| "EOF".to_string());
                    if let Some(why) = broken.or(over) {
                        self.fail(&why);
                    }
                    break;
                }
                Err(why) => self.fail(&why),
            }
            if self.epoch != before {
                break;
            }
        }
        Ok(())
    }

    fn hear(&mut self, line: &[u8]) -> Result<(), String> {
        self.heard_at = Instant::now();
        if self.settings.verbose {
            self.log.info(&format!("<-- {}", String::from_utf8_lossy(line)));
        }
        let message = Message::parse(line);
        let is_own = same_name(message.nick(), &self.nick);
        match message.command.as_str() {
            "PING" => self.say(format!("PONG :{}", message.text()).as_bytes()),
            "PONG" => self.hear_pong(&message),
            "001" => self.welcome(&message),
            "366" => self.joined_now(message.param(1)),
            "403" | "405" | "473" | "474" | "475" | "476" | "477" => self.cannot_join(&message)?,
            "471" => {
                if let Some(index) = self.index_of(message.param(1)) {
                    self.put_off(index, message.text())?;
                }
            }
            "404" | "442" => self.refusals.push((message.param(1).into(), message.text().into())),
            "433" | "436" | "437" => self.take_another_nick(),
            "431" | "432" | "464" if !self.is_up() => self.fail(message.text()),
            "465" => return Err("Banned from irc server. Exiting plugin.".into()),
            "ERROR" => self.fail(message.text()),
            "JOIN" if is_own => self.mask_len = Some(message.prefix.len()),
            "NICK" if is_own => {
                self.nick = message.param(0).into();
                self.mask_len = None;
            }
            "KICK" if same_name(message.param(1), &self.nick) => self.kicked(&message)?,
            "PART" if is_own => self.come_back_to(message.param(0)),
            "PRIVMSG" if same_name(message.param(0), &self.nick) => self.answer(&message),
            _ => {}
        }
        Ok(())
    }

    fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up(_))
    }

    fn index_of(&self, name: &str) -> Option<usize> {
        self.channels.iter().position(|channel| same_name(&channel.name, name))
    }

    fn hear_pong(&mut self, message: &Message) {
        let number = message.text().strip_prefix("heka-").and_then(|number| number.parse().ok());
        let Some(number) = number.filter(|number| *number <= self.pinged) else { return };
        self.ponged = self.ponged.max(number);
        if self.ponged == self.pinged {
            self.ping_at = None;
        }
    }

    fn welcome(&mut self, message: &Message) {
        let away = Stage::Away(Instant::now());
        self.stage = match std::mem::replace(&mut self.stage, away) {
            Stage::Registering(link, _) => Stage::Up(link),
            other => {
                self.stage = other;
                return;
            }
        };
        // The server may have cut it.
        if !message.param(0).is_empty() {
            self.nick = message.param(0).into();
        }
        self.nick_again_at = Instant::now() + NICK_AGAIN;
        if self.welcomed_before {
            self.log.info("Reconnected to Irc!");
        }
        self.welcomed_before = true;
        for index in 0..self.channels.len() {
            self.join(index);
        }
    }

    fn joined_now(&mut self, name: &str) {
        if let Some(channel) = named(&mut self.channels, name) {
            channel.state = State::In;
            channel.retries = 0;
            self.pause = Duration::ZERO;
        }
    }

    /// A channel that cannot be joined. The same number comes for a line to a channel that is no more.
    fn cannot_join(&mut self, message: &Message) -> Result<(), String> {
        let (name, why) = (message.param(1), message.text());
        let Some(channel) = named(&mut self.channels, name) else { return Ok(()) };
        if channel.state == State::In {
            channel.state = State::Later(Instant::now());
            self.refusals.push((name.into(), why.into()));
            return Ok(());
        }
        channel.state = State::Never;
        self.log.error(&format!("An error occurred joining channel: {name}. Reason: {why}"));
        self.check_channels()
    }

    /// A channel that cannot be joined now.
    pub(super) fn put_off(&mut self, index: usize, why: &str) -> Result<(), String> {
        let wait = self.settings.before_rejoin;
        let channel = &mut self.channels[index];
        let name = channel.name.clone();
        if channel.retries >= self.settings.max_join_retries {
            channel.state = State::Never;
            self.log.error(&format!(
                "Used up retry attempts attempting to join {name}. No longer going to attempt to join channel."
            ));
            return self.check_channels();
        }
        channel.retries += 1;
        channel.state = State::Later(Instant::now() + wait);
        let seconds = wait.as_secs();
        let text = format!(
            "An error occurred joining channel: {name}. Reason: {why}. Retrying in {seconds} seconds."
        );
        self.log.error(&text);
        Ok(())
    }

    fn kicked(&mut self, message: &Message) -> Result<(), String> {
        let (name, why) = (message.param(0), message.text());
        if self.index_of(name).is_none() {
            return Ok(());
        }
        self.log.error(&format!("Kicked from channel: {name}. Reason: {why}"));
        if self.settings.rejoin_on_kick {
            self.come_back_to(name);
            return Ok(());
        }
        if let Some(channel) = named(&mut self.channels, name) {
            channel.state = State::Never;
        }
        self.check_channels()
    }

    fn come_back_to(&mut self, name: &str) {
        let at = Instant::now() + self.settings.before_rejoin;
        if let Some(channel) = named(&mut self.channels, name) {
            channel.state = State::Later(at);
        }
    }

    fn check_channels(&self) -> Result<(), String> {
        if self.channels.iter().all(|channel| channel.state == State::Never) {
            return Err("No joinable channels. Exiting plugin.".into());
        }
        Ok(())
    }

    fn take_another_nick(&mut self) {
        if self.is_up() {
            // The one that we wanted back.
            return;
        }
        if self.nick.len() >= self.settings.nick.len() + UNDERSCORES_MAX {
            self.fail("the nick and those like it are in use");
            return;
        }
        self.nick.push('_');
        self.say(format!("NICK {}", self.nick).as_bytes());
    }

    fn answer(&mut self, message: &Message) {
        let is_early = self.answered_at.is_some_and(|at| at.elapsed() < ANSWER_EVERY);
        if is_early || message.nick().is_empty() {
            return;
        }
        if let Some(answer) = ctcp::answer(message.text(), &self.settings.ident) {
            self.answered_at = Some(Instant::now());
            self.say(format!("NOTICE {} :{answer}", message.nick()).as_bytes());
        }
    }
}
