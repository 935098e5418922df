//! Properties of librdkafka that the operator sets.

use heka_plugin::ConfigError;
use heka_plugin::config::Pairs;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;

/// On these the plugins' promises rest, or there is an option for them.
const OWN: [&str; 28] = [
    "acks",
    "auto.commit.enable",
    "auto.offset.reset",
    "bootstrap.servers",
    "client.id",
    "compression.codec",
    "compression.type",
    "delivery.report.only.error",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "message.timeout.ms",
    "metadata.broker.list",
    "partitioner",
    "request.required.acks",
    "retries",
    "message.send.max.retries",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "sticky.partitioning.linger.ms",
    "transactional.id",
    "message.max.bytes",
];

/// Adds them.
///
/// # Errors
/// One is not the operator's to set.
pub(super) fn apply(properties: &Pairs<String>, config: &mut ClientConfig) -> Result<(), ConfigError> {
    for (key, value) in properties {
        // Heka's dialect of TOML knows no quotes around keys, and dots in keys need none.
        let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
        if OWN.contains(&key) {
            return Err(ConfigError::Init(format!("`properties`: '{key}' cannot be set here")));
        }
        config.set(key, value);
    }
    Ok(())
}

/// A property that librdkafka does not take.
pub(super) fn refusal(error: &KafkaError) -> ConfigError {
    match error {
        // The value may be a secret.
        KafkaError::ClientConfig(_, why, _, _) => ConfigError::Init(why.clone()),
        other => ConfigError::init(other),
    }
}
