//! Takes messages from a queue of an AMQP broker.

use std::time::{Duration, Instant};

use heka_plugin::input::InputPlugin;
use heka_plugin::{
    ConfigError, Context, Deliverer, Inlet, Input, InputDefaults, PluginDef, PluginError, Receipt, Stop,
    registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::amqp_client::content::Content;
use crate::amqp_client::{Event, Incoming, Link, LinkError, Outgoing, Pace, Retries, Target, check_name};
use crate::complaint::Complaint;
use crate::tls::TlsOptions;

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<AmqpInput>();

/// How late a stop is heard.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// How long a stop waits for the queue, and for the broker to hear the last acknowledgement.
const LAST_WAIT: Duration = Duration::from_secs(2);
/// A connection that lasts so long was a good one.
const STEADY_TIME: Duration = Duration::from_secs(10);
/// The most messages that wait in memory when there is no `prefetch_count`.
const PREFETCH_MAX: u16 = 1000;

/// Takes messages from a queue of an AMQP broker such as RabbitMQ.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "amqp.AMQPInputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// The broker: `amqp://user:password@host:port/vhost`, or `amqps` for TLS. What is left out is `guest`, `guest`,
    /// `localhost`, 5672 (5671 for TLS) and `/`.
    #[serde(rename = "url|URL")]
    pub url: String,
    /// The exchange that the queue is bound to. If empty, none is declared and nothing bound: a queue gets what is sent to its
    /// name.
    pub exchange: String,
    /// `direct`, `fanout`, `topic`, `headers`, or what else the broker has.
    pub exchange_type: String,
    /// The exchange outlives the broker.
    pub exchange_durability: bool,
    /// The exchange goes with its last queue.
    pub exchange_auto_delete: bool,
    /// Which messages of the exchange come to the queue.
    pub routing_key: String,
    /// So many messages are sent ahead of acknowledgements; 0 is 1000.
    pub prefetch_count: i64,
    /// The queue; if empty the broker makes up a name.
    pub queue: String,
    /// The queue is declared and bound.
    pub bind_queue: bool,
    /// The queue outlives the broker.
    pub queue_durability: bool,
    /// The queue is for this connection only and ends with it; there is no other consumer.
    pub queue_exclusive: bool,
    /// The queue goes with its last consumer.
    pub queue_auto_delete: bool,
    /// Milliseconds that a message may stay in the queue; -1: there is no limit.
    #[serde(rename = "queue_ttl|QueueTTL")]
    pub queue_ttl: i32,
    /// Nothing is declared or bound: all is there. `prefetch_count` does not count, but is 1000.
    pub read_only: bool,
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
            prefetch_count: 2,
            queue: String::new(),
            bind_queue: true,
            queue_durability: false,
            queue_exclusive: false,
            queue_auto_delete: true,
            queue_ttl: -1,
            read_only: false,
            retries: Retries::default(),
            tls: TlsOptions::default(),
        }
    }
}

/// Takes messages from a queue; each goes through the splitter by itself. A message is acknowledged when hekad's own queue
/// holds it, so that the broker sends it again if hekad dies before.
///
/// A broker that is not there, or goes, is waited for as `retries` says. The messages have Type `amqp`.
pub struct AmqpInput {
    config: Config,
    target: Target,
    prefetch_count: u16,
    pace: Pace,
    complaint: Complaint,
    /// A failure was told of, and not yet that it is over.
    is_troubled: bool,
}

/// Why a session has ended.
enum End {
    /// The connection.
    Link(String),
    /// hekad stops.
    Stopped,
    /// hekad's queue takes nothing more.
    Queue(PluginError),
}

impl From<LinkError> for End {
    fn from(error: LinkError) -> End {
        match error {
            LinkError::Stopped => End::Stopped,
            LinkError::Failed(why) => End::Link(why),
        }
    }
}

impl InputPlugin for AmqpInput {
    type Config = Config;
    const NAME: &'static str = "AMQPInput";
    const DEFAULTS: InputDefaults = InputDefaults::USUAL;

    fn open(config: Config, context: &Context) -> Result<AmqpInput, ConfigError> {
        let target = Target::new(&config.url, &config.tls, context).map_err(ConfigError::Init)?;
        for (key, name) in [
            ("exchange", &config.exchange),
            ("exchange_type", &config.exchange_type),
            ("routing_key", &config.routing_key),
            ("queue", &config.queue),
        ] {
            check_name(key, name).map_err(ConfigError::Init)?;
        }
        let wanted = u16::try_from(config.prefetch_count)
            .map_err(|_| ConfigError::Init(format!("`prefetch_count` must be from 0 to {}.", u16::MAX)))?;
        Ok(AmqpInput {
            target,
            prefetch_count: if wanted == 0 || config.read_only { PREFETCH_MAX } else { wanted },
            pace: Pace::new(&config.retries).map_err(ConfigError::Init)?,
            complaint: Complaint::default(),
            is_troubled: false,
            config,
        })
    }
}

impl Input for AmqpInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let mut deliverer = inlet.deliverer("").map_err(PluginError::Run)?;
        deliverer.set_decorator(Box::new(|pack| pack.message_mut().msg_type = Some("amqp".into())));
        deliverer.swallow_long_tails();
        loop {
            let why = match self.session(inlet, deliverer.as_mut(), stop) {
                End::Stopped => return Ok(()),
                End::Queue(error) => return Err(error),
                End::Link(why) => why,
            };
            if self.complaint.is_due(&why) {
                inlet.log_error(&why);
                self.is_troubled = true;
            }
            if !self.pace.failed() {
                return Err(PluginError::run("Max retries exceeded"));
            }
            if stop.wait(self.pace.left()) {
                return Ok(());
            }
        }
    }
}

