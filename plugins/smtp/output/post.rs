//! Hands mails to a server that may be away or busy, and tells of failures once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use heka_plugin::{Log, Stop};

use super::mail::write_body;
use super::session::{Failure, Route};
use crate::complaint::Complaint;

/// First and longest pause after a server could not be talked to.
const AWAY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// First and longest pause after a server has said that it wants a mail later.
const LATER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// So much of a pause is waited for at a time.
const WAIT: Duration = Duration::from_millis(500);

/// What became of a mail.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The server has it.
    Taken,
    /// It is to be sent again; why is told already.
    Again,
    /// It will never be taken.
    Refused(String),
}

/// The way to the server.
pub(super) struct Post {
    route: Route,
    log: Arc<dyn Log>,
    header: String,
    complaint: Complaint,
    /// Of recipients.
    refusals: Complaint,
    /// When the server may be asked again, and the pause that led there.
    later: Option<(Instant, Duration)>,
    buffer: Vec<u8>,
}

impl Post {
    /// A way to the server of `route`, for mails with this header.
    pub(super) fn new(route: Route, header: String, log: Arc<dyn Log>) -> Post {
        let (complaint, refusals) = (Complaint::default(), Complaint::default());
        Post { route, log, header, complaint, refusals, later: None, buffer: Vec::new() }
    }

    /// Whether it is too early to ask the server again.
    pub(super) fn is_pausing(&self) -> bool {
        self.later.is_some_and(|(at, _)| Instant::now() < at)
    }

    fn pause(&mut self, (shortest, longest): (Duration, Duration)) {
        let pause = self.later.map_or(shortest, |(_, pause)| (pause * 2).clamp(shortest, longest));
        self.later = Some((Instant::now() + pause, pause));
    }

    /// Sends a mail with this text. While it is too early for that, waits a little.
    pub(super) fn mail(&mut self, text: &[u8], stop: &Stop) -> Outcome {
        if !self.may_ask(stop) {
            return Outcome::Again;
        }
        self.buffer.clear();
        self.buffer.extend_from_slice(self.header.as_bytes());
        write_body(text, &mut self.buffer);
        match self.route.deliver(&self.buffer, stop) {
            Ok(refused) => {
                self.later = None;
                self.complaint = Complaint::default();
                for why in refused {
                    if self.refusals.is_due(&why) {
                        self.log
                            .error(&format!("sending error: {why}; the mail goes to the other recipients"));
                    }
                }
                Outcome::Taken
            }
            Err(Failure::Stopped) => Outcome::Again,
            Err(Failure::Away(why)) => {
                self.tell(&why, &why);
                self.pause(AWAY);
                Outcome::Again
            }
            Err(Failure::Later { why, kind }) => {
                self.tell(&why, &kind);
                self.pause(LATER);
                Outcome::Again
            }
            Err(Failure::Refused(why)) => {
                self.later = None;
                Outcome::Refused(format!("sending error: {why}; not sent again"))
            }
        }
    }

    /// Waits a while for the end of a pause; tells whether it has come.
    fn may_ask(&self, stop: &Stop) -> bool {
        if let Some((at, _)) = self.later {
            stop.wait(at.saturating_duration_since(Instant::now()).min(WAIT));
        }
        !self.is_pausing() && !stop.is_requested()
    }

    /// Replies have numbers in them that change, so a complaint is known by its kind.
    fn tell(&mut self, why: &str, kind: &str) {
        if self.complaint.is_due(kind) {
            self.log.error(&format!("sending error: {why}; trying again"));
        }
    }
}
