//! The life of one client: it reads, hands over, and saves how far it came.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use heka_message::Field;
use heka_plugin::input::Decorator;
use heka_plugin::report::row;
use heka_plugin::{Deliverer, Inlet, PluginError, Receipt, Stop};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::checkpoint::{self, Checkpoint};
use super::config::{Source, Start};
use super::listener::{Listener, list};

/// How long a wait for messages lasts, and so how late a stop is heard.
const WAIT: Duration = Duration::from_millis(100);
/// Offsets are committed no more often than this: after a kill the group repeats so much.
const COMMIT_EVERY: Duration = Duration::from_millis(500);
/// The same for a checkpoint file.
const NOTE_EVERY: Duration = Duration::from_millis(100);
/// A partition that is not there is looked for again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// At the end the queue, and then the brokers, are waited for as long as this.
const LAST_WAIT: Duration = Duration::from_secs(5);
/// More messages than these do not wait for the queue to hold them.
const PENDING_MAX: usize = 20_000;

/// Why a session ended before it was asked to.
pub(super) enum End {
    /// The client cannot go on; another one may.
    Client(String),
    /// hekad takes nothing more.
    Engine(PluginError),
}

/// Where a message comes from: what becomes of its record's fields.
#[derive(Default)]
pub(super) struct Origin {
    key: Vec<u8>,
    topic: String,
    partition: i32,
    offset: i64,
}

/// What a message of the input gets.
pub(super) fn decorator(origin: Arc<Mutex<Origin>>, hostname: String) -> Decorator {
    Box::new(move |pack| {
        let origin = origin.lock().unwrap_or_else(PoisonError::into_inner);
        let message = pack.message_mut();
        message.msg_type = Some("heka.kafka".into());
        message.hostname = Some(hostname.as_str().into());
        message.add_field(Field::bytes("Key", "", origin.key.as_slice()));
        message.add_field(Field::string("Topic", "", origin.topic.as_str()));
        message.add_field(Field::integer("Partition", "", origin.partition.into()));
        message.add_field(Field::integer("Offset", "", origin.offset));
    })
}

/// Messages so far, for the report.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) messages: u64,
    pub(super) failures: u64,
}

/// What a session works with.
pub(super) struct Session<'a> {
    pub(super) source: &'a Source,
    pub(super) message_size_max: Option<usize>,
    pub(super) inlet: &'a dyn Inlet,
    pub(super) deliverer: &'a mut dyn Deliverer,
    pub(super) origin: &'a Mutex<Origin>,
    pub(super) counts: &'a mut Counts,
    pub(super) consumer: BaseConsumer<Listener>,
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) saved_at: Instant,
    pub(super) reported_at: Instant,
    /// When a partition that was not there is looked for.
    pub(super) look_at: Option<Instant>,
    /// The offset behind the last message of the one partition that is read; also the next session goes on there.
    pub(super) next: &'a mut Option<i64>,
}

/// A client with the source that it is to read.
///
/// # Errors
/// The properties do not go together.
pub(super) fn consumer(setup: &ClientConfig) -> Result<BaseConsumer<Listener>, String> {
    setup.create_with_context(Listener::default()).map_err(|error| match error {
        KafkaError::ClientCreation(why) => why,
        other => other.to_string(),
    })
}

