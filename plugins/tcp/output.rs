//! Sends encoded records over one TCP connection.

mod acknowledged;
mod backlog;
mod dialer;
mod patience;
mod peer;
mod wire;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use heka_plugin::output::OutputPlugin;
use heka_plugin::{
    ConfigError, Context, Output, OutputDefaults, PluginDef, Record, SendError, Stop, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::backlog::Backlog;
use self::dialer::Dialer;
use self::patience::Patience;
use self::peer::{Peer, Step, window};
use crate::addressing::resolve;
use crate::tcp::input::KeepAlive;
use crate::tls::TlsOptions;

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<TcpOutput>();

/// A peer that takes nothing for so long is complained of.
const SEND_PATIENCE: Duration = Duration::from_secs(2);
/// A peer that acknowledges nothing for so long has to be asked again later.
const FLUSH_PATIENCE: Duration = Duration::from_millis(1200);
/// What was put back is sent again for so long between batches.
const IDLE_PATIENCE: Duration = Duration::from_millis(200);
/// First and longest pause between attempts to connect when nothing new is to be sent.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Sends over a TCP connection.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "tcp.TcpOutputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// The peer, as `host:port`; looked up anew for each connection.
    pub address: String,
    /// The address to send from.
    pub local_address: String,
    /// The connection is encrypted.
    pub use_tls: bool,
    /// How.
    pub tls: TlsOptions,
    /// The system looks now and then whether an idle peer is still there.
    pub keep_alive: bool,
    /// Seconds between these looks; 0 leaves it to the system.
    pub keep_alive_period: i64,
    /// A new connection is made after so many messages; 0 is never.
    pub reconnect_after: i64,
    /// Messages wait in a queue of their own limit. Here it changes how failures are worded.
    pub use_buffering: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            address: "localhost:9125".into(),
            local_address: String::new(),
            use_tls: false,
            tls: TlsOptions::default(),
            keep_alive: false,
            keep_alive_period: 0,
            reconnect_after: 0,
            use_buffering: true,
        }
    }
}

/// Sends each record to a TCP peer, reconnecting as needed.
///
/// A record is kept until the peer's system has acknowledged it, and what a dead connection had not delivered goes first
/// over the next one; if the connection was reset, also what was acknowledged shortly before, which the peer may not have
/// read. [`Output::send`] is content when all is written; [`Output::flush`], and with it the cursor, waits for
/// the acknowledgement.
pub struct TcpOutput {
    dialer: Dialer,
    /// 0 is never.
    reconnect_after: u64,
    /// How failures begin.
    failure: &'static str,
    peer: Option<Peer>,
    backlog: Backlog,
    /// Where the batch begins that is in the backlog and that the engine does not yet believe sent.
    unfinished: Option<u64>,
    /// Where the batches end that were written and not yet seen acknowledged.
    batch_ends: VecDeque<u64>,
    /// When a failed connection may be tried again by a flush, the pause after that, and the failure.
    later: Option<(Instant, Duration, String)>,
    /// So many bytes may be unacknowledged before no more is sent.
    window: usize,
    /// The stop signal of the last send: a flush hears it too.
    stop: Stop,
}

/// What is to be reached before an output goes on.
#[derive(Clone, Copy)]
enum Goal {
    /// All is written, and not too much is unacknowledged.
    Written,
    /// Not too much is unacknowledged.
    Room,
    /// All before this offset is acknowledged.
    Acknowledged(u64),
}

impl OutputPlugin for TcpOutput {
    type Config = Config;
    const NAME: &'static str = "TcpOutput";
    const DEFAULTS: OutputDefaults = OutputDefaults {
        encoder: Some("ProtobufEncoder"),
        frames_protobuf: true,
        use_buffering: true,
        may_tick: false,
        outlives_process: true,
        never_rejects: true,
        ..OutputDefaults::USUAL
    };
    const NEEDS_ENCODER: Option<&'static str> = Some("Encoder required.");

    fn open(config: Config, context: &Context) -> Result<TcpOutput, ConfigError> {
        let local = match config.local_address.as_str() {
            "" => None,
            _ if config.use_tls => {
                return Err(ConfigError::init(
                    "Cannot combine local_address %!s(<nil>) and use_tls config options",
                ));
            }
            local => Some(resolve("tcp", "tcp", local).map_err(ConfigError::Init)?),
        };
        if config.use_tls {
            config.tls.remarks().iter().for_each(|remark| context.log.info(remark));
        }
        let dialer = Dialer {
            address: config.address,
            local,
            tls: config.use_tls.then_some(config.tls),
            keep_alive: config.keep_alive.then(|| KeepAlive::every(config.keep_alive_period)),
        };
        Ok(TcpOutput {
            dialer,
            reconnect_after: u64::try_from(config.reconnect_after).unwrap_or(0),
            failure: if config.use_buffering { "can't send record: " } else { "" },
            peer: None,
            backlog: Backlog::default(),
            unfinished: None,
            batch_ends: VecDeque::new(),
            later: None,
            window: window(Duration::ZERO),
            stop: Stop::new(),
        })
    }
}

