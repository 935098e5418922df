//! Bulk index requests of Elasticsearch, a JSON document a message.

pub(crate) mod coordinates;
pub(crate) mod document;
pub(crate) mod dynamic;
pub(crate) mod part;
pub(crate) mod single;
pub(crate) mod template;
pub(crate) mod text;

use heka_message::MessageView;
use heka_plugin::encoder::EncoderPlugin;
use heka_plugin::{ConfigError, Context, Encode, EncodeError, Encoder, PluginDef, registry};
use schemars::JsonSchema;
use serde::Deserialize;

use self::coordinates::Coordinates;
use self::document::{Document, TypeText};
use self::dynamic::DynamicFields;
use self::part::{Part, parse_parts};

/// The row of this plugin.
pub static DEF: PluginDef = registry::encoder::<ESJsonEncoder>();

/// Options of ESJsonEncoder. `index`, `type_name` and `id` are interpolated: `%{Type}`, `%{Hostname}`, `%{Pid}`, `%{UUID}`,
/// `%{Logger}`, `%{EnvVersion}`, `%{Severity}`, the name of a field, or a strftime format.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "elasticsearch.ESJsonEncoderConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Index to write to; it is turned into lower case.
    pub index: String,
    /// Type of the document.
    pub type_name: String,
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
    /// Keys in the document.
    pub field_mappings: FieldMappings,
    /// Names of the dynamic fields to write; empty: all.
    pub dynamic_fields: Vec<String>,
    /// What replaces dots in the names of dynamic fields.
    pub replace_dots_with: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            index: "heka-%{%Y.%m.%d}".into(),
            type_name: "message".into(),
            fields: part::default_names(),
            timestamp: "%Y-%m-%dT%H:%M:%S".into(),
            es_index_from_timestamp: false,
            id: String::new(),
            raw_bytes_fields: Vec::new(),
            field_mappings: FieldMappings::default(),
            dynamic_fields: Vec::new(),
            replace_dots_with: ".".into(),
        }
    }
}

/// Keys of the headers in the document.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "elasticsearch.ESFieldMappings", default, deny_unknown_fields)]
pub struct FieldMappings {
    /// Key of the timestamp.
    #[serde(rename = "Timestamp")]
    pub timestamp: String,
    /// Key of the UUID.
    #[serde(rename = "Uuid")]
    pub uuid: String,
    /// Key of the type.
    #[serde(rename = "Type")]
    pub msg_type: String,
    /// Key of the logger.
    #[serde(rename = "Logger")]
    pub logger: String,
    /// Key of the severity.
    #[serde(rename = "Severity")]
    pub severity: String,
    /// Key of the payload.
    #[serde(rename = "Payload")]
    pub payload: String,
    /// Key of the environment's version.
    #[serde(rename = "EnvVersion")]
    pub env_version: String,
    /// Key of the process id.
    #[serde(rename = "Pid")]
    pub pid: String,
    /// Key of the host name.
    #[serde(rename = "Hostname")]
    pub hostname: String,
}

impl Default for FieldMappings {
    fn default() -> FieldMappings {
        FieldMappings {
            timestamp: "Timestamp".into(),
            uuid: "Uuid".into(),
            msg_type: "Type".into(),
            logger: "Logger".into(),
            severity: "Severity".into(),
            payload: "Payload".into(),
            env_version: "EnvVersion".into(),
            pid: "Pid".into(),
            hostname: "Hostname".into(),
        }
    }
}

impl FieldMappings {
    fn key(&self, part: Part) -> &str {
        match part {
            Part::Uuid => &self.uuid,
            Part::Timestamp => &self.timestamp,
            Part::Type => &self.msg_type,
            Part::Logger => &self.logger,
            Part::Severity => &self.severity,
            Part::Payload => &self.payload,
            Part::EnvVersion => &self.env_version,
            Part::Pid => &self.pid,
            Part::Hostname => &self.hostname,
            Part::DynamicFields => "",
        }
    }
}

/// Writes messages as bulk index requests of Elasticsearch: a line that says where to, and the document.
pub struct ESJsonEncoder {
    coordinates: Coordinates,
    document: Document,
}

impl EncoderPlugin for ESJsonEncoder {
    type Config = Config;
    const NAME: &'static str = "ESJsonEncoder";

    fn open(config: Config, _: &Context) -> Result<ESJsonEncoder, ConfigError> {
        let parts = parse_parts(&config.fields, &config.dynamic_fields)
            .map_err(|bad| bad.error(|name| name.into()))?;
        let keyed = parts.into_iter().map(|part| (part, config.field_mappings.key(part))).collect::<Vec<_>>();
        let dynamic =
            DynamicFields::new(&config.dynamic_fields, &config.raw_bytes_fields, &config.replace_dots_with);
        Ok(ESJsonEncoder {
            coordinates: Coordinates::new(
                &config.index,
                &config.type_name,
                &config.id,
                config.es_index_from_timestamp,
            ),
            document: Document::new(&keyed, &config.timestamp, dynamic, TypeText::Message, None),
        })
    }
}

impl Encoder for ESJsonEncoder {
    fn encode(&mut self, message: MessageView<'_>, out: &mut Vec<u8>) -> Result<Encode, EncodeError> {
        let headers = message.headers();
        let time_ns = self.coordinates.write(message, &headers, out);
        self.document.write(message, &headers, time_ns, out);
        Ok(Encode::Done)
    }
}

#[cfg(test)]
mod tests;
