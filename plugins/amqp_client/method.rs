//! The protocol's methods, as far as the plugins need them.

use super::wire::{Malformed, Reader, Writer};

/// What the broker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// `connection.start`, with its mechanisms of authentication.
    Start { mechanisms: String },
    /// `connection.secure`
    Secure,
    /// `connection.tune`: seconds between heartbeats, and the largest frame; 0 is no limit.
    Tune { frame_max: u32, heartbeat_s: u16 },
    /// `connection.open-ok`
    OpenOk,
    /// `connection.close` or, with `channel`, `channel.close`.
    Close { channel: bool, code: u16, text: String },
    /// `connection.close-ok`
    CloseOk,
    /// `connection.blocked`: it takes no messages now.
    Blocked { reason: String },
    /// `connection.unblocked`
    Unblocked,
    /// `channel.flow`
    Flow { active: bool },
    /// `queue.declare-ok`, with the queue's name.
    QueueDeclareOk { queue: String },
    /// `channel.open-ok`, `exchange.declare-ok` and the like, which say nothing more.
    Done,
    /// `basic.cancel`: the consumer's queue is gone.
    Cancel,
    /// `basic.return`; the message follows.
    Return { code: u16, text: String },
    /// `basic.deliver`; the message follows.
    Deliver { tag: u64 },
    /// `basic.ack`, or with `taken` false `basic.nack`.
    Confirm { tag: u64, multiple: bool, taken: bool },
    /// Anything else.
    Other,
}

impl Incoming {
    /// Reads the payload of a method frame.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn read(payload: &[u8]) -> Result<Incoming, Malformed> {
        let reader = &mut Reader(payload);
        let method = (reader.short()?, reader.short()?);
        Ok(match method {
            (10, 10) => {
                reader.short()?;
                reader.long_string()?;
                Incoming::Start { mechanisms: String::from_utf8_lossy(reader.long_string()?).into_owned() }
            }
            (10, 20) => Incoming::Secure,
            (10, 30) => {
                reader.short()?;
                Incoming::Tune { frame_max: reader.long()?, heartbeat_s: reader.short()? }
            }
            (10, 41) => Incoming::OpenOk,
            (10, 50) | (20, 40) => Incoming::Close {
                channel: method.0 == 20,
                code: reader.short()?,
                text: reader.short_string()?,
            },
            (10, 51) => Incoming::CloseOk,
            (10, 60) => Incoming::Blocked { reason: reader.short_string()? },
            (10, 61) => Incoming::Unblocked,
            (20, 20) => Incoming::Flow { active: reader.octet()? & 1 == 1 },
            (20, 11 | 41) | (40, 11) | (50, 21) | (60, 11 | 21) | (85, 11) => Incoming::Done,
            (50, 11) => Incoming::QueueDeclareOk { queue: reader.short_string()? },
            (60, 30) => Incoming::Cancel,
            (60, 50) => Incoming::Return { code: reader.short()?, text: reader.short_string()? },
            (60, 60) => {
                reader.short_string()?;
                Incoming::Deliver { tag: reader.long_long()? }
            }
            (60, 80 | 120) => Incoming::Confirm {
                tag: reader.long_long()?,
                multiple: reader.octet()? & 1 == 1,
                taken: method.1 == 80,
            },
            _ => Incoming::Other,
        })
    }
}

