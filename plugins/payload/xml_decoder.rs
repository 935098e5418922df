//! Takes an XML payload apart with paths.

mod document;
mod path;

use std::borrow::Cow;

use heka_message::golang::Zone;
use heka_plugin::config::Pairs;
use heka_plugin::decoder::DecoderPlugin;
use heka_plugin::{ConfigError, Context, Decode, DecodeError, Decoder, Pack, PluginDef, registry};
use schemars::JsonSchema;
use serde::Deserialize;

use self::document::Document;
use self::path::Path;
use crate::captured_headers::CapturedHeaders;
use crate::scribble::decoder::template::MessageTemplate;

/// The row of this plugin.
pub static DEF: PluginDef = registry::decoder::<PayloadXmlDecoder>();

/// Fills a message from an XML payload by XPath.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "payload.PayloadXmlDecoderConfig", default, deny_unknown_fields)]
pub struct Config {
    /// XPaths by the name under which what they find is known. One named `Timestamp` gives the message's time, one named
    /// `Severity` its severity.
    #[serde(rename = "xpath_map|XPathMapConfig")]
    pub xpath_map: Pairs<String>,
    /// Severities by the text found for `Severity`. Other texts must be numbers.
    pub severity_map: Pairs<i32>,
    /// What to write: a header (Logger, Type, Payload, Hostname, Pid, Severity, Uuid) is set, any other name adds a field;
    /// `name|representation` gives the field a representation. `%name%` stands for the text that a path found, and becomes
    /// `<name>` where it found nothing.
    pub message_fields: Pairs<String>,
    /// How the text found for `Timestamp` is written: a Go layout (`2006-01-02 15:04:05`), or Epoch, EpochMilli,
    /// EpochMicro, EpochNano. The usual layouts are tried besides.
    pub timestamp_layout: String,
    /// Zone of timestamps that name none: a name of the time zone database, `Local`, or nothing for UTC.
    pub timestamp_location: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            xpath_map: Pairs::default(),
            severity_map: Pairs::default(),
            message_fields: Pairs::default(),
            timestamp_layout: "2012-04-23T18:25:43.511Z".into(),
            timestamp_location: String::new(),
        }
    }
}

/// Takes an XML payload apart with XPaths and writes headers and fields of the parts. Of a path that finds several nodes the
/// first counts. In a payload that is no XML no path finds anything, which is no failure.
pub struct PayloadXmlDecoder {
    paths: Vec<(String, Path)>,
    headers: CapturedHeaders,
    template: MessageTemplate,
    document: Document,
    log: Vec<String>,
}

impl DecoderPlugin for PayloadXmlDecoder {
    type Config = Config;
    const NAME: &'static str = "PayloadXmlDecoder";

    fn open(config: Config, _: &Context) -> Result<PayloadXmlDecoder, ConfigError> {
        let compile =
            |(name, text): (String, String)| Ok((name, Path::new(&text).map_err(ConfigError::init)?));
        let zone = Zone::load(&config.timestamp_location).map_err(|why| {
            let location = &config.timestamp_location;
            ConfigError::Init(format!("payloadXmlDecoder unknown timestamp_location '{location}': {why}"))
        })?;
        Ok(PayloadXmlDecoder {
            paths: config.xpath_map.into_iter().map(compile).collect::<Result<_, ConfigError>>()?,
            headers: CapturedHeaders::new(&config.timestamp_layout, zone, config.severity_map),
            template: MessageTemplate::interpolated(&config.message_fields),
            document: Document::default(),
            log: Vec::new(),
        })
    }
}

impl Decoder for PayloadXmlDecoder {
    fn decode(&mut self, pack: &mut Pack, _: &mut Vec<Pack>) -> Result<Decode, DecodeError> {
        let message = pack.message_mut();
        let payload = message.payload.as_deref().map_or(&[][..], |payload| payload);
        let document = &self.document.read(payload).is_ok().then_some(&self.document);
        let find = |(name, path): &(String, Path)| Some((name.clone(), path.first((*document)?)?));
        let found: Vec<(String, Cow<'_, str>)> = self.paths.iter().filter_map(find).collect();
        let text_of =
            |wanted: &str| found.iter().find(|(name, _)| name == wanted).map(|(_, text)| text.as_bytes());
        self.headers.set(message, text_of("Timestamp"), text_of("Severity"), &mut self.log);
        let value_of = |name: &str| if name == "Severity" { None } else { text_of(name) };
        self.template.apply(message, value_of).map_err(DecodeError::Failed)?;
        Ok(Decode::Done)
    }

    fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }
}

#[cfg(test)]
mod tests;
