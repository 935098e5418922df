//! Reads messages from Kafka.

mod checkpoint;
mod config;
mod listener;
mod positions;
mod session;

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use heka_plugin::input::InputPlugin;
use heka_plugin::{
    ConfigError, Context, Inlet, Input, InputDefaults, PluginDef, PluginError, Stop, registry,
};
use rdkafka::ClientConfig;

use self::checkpoint::Checkpoint;
pub use self::config::Config;
use self::config::{Source, Start};
use self::session::{Counts, End, Origin, Session};

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<KafkaInput>();

/// First and longest pause before a new client is made for one that failed.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Reads messages from Kafka: one partition of a topic, or, with `consumer_group`, a share of all its partitions. Each message
/// is split by itself. Messages carry the type `heka.kafka` and the fields `Key`, `Topic`, `Partition` and `Offset`, unless the
/// splitter finds whole messages.
///
/// A position is saved only once hekad's queue holds all before it, so nothing is lost when hekad is killed; the last half
/// second may come twice. While brokers are away the input waits for them, and tells why once a minute.
pub struct KafkaInput {
    hostname: String,
    setup: ClientConfig,
    source: Source,
    message_size_max: Option<usize>,
}

impl InputPlugin for KafkaInput {
    type Config = Config;
    const NAME: &'static str = "KafkaInput";
    const DEFAULTS: InputDefaults = InputDefaults { restarts: true, ..InputDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<KafkaInput, ConfigError> {
        let plan = config.plan(context)?;
        if let Source::Partition { start, checkpoint, .. } = &plan.source {
            match start {
                Start::Manual => {
                    let known = checkpoint::read(checkpoint).map_err(ConfigError::Init)?;
                    if known.is_none() && !context.only_check {
                        Checkpoint::make_folder(checkpoint).map_err(ConfigError::init)?;
                    }
                }
                Start::Newest | Start::Oldest if checkpoint.exists() && !context.only_check => {
                    fs::remove_file(checkpoint).map_err(ConfigError::init)?;
                }
                Start::Newest | Start::Oldest => {}
            }
        }
        if !context.only_check {
            // Properties that do not go together are found by making a client. It is not asked to do anything.
            session::consumer(&plan.client).map_err(ConfigError::Init)?;
        }
        Ok(KafkaInput {
            hostname: context.globals.hostname.clone(),
            setup: plan.client,
            source: plan.source,
            message_size_max: plan.message_size_max,
        })
    }
}

impl Input for KafkaInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let origin = Arc::new(Mutex::new(Origin::default()));
        let mut deliverer = inlet.deliverer("").map_err(PluginError::Run)?;
        deliverer.set_decorator(session::decorator(origin.clone(), self.hostname.clone()));
        let mut counts = Counts::default();
        let mut pause = PAUSE_MIN;
        let mut next = None;
        loop {
            let began = Instant::now();
            let consumer = session::consumer(&self.setup).map_err(PluginError::Run)?;
            let checkpoint = match &self.source {
                Source::Partition { start: Start::Manual, checkpoint, .. } => {
                    Some(Checkpoint::new(checkpoint.clone()))
                }
                _ => None,
            };
            let mut session = Session {
                source: &self.source,
                message_size_max: self.message_size_max,
                inlet,
                deliverer: &mut *deliverer,
                origin: &origin,
                counts: &mut counts,
                consumer,
                checkpoint,
                saved_at: began,
                reported_at: began,
                look_at: None,
                next: &mut next,
            };
            match session.run(stop) {
                Ok(()) => return Ok(()),
                Err(End::Engine(error)) => return Err(error),
                Err(End::Client(why)) => {
                    if began.elapsed() > PAUSE_MAX {
                        pause = PAUSE_MIN;
                    }
                    inlet.log_error(&format!("{why}; trying again in {} s", pause.as_secs()));
                }
            }
            if stop.wait(pause) {
                return Ok(());
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

#[cfg(test)]
mod tests;