impl Session<'_> {
    /// Reads until it is asked to stop.
    ///
    /// # Errors
    /// See [`End`].
    pub(super) fn run(&mut self, stop: &Stop) -> Result<(), End> {
        self.begin()?;
        let result = self.read(stop);
        self.finish();
        result
    }

    fn begin(&mut self) -> Result<(), End> {
        let client = |error: KafkaError| End::Client(error.to_string());
        match self.source {
            Source::Group { topic } => self.consumer.subscribe(&[topic]).map_err(client),
            Source::Partition { start, checkpoint, .. } => {
                let offset = match (*self.next, start) {
                    (Some(next), _) => Offset::Offset(next),
                    (None, Start::Newest) => Offset::End,
                    (None, Start::Oldest) => Offset::Beginning,
                    (None, Start::Manual) => match checkpoint::read(checkpoint).map_err(End::Client)? {
                        Some(offset) if offset >= 0 => Offset::Offset(offset),
                        _ => Offset::Beginning,
                    },
                };
                self.assign(offset)
            }
        }
    }

    fn assign(&self, offset: Offset) -> Result<(), End> {
        let Source::Partition { topic, partition, .. } = self.source else { return Ok(()) };
        let mut list = TopicPartitionList::new();
        let added = list.add_partition_offset(topic, *partition, offset);
        let assigned = added.and_then(|()| self.consumer.assign(&list));
        assigned.map_err(|error| End::Client(error.to_string()))
    }

    fn read(&mut self, stop: &Stop) -> Result<(), End> {
        while !stop.is_requested() {
            let failed = match self.consumer.poll(WAIT) {
                None => None,
                Some(Err(error)) => Some(error),
                Some(Ok(message)) => {
                    let listener = self.consumer.context();
                    let size_max = self.message_size_max;
                    take(&message, size_max, self.deliverer, self.origin, self.counts, listener)
                        .map_err(End::Engine)?;
                    *self.next = Some(message.offset() + 1);
                    None
                }
            };
            if let Some(error) = failed {
                self.misfortune(&error)?;
            }
            self.see_to_duties();
            self.look_again()?;
        }
        Ok(())
    }

    /// What a poll told instead of a message. The trouble of brokers is known already.
    fn misfortune(&mut self, error: &KafkaError) -> Result<(), End> {
        if let KafkaError::MessageConsumptionFatal(_) = error {
            let why = self.consumer.client().fatal_error().map_or_else(|| error.to_string(), |(_, why)| why);
            return Err(End::Client(why));
        }
        let Source::Partition { topic, partition, start, .. } = self.source else { return Ok(()) };
        match error.rdkafka_error_code() {
            Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => {
                let (from, offset) = match start {
                    Start::Newest => ("newest", Offset::End),
                    _ => ("oldest", Offset::Beginning),
                };
                let text = format!(
                    "the offset of topic {topic}, partition {partition} is not there any more; reading on from the {from}"
                );
                self.consumer.context().complain("offset", &text);
                *self.next = None;
                self.assign(offset)?;
            }
            Some(Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition) => {
                let text = format!("there is no partition {partition} of topic {topic} yet; waiting for it");
                self.consumer.context().complain("missing", &text);
                self.look_at = Some(Instant::now() + LOOK_AGAIN);
            }
            _ => {}
        }
        Ok(())
    }

    fn look_again(&mut self) -> Result<(), End> {
        if self.look_at.is_some_and(|at| at <= Instant::now()) {
            self.look_at = None;
            self.begin()?;
        }
        Ok(())
    }

    /// Logs, saves and reports what is due.
    fn see_to_duties(&mut self) {
        let pending = {
            let mut positions = self.consumer.context().positions();
            positions.settle();
            (positions.pending() > PENDING_MAX).then(|| positions.last_receipt()).flatten()
        };
        if let Some(receipt) = pending {
            receipt.wait(WAIT);
        }
        let every = if self.checkpoint.is_some() { NOTE_EVERY } else { COMMIT_EVERY };
        if self.saved_at.elapsed() >= every {
            self.saved_at = Instant::now();
            self.save();
            self.log();
        }
        if self.reported_at.elapsed() >= Duration::from_secs(1) {
            self.reported_at = Instant::now();
            self.report();
        }
    }

    fn log(&self) {
        for (is_error, text) in self.consumer.context().lines() {
            if is_error { self.inlet.log_error(&text) } else { self.inlet.log_info(&text) }
        }
    }

    fn report(&self) {
        self.inlet.leave_report(vec![
            row("ProcessMessageCount", self.counts.messages, "count"),
            row("ProcessMessageFailures", self.counts.failures, "count"),
        ]);
    }

    /// Saves what is held and not saved yet. Returns whether an answer of the brokers follows.
    fn save(&mut self) -> bool {
        let listener = self.consumer.context().clone();
        let unsaved = listener.positions().unsaved();
        if unsaved.is_empty() {
            return false;
        }
        if matches!(self.source, Source::Group { .. }) {
            // What is not taken is known by the answer.
            return match self.consumer.commit(&list(&unsaved), CommitMode::Async) {
                Ok(()) => {
                    listener.positions().saved(&unsaved);
                    true
                }
                Err(error) => {
                    listener.complain("commit", &format!("offsets cannot be committed: {error}"));
                    false
                }
            };
        }
        if let (Some(checkpoint), Some(position)) = (&mut self.checkpoint, unsaved.last()) {
            match checkpoint.write(position.offset) {
                Ok(()) => listener.positions().saved(&unsaved),
                Err(error) => {
                    listener.complain("checkpoint", &format!("checkpoint cannot be written: {error}"));
                }
            }
        } else {
            listener.positions().saved(&unsaved);
        }
        false
    }

    /// Waits for what was handed over, and saves it.
    fn finish(&mut self) {
        let listener = self.consumer.context().clone();
        listener.settle_within(LAST_WAIT);
        let answered = listener.commits();
        if self.save() {
            let deadline = Instant::now() + LAST_WAIT;
            // Messages that come now are left to whoever reads the partition next.
            while listener.commits() == answered && Instant::now() < deadline {
                drop(self.consumer.poll(Duration::from_millis(20)));
            }
        }
        if let Some(checkpoint) = &mut self.checkpoint
            && let Err(error) = checkpoint.sync()
        {
            self.inlet.log_error(&format!("checkpoint cannot be written: {error}"));
        }
        listener.close();
        self.log();
        self.report();
    }
}

/// Hands a message to the queue.
///
/// # Errors
/// hekad takes nothing more.
fn take(
    message: &BorrowedMessage<'_>,
    size_max: Option<usize>,
    deliverer: &mut dyn Deliverer,
    origin: &Mutex<Origin>,
    counts: &mut Counts,
    listener: &Listener,
) -> Result<(), PluginError> {
    let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
    let payload = message.payload().unwrap_or_default();
    counts.messages += 1;
    let mut fail = |kind: &str, why: &str| {
        counts.failures += 1;
        listener.complain(kind, &format!("processing message from topic {topic}: {why}"));
        Receipt::resolved()
    };
    let receipt = if size_max.is_some_and(|max| payload.len() > max) {
        let why =
            format!("skipped, its {} bytes are more than max_message_size (offset {offset})", payload.len());
        fail("size", &why)
    } else {
        {
            let mut origin = origin.lock().unwrap_or_else(PoisonError::into_inner);
            origin.key.clear();
            origin.key.extend_from_slice(message.key().unwrap_or_default());
            origin.topic.clear();
            origin.topic.push_str(topic);
            (origin.partition, origin.offset) = (partition, offset);
        }
        match deliverer.push_blob(payload) {
            Ok(pushed) if pushed.records > 0 => pushed.receipt,
            Ok(_) => fail("empty", "no records"),
            Err(error) if error.to_string() == "no records" => fail("empty", "no records"),
            Err(error) => return Err(error),
        }
    };
    listener.positions().add(topic, partition, offset + 1, receipt);
    Ok(())
}
