//! Options of KafkaOutput and what they come to.

use heka_plugin::config::Pairs;
use heka_plugin::{ConfigError, Context};
use rdkafka::ClientConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use super::variable::Variable;
use crate::kafka_client::{Connection, Login, require};
use crate::tls::TlsOptions;

/// Records may have so many bytes when nothing is said: what brokers take by default.
const RECORD_SIZE_MAX: u32 = 1_000_000;

/// Publishes to topics of Kafka.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "kafka.KafkaOutputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Name of this client in the brokers' logs. Default: hekad's host name.
    pub id: String,
    /// Brokers to begin with, each `host:port`.
    pub addrs: Vec<String>,
    /// Accepted; metadata is asked for until it comes.
    pub metadata_retries: i64,
    /// Milliseconds between two tries while a partition has no leader.
    pub wait_for_election: u32,
    /// Milliseconds between two looks at the cluster's metadata; 0: only when needed.
    pub background_refresh_frequency: u32,
    /// TLS is spoken, as `[x.tls]` says.
    pub use_tls: bool,
    /// How TLS is spoken.
    pub tls: TlsOptions,
    /// How many requests may be under way on a connection. Default: 5 with `idempotence`, otherwise 1, so that records stay in
    /// order when a request is repeated.
    #[serde(rename = "max_open_reqests|MaxOpenRequests")]
    pub max_open_reqests: Option<i64>,
    /// The same option, spelt right.
    #[serde(rename = "max_open_requests|MaxOpenRequests")]
    pub max_open_requests: Option<i64>,
    /// Milliseconds that a connection may take to be made, at least 1000.
    pub dial_timeout: u32,
    /// Milliseconds that a broker may take for a reply; the larger of this and `write_timeout` counts.
    pub read_timeout: u32,
    /// See `read_timeout`.
    pub write_timeout: u32,
    /// Log in by `PLAIN` (the default if there is a user), `SCRAM-SHA-256` or `SCRAM-SHA-512`.
    pub sasl_mechanism: String,
    /// The user to log in as.
    pub sasl_username: String,
    /// Its password.
    pub sasl_password: String,
    /// How the partition is chosen: `Random`, `RoundRobin`, `Hash` (by `hash_variable`, as Heka and other programs in Go do)
    /// or `Murmur2` (by `hash_variable`, as programs in Java do).
    pub partitioner: String,
    /// What the key of a record is taken from: `Type`, `Logger`, `Hostname`, `Payload`, or `Fields[name]` with up to two
    /// indexes. Needed by, and only for, `Hash` and `Murmur2`.
    pub hash_variable: String,
    /// What the topic is taken from, as `hash_variable`. Either this or `topic` must be given.
    pub topic_variable: String,
    /// The topic.
    pub topic: String,
    /// When a record counts as delivered: `NoResponse` (once it is written to a socket; it may be lost), `WaitForLocal` (the
    /// partition's leader has it) or `WaitForAll` (all its replicas in sync have it).
    pub required_acks: String,
    /// A record is stored once even if a request is repeated, and the order is kept. Takes `WaitForAll`, with which it is the
    /// default.
    pub idempotence: Option<bool>,
    /// Milliseconds that the leader may wait for replicas.
    pub timeout: u32,
    /// `None`, `GZIP`, `Snappy`, `LZ4` or `ZSTD`.
    pub compression_codec: String,
    /// A batch smaller than `max_buffered_bytes` waits so many milliseconds for more records.
    pub max_buffer_time: u32,
    /// A batch of so many bytes is sent at once; more than 256 KiB count as 256 KiB. 0 and 1: nothing waits.
    pub max_buffered_bytes: u32,
    /// Accepted; hekad's queue on disk is what holds records back.
    pub back_pressure_threshold_bytes: u32,
    /// The largest record, with its key, in bytes; a larger one is rejected. 0: 1,000,000, which brokers take by default.
    pub max_message_bytes: u32,
    /// Properties of librdkafka, for what has no option here.
    pub properties: Pairs<String>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            id: String::new(),
            addrs: Vec::new(),
            metadata_retries: 3,
            wait_for_election: 250,
            background_refresh_frequency: 600_000,
            use_tls: false,
            tls: TlsOptions::default(),
            max_open_reqests: None,
            max_open_requests: None,
            dial_timeout: 60_000,
            read_timeout: 60_000,
            write_timeout: 60_000,
            sasl_mechanism: String::new(),
            sasl_username: String::new(),
            sasl_password: String::new(),
            partitioner: "Random".into(),
            hash_variable: String::new(),
            topic_variable: String::new(),
            topic: String::new(),
            required_acks: "WaitForLocal".into(),
            idempotence: None,
            timeout: 1000,
            compression_codec: "None".into(),
            max_buffer_time: 1,
            max_buffered_bytes: 1,
            back_pressure_threshold_bytes: 0,
            max_message_bytes: 0,
            properties: Pairs::default(),
        }
    }
}

/// How the partition is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Partitioner {
    Random,
    RoundRobin,
    Hash,
    Murmur2,
}

/// The options once they were checked.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) client: ClientConfig,
    pub(super) partitioner: Partitioner,
    pub(super) topic: Result<String, Variable>,
    pub(super) key: Option<Variable>,
    pub(super) record_size_max: usize,
}

