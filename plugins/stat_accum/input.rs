//! Adds statistics up and reports them.

mod name;
mod report;
mod totals;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use heka_message::Message;
use heka_plugin::input::InputPlugin;
use heka_plugin::{
    ConfigError, Context, Inlet, Input, InputDefaults, Pack, PluginDef, PluginError, Stat, StatAccumulator,
    Stop, fresh_uuid, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::name::Names;
use self::report::Reporter;
use self::totals::Totals;

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<StatAccumInput>();

/// Severity of the messages.
const SEVERITY: i32 = 7;

/// Gathers statistics and gives them out at every tick.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "pipeline.StatAccumInputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Writes the statistics into the payload, a line each: name, value, Unix time in seconds.
    pub emit_in_payload: bool,
    /// Writes the statistics into fields.
    pub emit_in_fields: bool,
    /// Percentiles of timers to report.
    pub percent_threshold: Percents,
    /// Seconds between messages; also what rates are divided by.
    pub ticker_interval: u64,
    /// Type of the messages.
    pub message_type: String,
    /// Names of counters are those of statsd before its version 0.3.
    pub legacy_namespaces: bool,
    /// Begins all names.
    pub global_prefix: String,
    /// Comes next in the names of counters.
    pub counter_prefix: String,
    /// Comes next in the names of timers.
    pub timer_prefix: String,
    /// Comes next in the names of gauges.
    pub gauge_prefix: String,
    /// Comes next in the names of the accumulator's own figures.
    pub statsd_prefix: String,
    /// Forgets after each message what was measured; otherwise counters and timers of which nothing came go on as zeros, and
    /// gauges keep their value.
    pub delete_idle_stats: bool,
}

/// A list of percentiles, or one, as hekad 0.10 had it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Percents {
    /// Several.
    List(Vec<i64>),
    /// One.
    One(i64),
}

impl Default for Config {
    fn default() -> Config {
        Config {
            emit_in_payload: true,
            emit_in_fields: false,
            percent_threshold: Percents::List(vec![90]),
            ticker_interval: DEFAULT_TICKER_S,
            message_type: "heka.statmetric".into(),
            legacy_namespaces: false,
            global_prefix: "stats".into(),
            counter_prefix: "counters".into(),
            timer_prefix: "timers".into(),
            gauge_prefix: "gauges".into(),
            statsd_prefix: "statsd".into(),
            delete_idle_stats: false,
        }
    }
}

const DEFAULT_TICKER_S: u64 = 10;

/// Takes statistics from StatsdInputs and StatFilters, and makes a message of them at each tick and at the end.
pub struct StatAccumInput {
    config: Config,
    shared: Arc<Shared>,
    reporter: Reporter,
    context: Context,
}

/// What others reach.
struct Shared {
    /// `None` once the accumulator has ended.
    totals: Mutex<Option<Totals>>,
}

impl StatAccumulator for Shared {
    fn drop_stat(&self, stat: &Stat) -> bool {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(totals) = totals.as_mut() else { return false };
        totals.add(stat);
        true
    }
}

impl InputPlugin for StatAccumInput {
    type Config = Config;
    const NAME: &'static str = "StatAccumInput";
    const DEFAULTS: InputDefaults =
        InputDefaults { ticker_interval_s: DEFAULT_TICKER_S, outlasts_filters: true, ..InputDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<StatAccumInput, ConfigError> {
        if !config.emit_in_payload && !config.emit_in_fields {
            return Err(ConfigError::init(
                "One of either `EmitInPayload` or `EmitInFields` must be set to true.",
            ));
        }
        if config.ticker_interval == 0 {
            return Err(ConfigError::init("TickerInterval must be greater than 0."));
        }
        let shared = Arc::new(Shared { totals: Mutex::new(Some(Totals::default())) });
        context.accumulators.register(&context.name, shared.clone());
        let percents = match &config.percent_threshold {
            Percents::List(list) => list.clone(),
            Percents::One(one) => vec![*one],
        };
        let reporter = Reporter {
            names: Names::new(&config),
            percents,
            interval_s: config.ticker_interval,
            in_payload: config.emit_in_payload,
            in_fields: config.emit_in_fields,
        };
        Ok(StatAccumInput { config, shared, reporter, context: context.clone() })
    }
}

impl Input for StatAccumInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let mut deliverer = inlet.deliverer("").map_err(PluginError::Run)?;
        let interval = Duration::from_secs(self.config.ticker_interval);
        let mut next = Instant::now() + interval;
        loop {
            let stopped = stop.wait(next.saturating_duration_since(Instant::now()));
            if let Some(totals) = self.take(stopped) {
                deliverer.deliver(&mut Pack::of(self.message(&totals)))?;
            }
            if stopped {
                return Ok(());
            }
            next += interval;
        }
    }
}

impl StatAccumInput {
    /// What was gathered since the last time; `last`: nothing is taken any more.
    fn take(&self, last: bool) -> Option<Totals> {
        let mut totals = self.shared.totals.lock().unwrap_or_else(PoisonError::into_inner);
        if last {
            return totals.take();
        }
        totals.as_mut().map(|totals| totals.next(self.config.delete_idle_stats))
    }

    fn message(&self, totals: &Totals) -> Message {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let globals = &self.context.globals;
        let mut message = Message {
            uuid: Some(fresh_uuid()[..].into()),
            timestamp: Some(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)),
            msg_type: Some(self.config.message_type.as_str().into()),
            logger: Some(self.context.name.as_str().into()),
            severity: Some(SEVERITY),
            hostname: Some(globals.hostname.as_str().into()),
            pid: Some(globals.pid),
            ..Message::default()
        };
        self.reporter.write(totals, now.as_secs(), &mut message);
        message
    }
}

#[cfg(test)]
mod tests;