impl Output for TcpOutput {
    fn send(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError> {
        // A batch that could not be finished comes again, but it is in the backlog already.
        let known = self
            .unfinished
            .is_some_and(|start| self.backlog.holds_from(start, batch.iter().map(|record| record.bytes)));
        self.stop = stop.clone();
        self.window = self.peer.as_ref().map_or(self.window, Peer::window);
        if !known {
            // An earlier batch may have been given up by the engine while it waits here: it is not piled up on.
            self.work(Goal::Room, &mut Patience::new(SEND_PATIENCE, stop.clone()))?;
            self.unfinished = Some(self.backlog.end());
            batch.iter().for_each(|record| self.backlog.push(record.bytes));
        }
        self.work(Goal::Written, &mut Patience::new(SEND_PATIENCE, stop.clone()))?;
        self.unfinished = None;
        self.batch_ends.push_back(self.backlog.end());
        Ok(())
    }

    fn in_flight(&mut self) -> usize {
        if let Some(peer) = &mut self.peer {
            // A connection that is dead tells so at the next step too.
            let _ = peer.look(&mut self.backlog);
        }
        let acknowledged = self.backlog.acknowledged();
        while self.batch_ends.pop_front_if(|end| *end <= acknowledged).is_some() {}
        self.batch_ends.len()
    }

    fn flush(&mut self) -> Result<(), SendError> {
        let goal = Goal::Acknowledged(self.unfinished.unwrap_or(self.backlog.end()));
        if self.peer.is_none()
            && !self.is_reached(goal)
            && self.is_pausing()
            && let Some((_, _, why)) = &self.later
        {
            return Err(SendError::Retry(why.clone()));
        }
        self.work(goal, &mut Patience::new(FLUSH_PATIENCE, self.stop.clone()))?;
        self.batch_ends.clear();
        Ok(())
    }

    fn idle(&mut self, _: i64) -> Result<(), SendError> {
        // A connection that is dead is better known before it is needed.
        if self.peer.as_mut().is_some_and(|peer| peer.listen().is_err()) {
            self.bury();
        }
        if self.peer.is_none() && self.unfinished.is_none() && self.backlog.len() > 0 && !self.is_pausing() {
            // What the dead connection may have lost does not wait for the next message. If this fails that does no harm.
            let _ = self.work(Goal::Written, &mut Patience::new(IDLE_PATIENCE, self.stop.clone()));
        }
        Ok(())
    }

    fn stop(&mut self) {
        if let Some(peer) = self.peer.take() {
            peer.close();
        }
    }
}

impl TcpOutput {
    /// Connects, writes and waits until the goal is reached.
    fn work(&mut self, goal: Goal, patience: &mut Patience) -> Result<(), SendError> {
        loop {
            if self.peer.as_ref().is_some_and(|peer| peer.is_spent(&self.backlog))
                && let Some(peer) = self.peer.take()
            {
                peer.close();
            }
            if self.is_reached(goal) {
                return Ok(());
            }
            let peer = match &mut self.peer {
                Some(peer) => peer,
                None => {
                    let connected = self.connect(patience)?;
                    self.peer.insert(connected)
                }
            };
            match peer.step(&mut self.backlog) {
                Ok(Step::Forward) => patience.renew(),
                Ok(Step::Waiting) if !patience.is_over() => peer.wait(patience),
                Ok(Step::Waiting) => {
                    let why = format!("{} does not take what is sent to it", self.dialer.address);
                    return Err(SendError::Retry(format!("{}{why}", self.failure)));
                }
                Err(why) => {
                    self.bury();
                    let address = &self.dialer.address;
                    return Err(SendError::Retry(format!("{}writing to {address}: {why}", self.failure)));
                }
            }
        }
    }

    fn bury(&mut self) {
        if let Some(peer) = self.peer.take() {
            peer.bury(&mut self.backlog);
        }
    }

    /// Whether it is too early to connect again when nothing new is to be sent.
    fn is_pausing(&self) -> bool {
        self.later.as_ref().is_some_and(|(when, ..)| Instant::now() < *when)
    }

    fn is_reached(&self, goal: Goal) -> bool {
        match goal {
            Goal::Room => self.backlog.len() <= self.window,
            Goal::Acknowledged(offset) => self.backlog.acknowledged() >= offset,
            Goal::Written => {
                let written = match &self.peer {
                    Some(peer) => peer.has_written(&self.backlog),
                    None => self.backlog.len() == 0,
                };
                written && self.backlog.len() <= self.window
            }
        }
    }

    fn connect(&mut self, patience: &Patience) -> Result<Peer, SendError> {
        match self.dialer.dial(patience) {
            Ok(wire) => {
                self.later = None;
                Ok(Peer::new(wire, &self.backlog, self.reconnect_after))
            }
            Err(why) => {
                let why = format!("{}can't connect: {why}", self.failure);
                let pause =
                    self.later.as_ref().map_or(PAUSE_MIN, |(_, pause, _)| (*pause * 2).min(PAUSE_MAX));
                self.later = Some((Instant::now() + pause, pause, why.clone()));
                Err(SendError::Retry(why))
            }
        }
    }
}

#[cfg(test)]
mod tests;
