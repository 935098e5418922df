//! Sends each record to a topic of Kafka.

mod config;
mod flight;
mod producer;
mod spread;
mod variable;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use heka_plugin::output::OutputPlugin;
use heka_plugin::report::{ReportRow, row};
use heka_plugin::{
    ConfigError, Context, Output, OutputDefaults, Pace, PluginDef, Record, SendError, Stop, registry,
};
use rdkafka::ClientConfig;
use rdkafka::error::RDKafkaErrorCode as Code;

pub use self::config::Config;
use self::config::Partitioner;
use self::flight::{Fate, Flight, Reason, Verdict};
use self::producer::{HandOver, Outgoing, Producer};
use self::variable::Variable;

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<KafkaOutput>();

/// How long the brokers may be silent before that is told; they are waited for all the same.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same while the client tells of trouble.
const TROUBLED_PATIENCE: Duration = Duration::from_secs(1);
/// After so long without a report they are asked for less often.
const BRISK: Duration = Duration::from_millis(50);
/// Of a rejected record so much is logged.
const SHOWN: usize = 1000;

/// Sends each record to a topic of Kafka. A batch is done when the brokers have acknowledged each of its records as
/// `required_acks` asks; until then it stays in hekad's queue. While brokers are away the client keeps trying, so that what
/// was on its way is not sent a second time; hekad tells why once a minute.
///
/// A record that the brokers will never take is rejected with a line that says why: one that is too large, one whose
/// topic has an impossible name, and, with `topic_variable`, one whose topic does not exist and is not made. With a fixed
/// `topic` a missing topic holds the output until it is there.
pub struct KafkaOutput {
    setup: ClientConfig,
    partitioner: Partitioner,
    /// `Err`: the topic is taken from each message.
    topic: Result<String, Variable>,
    key: Option<Variable>,
    record_size_max: usize,
    pace: Pace,
    /// `None`: it has to be made, again after an error that ended it.
    producer: Option<Producer>,
    flight: Flight,
    delivered: usize,
    acknowledged: u64,
    rejected: u64,
}

/// A record's topic and key.
type Address<'r> = (Cow<'r, str>, Option<Cow<'r, [u8]>>);

/// Why a wait for reports ended.
enum Waited {
    Answered,
    Stopped,
    InVain,
}

impl OutputPlugin for KafkaOutput {
    type Config = Config;
    const NAME: &'static str = "KafkaOutput";
    const DEFAULTS: OutputDefaults = OutputDefaults {
        restarts: true,
        reads_message: true,
        outlives_process: true,
        encode_error: Some(""),
        ..OutputDefaults::USUAL
    };
    const NEEDS_ENCODER: Option<&'static str> = Some("Encoder required.");

    fn open(config: Config, context: &Context) -> Result<KafkaOutput, ConfigError> {
        let plan = config.plan(context)?;
        let mut output = KafkaOutput {
            setup: plan.client,
            partitioner: plan.partitioner,
            topic: plan.topic,
            key: plan.key,
            record_size_max: plan.record_size_max,
            pace: pace(&config),
            producer: None,
            flight: Flight::default(),
            delivered: 0,
            acknowledged: 0,
            rejected: 0,
        };
        if !context.only_check {
            output.producer().map_err(ConfigError::Init)?;
        }
        Ok(output)
    }
}

