//! Writes the payload alone.

use heka_message::MessageView;
use heka_message::golang::clock::Civil;
use heka_message::golang::{Strftime, Zone};
use heka_plugin::encoder::EncoderPlugin;
use heka_plugin::{ConfigError, Context, Encode, EncodeError, Encoder, PluginDef, registry};
use schemars::JsonSchema;
use serde::Deserialize;

/// The row of this plugin.
pub static DEF: PluginDef = registry::encoder::<PayloadEncoder>();

/// The payload alone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "plugins.PayloadEncoderConfig", default, deny_unknown_fields)]
pub struct Config {
    /// A newline follows each payload, even one that ends in a newline.
    pub append_newlines: bool,
    /// A timestamp stands before each payload.
    pub prefix_ts: bool,
    /// The timestamp is the message's, else the present.
    pub ts_from_message: bool,
    /// Format of the timestamp, in strftime's terms, in the local zone. A blank follows it unless it ends in one.
    pub ts_format: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            append_newlines: true,
            prefix_ts: false,
            ts_from_message: true,
            ts_format: "[%Y/%b/%d:%H:%M:%S %z]".into(),
        }
    }
}

/// Writes the payload, perhaps with a timestamp before it and a newline behind it.
pub struct PayloadEncoder {
    append_newlines: bool,
    prefix: Option<Prefix>,
}

struct Prefix {
    format: Strftime,
    from_message: bool,
    zone: Zone,
    /// The text of the second `cached_s`.
    cached: Vec<u8>,
    cached_s: Option<i64>,
}

impl EncoderPlugin for PayloadEncoder {
    type Config = Config;
    const NAME: &'static str = "PayloadEncoder";

    fn open(config: Config, _: &Context) -> Result<PayloadEncoder, ConfigError> {
        Ok(PayloadEncoder::new(&config, Zone::local()))
    }
}

impl PayloadEncoder {
    fn new(config: &Config, zone: Zone) -> PayloadEncoder {
        let blank = if config.ts_format.ends_with(' ') { "" } else { " " };
        let prefix = Prefix {
            format: Strftime::new(&format!("{}{blank}", config.ts_format)),
            from_message: config.ts_from_message,
            zone,
            cached: Vec::new(),
            cached_s: None,
        };
        PayloadEncoder { append_newlines: config.append_newlines, prefix: config.prefix_ts.then_some(prefix) }
    }
}

impl Encoder for PayloadEncoder {
    fn encode(&mut self, message: MessageView<'_>, out: &mut Vec<u8>) -> Result<Encode, EncodeError> {
        if let Some(prefix) = &mut self.prefix {
            prefix.write(message, out);
        }
        if let Some(payload) = message.payload() {
            out.extend_from_slice(payload);
        }
        if self.append_newlines {
            out.push(b'\n');
        }
        Ok(Encode::Done)
    }
}

impl Prefix {
    fn write(&mut self, message: MessageView<'_>, out: &mut Vec<u8>) {
        let unix_ns = if self.from_message {
            message.timestamp().unwrap_or(0)
        } else {
            let since =
                std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
        };
        let second = unix_ns.div_euclid(1_000_000_000);
        if self.format.shows_fractions() || self.cached_s != Some(second) {
            self.cached.clear();
            self.format.write(&Civil::at(unix_ns, &self.zone), &mut self.cached);
            self.cached_s = Some(second);
        }
        out.extend_from_slice(&self.cached);
    }
}

#[cfg(test)]
mod tests {
    use heka_message::Message;

    use super::*;
    use crate::sample;

    fn encoded(config: &Config, zone: &str, payload: &str) -> String {
        let message = Message { payload: Some(payload.into()), ..sample::full() };
        sample::encoded(&mut PayloadEncoder::new(config, Zone::load(zone).unwrap()), &message)
    }

    #[test]
    fn newlines_are_added_always_or_never() {
        assert_eq!(encoded(&Config::default(), "", "one"), "one\n");
        assert_eq!(encoded(&Config::default(), "", "one\n"), "one\n\n");
        let bare = Config { append_newlines: false, ..Config::default() };
        assert_eq!(encoded(&bare, "", "one"), "one");
        assert_eq!(sample::encoded(&mut PayloadEncoder::new(&bare, Zone::Utc), &sample::bare()), "");
    }

    #[test]
    fn timestamps_are_local_and_followed_by_one_blank() {
        let dated = Config { prefix_ts: true, ..Config::default() };
        assert_eq!(encoded(&dated, "UTC", "x"), "[2015/May/14:10:40:00 +0000] x\n");
        assert_eq!(encoded(&dated, "Asia/Kolkata", "x"), "[2015/May/14:16:10:00 +0530] x\n");
        let formatted =
            |format: &str| Config { ts_format: format.into(), prefix_ts: true, ..Config::default() };
        assert_eq!(encoded(&formatted("%s "), "", "x"), "1431600000 x\n");
        assert_eq!(encoded(&formatted("%T.%f"), "", "x"), "10:40:00.123456 x\n");
        assert_eq!(encoded(&formatted(""), "", "x"), " x\n");
    }

    #[test]
    fn the_present_can_be_shown_instead() {
        let now =
            Config { prefix_ts: true, ts_from_message: false, ts_format: "%Y".into(), ..Config::default() };
        let text = encoded(&now, "", "x");
        let year: i32 = text.strip_suffix(" x\n").unwrap().parse().unwrap();
        assert!(year >= 2026);
    }

    #[test]
    fn a_cached_prefix_never_outlives_its_second() {
        let mut encoder = PayloadEncoder::new(
            &Config { prefix_ts: true, ts_format: "%S".into(), ..Config::default() },
            Zone::Utc,
        );
        for second in [0, 0, 1, 59, 0] {
            let message = Message { timestamp: Some(second * 1_000_000_000), ..Message::default() };
            assert_eq!(sample::encoded(&mut encoder, &message), format!("{second:02} \n"));
        }
    }
}
