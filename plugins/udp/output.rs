//! Sends each record as a datagram.

mod target;

use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use heka_plugin::output::OutputPlugin;
use heka_plugin::{
    ConfigError, Context, Log, Output, OutputDefaults, PluginDef, Record, SendError, Stop, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::target::{Sent, Target};
use crate::complaint::Complaint;

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<UdpOutput>();

/// The smallest `max_message_size`: what any host must be able to take.
const MAX_MESSAGE_SIZE_MIN: i64 = 512;
/// A peer on this machine that takes nothing for so long is complained of.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends UDP or unixgram packets.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "udp.UdpOutputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// `udp`, `udp4`, `udp6` or `unixgram`.
    pub net: String,
    /// The peer: `host:port`, which is looked up once; for `unixgram` the path of a socket, or `@` and a name.
    pub address: String,
    /// The address to send from.
    pub local_address: String,
    /// Longer messages, in bytes, are dropped.
    pub max_message_size: i64,
    /// Messages wait in a queue of their own limit. Here it decides whether a message that is too long is an error.
    pub use_buffering: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            net: "udp".into(),
            address: String::new(),
            local_address: String::new(),
            max_message_size: 65_507,
            use_buffering: false,
        }
    }
}

/// Sends each record as a datagram. Over UDP nobody says whether one arrives; a Unix socket takes it or does not.
pub struct UdpOutput {
    target: Target,
    max_message_size: usize,
    buffered: bool,
    log: Arc<dyn Log>,
    complaint: Complaint,
    progress: Option<Progress>,
}

/// How much of a batch that comes again was sent.
struct Progress {
    records: usize,
    hash: u64,
}

fn hash(batch: &[Record<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for record in batch {
        hasher.write_usize(record.bytes.len());
        hasher.write(record.bytes);
    }
    hasher.finish()
}

impl OutputPlugin for UdpOutput {
    type Config = Config;
    const NAME: &'static str = "UdpOutput";
    const DEFAULTS: OutputDefaults = OutputDefaults::USUAL;
    const NEEDS_ENCODER: Option<&'static str> = Some("Encoder required.");

    fn open(config: Config, context: &Context) -> Result<UdpOutput, ConfigError> {
        let limit = Some(config.max_message_size).filter(|size| *size >= MAX_MESSAGE_SIZE_MIN);
        let limit = limit.ok_or_else(|| {
            ConfigError::Init(format!(
                "Maximum message size can't be smaller than {MAX_MESSAGE_SIZE_MIN} bytes."
            ))
        })?;
        let target = if config.net == "unixgram" {
            let local = if context.only_check { "" } else { config.local_address.as_str() };
            Target::unix(&config.address, local, context.only_check)
        } else {
            Target::inet(&config.net, &config.address, &config.local_address, context.only_check)
        };
        Ok(UdpOutput {
            target: target.map_err(ConfigError::Init)?,
            max_message_size: usize::try_from(limit).unwrap_or(usize::MAX),
            buffered: config.use_buffering,
            log: context.log.clone(),
            complaint: Complaint::default(),
            progress: None,
        })
    }
}

impl Output for UdpOutput {
    fn send(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError> {
        let done = self.progress.take().map_or(0, |progress| {
            let same = batch.get(..progress.records).is_some_and(|sent| hash(sent) == progress.hash);
            if same { progress.records } else { 0 }
        });
        for (index, record) in batch.iter().enumerate().skip(done) {
            let size = record.bytes.len();
            if size > self.max_message_size {
                let why =
                    format!("Message has exceeded allowed UDP data size: {size} > {}", self.max_message_size);
                if self.buffered {
                    return Err(SendError::Reject { index, why: format!("can't send record: {why}") });
                }
                if self.complaint.is_due("too long") {
                    self.log.info(&why);
                }
            } else if let Err(why) = self.datagram(record.bytes, stop) {
                self.progress = Some(Progress { records: index, hash: hash(&batch[..index]) });
                return Err(SendError::Retry(why));
            }
        }
        Ok(())
    }
}

impl UdpOutput {
    /// Sends one datagram.
    ///
    /// # Errors
    /// It was not taken, and may be later.
    fn datagram(&mut self, bytes: &[u8], stop: &Stop) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.target.send(bytes) {
                Sent::Done => return Ok(()),
                Sent::Never(why) => {
                    let why = format!("datagram dropped: {why}");
                    if self.complaint.is_due(&why) {
                        self.log.info(&why);
                    }
                    return Ok(());
                }
                Sent::Later(why) => return Err(why),
                Sent::Full if stop.is_requested() || Instant::now() > end => {
                    return Err(format!("{} does not take what is sent to it", self.target.address()));
                }
                Sent::Full => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