impl Config {
    /// Checks the options.
    ///
    /// # Errors
    /// Heka's text.
    pub(super) fn plan(&self, context: &Context) -> Result<Plan, ConfigError> {
        let acks_all = self.required_acks == "WaitForAll";
        let idempotence = self.idempotence.unwrap_or(acks_all);
        let max_open = self.max_open_reqests.or(self.max_open_requests);
        let connection = Connection {
            id: &self.id,
            addrs: &self.addrs,
            metadata_retries: self.metadata_retries,
            wait_for_election: self.wait_for_election,
            background_refresh_frequency: self.background_refresh_frequency,
            max_open_requests: max_open.or(Some(if idempotence { 5 } else { 1 })),
            dial_timeout: self.dial_timeout,
            read_timeout: self.read_timeout,
            write_timeout: self.write_timeout,
            tls: self.use_tls.then_some(&self.tls),
            login: Login {
                mechanism: &self.sasl_mechanism,
                username: &self.sasl_username,
                password: &self.sasl_password,
            },
            properties: &self.properties,
        };
        connection.check_addrs()?;
        let mut client = connection.client_config(context)?;
        let (partitioner, key) = self.partitioner()?;
        let topic = self.topic()?;
        self.delivery(idempotence, &mut client)?;
        connection.check_numbers()?;
        require(self.timeout > 0, "Producer.Timeout must be > 0")?;
        if idempotence && max_open.is_some_and(|count| count > 5) {
            return Err(ConfigError::init("`idempotence` takes a `max_open_reqests` of at most 5"));
        }
        let record_size_max =
            if self.max_message_bytes == 0 { RECORD_SIZE_MAX } else { self.max_message_bytes };
        // A request holds many records; what it may have in all is not what one may have.
        let request = record_size_max.saturating_add(1000).clamp(RECORD_SIZE_MAX, 1_000_000_000);
        client.set("message.max.bytes", request.to_string());
        if partitioner == Partitioner::Murmur2 {
            client.set("partitioner", "murmur2");
        }
        connection.finish(&mut client)?;
        let record_size_max = usize::try_from(record_size_max).unwrap_or(usize::MAX);
        Ok(Plan { client, partitioner, topic, key, record_size_max })
    }

    fn partitioner(&self) -> Result<(Partitioner, Option<Variable>), ConfigError> {
        let partitioner = match self.partitioner.as_str() {
            "Random" => Partitioner::Random,
            "RoundRobin" => Partitioner::RoundRobin,
            "Hash" => Partitioner::Hash,
            "Murmur2" => Partitioner::Murmur2,
            other => return Err(ConfigError::Init(format!("invalid partitioner: {other}"))),
        };
        let takes_key = matches!(partitioner, Partitioner::Hash | Partitioner::Murmur2);
        match Variable::parse(&self.hash_variable) {
            variable @ Some(_) if takes_key => Ok((partitioner, variable)),
            None if takes_key => {
                Err(ConfigError::Init(format!("invalid hash_variable: {}", self.hash_variable)))
            }
            _ if self.hash_variable.is_empty() => Ok((partitioner, None)),
            _ => Err(ConfigError::Init(format!(
                "hash_variable should not be set for the {} partitioner",
                self.partitioner
            ))),
        }
    }

    fn topic(&self) -> Result<Result<String, Variable>, ConfigError> {
        if self.topic.is_empty() {
            return match Variable::parse(&self.topic_variable) {
                Some(variable) => Ok(Err(variable)),
                None => Err(ConfigError::Init(format!("invalid topic_variable: {}", self.topic_variable))),
            };
        }
        if !self.topic_variable.is_empty() {
            return Err(ConfigError::init("topic and topic_variable cannot both be set"));
        }
        if !is_topic_name(&self.topic) {
            return Err(ConfigError::Init(format!("'{}' is not the name of a topic", self.topic)));
        }
        Ok(Ok(self.topic.clone()))
    }

    fn delivery(&self, idempotence: bool, client: &mut ClientConfig) -> Result<(), ConfigError> {
        let acks = match self.required_acks.as_str() {
            "NoResponse" => "0",
            "WaitForLocal" => "1",
            "WaitForAll" => "all",
            other => return Err(ConfigError::Init(format!("invalid required_acks: {other}"))),
        };
        if idempotence && acks != "all" {
            return Err(ConfigError::init("`idempotence` takes required_acks = \"WaitForAll\""));
        }
        let codec = match self.compression_codec.as_str() {
            "None" => "none",
            "GZIP" => "gzip",
            "Snappy" => "snappy",
            "LZ4" => "lz4",
            "ZSTD" => "zstd",
            other => return Err(ConfigError::Init(format!("invalid compression_codec: {other}"))),
        };
        client
            .set("acks", acks)
            .set("enable.idempotence", idempotence.to_string())
            .set("compression.codec", codec)
            .set("request.timeout.ms", self.timeout.clamp(1, 900_000).to_string())
            // The queue waits as long as it takes, and so does the client.
            .set("message.timeout.ms", "0")
            .set("linger.ms", "1")
            // Each record is given its partition by itself.
            .set("sticky.partitioning.linger.ms", "0");
        Ok(())
    }
}

/// Whether a topic may be called so.
pub(super) fn is_topic_name(name: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=249).contains(&name.len()) && name != "." && name != ".." && name.bytes().all(is_good)
}
