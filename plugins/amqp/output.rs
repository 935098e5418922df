//! Sends messages to an exchange of an AMQP broker.

mod in_flight;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use heka_plugin::output::OutputPlugin;
use heka_plugin::{
    ConfigError, Context, Log, Output, OutputDefaults, PluginDef, Record, SendError, Stop, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::in_flight::InFlight;
use crate::amqp_client::content::Properties;
use crate::amqp_client::method::exception;
use crate::amqp_client::{Event, Incoming, Link, LinkError, Outgoing, Pace, Retries, Target, check_name};
use crate::complaint::Complaint;
use crate::tls::TlsOptions;

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<AmqpOutput>();

/// How late a stop is heard.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// A broker that confirms nothing for so long is complained of.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a stop waits for the broker.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Publishes to an exchange of an AMQP broker such as RabbitMQ.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "amqp.AMQPOutputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// The broker: `amqp://user:password@host:port/vhost`, or `amqps` for TLS. What is left out is `guest`, `guest`,
    /// `localhost`, 5672 (5671 for TLS) and `/`.
    #[serde(rename = "url|URL")]
    pub url: String,
    /// The exchange to send to, which is declared. If empty it is the broker's own, where `routing_key` is a queue's name.
    pub exchange: String,
    /// `direct`, `fanout`, `topic`, `headers`, or what else the broker has.
    pub exchange_type: String,
    /// The exchange outlives the broker.
    pub exchange_durability: bool,
    /// The exchange goes with its last queue.
    pub exchange_auto_delete: bool,
    /// What the messages are sent with; decides to which queues they go.
    pub routing_key: String,
    /// The broker keeps the messages on disk.
    pub persistent: bool,
    /// The messages' MIME type.
    pub content_type: String,
    /// A message that no queue takes is dropped, and that is told. Otherwise it is sent again until a queue takes it.
    pub drop_unroutable: bool,
    /// Does nothing; hekad 0.11 has it too.
    pub serialize: bool,
    /// How a lost connection is made again.
    pub retries: Retries,
    /// How `amqps` is spoken.
    pub tls: TlsOptions,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            url: String::new(),
            exchange: String::new(),
            exchange_type: String::new(),
            exchange_durability: false,
            exchange_auto_delete: true,
            routing_key: String::new(),
            persistent: false,
            content_type: "application/hekad".into(),
            drop_unroutable: true,
            serialize: false,
            retries: Retries::default(),
            tls: TlsOptions::default(),
        }
    }
}

/// Sends each record as a message and waits until the broker has confirmed it. What is not confirmed is sent again, over a
/// new connection if need be.
///
/// A broker that is not there, or goes, is waited for as `retries` says.
pub struct AmqpOutput {
    config: Config,
    target: Target,
    log: Arc<dyn Log>,
    pace: Pace,
    /// `[x.retries]` allow no more.
    is_given_up: bool,
    link: Option<Link>,
    /// Why there is no link.
    trouble: String,
    /// Why the broker takes nothing now.
    blocked: Option<String>,
    in_flight: InFlight,
    /// Records of the batch at hand that the broker has, from the front.
    delivered: usize,
    complaint: Complaint,
}

impl OutputPlugin for AmqpOutput {
    type Config = Config;
    const NAME: &'static str = "AMQPOutput";
    const DEFAULTS: OutputDefaults = OutputDefaults {
        encoder: Some("ProtobufEncoder"),
        frames_always: true,
        outlives_process: true,
        never_rejects: true,
        ..OutputDefaults::USUAL
    };
    const NEEDS_ENCODER: Option<&'static str> = Some("Encoder required.");

    fn open(config: Config, context: &Context) -> Result<AmqpOutput, ConfigError> {
        let target = Target::new(&config.url, &config.tls, context).map_err(ConfigError::Init)?;
        for (key, name) in [
            ("exchange", &config.exchange),
            ("exchange_type", &config.exchange_type),
            ("routing_key", &config.routing_key),
            ("content_type", &config.content_type),
        ] {
            check_name(key, name).map_err(ConfigError::Init)?;
        }
        Ok(AmqpOutput {
            target,
            log: context.log.clone(),
            pace: Pace::new(&config.retries).map_err(ConfigError::Init)?,
            is_given_up: false,
            link: None,
            trouble: String::new(),
            blocked: None,
            in_flight: InFlight::default(),
            delivered: 0,
            complaint: Complaint::default(),
            config,
        })
    }
}

