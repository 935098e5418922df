//! Turns statistics in a payload into fields.

use heka_message::golang::number::{parse_float, parse_uint32_any_base};
use heka_message::{Field, Message};
use heka_plugin::config::AnyOptions;
use heka_plugin::decoder::DecoderPlugin;
use heka_plugin::{ConfigError, Context, Decode, DecodeError, Decoder, Pack, PluginDef, registry};

/// The row of this plugin.
pub static DEF: PluginDef = registry::decoder::<StatsToFieldsDecoder>();

/// Turns lines of `name value timestamp` in the payload into fields. The message gets all of them and the first
/// timestamp; each further timestamp gives a message of its own, with its statistics only.
pub struct StatsToFieldsDecoder;

impl DecoderPlugin for StatsToFieldsDecoder {
    type Config = AnyOptions;
    const NAME: &'static str = "StatsToFieldsDecoder";

    fn open(_: AnyOptions, _: &Context) -> Result<StatsToFieldsDecoder, ConfigError> {
        Ok(StatsToFieldsDecoder)
    }
}

impl Decoder for StatsToFieldsDecoder {
    fn decode(&mut self, pack: &mut Pack, extra: &mut Vec<Pack>) -> Result<Decode, DecodeError> {
        let message = pack.message_mut();
        let payload = message.payload.clone().unwrap_or_default();
        let mut first = 0;
        let mut others: Vec<(u32, Message)> = Vec::new();
        for line in trim_newlines(&payload).split(|&byte| byte == b'\n') {
            let stat = Stat::parse(line)
                .map_err(|why| DecodeError::Failed(format!("{why}: '{}'", String::from_utf8_lossy(line))))?;
            // A timestamp of 0 is taken for none.
            if first == 0 {
                first = stat.timestamp_s;
            }
            if stat.timestamp_s != first {
                let at = match others.iter().position(|(timestamp_s, _)| *timestamp_s == stat.timestamp_s) {
                    Some(at) => at,
                    None => {
                        others.push((stat.timestamp_s, message_at(message, stat.timestamp_s)));
                        others.len() - 1
                    }
                };
                others[at].1.add_field(stat.field());
            }
            message.add_field(stat.field());
        }
        message.add_field(timestamp_field(first));
        extra.extend(others.into_iter().map(|(_, message)| Pack::of(message)));
        Ok(Decode::Done)
    }
}

struct Stat<'a> {
    name: &'a [u8],
    value: f64,
    timestamp_s: u32,
}

impl<'a> Stat<'a> {
    fn parse(line: &'a [u8]) -> Result<Stat<'a>, &'static str> {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let (Some(name), Some(value), Some(timestamp), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err("malformed statmetric line");
        };
        let timestamp_s = parse_uint32_any_base(timestamp).map_err(|_| "invalid timestamp")?;
        let value = parse_float(value).map_err(|_| "invalid value")?;
        Ok(Stat { name, value, timestamp_s })
    }

    fn field(&self) -> Field {
        Field::double(self.name, "", self.value)
    }
}

fn timestamp_field(timestamp_s: u32) -> Field {
    Field::integer("timestamp", "", timestamp_s.into())
}

/// A message with the headers of `message`, UUID included, for the statistics of another timestamp.
fn message_at(message: &Message, timestamp_s: u32) -> Message {
    Message {
        payload: Some("".into()),
        fields: vec![timestamp_field(timestamp_s)],
        unknown: Vec::new(),
        uuid: message.uuid.clone(),
        msg_type: message.msg_type.clone(),
        logger: message.logger.clone(),
        env_version: message.env_version.clone(),
        hostname: message.hostname.clone(),
        ..Message {
            timestamp: message.timestamp,
            severity: message.severity,
            pid: message.pid,
            ..Message::default()
        }
    }
}

