//! Takes statistics in statsd's protocol.

mod line;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bstr::ByteSlice;
use heka_plugin::input::InputPlugin;
use heka_plugin::{
    Accumulators, ConfigError, Context, Inlet, Input, PluginDef, PluginError, StatAccumulator, Stop, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::line::stats;
use crate::complaint::Complaint;
use crate::udp::input::socket::{DatagramSocket, Received};

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<StatsdInput>();

/// How long a wait for a datagram lasts, and so how late a stop is heard.
const WAIT: Duration = Duration::from_millis(100);
/// When hekad stops, what has arrived is still read, for at most so long.
const LAST_READS: Duration = Duration::from_secs(1);

/// Listens for statsd packets and hands them to a StatAccumInput.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "statsd.StatsdInputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen for datagrams: `host:port`.
    pub address: String,
    /// The StatAccumInput that gets the statistics.
    pub stat_accum_name: String,
    /// Bytes of a datagram that are read; what is behind is lost.
    pub max_msg_size: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            address: "127.0.0.1:8125".into(),
            stat_accum_name: "StatAccumInput".into(),
            max_msg_size: 512,
        }
    }
}

/// Hands what statsd clients send to a StatAccumInput. It makes no messages of its own.
pub struct StatsdInput {
    socket: DatagramSocket,
    accumulators: Arc<Accumulators>,
    accumulator_name: String,
    buffer: Vec<u8>,
}

impl InputPlugin for StatsdInput {
    type Config = Config;
    const NAME: &'static str = "StatsdInput";

    fn open(config: Config, context: &Context) -> Result<StatsdInput, ConfigError> {
        // Heka's texts end with a newline of their own.
        let open = if context.only_check { DatagramSocket::unbound } else { DatagramSocket::inet };
        let socket = open("udp", &config.address).map_err(|why| ConfigError::init(format!("{why}\n")))?;
        Ok(StatsdInput {
            socket,
            accumulators: context.accumulators.clone(),
            accumulator_name: config.stat_accum_name,
            buffer: vec![0; config.max_msg_size as usize],
        })
    }
}

impl Input for StatsdInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let accumulator = self.accumulators.get(&self.accumulator_name).map_err(PluginError::Run)?;
        let mut complaint = Complaint::default();
        let mut last_call = None;
        loop {
            if stop.is_requested() && last_call.is_none() {
                last_call = Some(Instant::now() + LAST_READS);
            }
            let wait = if last_call.is_some() { Duration::ZERO } else { WAIT };
            match self.socket.receive(&mut self.buffer, wait) {
                Received::Datagram(size, _) => take(&self.buffer[..size], accumulator.as_ref(), inlet),
                Received::Nothing if last_call.is_some() => return Ok(()),
                Received::Nothing => {}
                Received::Failed(why) => {
                    if complaint.is_due(&why) {
                        inlet.log_error(&why);
                    }
                    stop.wait(WAIT);
                }
            }
            if last_call.is_some_and(|end| Instant::now() >= end) {
                return Ok(());
            }
        }
    }
}

fn take(datagram: &[u8], accumulator: &dyn StatAccumulator, inlet: &dyn Inlet) {
    for stat in stats(datagram) {
        match stat {
            Err(line) => inlet.log_error(&format!("can't parse message: {}", line.to_str_lossy())),
            Ok(stat) if !accumulator.drop_stat(&stat) => {
                inlet.log_error(&format!("undelivered stat: {stat}"));
            }
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