impl Output for KafkaOutput {
    fn send(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError> {
        self.delivered = 0;
        // A batch that could not be finished comes again, but it is on its way already.
        if self.flight.is_empty() || !self.flight.is_of(batch.iter().map(|record| record.bytes)) {
            if let Some(producer) = &self.producer
                && self.flight.unanswered() > 0
            {
                // The engine has given the old one up.
                producer.forget();
            }
            self.flight.begin(batch.len());
        }
        loop {
            self.hand_over(batch, stop)?;
            match self.await_reports(stop) {
                Waited::Answered => {}
                Waited::Stopped => return Err(self.put_off(batch, String::new())),
                Waited::InVain => {
                    let why = self.silence();
                    return Err(self.put_off(batch, why));
                }
            }
            if let Some(result) = self.judge(batch) {
                return result;
            }
        }
    }

    fn delivered(&self) -> usize {
        self.delivered
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn stop(&mut self) {
        self.producer = None;
    }

    fn report(&self) -> Vec<ReportRow> {
        vec![
            row("ProcessMessageCount", self.acknowledged + self.rejected, "count"),
            row("KafkaDroppedMessages", self.rejected, "count"),
        ]
    }
}

impl KafkaOutput {
    fn producer(&mut self) -> Result<&mut Producer, String> {
        let producer = match self.producer.take() {
            Some(producer) => producer,
            None => Producer::new(&self.setup, self.partitioner)?,
        };
        Ok(self.producer.insert(producer))
    }

    /// Hands the client what is waiting.
    fn hand_over(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError> {
        self.producer().map_err(SendError::Retry)?;
        while let Some((place, token)) = self.flight.next() {
            let Some(record) = batch.get(place) else { break };
            let (topic, key) = match self.address(record) {
                Ok(address) => address,
                Err(why) => {
                    self.flight.hopeless(place, why);
                    continue;
                }
            };
            let Some(producer) = &self.producer else { break };
            let outgoing = Outgoing { topic: &topic, key: key.as_deref(), value: record.bytes, token };
            match producer.hand_over(&outgoing) {
                HandOver::Taken => self.flight.sent(place),
                HandOver::Refused(code) => self.flight.refused(place, code),
                // What is on its way is waited for with patience; then there is room.
                HandOver::Full if stop.is_requested() || self.flight.unanswered() > 0 => break,
                HandOver::Full => {
                    // All that the client has is of a batch that was given up.
                    producer.forget();
                    producer.poll(Duration::from_millis(10));
                    self.collect();
                }
            }
        }
        Ok(())
    }

    /// The topic and the key of a record.
    fn address<'r>(&'r self, record: &Record<'r>) -> Result<Address<'r>, String> {
        let topic = match &self.topic {
            Ok(topic) => Cow::Borrowed(topic.as_str()),
            Err(variable) => match variable.text(&record.message) {
                Cow::Borrowed(text) => String::from_utf8_lossy(text),
                Cow::Owned(text) => Cow::Owned(String::from_utf8_lossy(&text).into_owned()),
            },
        };
        if !config::is_topic_name(&topic) {
            return Err(self.complaint(&format!("'{topic}' is not the name of a topic"), record.bytes));
        }
        let key = self.key.as_ref().map(|variable| variable.text(&record.message));
        let size = record.bytes.len() + key.as_ref().map_or(0, |key| key.len());
        if size > self.record_size_max {
            let why = format!("its {size} bytes are more than max_message_bytes, {}", self.record_size_max);
            return Err(self.complaint(&why, record.bytes));
        }
        Ok((topic, key))
    }

    fn complaint(&self, why: &str, record: &[u8]) -> String {
        let shown = String::from_utf8_lossy(&record[..record.len().min(SHOWN)]);
        let more = if record.len() > SHOWN { "..." } else { "" };
        format!("kafka error '{why}' for message '{shown}{more}'")
    }

    /// Takes the client's reports; returns whether there were any.
    fn collect(&mut self) -> bool {
        let Some(producer) = &self.producer else { return false };
        let mut any = false;
        for (token, result) in producer.reports() {
            any |= self.flight.report(token, result);
        }
        any
    }

    fn await_reports(&mut self, stop: &Stop) -> Waited {
        let mut heard = Instant::now();
        while self.flight.unanswered() > 0 {
            if stop.is_requested() {
                return Waited::Stopped;
            }
            let Some(producer) = &self.producer else { return Waited::InVain };
            let is_brisk = heard.elapsed() < BRISK;
            producer.poll(Duration::from_millis(if is_brisk { 1 } else { 20 }));
            let patience = match producer.trouble() {
                Some(_) => TROUBLED_PATIENCE,
                None => PATIENCE,
            };
            if self.collect() {
                heard = Instant::now();
            } else if heard.elapsed() > patience {
                return Waited::InVain;
            }
        }
        Waited::Answered
    }

    /// Why the brokers are silent, as far as is known.
    fn silence(&mut self) -> String {
        match self.producer.as_ref().and_then(Producer::trouble) {
            Some(trouble) => format!("no acknowledgement, trying on: {trouble}"),
            None => "no acknowledgement yet, waiting".into(),
        }
    }

    /// Leaves the rest of the batch for another call.
    fn put_off(&mut self, batch: &[Record<'_>], why: String) -> SendError {
        self.flight.remember(batch.iter().map(|record| record.bytes));
        self.delivered = self.flight.take_off();
        self.acknowledged += self.delivered as u64;
        SendError::Retry(why)
    }

    /// What the call comes to, now that every record is answered; `None`: there is more to hand over.
    fn judge(&mut self, batch: &[Record<'_>]) -> Option<Result<(), SendError>> {
        let is_from_message = self.topic.is_err();
        let verdict = self.flight.verdict(|code| fate(code, is_from_message));
        let gone = match &verdict {
            Verdict::Reject(index, _) => index + 1,
            Verdict::Retry(taken, _) => *taken,
            Verdict::Done | Verdict::GoOn => batch.len(),
        };
        self.flight.remember(batch.iter().skip(gone).map(|record| record.bytes));
        match verdict {
            Verdict::GoOn => None,
            Verdict::Done => {
                self.acknowledged += batch.len() as u64;
                if let Some(producer) = &self.producer {
                    producer.recovered();
                }
                Some(Ok(()))
            }
            Verdict::Reject(index, reason) => {
                self.acknowledged += index as u64;
                self.rejected += 1;
                let why = match reason {
                    Reason::Text(why) => why,
                    Reason::Code(code) => {
                        let bytes = batch.get(index).map_or(&b""[..], |record| record.bytes);
                        self.complaint(&producer::words(code), bytes)
                    }
                };
                Some(Err(SendError::Reject { index, why }))
            }
            Verdict::Retry(taken, code) => {
                self.delivered = taken;
                self.acknowledged += taken as u64;
                let mut why = producer::words(code);
                if let Some(fatal) = self.producer.as_ref().and_then(Producer::fatal) {
                    // Such a client does nothing more.
                    why = fatal;
                    self.producer = None;
                    self.flight.start_over();
                }
                Some(Err(SendError::Retry(format!("kafka error '{why}', trying again"))))
            }
        }
    }
}

/// Small batches wait for more records, if the options ask for that.
fn pace(config: &Config) -> Pace {
    if config.max_buffered_bytes <= 1 {
        return Pace::USUAL;
    }
    let bytes = usize::try_from(config.max_buffered_bytes).unwrap_or(usize::MAX);
    Pace {
        batch_bytes: bytes.min(Pace::USUAL.batch_bytes),
        linger: Duration::from_millis(config.max_buffer_time.into()),
        ..Pace::USUAL
    }
}

/// Whether a failure may pass. `is_from_message`: the topic was named by the message, so that it is the message's fault if
/// there is none.
fn fate(code: Code, is_from_message: bool) -> Fate {
    match code {
        Code::MessageSizeTooLarge
        | Code::InvalidMessageSize
        | Code::InvalidTopic
        | Code::InvalidTimestamp
        | Code::InvalidRecord
        | Code::MessageBatchTooLarge => Fate::Never,
        Code::UnknownTopic
        | Code::UnknownTopicOrPartition
        | Code::UnknownPartition
        | Code::TopicAuthorizationFailed
            if is_from_message =>
        {
            Fate::Never
        }
        _ => Fate::Again,
    }
}

#[cfg(test)]
mod tests;
