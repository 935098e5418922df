//! Sends statistics to Graphite's carbon.

pub(crate) mod line;
mod visitor;

use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use heka_message::MessageView;
use heka_plugin::output::OutputPlugin;
use heka_plugin::{
    ConfigError, Context, Log, Output, OutputDefaults, PluginDef, Record, SendError, Stop, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::visitor::Visitor;
use crate::addressing::split_host_port;
use crate::tcp::output::{self as tcp, TcpOutput};
use crate::udp::output::{self as udp, UdpOutput};

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<CarbonOutput>();

/// A datagram has no more bytes than this, unless a single line is longer.
const DATAGRAM_SIZE_MAX: usize = 63_488;

/// Sends statistics to carbon, the daemon of Graphite.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "graphite.CarbonOutputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Where carbon listens: `host:port`. For `tcp` it is looked up anew for each connection.
    pub address: String,
    /// `tcp`, which is meant too if this is empty, or `udp`.
    pub protocol: String,
    /// A TCP connection is kept. Otherwise one is made for what is sent at a time, and closed.
    pub tcp_keep_alive: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { address: "localhost:2003".into(), protocol: String::new(), tcp_keep_alive: false }
    }
}

/// Sends the lines of each message's payload to carbon: a name, a value and a time in seconds. Such are the payloads of a
/// StatAccumInput.
///
/// Lines are sent as they are; one that is not as it should be is an error in the log, and left out. Over TCP they count as
/// sent when carbon has read them, or with `tcp_keep_alive` when its system has acknowledged them, and are sent again until
/// then. An encoder is not used.
pub struct CarbonOutput {
    wire: Wire,
    log: Arc<dyn Log>,
    /// The batch at hand: its hash, and what is sent of it.
    prepared: Option<(u64, Vec<Vec<u8>>)>,
}

enum Wire {
    /// A TCP connection each time.
    Visits(Visitor),
    /// A TCP connection that is kept.
    Tcp(Box<TcpOutput>),
    /// Datagrams.
    Udp(Box<UdpOutput>),
}

impl Wire {
    /// What holds a socket, if anything does.
    fn output(&mut self) -> Option<&mut dyn Output> {
        match self {
            Wire::Visits(_) => None,
            Wire::Tcp(output) => Some(output.as_mut()),
            Wire::Udp(output) => Some(output.as_mut()),
        }
    }

    fn send(&mut self, pieces: &[Vec<u8>], stop: &Stop) -> Result<(), SendError> {
        if let Wire::Visits(visitor) = self {
            return pieces.iter().try_for_each(|piece| visitor.bring(piece, stop));
        }
        let record = |bytes| Record { message: MessageView::new(b""), bytes, loop_count: 0 };
        let records: Vec<Record<'_>> = pieces.iter().map(|piece| record(piece.as_slice())).collect();
        self.output().map_or(Ok(()), |output| output.send(&records, stop)).map_err(in_words_of_heka)
    }
}

impl OutputPlugin for CarbonOutput {
    type Config = Config;
    const NAME: &'static str = "CarbonOutput";
    const DEFAULTS: OutputDefaults =
        OutputDefaults { reads_message: true, outlives_process: true, ..OutputDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<CarbonOutput, ConfigError> {
        let address = config.address;
        let wire = match config.protocol.as_str() {
            "" | "tcp" => {
                split_host_port(&address).map_err(ConfigError::Init)?;
                if config.tcp_keep_alive {
                    let options = tcp::Config {
                        address,
                        keep_alive: true,
                        use_buffering: false,
                        ..tcp::Config::default()
                    };
                    Wire::Tcp(Box::new(TcpOutput::open(options, context)?))
                } else {
                    Wire::Visits(Visitor::new(address))
                }
            }
            "udp" => {
                let options = udp::Config { address, ..udp::Config::default() };
                Wire::Udp(Box::new(UdpOutput::open(options, context)?))
            }
            other => {
                return Err(ConfigError::Init(format!(
                    "CarbonOutput: \"{other}\" is not a supported protocol, must be \"tcp\" or \"udp\""
                )));
            }
        };
        Ok(CarbonOutput { wire, log: context.log.clone(), prepared: None })
    }
}

impl Output for CarbonOutput {
    fn send(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError> {
        let hash = hash(batch);
        // What is wrong with a line is told once, however often the batch comes.
        if self.prepared.as_ref().is_none_or(|(known, _)| *known != hash) {
            let pieces = match self.wire {
                Wire::Visits(_) | Wire::Tcp(_) => self.stream(batch),
                Wire::Udp(_) => self.datagrams(batch),
            };
            self.prepared = Some((hash, pieces));
        }
        let pieces = self.prepared.as_ref().map_or(&[][..], |(_, pieces)| pieces);
        // Also without a piece: the wire counts batches as the engine does.
        self.wire.send(pieces, stop)?;
        self.prepared = None;
        Ok(())
    }

    fn in_flight(&mut self) -> usize {
        self.wire.output().map_or(0, Output::in_flight)
    }

    fn flush(&mut self) -> Result<(), SendError> {
        self.wire.output().map_or(Ok(()), Output::flush).map_err(in_words_of_heka)
    }

    fn idle(&mut self, now_ns: i64) -> Result<(), SendError> {
        self.wire.output().map_or(Ok(()), |output| output.idle(now_ns))
    }

    fn stop(&mut self) {
        if let Some(output) = self.wire.output() {
            output.stop();
        }
    }
}

impl CarbonOutput {
    /// All good lines of a batch in one piece, if there are any.
    fn stream(&self, batch: &[Record<'_>]) -> Vec<Vec<u8>> {
        let mut bytes = Vec::new();
        for line in batch.iter().flat_map(|record| self.good_lines(record)) {
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        if bytes.is_empty() { Vec::new() } else { vec![bytes] }
    }

    /// The good lines of each message in a datagram, or in several if there are many.
    fn datagrams(&self, batch: &[Record<'_>]) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        for record in batch {
            let mut datagram = Vec::new();
            for line in self.good_lines(record) {
                if !datagram.is_empty() && datagram.len() + line.len() >= DATAGRAM_SIZE_MAX {
                    datagrams.push(std::mem::take(&mut datagram));
                }
                datagram.extend_from_slice(line);
                datagram.push(b'\n');
            }
            if !datagram.is_empty() {
                datagrams.push(datagram);
            }
        }
        datagrams
    }

    fn good_lines<'a>(&self, record: &Record<'a>) -> impl Iterator<Item = &'a [u8]> {
        let payload = record.message.payload().map_or(&b""[..], |payload| payload);
        line::lines(payload, b" \t\n").filter(|line| match line::Stat::of(line) {
            Ok(_) => true,
            Err(why) => {
                self.log.error(&why);
                false
            }
        })
    }
}

fn hash(batch: &[Record<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for record in batch {
        hasher.write_usize(record.message.bytes().len());
        hasher.write(record.message.bytes());
    }
    hasher.finish()
}

fn in_words_of_heka(error: SendError) -> SendError {
    let SendError::Retry(why) = error else { return error };
    let why = match (why.strip_prefix("can't connect: "), why.strip_prefix("writing to ")) {
        (Some(why), _) => format!("Dial failed: {why}"),
        (_, Some(why)) => format!("Write to server failed: {why}"),
        _ => why,
    };
    SendError::Retry(why)
}

#[cfg(test)]
mod tests;
