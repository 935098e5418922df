//! Takes a payload apart with a regular expression.

use heka_message::Regex;
use heka_message::golang::Zone;
use heka_plugin::config::Pairs;
use heka_plugin::decoder::DecoderPlugin;
use heka_plugin::{ConfigError, Context, Decode, DecodeError, Decoder, Pack, PluginDef, registry};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::captured_headers::CapturedHeaders;
use crate::scribble::decoder::template::MessageTemplate;

/// The row of this plugin.
pub static DEF: PluginDef = registry::decoder::<PayloadRegexDecoder>();

/// Fills a message from the payload by a regular expression.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "payload.PayloadRegexDecoderConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Regular expression (RE2) with at least one group. A group named `Timestamp` gives the message's time, one named
    /// `Severity` its severity.
    pub match_regex: String,
    /// Severities by the text of the group `Severity`. Other texts must be numbers.
    pub severity_map: Pairs<i32>,
    /// What to write: a header (Logger, Type, Payload, Hostname, Pid, Severity, Uuid) is set, any other name adds a field;
    /// `name|representation` gives the field a representation. `%group%` stands for what a group matched.
    pub message_fields: Pairs<String>,
    /// How the group `Timestamp` is written: a Go layout (`2006-01-02 15:04:05`), or Epoch, EpochMilli, EpochMicro,
    /// EpochNano. The usual layouts are tried besides.
    pub timestamp_layout: String,
    /// Zone of timestamps that name none: a name of the time zone database, `Local`, or nothing for UTC.
    pub timestamp_location: String,
    /// A payload that does not match is an error; else it is dropped.
    pub log_errors: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            match_regex: String::new(),
            severity_map: Pairs::default(),
            message_fields: Pairs::default(),
            timestamp_layout: String::new(),
            timestamp_location: String::new(),
            log_errors: true,
        }
    }
}

/// Takes a payload apart with a regular expression and writes headers and fields of the parts.
pub struct PayloadRegexDecoder {
    regex: Regex,
    headers: CapturedHeaders,
    template: MessageTemplate,
    log_errors: bool,
    log: Vec<String>,
}

impl DecoderPlugin for PayloadRegexDecoder {
    type Config = Config;
    const NAME: &'static str = "PayloadRegexDecoder";

    fn open(config: Config, _: &Context) -> Result<PayloadRegexDecoder, ConfigError> {
        let regex = Regex::new(&config.match_regex)
            .map_err(|error| ConfigError::Init(format!("PayloadRegexDecoder: {error}")))?;
        if regex.names().len() < 2 {
            return Err(ConfigError::init("PayloadRegexDecoder regex must contain capture groups"));
        }
        let zone = Zone::load(&config.timestamp_location).map_err(|why| {
            let location = &config.timestamp_location;
            ConfigError::Init(format!("PayloadRegexDecoder unknown timestamp_location '{location}': {why}"))
        })?;
        Ok(PayloadRegexDecoder {
            regex,
            headers: CapturedHeaders::new(&config.timestamp_layout, zone, config.severity_map),
            template: MessageTemplate::interpolated(&config.message_fields),
            log_errors: config.log_errors,
            log: Vec::new(),
        })
    }
}

impl Decoder for PayloadRegexDecoder {
    fn decode(&mut self, pack: &mut Pack, _: &mut Vec<Pack>) -> Result<Decode, DecodeError> {
        let payload = pack.message().payload.clone().unwrap_or_default();
        let Some(captures) = self.regex.captures(&payload) else {
            if self.log_errors {
                return Err(DecodeError::Failed(format!("No match: {payload}")));
            }
            return Ok(Decode::Nothing);
        };
        // Groups without a name go by their number; of several with one name the last counts.
        let group = |wanted: &str| {
            let named =
                self.regex.names().iter().enumerate().skip(1).rfind(|(at, name)| match name.as_str() {
                    "" => wanted.parse() == Ok(*at),
                    name => name == wanted,
                });
            named.map(|(at, _)| captures.get(at).unwrap_or_default())
        };
        let message = pack.message_mut();
        self.headers.set(message, group("Timestamp"), group("Severity"), &mut self.log);
        let value_of = |name: &str| if name == "Severity" { None } else { group(name) };
        self.template.apply(message, value_of).map_err(DecodeError::Failed)?;
        Ok(Decode::Done)
    }

    fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }
}

#[cfg(test)]
mod tests {
    use heka_message::Message;

    use super::*;

    fn pairs<T: Clone>(pairs: &[(&str, T)]) -> Pairs<T> {
        Pairs(pairs.iter().map(|(key, value)| ((*key).to_string(), value.clone())).collect())
    }

    fn fields(entries: &[(&str, &str)]) -> Pairs<String> {
        Pairs(entries.iter().map(|(key, value)| ((*key).to_string(), (*value).to_string())).collect())
    }

    fn config(regex: &str, message_fields: &[(&str, &str)]) -> Config {
        Config { match_regex: regex.into(), message_fields: fields(message_fields), ..Config::default() }
    }

    fn open(config: Config) -> PayloadRegexDecoder {
        PayloadRegexDecoder::open(config, &Context::for_test("d")).unwrap()
    }

    /// The outcome, the message, and what was logged.
    fn decode(config: Config, payload: &str) -> (Result<Decode, String>, Message, Vec<String>) {
        let mut decoder = open(config);
        let mut pack = Pack::new();
        pack.message_mut().payload = Some(payload.into());
        let outcome = decoder.decode(&mut pack, &mut Vec::new()).map_err(|error| error.to_string());
        (outcome, pack.message().clone(), decoder.take_log())
    }