fn trim_newlines(mut text: &[u8]) -> &[u8] {
    while let [b'\n', rest @ ..] | [rest @ .., b'\n'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each message as `payload|name=value ...`, or the error.
    fn decoded(payload: &str) -> Result<Vec<String>, String> {
        let (mut pack, mut extra) = (Pack::new(), Vec::new());
        let message = pack.message_mut();
        message.uuid = Some("0123456789abcdef".into());
        message.payload = Some(payload.into());
        message.severity = Some(3);
        StatsToFieldsDecoder.decode(&mut pack, &mut extra).map_err(|error| error.to_string())?;
        let show = |pack: &mut Pack| {
            let message = pack.message();
            assert_eq!((message.severity, message.uuid.as_ref().unwrap().len()), (Some(3), 16));
            let fields = message.fields.iter().map(|field| match field.value(0) {
                Some(heka_message::Value::Double(number)) => format!("{}={number:?}", field.name()),
                Some(heka_message::Value::Integer(number)) => format!("{}={number}", field.name()),
                other => panic!("a statistic has the value {other:?}"),
            });
            format!("{}|{}", message.payload.as_ref().unwrap(), fields.collect::<Vec<_>>().join(" "))
        };
        Ok(std::iter::once(&mut pack).chain(&mut extra).map(show).collect())
    }

    #[test]
    fn statistics_become_fields() {
        for (payload, messages) in [
            (
                "stats.a 1 143\nstats.b 2.5 143",
                &["stats.a 1 143\nstats.b 2.5 143|stats.a=1.0 stats.b=2.5 timestamp=143"][..],
            ),
            (
                "one 1 10\ntwo 2 60\nthree 3 10\nfour 4 70\nfive 5 60\n",
                &[
                    "one 1 10\ntwo 2 60\nthree 3 10\nfour 4 70\nfive 5 60\n|one=1.0 two=2.0 three=3.0 four=4.0 five=5.0 timestamp=10",
                    "|timestamp=60 two=2.0 five=5.0",
                    "|timestamp=70 four=4.0",
                ],
            ),
            ("a 1e3 0x55547f80", &["a 1e3 0x55547f80|a=1000.0 timestamp=1431601024"]),
            ("neg -5 010", &["neg -5 010|neg=-5.0 timestamp=8"]),
            ("inf +Inf 5\nninf -inf 5", &["inf +Inf 5\nninf -inf 5|inf=inf ninf=-inf timestamp=5"]),
            ("  spaced\t1   14  ", &["  spaced\t1   14  |spaced=1.0 timestamp=14"]),
            ("dup 1 7\ndup 2 7", &["dup 1 7\ndup 2 7|dup=1.0 dup=2.0 timestamp=7"]),
            ("zero 1 0\nz2 2 5", &["zero 1 0\nz2 2 5|zero=1.0 z2=2.0 timestamp=5"]),
        ] {
            assert_eq!(decoded(payload).unwrap(), messages);
        }
    }

    #[test]
    fn lines_that_are_no_statistics() {
        for (payload, error) in [
            ("bad line", "malformed statmetric line: 'bad line'"),
            ("a 1", "malformed statmetric line: 'a 1'"),
            ("", "malformed statmetric line: ''"),
            ("a 1 14\n\nb 2 14", "malformed statmetric line: ''"),
            ("a b 1431600000", "invalid value: 'a b 1431600000'"),
            ("hex 0x10 5", "invalid value: 'hex 0x10 5'"),
            ("a 1 notatime", "invalid timestamp: 'a 1 notatime'"),
            ("a 1 -5", "invalid timestamp: 'a 1 -5'"),
            ("a 1 99999999999", "invalid timestamp: 'a 1 99999999999'"),
            ("a 1 1431600000.5", "invalid timestamp: 'a 1 1431600000.5'"),
            ("a b c", "invalid timestamp: 'a b c'"),
        ] {
            assert_eq!(decoded(payload).unwrap_err(), error);
        }
    }
}
