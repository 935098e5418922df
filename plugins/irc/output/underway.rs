//! A record on its way into the channels.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::message::same_name;
use super::session::Session;
use super::text::lines;

/// Lines that a channel did not take are said again after so long.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);

/// Keeps lines apart, so that the server does not throw us out.
pub(super) struct Throttle {
    interval: Duration,
    next_at: Instant,
}

impl Throttle {
    /// Lines are at least so far apart.
    pub(super) fn new(interval: Duration) -> Throttle {
        Throttle { interval, next_at: Instant::now() }
    }

    /// Time until the next line.
    pub(super) fn left(&self) -> Duration {
        self.next_at.saturating_duration_since(Instant::now())
    }

    fn put_off(&mut self, time: Duration) {
        self.next_at = Instant::now() + time;
    }
}

/// How far it has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The server has dealt with all its lines.
    Done,
    /// Something was said.
    Moved,
    /// Something must happen first.
    Waiting,
}

/// A record and what is left of it to say. It outlasts the calls of `send` that it takes.
pub(super) struct Underway {
    record: Vec<u8>,
    /// The connection over which the rest was said.
    epoch: u64,
    /// Channel and text; `None` until the channels are known.
    unsaid: Option<VecDeque<(String, Vec<u8>)>>,
    /// Said since the last PING.
    said: Vec<(String, Vec<u8>)>,
    /// The PING after all.
    ping: Option<u64>,
}

impl Underway {
    pub(super) fn new(record: &[u8]) -> Underway {
        Underway { record: record.to_vec(), epoch: 0, unsaid: None, said: Vec::new(), ping: None }
    }

    /// Whether it is about this record.
    pub(super) fn is_of(&self, record: &[u8]) -> bool {
        self.record == record
    }

    /// Goes a step on.
    pub(super) fn drive(&mut self, session: &mut Session, throttle: &mut Throttle) -> Progress {
        if self.epoch != session.epoch() {
            // What the server has made of the lines so far nobody knows.
            *self = Underway { epoch: session.epoch(), ..Underway::new(&self.record) };
        }
        if !session.is_ready() {
            return Progress::Waiting;
        }
        if let Some(number) = self.ping {
            if session.ponged() < number {
                return Progress::Waiting;
            }
            self.ping = None;
            self.take_back_refused(session, throttle);
        }
        let unsaid = self.unsaid.get_or_insert_with(|| {
            let of = |name: String| {
                let texts = lines(&self.record, session.room(&name));
                texts.into_iter().map(move |text| (name.clone(), text))
            };
            session.joined().into_iter().flat_map(of).collect()
        });
        let Some((channel, text)) = unsaid.front() else {
            if self.said.is_empty() {
                return Progress::Done;
            }
            self.ping = Some(session.ping());
            return Progress::Moved;
        };
        if session.is_given_up(channel) {
            unsaid.pop_front();
            return Progress::Moved;
        }
        if !throttle.left().is_zero() {
            return Progress::Waiting;
        }
        session.say_in(channel, text);
        throttle.put_off(throttle.interval);
        self.said.extend(unsaid.pop_front());
        Progress::Moved
    }

    /// The server has dealt with all that was said; what it refused is to be said again.
    fn take_back_refused(&mut self, session: &mut Session, throttle: &mut Throttle) {
        let refusals = session.take_refusals();
        let is_refused = |channel: &str| refusals.iter().any(|(name, _)| same_name(name, channel));
        let again: VecDeque<_> = self.said.drain(..).filter(|(channel, _)| is_refused(channel)).collect();
        if again.is_empty() {
            return;
        }
        for (name, why) in &refusals {
            session.complain(&format!("{name} does not take a message: {why}; trying again"));
        }
        self.unsaid = Some(again);
        throttle.put_off(throttle.interval.max(REFUSED_PAUSE));
    }
}