    #[test]
    fn groups_go_by_name_or_number() {
        let config =
            config(r"(\w+) (?P<n>\d+)( opt)?", &[("Payload", "%1%|%n%|%2%|%3%|%x%"), ("kind", "number %n%")]);
        let (outcome, message, log) = decode(config, "say: abc 12");
        assert_eq!((outcome, log), (Ok(Decode::Done), vec![]));
        assert_eq!(message.payload.unwrap(), "abc|12|<2>||<x>");
        assert_eq!(message.fields, [heka_message::Field::string("kind", "", "number 12")]);
    }

    #[test]
    fn a_payload_that_does_not_match_is_an_error_or_nothing() {
        let (outcome, ..) = decode(config("^ok (.*)$", &[]), "no");
        assert_eq!(outcome, Err("No match: no".into()));
        let quiet = Config { log_errors: false, ..config("^ok (.*)$", &[]) };
        assert_eq!(decode(quiet, "no").0, Ok(Decode::Nothing));
    }

    #[test]
    fn severities_are_mapped_or_numbers_and_then_no_longer_a_group() {
        let with_map = || Config {
            severity_map: pairs(&[("warn", 4), ("5", 1)]),
            ..config("(?P<Severity>.*)", &[("Payload", "%Severity%")])
        };
        for (text, severity) in [("warn", Some(4)), ("5", Some(1)), ("-2", Some(-2)), ("loud", None)] {
            let (outcome, message, log) = decode(with_map(), text);
            assert_eq!(outcome, Ok(Decode::Done));
            assert_eq!(message.severity, severity);
            assert_eq!(message.payload.unwrap(), "<Severity>");
            let expected: &[&str] =
                if severity.is_none() { &["Don't recognize severity: 'loud'"] } else { &[] };
            assert_eq!(log, expected);
        }
    }

    #[test]
    fn timestamps_in_layout_and_zone() {
        let at = |layout: &str, location: &str, text: &str| {
            let config = Config {
                timestamp_layout: layout.into(),
                timestamp_location: location.into(),
                ..config("^(?P<Timestamp>.*)$", &[])
            };
            let (outcome, message, log) = decode(config, text);
            assert_eq!(outcome, Ok(Decode::Done));
            (message.timestamp.unwrap(), log)
        };
        let layout = "2006-01-02 15:04:05";
        assert_eq!(at(layout, "", "2015-05-14 10:40:00.25"), (1_431_600_000_250_000_000, vec![]));
        assert_eq!(
            at(layout, "America/New_York", "2015-05-14 10:40:00"),
            (1_431_614_400_000_000_000, vec![])
        );
        assert_eq!(at(layout, "", "Thu May 14 10:40:00 2015"), (1_431_600_000_000_000_000, vec![]));
        assert_eq!(at("Epoch", "", "1431600000.5"), (1_431_600_000_500_000_000, vec![]));
        assert_eq!(
            at(layout, "", "not a time"),
            (-6_795_364_578_871_345_152, vec!["Don't recognize Timestamp: 'not a time'".to_string()])
        );
    }

    #[test]
    fn a_time_without_a_year_is_of_this_year() {
        let config =
            Config { timestamp_layout: "Jan _2 15:04:05".into(), ..config("(?P<Timestamp>.*)", &[]) };
        let (_, message, _) = decode(config, "May 14 10:40:00");
        let civil = heka_message::golang::clock::Civil::utc(message.timestamp.unwrap());
        assert!(civil.year >= 2026);
        assert_eq!((civil.month, civil.day, civil.hour, civil.minute), (5, 14, 10, 40));
    }

    #[test]
    fn a_time_without_a_date_is_of_today() {
        let (_, message, _) = decode(config("(?P<Timestamp>)x", &[]), "x");
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let age_ns = i128::try_from(since).unwrap() - i128::from(message.timestamp.unwrap());
        // Midnight of the local day, counted in UTC.
        assert!(age_ns.abs() < 2 * 86_400 * 1_000_000_000, "{age_ns}");
        assert_eq!(message.timestamp.unwrap() % (86_400 * 1_000_000_000), 0);
    }

    #[test]
    fn what_was_written_before_a_failure_stays() {
        let config = config(r"^(?P<n>\S+)", &[("Type", "t"), ("Pid", "%n%"), ("Logger", "l")]);
        let (outcome, message, _) = decode(config, "x y");
        assert_eq!(outcome, Err(r#"strconv.ParseInt: parsing "x": invalid syntax"#.into()));
        assert_eq!((message.msg_type.unwrap(), message.logger), ("t".into(), None));
    }

    #[test]
    fn refused_options() {
        let error =
            |config| PayloadRegexDecoder::open(config, &Context::for_test("d")).err().unwrap().to_string();
        let no_groups = "PayloadRegexDecoder regex must contain capture groups";
        assert_eq!(error(config("no groups", &[])), no_groups);
        assert_eq!(error(Config::default()), no_groups);
        assert_eq!(
            error(config("(a", &[])),
            "PayloadRegexDecoder: error parsing regexp: missing closing ): `(a`"
        );
        assert_eq!(
            error(Config { timestamp_location: "Mars/Base".into(), ..config("(a)", &[]) }),
            "PayloadRegexDecoder unknown timestamp_location 'Mars/Base': unknown time zone Mars/Base"
        );
    }
}
