//! The client that sends.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext, PurgeConfig};

use super::config::Partitioner;
use super::spread::Spread;
use crate::kafka_client::Trouble;

/// What became of a record, by its token.
type Report = (usize, Result<(), Code>);

/// Hears what the client tells.
struct Listener {
    trouble: Trouble,
    reports: Mutex<Vec<Report>>,
    /// `None`: the client's own way is used.
    spread: Option<Spread>,
}

impl ClientContext for Listener {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.trouble.note(&error, reason);
    }
}

impl ProducerContext<Spread> for Listener {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, token: usize) {
        let result = match result {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(Code::Fail)),
        };
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).push((token, result));
    }

    fn get_custom_partitioner(&self) -> Option<&Spread> {
        self.spread.as_ref()
    }
}

/// A record and where it goes.
pub(super) struct Outgoing<'a> {
    pub(super) topic: &'a str,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: &'a [u8],
    pub(super) token: usize,
}

/// What the client says to a record.
pub(super) enum HandOver {
    /// It will report.
    Taken,
    /// It has too much already.
    Full,
    /// It does not send it.
    Refused(Code),
}

/// A client and the threads that it has.
pub(super) struct Producer {
    client: BaseProducer<Listener, Spread>,
}

impl Producer {
    /// Makes a client. It connects by itself.
    ///
    /// # Errors
    /// The properties do not go together.
    pub(super) fn new(setup: &ClientConfig, partitioner: Partitioner) -> Result<Producer, String> {
        let spread = match partitioner {
            Partitioner::Random => {
                let seed = heka_plugin::fresh_uuid();
                Some(Spread::random(u64::from_ne_bytes(seed.first_chunk().copied().unwrap_or_default())))
            }
            Partitioner::RoundRobin => Some(Spread::round_robin()),
            Partitioner::Hash => Some(Spread::Hash),
            Partitioner::Murmur2 => None,
        };
        let listener = Listener { trouble: Trouble::default(), reports: Mutex::default(), spread };
        let client = setup.create_with_context(listener).map_err(|error| match error {
            KafkaError::ClientCreation(why) => why,
            other => other.to_string(),
        })?;
        Ok(Producer { client })
    }

    /// Hands a record over. It is copied.
    pub(super) fn hand_over(&self, outgoing: &Outgoing<'_>) -> HandOver {
        let mut record = BaseRecord::with_opaque_to(outgoing.topic, outgoing.token).payload(outgoing.value);
        if let Some(key) = outgoing.key {
            record = record.key(key);
        }
        match self.client.send(record) {
            Ok(()) => HandOver::Taken,
            Err((error, _)) => match error.rdkafka_error_code() {
                Some(Code::QueueFull) => HandOver::Full,
                code => HandOver::Refused(code.unwrap_or(Code::Fail)),
            },
        }
    }

    /// Lets the client tell, for so long.
    pub(super) fn poll(&self, time: Duration) {
        self.client.poll(time);
    }

    /// What it reported since the last call.
    pub(super) fn reports(&self) -> Vec<Report> {
        let listener = self.client.context();
        std::mem::take(&mut *listener.reports.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives up what was handed over and is not on the wire.
    pub(super) fn forget(&self) {
        self.client.purge(PurgeConfig::default().queue());
    }

    /// What keeps it from sending.
    pub(super) fn trouble(&self) -> Option<String> {
        self.client.context().trouble.get()
    }

    /// Records have come through: what kept it is over.
    pub(super) fn recovered(&self) {
        self.client.context().trouble.clear();
    }

    /// What ended it.
    pub(super) fn fatal(&self) -> Option<String> {
        self.client.client().fatal_error().map(|(_, why)| why)
    }
}

/// An error in words.
pub(super) fn words(code: Code) -> String {
    let text = code.to_string();
    // `Code (words)`
    match text.split_once(" (") {
        Some((_, words)) => words.strip_suffix(')').unwrap_or(words).to_string(),
        None => text,
    }
}