/// What we say.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outgoing<'a> {
    /// `connection.start-ok` with mechanism PLAIN.
    StartOk { user: &'a str, password: &'a str },
    /// `connection.tune-ok`
    TuneOk { frame_max: u32, heartbeat_s: u16 },
    /// `connection.open`
    Open { vhost: &'a str },
    /// `connection.close`
    Close,
    /// `connection.close-ok`
    CloseOk,
    /// `channel.open`
    ChannelOpen,
    /// `channel.flow-ok`
    FlowOk { active: bool },
    /// `channel.close-ok`
    ChannelCloseOk,
    /// `exchange.declare`
    ExchangeDeclare { exchange: &'a str, kind: &'a str, durable: bool, auto_delete: bool },
    /// `queue.declare`; `ttl_ms` is the argument `x-message-ttl`.
    QueueDeclare { queue: &'a str, durable: bool, exclusive: bool, auto_delete: bool, ttl_ms: Option<i32> },
    /// `queue.bind`
    QueueBind { queue: &'a str, exchange: &'a str, routing_key: &'a str },
    /// `basic.qos` for each consumer.
    Qos { prefetch_count: u16 },
    /// `basic.consume`, to be acknowledged.
    Consume { queue: &'a str, exclusive: bool },
    /// `basic.publish`, mandatory; the message follows.
    Publish { exchange: &'a str, routing_key: &'a str },
    /// `basic.ack` of this delivery and those before it.
    AckUpTo { tag: u64 },
    /// `confirm.select`
    ConfirmSelect,
}

impl Outgoing<'_> {
    /// Writes the payload of a method frame.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let (class, method) = self.number();
        let mut writer = Writer(out);
        let writer = writer.short(class).short(method);
        match *self {
            Outgoing::StartOk { user, password } => {
                writer.sized(client_properties).short_string("PLAIN");
                writer.long_string(format!("\0{user}\0{password}").as_bytes()).short_string("en_US");
            }
            Outgoing::TuneOk { frame_max, heartbeat_s } => {
                writer.short(1).long(frame_max).short(heartbeat_s);
            }
            Outgoing::Open { vhost } => {
                writer.short_string(vhost).short_string("").octet(0);
            }
            Outgoing::Close => {
                writer.short(200).short_string("hekad stops").short(0).short(0);
            }
            Outgoing::CloseOk | Outgoing::ChannelCloseOk => {}
            Outgoing::ChannelOpen => {
                writer.short_string("");
            }
            Outgoing::FlowOk { active } => {
                writer.bits(&[active]);
            }
            Outgoing::ExchangeDeclare { exchange, kind, durable, auto_delete } => {
                writer.short(0).short_string(exchange).short_string(kind);
                writer.bits(&[false, durable, auto_delete, false, false]).sized(|_| ());
            }
            Outgoing::QueueDeclare { queue, durable, exclusive, auto_delete, ttl_ms } => {
                writer.short(0).short_string(queue).bits(&[false, durable, exclusive, auto_delete, false]);
                writer.sized(|table| {
                    if let Some(ttl_ms) = ttl_ms {
                        table.entry_number("x-message-ttl", ttl_ms);
                    }
                });
            }
            Outgoing::QueueBind { queue, exchange, routing_key } => {
                writer.short(0).short_string(queue).short_string(exchange).short_string(routing_key);
                writer.bits(&[false]).sized(|_| ());
            }
            Outgoing::Qos { prefetch_count } => {
                writer.long(0).short(prefetch_count).bits(&[false]);
            }
            Outgoing::Consume { queue, exclusive } => {
                writer.short(0).short_string(queue).short_string("");
                writer.bits(&[false, false, exclusive, false]).sized(|_| ());
            }
            Outgoing::Publish { exchange, routing_key } => {
                writer.short(0).short_string(exchange).short_string(routing_key).bits(&[true, false]);
            }
            Outgoing::AckUpTo { tag } => {
                writer.long_long(tag).bits(&[true]);
            }
            Outgoing::ConfirmSelect => {
                writer.bits(&[false]);
            }
        }
    }

    /// Class and method.
    fn number(&self) -> (u16, u16) {
        match self {
            Outgoing::StartOk { .. } => (10, 11),
            Outgoing::TuneOk { .. } => (10, 31),
            Outgoing::Open { .. } => (10, 40),
            Outgoing::Close => (10, 50),
            Outgoing::CloseOk => (10, 51),
            Outgoing::ChannelOpen => (20, 10),
            Outgoing::FlowOk { .. } => (20, 21),
            Outgoing::ChannelCloseOk => (20, 41),
            Outgoing::ExchangeDeclare { .. } => (40, 10),
            Outgoing::QueueDeclare { .. } => (50, 10),
            Outgoing::QueueBind { .. } => (50, 20),
            Outgoing::Qos { .. } => (60, 10),
            Outgoing::Consume { .. } => (60, 20),
            Outgoing::Publish { .. } => (60, 40),
            Outgoing::AckUpTo { .. } => (60, 80),
            Outgoing::ConfirmSelect => (85, 10),
        }
    }

    /// Whether it is about the connection and not about its channel.
    pub(super) fn is_for_connection(&self) -> bool {
        self.number().0 == 10
    }
}

/// Who we are, and that we understand the broker's extensions.
fn client_properties(table: &mut Writer<'_>) {
    table.entry_text("product", "hekad").entry_text("version", env!("CARGO_PKG_VERSION"));
    table.short_string("capabilities").octet(b'F').sized(|capabilities| {
        for name in [
            "authentication_failure_close",
            "basic.nack",
            "connection.blocked",
            "consumer_cancel_notify",
            "publisher_confirms",
        ] {
            capabilities.entry_truth(name, true);
        }
    });
}

/// The words of Heka for what a broker complains of.
pub(crate) fn exception(code: u16, text: &str) -> String {
    format!("Exception ({code}) Reason: {text:?}")
}
