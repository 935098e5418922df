//! What KafkaInput and KafkaOutput have in common: how a client of librdkafka is set up, and what it tells of its trouble.

mod properties;
mod security;
mod trouble;

use heka_plugin::config::Pairs;
use heka_plugin::{ConfigError, Context};
use rdkafka::ClientConfig;

pub(crate) use self::security::Login;
pub(crate) use self::trouble::{Trouble, gist, sums_up};
use crate::tls::TlsOptions;

/// The options that both plugins have.
pub(crate) struct Connection<'a> {
    pub(crate) id: &'a str,
    pub(crate) addrs: &'a [String],
    pub(crate) metadata_retries: i64,
    pub(crate) wait_for_election: u32,
    pub(crate) background_refresh_frequency: u32,
    /// `None`: as the client thinks best.
    pub(crate) max_open_requests: Option<i64>,
    pub(crate) dial_timeout: u32,
    pub(crate) read_timeout: u32,
    pub(crate) write_timeout: u32,
    pub(crate) tls: Option<&'a TlsOptions>,
    pub(crate) login: Login<'a>,
    pub(crate) properties: &'a Pairs<String>,
}

/// The value if it is well formed, in the words of Heka's Kafka library.
///
/// # Errors
/// It is not.
pub(crate) fn require(good: bool, rule: &str) -> Result<(), ConfigError> {
    if good {
        return Ok(());
    }
    Err(ConfigError::Init(format!("kafka: invalid configuration ({rule})")))
}

impl Connection<'_> {
    /// Checks what Heka checks before anything else.
    ///
    /// # Errors
    /// Heka's text.
    pub(crate) fn check_addrs(&self) -> Result<(), ConfigError> {
        if self.addrs.is_empty() {
            return Err(ConfigError::init("addrs must have at least one entry"));
        }
        Ok(())
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// The text of Heka's Kafka library.
    pub(crate) fn check_numbers(&self) -> Result<(), ConfigError> {
        require(self.max_open_requests.is_none_or(|count| count > 0), "Net.MaxOpenRequests must be > 0")?;
        require(self.dial_timeout > 0, "Net.DialTimeout must be > 0")?;
        require(self.read_timeout > 0, "Net.ReadTimeout must be > 0")?;
        require(self.write_timeout > 0, "Net.WriteTimeout must be > 0")?;
        require(self.metadata_retries >= 0, "Metadata.Retry.Max must be >= 0")
    }

    /// The properties of librdkafka that these options stand for. [`Connection::finish`] follows.
    ///
    /// # Errors
    /// An option cannot be used.
    pub(crate) fn client_config(&self, context: &Context) -> Result<ClientConfig, ConfigError> {
        let mut config = ClientConfig::new();
        let id = if self.id.is_empty() { &context.globals.hostname } else { self.id };
        config.set("client.id", id).set("bootstrap.servers", self.addrs.join(","));
        let refresh = match self.background_refresh_frequency {
            0 => "-1".to_string(),
            time => time.clamp(10, 3_600_000).to_string(),
        };
        config
            .set("topic.metadata.refresh.interval.ms", refresh)
            .set(
                "topic.metadata.refresh.fast.interval.ms",
                self.wait_for_election.clamp(1, 60_000).to_string(),
            )
            .set("retry.backoff.ms", self.wait_for_election.clamp(1, 300_000).to_string())
            .set("socket.connection.setup.timeout.ms", self.dial_timeout.clamp(1000, 3_600_000).to_string())
            .set(
                "socket.timeout.ms",
                self.read_timeout.max(self.write_timeout).clamp(1000, 300_000).to_string(),
            )
            // A broker that is away is tried again soon, then less often.
            .set("reconnect.backoff.ms", "100")
            .set("reconnect.backoff.max.ms", "5000")
            .set("socket.keepalive.enable", "true")
            .set("log.connection.close", "false");
        if let Some(count) = self.max_open_requests {
            config.set("max.in.flight.requests.per.connection", count.clamp(1, 1_000_000).to_string());
        }
        security::apply(self.tls, &self.login, context, &mut config)?;
        Ok(config)
    }

    /// Adds the properties that the operator sets, which win over what the plugin sets, and checks all.
    ///
    /// # Errors
    /// librdkafka does not take one.
    pub(crate) fn finish(&self, config: &mut ClientConfig) -> Result<(), ConfigError> {
        properties::apply(self.properties, config)?;
        // Each property is checked here; nothing is opened yet.
        config.create_native_config().map(drop).map_err(|error| properties::refusal(&error))
    }
}
