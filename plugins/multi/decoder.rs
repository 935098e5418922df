//! Tries several decoders, or applies all of them.

use std::sync::Arc;

use heka_plugin::decoder::DecoderPlugin;
use heka_plugin::report::ReportRow;
use heka_plugin::{ConfigError, Context, Decode, DecodeError, Decoder, Log, Pack, PluginDef, registry};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::call_timing::CallTiming;

/// The row of this plugin.
pub static DEF: PluginDef = registry::decoder::<MultiDecoder>();

/// Tries several decoders, or runs all.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "pipeline.MultiDecoderConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Sections of the decoders, in order.
    pub subs: Vec<String>,
    /// The failures of single decoders are logged.
    pub log_sub_errors: bool,
    /// `first-wins`: the first decoder that succeeds ends the search. `all`: each one is applied to whatever those before
    /// it have made.
    pub cascade_strategy: String,
}

impl Default for Config {
    fn default() -> Config {
        Config { subs: Vec::new(), log_sub_errors: false, cascade_strategy: "first-wins".into() }
    }
}

/// Tries several decoders until one succeeds, or applies all of them in turn. A decoder that fails may leave changes in
/// the message.
pub struct MultiDecoder {
    subs: Vec<Sub>,
    all: bool,
    /// Where the failures of single decoders go, if anywhere.
    sub_errors: Option<Arc<dyn Log>>,
    timing: CallTiming,
}

struct Sub {
    name: String,
    decoder: Box<dyn Decoder>,
    timing: CallTiming,
}

impl DecoderPlugin for MultiDecoder {
    type Config = Config;
    const NAME: &'static str = "MultiDecoder";

    fn open(config: Config, context: &Context) -> Result<MultiDecoder, ConfigError> {
        if config.subs.is_empty() {
            return Err(ConfigError::init("At least one subdecoder must be specified."));
        }
        let mut subs = Vec::new();
        for name in config.subs {
            let runner = format!("{}-{name}", context.name);
            let decoder = context.decoders.decoder(&name, &runner).map_err(|why| refused(&name, &why))?;
            subs.push(Sub { name, decoder, timing: CallTiming::new(&context.globals) });
        }
        let all = match config.cascade_strategy.as_str() {
            "first-wins" => false,
            "all" => true,
            other => return Err(ConfigError::Init(format!("Unrecognized cascade strategy: {other}"))),
        };
        let sub_errors = config.log_sub_errors.then(|| Arc::clone(&context.log));
        Ok(MultiDecoder { subs, all, sub_errors, timing: CallTiming::new(&context.globals) })
    }
}

/// What is wrong with a sub decoder. One that is there but cannot be opened says why.
fn refused(name: &str, why: &ConfigError) -> ConfigError {
    let why = why.to_string();
    let missing = format!("no registered '{name}' decoder");
    let why = if why == missing { String::new() } else { format!(": {why}") };
    ConfigError::Init(format!("Non-existent subdecoder: {name}{why}"))
}

impl Decoder for MultiDecoder {
    fn decode(&mut self, pack: &mut Pack, extra: &mut Vec<Pack>) -> Result<Decode, DecodeError> {
        let began = self.timing.begin();
        let decoded = if self.all { self.apply_all(pack, extra) } else { self.try_each(pack, extra) };
        self.timing.end(began, !matches!(decoded, Ok(true)));
        if decoded? { Ok(Decode::Done) } else { Err(DecodeError::Failed("All subdecoders failed.".into())) }
    }

    fn stop(&mut self) -> Result<(), String> {
        let problems: Vec<String> = self.subs.iter_mut().filter_map(|sub| sub.decoder.stop().err()).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
    }

    fn report(&self) -> Vec<ReportRow> {
        let of_subs = self.subs.iter().flat_map(|sub| sub.timing.rows(&format!("-{}", sub.name)));
        of_subs.chain(self.timing.rows("")).collect()
    }

    fn take_log(&mut self) -> Vec<String> {
        self.subs.iter_mut().flat_map(|sub| sub.decoder.take_log()).collect()
    }
}

