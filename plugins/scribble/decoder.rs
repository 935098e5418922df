//! Writes fixed values into messages.

pub(crate) mod template;

use heka_plugin::config::Pairs;
use heka_plugin::decoder::DecoderPlugin;
use heka_plugin::{ConfigError, Context, Decode, DecodeError, Decoder, Pack, PluginDef, registry};
use schemars::JsonSchema;
use serde::Deserialize;

use self::template::MessageTemplate;

/// The row of this plugin.
pub static DEF: PluginDef = registry::decoder::<ScribbleDecoder>();

/// Sets fields of every message.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "plugins.ScribbleDecoderConfig", default, deny_unknown_fields)]
pub struct Config {
    /// What to write: a header (Logger, Type, Payload, Hostname, Pid, Severity, Uuid) is set, any other name adds a field;
    /// `name|representation` gives the field a representation.
    pub message_fields: Pairs<String>,
}

/// Writes fixed values into messages.
pub struct ScribbleDecoder {
    template: MessageTemplate,
}

impl DecoderPlugin for ScribbleDecoder {
    type Config = Config;
    const NAME: &'static str = "ScribbleDecoder";

    fn open(config: Config, _: &Context) -> Result<ScribbleDecoder, ConfigError> {
        Ok(ScribbleDecoder { template: MessageTemplate::fixed(&config.message_fields) })
    }
}

impl Decoder for ScribbleDecoder {
    fn decode(&mut self, pack: &mut Pack, _: &mut Vec<Pack>) -> Result<Decode, DecodeError> {
        self.template.apply(pack.message_mut(), |_| None).map_err(DecodeError::Failed)?;
        Ok(Decode::Done)
    }
}

#[cfg(test)]
mod tests {
    use heka_plugin::Value;
    use heka_plugin::config::{Table, decode_struct};

    use super::*;

    fn open(fields: &[(&str, &str)]) -> ScribbleDecoder {
        let mut message_fields = Table::default();
        for (name, text) in fields {
            message_fields.set(name, Value::String((*text).into()));
        }
        let mut table = Table::default();
        table.set("message_fields", Value::Table(message_fields));
        let config: Config = decode_struct(&table).unwrap();
        ScribbleDecoder::open(config, &Context::for_test("d")).unwrap()
    }

    #[test]
    fn values_are_written_as_they_stand() {
        let mut decoder =
            open(&[("Type", "ty"), ("Payload", "100% %Type% %{Type}"), ("Pid", "77.9"), ("tag", "t")]);
        let mut pack = Pack::new();
        pack.message_mut().logger = Some("kept".into());
        assert_eq!(decoder.decode(&mut pack, &mut Vec::new()).unwrap(), Decode::Done);
        let message = pack.message();
        assert_eq!(message.msg_type.as_ref().unwrap(), "ty");
        assert_eq!(message.payload.as_ref().unwrap(), "100% %Type% %{Type}");
        assert_eq!(message.logger.as_ref().unwrap(), "kept");
        assert_eq!(message.pid, Some(77));
        assert_eq!(message.fields, [heka_message::Field::string("tag", "", "t")]);
    }

    #[test]
    fn a_value_that_does_not_fit_fails_every_record() {
        let failed = open(&[("Severity", "high")]).decode(&mut Pack::new(), &mut Vec::new()).unwrap_err();
        assert_eq!(failed.to_string(), r#"strconv.ParseInt: parsing "high": invalid syntax"#);
    }

    #[test]
    fn bytes_of_an_earlier_decoder_no_longer_count() {
        let mut pack = Pack::new();
        pack.set_raw(b"\x32\x02hi");
        pack.trust_raw().unwrap();
        open(&[("Type", "t")]).decode(&mut pack, &mut Vec::new()).unwrap();
        assert_eq!(pack.encoded(), b"\x1a\x01t\x32\x02hi");
    }
}
