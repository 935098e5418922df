//! Bulk index requests of Elasticsearch in Logstash's version 0 layout.

use heka_message::MessageView;
use heka_plugin::encoder::EncoderPlugin;
use heka_plugin::{ConfigError, Context, Encode, EncodeError, Encoder, PluginDef, registry};
use schemars::JsonSchema;
use serde::Deserialize;

use super::json_encoder::coordinates::Coordinates;
use super::json_encoder::document::{Document, TypeText};
use super::json_encoder::dynamic::DynamicFields;
use super::json_encoder::part::{self, Part, parse_parts};
use super::json_encoder::template::Template;

/// The row of this plugin.
pub static DEF: PluginDef = registry::encoder::<ESLogstashV0Encoder>();

/// Options of ESLogstashV0Encoder. `index`, `type_name` and `id` are interpolated as those of ESJsonEncoder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "elasticsearch.ESLogstashV0EncoderConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Index to write to; it is turned into lower case.
    pub index: String,
    /// Type of the document, and its `@type` unless `use_message_type`. If empty, `@type` is the message's type.
    pub type_name: String,
    /// `@type` is the message's type.
    pub use_message_type: bool,
    /// What goes into the document, in this order: Uuid, Timestamp, Type, Logger, Severity, Payload, EnvVersion, Pid,
    /// Hostname, DynamicFields.
    pub fields: Vec<String>,
    /// Format of the timestamp, in strftime's terms, in UTC.
    pub timestamp: String,
    /// Time formats in `index`, `type_name` and `id` show the message's time instead of the present.
    #[serde(rename = "es_index_from_timestamp|ESIndexFromTimestamp")]
    pub es_index_from_timestamp: bool,
    /// Id of the document; none is given if this is empty or names a field that the message does not have.
    pub id: String,
    /// Fields whose text is JSON already and is written as it is.
    pub raw_bytes_fields: Vec<String>,
    /// Names of the dynamic fields to write; empty: all.
    pub dynamic_fields: Vec<String>,
    /// What replaces dots in the names of dynamic fields.
    pub replace_dots_with: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            index: "logstash-%{%Y.%m.%d}".into(),
            type_name: "message".into(),
            use_message_type: false,
            fields: part::default_names(),
            timestamp: "%Y-%m-%dT%H:%M:%S".into(),
            es_index_from_timestamp: false,
            id: String::new(),
            raw_bytes_fields: Vec::new(),
            dynamic_fields: Vec::new(),
            replace_dots_with: ".".into(),
        }
    }
}

fn key(part: Part) -> &'static str {
    match part {
        Part::Uuid => "@uuid",
        Part::Timestamp => "@timestamp",
        Part::Type => "@type",
        Part::Logger => "@logger",
        Part::Severity => "@severity",
        Part::Payload => "@message",
        Part::EnvVersion => "@envversion",
        Part::Pid => "@pid",
        Part::Hostname => "@source_host",
        Part::DynamicFields => "@fields",
    }
}

/// Writes messages as bulk index requests of Elasticsearch with Logstash's keys; dynamic fields lie in `@fields`.
pub struct ESLogstashV0Encoder {
    coordinates: Coordinates,
    document: Document,
}

impl EncoderPlugin for ESLogstashV0Encoder {
    type Config = Config;
    const NAME: &'static str = "ESLogstashV0Encoder";

    fn open(config: Config, _: &Context) -> Result<ESLogstashV0Encoder, ConfigError> {
        let parts =
            parse_parts(&config.fields, &config.dynamic_fields).map_err(|bad| bad.error(str::to_lowercase))?;
        let keyed = parts.into_iter().map(|part| (part, key(part))).collect::<Vec<_>>();
        let dynamic =
            DynamicFields::new(&config.dynamic_fields, &config.raw_bytes_fields, &config.replace_dots_with);
        let type_text = if config.use_message_type || config.type_name.is_empty() {
            TypeText::Message
        } else {
            TypeText::Template(Template::new(&config.type_name))
        };
        Ok(ESLogstashV0Encoder {
            coordinates: Coordinates::new(
                &config.index,
                &config.type_name,
                &config.id,
                config.es_index_from_timestamp,
            ),
            document: Document::new(&keyed, &config.timestamp, dynamic, type_text, Some(key(Part::DynamicFields))),
        })
    }
}

impl Encoder for ESLogstashV0Encoder {
    fn encode(&mut self, message: MessageView<'_>, out: &mut Vec<u8>) -> Result<Encode, EncodeError> {
        let headers = message.headers();
        let time_ns = self.coordinates.write(message, &headers, out);
        self.document.write(message, &headers, time_ns, out);
        Ok(Encode::Done)
    }
}