impl MultiDecoder {
    fn try_each(&mut self, pack: &mut Pack, extra: &mut Vec<Pack>) -> Result<bool, DecodeError> {
        for sub in &mut self.subs {
            if sub.decode(pack, extra, self.sub_errors.as_deref())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Each decoder sees every message that those before it have made of the record.
    fn apply_all(&mut self, pack: &mut Pack, extra: &mut Vec<Pack>) -> Result<bool, DecodeError> {
        let mut any = false;
        let mut made: Vec<Pack> = Vec::new();
        for sub in &mut self.subs {
            let mut next = Vec::new();
            any |= sub.decode(pack, &mut next, self.sub_errors.as_deref())?;
            for mut other in made {
                let mut more = Vec::new();
                any |= sub.decode(&mut other, &mut more, self.sub_errors.as_deref())?;
                next.push(other);
                next.append(&mut more);
            }
            made = next;
        }
        extra.append(&mut made);
        Ok(any)
    }
}

impl Sub {
    /// Whether the decoder made something of the pack. Only a failure that ends hekad is an error.
    fn decode(
        &mut self,
        pack: &mut Pack,
        extra: &mut Vec<Pack>,
        log: Option<&dyn Log>,
    ) -> Result<bool, DecodeError> {
        let before = extra.len();
        let began = self.timing.begin();
        let result = self.decoder.decode(pack, extra);
        self.timing.end(began, !matches!(result, Ok(Decode::Done)));
        match result {
            Ok(Decode::Done) => return Ok(true),
            Ok(Decode::Nothing) => {}
            Err(DecodeError::Failed(why)) => {
                if let Some(log) = log {
                    log.error(&format!("Subdecoder '{}' decode error: {why}", self.name));
                }
            }
            Err(fatal @ DecodeError::Fatal { .. }) => return Err(fatal),
        }
        extra.truncate(before);
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use heka_message::Field;
    use heka_plugin::DecoderSource;

    use super::*;

    /// Decoders that tests name by what they do: `fail`, `nothing`, `fatal`, `twice`, `mark:<type>`, or lists in
    /// parentheses (`first(a,b)`, `all(a,b)`).
    struct Source(Arc<Lines>);

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    struct Prefixed(String, Arc<Lines>);

    impl Log for Prefixed {
        fn info(&self, _: &str) {}
        fn plain(&self, _: &[u8]) {}
        fn error(&self, text: &str) {
            self.1.0.lock().unwrap().push(format!("{}: {text}", self.0));
        }
    }

    struct Does(String);

    impl Decoder for Does {
        fn decode(&mut self, pack: &mut Pack, extra: &mut Vec<Pack>) -> Result<Decode, DecodeError> {
            match self.0.as_str() {
                "nothing" => return Ok(Decode::Nothing),
                "fail" => {
                    extra.push(Pack::new());
                    return Err(DecodeError::Failed("failed".into()));
                }
                "fatal" => return Err(DecodeError::Fatal { why: "broken".into(), pack_is_done: false }),
                "twice" => extra.push(pack.clone()),
                name => pack.message_mut().add_field(Field::string(name, "", "")),
            }
            Ok(Decode::Done)
        }
    }

    fn context(name: &str, lines: &Arc<Lines>) -> Context {
        Context {
            log: Arc::new(Prefixed(name.into(), Arc::clone(lines))),
            decoders: Arc::new(Source(Arc::clone(lines))),
            ..Context::for_test(name)
        }
    }

    impl DecoderSource for Source {
        fn decoder(&self, section: &str, runner_name: &str) -> Result<Box<dyn Decoder>, ConfigError> {
            if section == "missing" {
                return Err(ConfigError::init("no registered 'missing' decoder"));
            }
            if section == "broken" {
                return Err(ConfigError::init("Init() broken.lua:1: no good"));
            }
            if section == "inner" {
                let config = Config { log_sub_errors: true, ..config(&["fail", "nothing"], "all") };
                return Ok(Box::new(MultiDecoder::open(config, &context(runner_name, &self.0))?));
            }
            Ok(Box::new(Does(section.into())))
        }
    }

    fn config(subs: &[&str], strategy: &str) -> Config {
        let subs = subs.iter().map(|sub| (*sub).to_string()).collect();
        Config { subs, cascade_strategy: strategy.into(), ..Config::default() }
    }

    /// The names of the fields in the messages that come out, or the error; and what was logged.
    fn decoded(config: Config) -> (Result<Vec<String>, String>, Vec<String>) {
        let lines = Arc::new(Lines::default());
        let mut decoder = MultiDecoder::open(config, &context("src-m-1", &lines)).unwrap();
        let (mut pack, mut extra) = (Pack::new(), Vec::new());
        let outcome = decoder.decode(&mut pack, &mut extra);
        let names = |pack: &mut Pack| {
            let fields = &pack.message().fields;
            fields.iter().map(|field| field.name().to_string()).collect::<Vec<_>>().join(" ")
        };
        let outcome = outcome.map_err(|error| error.to_string()).map(|done| {
            assert_eq!(done, Decode::Done);
            std::iter::once(&mut pack).chain(&mut extra).map(names).collect()
        });
        (outcome, std::mem::take(&mut *lines.0.lock().unwrap()))
    }

    fn messages(subs: &[&str], strategy: &str) -> Result<Vec<String>, String> {
        decoded(config(subs, strategy)).0
    }

    #[test]
    fn the_first_that_succeeds_wins() {
        assert_eq!(messages(&["fail", "nothing", "a", "b"], "first-wins"), Ok(vec!["a".into()]));
        assert_eq!(messages(&["twice", "a"], "first-wins"), Ok(vec!["".into(), "".into()]));
        assert_eq!(messages(&["fail", "nothing"], "first-wins"), Err("All subdecoders failed.".into()));
    }

    #[test]
    fn all_are_applied_to_all_that_was_made() {
        assert_eq!(messages(&["a", "fail", "nothing", "b"], "all"), Ok(vec!["a b".into()]));
        assert_eq!(
            messages(&["a", "twice", "b", "twice", "c"], "all"),
            Ok(vec!["a b c".into(), "a b c".into(), "a b c".into(), "a b c".into()])
        );
        assert_eq!(messages(&["fail", "nothing"], "all"), Err("All subdecoders failed.".into()));
    }

    #[test]
    fn failures_of_single_decoders_are_logged_on_demand() {
        let (outcome, lines) = decoded(config(&["fail", "a"], "first-wins"));
        assert_eq!((outcome, lines), (Ok(vec!["a".into()]), vec![]));
        let loud = Config { log_sub_errors: true, ..config(&["fail", "nothing", "inner"], "first-wins") };
        let (outcome, lines) = decoded(loud);
        assert_eq!(outcome, Err("All subdecoders failed.".into()));
        assert_eq!(
            lines,
            [
                "src-m-1: Subdecoder 'fail' decode error: failed",
                "src-m-1-inner: Subdecoder 'fail' decode error: failed",
                "src-m-1: Subdecoder 'inner' decode error: All subdecoders failed.",
            ]
        );
    }

    #[test]
    fn calls_are_counted_for_each_decoder_and_together() {
        let lines = Arc::new(Lines::default());
        let mut decoder =
            MultiDecoder::open(config(&["fail", "a", "b"], "first-wins"), &context("m", &lines)).unwrap();
        for _ in 0..3 {
            decoder.decode(&mut Pack::new(), &mut Vec::new()).unwrap();
        }
        let report = decoder.report();
        let count = |name: &str| report.iter().find(|row| row.0 == name).unwrap().1.clone();
        for (suffix, calls, failures) in
            [("-fail", "3", "3"), ("-a", "3", "0"), ("-b", "0", "0"), ("", "3", "0")]
        {
            assert_eq!(count(&format!("ProcessMessageCount{suffix}")), calls);
            assert_eq!(count(&format!("ProcessMessageFailures{suffix}")), failures);
        }
    }

    #[test]
    fn a_decoder_that_cannot_go_on_ends_the_search() {
        assert_eq!(messages(&["fatal", "a"], "first-wins"), Err("broken".into()));
        assert_eq!(messages(&["a", "fatal"], "all"), Err("broken".into()));
    }

    #[test]
    fn refused_options() {
        let error = |config| {
            let lines = Arc::new(Lines::default());
            MultiDecoder::open(config, &context("m", &lines)).err().unwrap().to_string()
        };
        assert_eq!(error(Config::default()), "At least one subdecoder must be specified.");
        assert_eq!(error(config(&["a", "missing"], "all")), "Non-existent subdecoder: missing");
        let broken = "Non-existent subdecoder: broken: Init() broken.lua:1: no good";
        assert_eq!(error(config(&["a", "broken"], "all")), broken);
        assert_eq!(error(config(&["a"], "random")), "Unrecognized cascade strategy: random");
    }
}