impl Output for AmqpOutput {
    fn send(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError> {
        self.in_flight.align(batch, std::mem::take(&mut self.delivered));
        self.look();
        self.connect(stop)?;
        self.publish(batch);
        let result = self.await_confirms(stop);
        self.delivered = self.in_flight.done_in_front();
        result
    }

    fn delivered(&self) -> usize {
        self.delivered
    }

    fn idle(&mut self, _: i64) -> Result<(), SendError> {
        // A connection that is dead is better known before it is needed.
        self.look();
        Ok(())
    }

    fn stop(&mut self) {
        if let Some(link) = self.link.take() {
            link.close(LAST_WAIT);
        }
    }
}

impl AmqpOutput {
    /// Takes what the broker has said, without waiting.
    fn look(&mut self) {
        while let Some(event) = self.link.as_mut().and_then(|link| link.next(Duration::ZERO)) {
            self.hear(event);
        }
    }

    /// Connects, if need be and not too early.
    fn connect(&mut self, stop: &Stop) -> Result<(), SendError> {
        if self.link.is_some() {
            return Ok(());
        }
        if self.is_given_up {
            return Err(SendError::Fatal("Max retries exceeded".into()));
        }
        if !self.pace.left().is_zero() {
            return Err(SendError::Retry(self.trouble.clone()));
        }
        match self.open_link(stop) {
            Ok(link) => {
                self.link = Some(link);
                Ok(())
            }
            Err(LinkError::Stopped) => Err(SendError::Retry(String::new())),
            Err(LinkError::Failed(why)) => {
                self.trouble = why;
                if self.pace.failed() {
                    Err(SendError::Retry(self.trouble.clone()))
                } else {
                    self.log.error(&self.trouble);
                    Err(SendError::Fatal("Max retries exceeded".into()))
                }
            }
        }
    }

    fn open_link(&mut self, stop: &Stop) -> Result<Link, LinkError> {
        let config = &self.config;
        let mut link = Link::open(&self.target, stop)?;
        if !config.exchange.is_empty() {
            let declare = Outgoing::ExchangeDeclare {
                exchange: &config.exchange,
                kind: &config.exchange_type,
                durable: config.exchange_durability,
                auto_delete: config.exchange_auto_delete,
            };
            link.call(&declare, stop)?;
        }
        link.call(&Outgoing::ConfirmSelect, stop)?;
        self.in_flight.forget_sent();
        self.blocked = None;
        Ok(link)
    }

    /// Sends what was not sent on this connection.
    fn publish(&mut self, batch: &[Record<'_>]) {
        let Some(link) = &mut self.link else { return };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let properties = Properties {
            content_type: &self.config.content_type,
            kind: "",
            persistent: self.config.persistent,
            timestamp_s: now.as_secs(),
        };
        let method =
            Outgoing::Publish { exchange: &self.config.exchange, routing_key: &self.config.routing_key };
        for record in self.in_flight.take_unsent(batch) {
            link.publish(&method, &properties, record.bytes);
        }
        link.flush();
    }

    /// Waits until all is confirmed.
    fn await_confirms(&mut self, stop: &Stop) -> Result<(), SendError> {
        let mut until = Instant::now() + PATIENCE;
        while !self.in_flight.is_done() {
            if self.in_flight.is_settled() {
                return Err(SendError::Retry(self.in_flight.take_refusal()));
            }
            if stop.is_requested() {
                return Err(SendError::Retry(String::new()));
            }
            let Some(link) = &mut self.link else { return Err(SendError::Retry(self.trouble.clone())) };
            match link.next(STOP_CHECK) {
                Some(event) => {
                    let before = self.in_flight.left();
                    self.hear(event);
                    if self.in_flight.left() != before {
                        until = Instant::now() + PATIENCE;
                        self.pace.worked();
                    }
                }
                None if Instant::now() < until => {}
                None => {
                    return Err(SendError::Retry(match &self.blocked {
                        Some(why) => format!("{} takes no messages now: {why}", self.target),
                        None => format!("{} does not confirm what is sent to it", self.target),
                    }));
                }
            }
        }
        Ok(())
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Said(Incoming::Confirm { tag, multiple, taken }) => {
                self.in_flight.settle(tag, multiple, taken);
            }
            Event::Brought(content) => {
                let Incoming::Return { code, text } = content.method else { return };
                let why = format!(
                    "no queue takes what is sent to exchange '{}' with routing key '{}': {}",
                    self.config.exchange,
                    self.config.routing_key,
                    exception(code, &text)
                );
                if self.config.drop_unroutable {
                    if self.complaint.is_due(&why) {
                        self.log.error(&format!("messages dropped: {why}"));
                    }
                } else {
                    self.in_flight.note_returned(&content.body, why);
                }
            }
            Event::Said(Incoming::Blocked { reason }) => self.blocked = Some(reason),
            Event::Said(Incoming::Unblocked) => self.blocked = None,
            Event::Said(_) => {}
            Event::Closed(why) => {
                self.link = None;
                self.in_flight.forget_sent();
                self.trouble = format!("connection to {} lost: {why}", self.target);
                // One that is refused as soon as it is used would be made again and again.
                self.is_given_up = !self.pace.failed();
                if self.complaint.is_due(&self.trouble) && self.in_flight.is_done() {
                    self.log.info(&self.trouble);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
