//! Options of KafkaInput and what they come to.

use std::path::PathBuf;

use heka_plugin::config::Pairs;
use heka_plugin::{ConfigError, Context};
use rdkafka::ClientConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::kafka_client::{Connection, Login, require};
use crate::tls::TlsOptions;

/// Consumes a topic of Kafka.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "kafka.KafkaInputConfig", default, deny_unknown_fields)]
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
    /// How many requests may be under way on a connection.
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
    /// The topic. With `consumer_group` also a pattern: a regular expression that begins with `^`.
    pub topic: String,
    /// The partition that is read, without `consumer_group`. Default: 0.
    pub partition: Option<i32>,
    /// Accepted; it has no effect, as in Heka. See `consumer_group`.
    pub group: String,
    /// The inputs of this group, in any number of hekads, share all partitions of the topic, and the brokers keep how far each
    /// was read. Empty: one `partition` is read, and hekad keeps that itself.
    pub consumer_group: String,
    /// How many bytes of a partition are asked for at once. A larger message comes all the same.
    pub default_fetch_size: i32,
    /// A broker replies at once when it has so many bytes, otherwise after `max_wait_time`.
    pub min_fetch_size: i32,
    /// A message with more bytes is skipped, with a line in the log. 0: none is.
    pub max_message_size: i32,
    /// Milliseconds that a broker waits for `min_fetch_size`.
    pub max_wait_time: u32,
    /// Where reading begins: `Manual` (where it ended; the first time at the oldest message), `Newest` or `Oldest` (every time;
    /// with `consumer_group` only for a partition that the group has not read yet).
    pub offset_method: String,
    /// How many messages of a partition are fetched ahead. Default: 10000.
    pub event_buffer_size: Option<i64>,
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
            topic: String::new(),
            partition: None,
            group: String::new(),
            consumer_group: String::new(),
            default_fetch_size: 1024 * 1024,
            min_fetch_size: 1,
            max_message_size: 0,
            max_wait_time: 250,
            offset_method: "Manual".into(),
            event_buffer_size: None,
            properties: Pairs::default(),
        }
    }
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Where it ended.
    Manual,
    Newest,
    Oldest,
}

/// What is read.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A group's share of a topic.
    Group { topic: String },
    /// One partition; how far it was read is in a file.
    Partition { topic: String, partition: i32, start: Start, checkpoint: PathBuf },
}

/// The options once they were checked.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) client: ClientConfig,
    pub(super) source: Source,
    /// `None`: there is no limit.
    pub(super) message_size_max: Option<usize>,
}

impl Config {
    /// Checks the options.
    ///
    /// # Errors
    /// Heka's text.
    pub(super) fn plan(&self, context: &Context) -> Result<Plan, ConfigError> {
        let connection = Connection {
            id: &self.id,
            addrs: &self.addrs,
            metadata_retries: self.metadata_retries,
            wait_for_election: self.wait_for_election,
            background_refresh_frequency: self.background_refresh_frequency,
            max_open_requests: self.max_open_reqests.or(self.max_open_requests),
            dial_timeout: self.dial_timeout,
            // A broker may take `max_wait_time` for a reply, and somewhat more.
            read_timeout: self.read_timeout,
            write_timeout: self.write_timeout.max(self.max_wait_time.saturating_add(2000)),
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
        let start = match self.offset_method.as_str() {
            "Manual" => Start::Manual,
            "Newest" => Start::Newest,
            "Oldest" => Start::Oldest,
            other => return Err(ConfigError::Init(format!("invalid offset_method: {other}"))),
        };
        connection.check_numbers()?;
        require(self.write_timeout > 0, "Net.WriteTimeout must be > 0")?;
        self.check_numbers()?;
        let source = self.source(start, context)?;
        self.fetching(&mut client);
        self.grouping(start, context, &mut client);
        connection.finish(&mut client)?;
        let message_size_max = usize::try_from(self.max_message_size).ok().filter(|size| *size > 0);
        Ok(Plan { client, source, message_size_max })
    }

    fn check_numbers(&self) -> Result<(), ConfigError> {
        require(self.min_fetch_size > 0, "Consumer.Fetch.Min must be > 0")?;
        require(self.default_fetch_size > 0, "Consumer.Fetch.Default must be > 0")?;
        require(self.max_message_size >= 0, "Consumer.Fetch.Max must be >= 0")?;
        require(self.max_wait_time > 0, "Consumer.MaxWaitTime must be >= 1ms")?;
        require(self.event_buffer_size.is_none_or(|size| size >= 0), "ChannelBufferSize must be >= 0")
    }

    fn source(&self, start: Start, context: &Context) -> Result<Source, ConfigError> {
        if self.topic.is_empty() {
            return Err(ConfigError::init("`topic` must be set"));
        }
        let topic = self.topic.clone();
        if !self.consumer_group.is_empty() {
            if self.partition.is_some() {
                return Err(ConfigError::init("`partition` cannot be set with `consumer_group`"));
            }
            return Ok(Source::Group { topic });
        }
        let partition = self.partition.unwrap_or(0);
        if partition < 0 {
            return Err(ConfigError::init("`partition` must not be negative"));
        }
        let file = format!("kafka/{}.{topic}.{partition}.offset.bin", context.name);
        Ok(Source::Partition { topic, partition, start, checkpoint: context.globals.in_base_dir(&file) })
    }

    fn fetching(&self, client: &mut ClientConfig) {
        let size = match self.max_message_size {
            0 => self.default_fetch_size,
            limit => self.default_fetch_size.min(limit),
        };
        let ahead = self.event_buffer_size.unwrap_or(10_000).clamp(1, 10_000_000);
        client
            .set("fetch.message.max.bytes", size.clamp(1, 50_000_000).to_string())
            .set("fetch.min.bytes", self.min_fetch_size.clamp(1, 100_000_000).to_string())
            .set("fetch.wait.max.ms", self.max_wait_time.clamp(1, 290_000).to_string())
            .set("queued.min.messages", ahead.to_string());
    }

    fn grouping(&self, start: Start, context: &Context, client: &mut ClientConfig) {
        let id = if self.id.is_empty() { context.globals.hostname.as_str() } else { &self.id };
        // The client takes no consumer without a group. One that assigns itself a partition never joins it.
        let alone = if self.group.is_empty() { id } else { &self.group };
        let (group, reset) = match (self.consumer_group.as_str(), start) {
            ("", _) => (if alone.is_empty() { "hekad" } else { alone }, "error"),
            (group, Start::Newest) => (group, "latest"),
            (group, _) => (group, "earliest"),
        };
        client
            .set("group.id", group)
            .set("auto.offset.reset", reset)
            // Only what the queue holds is committed.
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false");
    }
}
