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
        let parts = parse_parts(&config.fields, &config.dynamic_fields)
            .map_err(|bad| bad.error(str::to_lowercase))?;
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
            document: Document::new(
                &keyed,
                &config.timestamp,
                dynamic,
                type_text,
                Some(key(Part::DynamicFields)),
            ),
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

#[cfg(test)]
mod tests {
    use heka_message::Message;

    use super::*;
    use crate::sample;

    fn open(config: Config) -> ESLogstashV0Encoder {
        ESLogstashV0Encoder::open(config, &Context::for_test("o-e")).unwrap()
    }

    fn config(fields: &[&str]) -> Config {
        Config {
            index: "idx".into(),
            type_name: "tn".into(),
            fields: fields.iter().map(|field| (*field).to_string()).collect(),
            ..Config::default()
        }
    }

    fn lines(config: Config, message: &Message) -> [String; 2] {
        let text = sample::encoded(&mut open(config), message);
        let (first, second) = text.split_once('\n').unwrap();
        [first.into(), second.strip_suffix('\n').unwrap().into()]
    }

    #[test]
    fn the_whole_document() {
        let config = || Config { es_index_from_timestamp: true, ..Config::default() };
        let line = r#"{"index":{"_index":"logstash-2015.05.14","_type":"message"}}"#;
        assert_eq!(
            lines(config(), &sample::full()),
            [
                line,
                r#"{"@uuid":"00000000-0000-4000-8000-000000000001","@timestamp":"2015-05-14T10:40:00","@type":"message","@logger":"my.logger","@severity":3,"@message":"the payload","@envversion":"1.2","@pid":4242,"@source_host":"h.example.com","@fields":{"s":"text","i":42,"d":1.5,"b":true,"y":"raw"}}"#
            ]
        );
        assert_eq!(
            lines(config(), &sample::bare()),
            [
                line,
                r#"{"@uuid":"00000000-0000-4000-8000-000000000002","@timestamp":"2015-05-14T10:40:00","@type":"message","@logger":"","@severity":7,"@message":"","@envversion":"","@pid":0,"@source_host":"","@fields":{}}"#
            ]
        );
    }

    #[test]
    fn what_the_type_is() {
        let document = |config: Config, message: &Message| lines(config, message)[1].clone();
        let by_message = || Config { use_message_type: true, ..config(&["Type"]) };
        assert_eq!(document(by_message(), &sample::full()), r#"{"@type":"my.type"}"#);
        assert_eq!(document(by_message(), &sample::bare()), r#"{"@type":""}"#);
        let unnamed = || Config { type_name: String::new(), ..config(&["Type"]) };
        assert_eq!(
            lines(unnamed(), &sample::full()),
            [r#"{"index":{"_index":"idx","_type":""}}"#, r#"{"@type":"my.type"}"#]
        );
        let by_logger = || Config { type_name: "%{Logger}".into(), ..config(&["Type"]) };
        assert_eq!(
            lines(by_logger(), &sample::texts()),
            [r#"{"index":{"_index":"idx","_type":"a\"b\\c/d"}}"#, r#"{"@type":"a\u0022b\u005cc/d"}"#]
        );
        assert_eq!(
            lines(by_logger(), &sample::bare()),
            [r#"{"index":{"_index":"idx","_type":""}}"#, r#"{"@type":"%{Logger}"}"#]
        );
        let by_nothing = Config { type_name: "%{nope}".into(), ..config(&["Type"]) };
        assert_eq!(document(by_nothing, &sample::bare()), r#"{"@type":"%{nope}"}"#);
    }

    #[test]
    fn dynamic_fields_lie_in_an_object_of_their_own() {
        let chosen = Config {
            dynamic_fields: vec!["s".into(), "d".into()],
            timestamp: "%s".into(),
            ..config(&["dynamicfields", "Timestamp"])
        };
        assert_eq!(
            lines(chosen, &sample::full())[1],
            r#"{"@fields":{"s":"text","d":1.5},"@timestamp":"1431600000"}"#
        );
        let raw = Config {
            raw_bytes_fields: vec!["j".into(), "y".into()],
            replace_dots_with: "_".into(),
            ..config(&["DynamicFields"])
        };
        let mut encoder = open(raw);
        let full = sample::encoded(&mut encoder, &sample::full());
        assert!(
            full.ends_with("{\"@fields\":{\"s\":\"text\",\"i\":42,\"d\":1.5,\"b\":true,\"y\":raw}}\n"),
            "{full}"
        );
        assert!(sample::encoded(&mut encoder, &sample::texts()).contains(r#""a_b_c":"dots""#));
    }

    #[test]
    fn refused_lists() {
        let opened = ESLogstashV0Encoder::open(config(&["NoPe"]), &Context::for_test("o-e"));
        assert_eq!(
            opened.err().unwrap().to_string(),
            "Unsupported value \"nope\" in 'fields' list, must be one of Uuid, Timestamp, Type, Logger, Severity, \
             Payload, EnvVersion, Pid, Hostname, DynamicFields"
        );
    }
}