impl AmqpInput {
    /// Connects and takes messages until something ends that.
    fn session(&mut self, inlet: &dyn Inlet, deliverer: &mut dyn Deliverer, stop: &Stop) -> End {
        let (mut link, queue) = match self.subscribe(stop) {
            Ok(subscribed) => subscribed,
            Err(end) => return end,
        };
        if std::mem::take(&mut self.is_troubled) {
            inlet.log_info(&format!("connected to {}", self.target));
        }
        let began = Instant::now();
        let mut unacknowledged = None;
        let end = self.take(&mut link, &queue, inlet, deliverer, stop, &mut unacknowledged);
        if let (End::Stopped, Some((tag, receipt))) = (&end, unacknowledged)
            && receipt.wait(LAST_WAIT)
        {
            link.tell(&Outgoing::AckUpTo { tag });
        }
        link.close(LAST_WAIT);
        if began.elapsed() > STEADY_TIME {
            self.pace.worked();
        }
        end
    }

    /// Connects and becomes a consumer; gives the queue's name.
    fn subscribe(&self, stop: &Stop) -> Result<(Link, String), End> {
        let config = &self.config;
        let mut link = Link::open(&self.target, stop)?;
        let mut queue = config.queue.clone();
        let declares = !config.read_only;
        if declares && !config.exchange.is_empty() {
            let declare = Outgoing::ExchangeDeclare {
                exchange: &config.exchange,
                kind: &config.exchange_type,
                durable: config.exchange_durability,
                auto_delete: config.exchange_auto_delete,
            };
            link.call(&declare, stop)?;
        }
        if declares && config.bind_queue {
            let declare = Outgoing::QueueDeclare {
                queue: &queue,
                durable: config.queue_durability,
                exclusive: config.queue_exclusive,
                auto_delete: config.queue_auto_delete,
                ttl_ms: (config.queue_ttl != -1).then_some(config.queue_ttl),
            };
            if let Incoming::QueueDeclareOk { queue: named } = link.call(&declare, stop)? {
                queue = named;
            }
            if !config.exchange.is_empty() {
                let (exchange, routing_key) = (&config.exchange, &config.routing_key);
                link.call(&Outgoing::QueueBind { queue: &queue, exchange, routing_key }, stop)?;
            }
        }
        link.call(&Outgoing::Qos { prefetch_count: self.prefetch_count }, stop)?;
        let consume = Outgoing::Consume { queue: &queue, exclusive: config.queue_exclusive };
        match link.call(&consume, stop) {
            Ok(_) => Ok((link, queue)),
            Err(LinkError::Failed(why)) => {
                Err(End::Link(format!("Cannot consume from queue {queue}: {why}")))
            }
            Err(stopped) => Err(stopped.into()),
        }
    }

    /// Takes messages. `unacknowledged` is the last one that was taken, until it is acknowledged.
    fn take(
        &mut self,
        link: &mut Link,
        queue: &str,
        inlet: &dyn Inlet,
        deliverer: &mut dyn Deliverer,
        stop: &Stop,
        unacknowledged: &mut Option<(u64, Receipt)>,
    ) -> End {
        let closed = |why: &str| End::Link(format!("Channel closed while reading from queue {queue}: {why}"));
        while !stop.is_requested() {
            let wait = if unacknowledged.is_some() { Duration::ZERO } else { STOP_CHECK };
            match link.next(wait) {
                Some(Event::Brought(content)) => {
                    let Incoming::Deliver { tag } = content.method else { continue };
                    match deliver(deliverer, &content, inlet) {
                        Ok(receipt) => *unacknowledged = Some((tag, receipt)),
                        Err(error) => return End::Queue(error),
                    }
                    self.pace.worked();
                }
                Some(Event::Said(Incoming::Cancel)) => return closed("the queue is gone"),
                Some(Event::Said(_)) => {}
                Some(Event::Closed(why)) => return closed(&why),
                None => {
                    // Nothing more has come: the broker may wait for this.
                    if let Some((tag, receipt)) = unacknowledged
                        && receipt.wait(STOP_CHECK)
                    {
                        link.tell(&Outgoing::AckUpTo { tag: *tag });
                        *unacknowledged = None;
                    }
                }
            }
            if let Some((tag, _)) = unacknowledged.take_if(|(_, receipt)| receipt.is_held()) {
                link.tell(&Outgoing::AckUpTo { tag });
            }
        }
        End::Stopped
    }
}

/// Brings a message into the pipeline. One that the splitter makes nothing of is told, and done with.
fn deliver(
    deliverer: &mut dyn Deliverer,
    content: &Content,
    inlet: &dyn Inlet,
) -> Result<Receipt, PluginError> {
    let (pushed, left) = if deliverer.takes_whole_reads() {
        (deliverer.push_whole(&content.body)?, 0)
    } else {
        let pushed = deliverer.push(&content.body)?;
        let left = deliverer.pending();
        let finished = deliverer.finish()?;
        deliverer.reset();
        let left = if finished.records > 0 { 0 } else { left };
        (heka_plugin::Pushed { records: pushed.records + finished.records, ..finished }, left)
    };
    let kind = &content.kind;
    if pushed.records == 0 {
        inlet.log_error(&format!("processing message of type {kind}: no records"));
    } else if left > 0 {
        inlet.log_error(&format!("extra data in message of type {kind} dropped"));
    }
    Ok(pushed.receipt)
}

#[cfg(test)]
mod tests;
