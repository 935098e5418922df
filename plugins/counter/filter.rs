//! Counts messages and reports rates.

use std::time::{SystemTime, UNIX_EPOCH};

use heka_message::golang::write_fixed;
use heka_plugin::filter::FilterPlugin;
use heka_plugin::{
    ConfigError, Context, Filter, FilterDefaults, Inject, PluginDef, PluginError, Record, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The row of this plugin.
pub static DEF: PluginDef = registry::filter::<CounterFilter>();

/// CounterFilter has no options of its own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "pipeline.CounterFilterConfig", default, deny_unknown_fields)]
pub struct Config {}

/// Counts the messages that match. At each tick with new messages it injects a `heka.counter-output` message with the
/// count since the start and the rate since the last report, and after each tenth of these one that sums the rates up.
pub struct CounterFilter {
    name: String,
    count: u64,
    reported: u64,
    /// When the last report was made, in nanoseconds since the epoch.
    reported_ns: i64,
    /// Rates since the last sum, in messages a second.
    rates: Vec<f64>,
}

/// How many rates are summed up.
const RATES: usize = 10;
/// First byte of a saved state, which tells its form.
const STATE_FORM: u8 = 1;

impl FilterPlugin for CounterFilter {
    type Config = Config;
    const NAME: &'static str = "CounterFilter";
    const DEFAULTS: FilterDefaults = FilterDefaults {
        message_matcher: Some("Type != 'heka.counter-output'"),
        ticker_interval_s: 5,
        ..FilterDefaults::USUAL
    };

    fn open(_: Config, context: &Context) -> Result<CounterFilter, ConfigError> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(CounterFilter {
            name: context.name.clone(),
            count: 0,
            reported: 0,
            reported_ns: i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            rates: Vec::with_capacity(RATES),
        })
    }
}

impl Filter for CounterFilter {
    fn process(&mut self, _: &Record<'_>, _: &mut dyn Inject) -> Result<(), PluginError> {
        self.count += 1;
        Ok(())
    }

    fn tick(&mut self, now_ns: i64, inject: &mut dyn Inject) -> Result<(), PluginError> {
        let new = self.count - self.reported;
        if new == 0 {
            return Ok(());
        }
        let elapsed_s = now_ns.saturating_sub(self.reported_ns) as f64 / 1e9;
        let rate = new as f64 / elapsed_s;
        self.reported = self.count;
        self.reported_ns = now_ns;
        self.rates.push(rate);
        let mut payload = format!("Got {} messages. ", self.count).into_bytes();
        write_fixed(rate, 2, &mut payload);
        payload.extend_from_slice(b" msg/sec");
        self.report(payload, inject);
        if self.rates.len() >= RATES {
            let payload = self.sum_up();
            self.report(payload, inject);
            self.rates.clear();
        }
        Ok(())
    }

    fn save(&mut self) -> Option<Vec<u8>> {
        let mut state = vec![STATE_FORM];
        state.extend_from_slice(&self.count.to_le_bytes());
        state.extend_from_slice(&self.reported.to_le_bytes());
        for rate in &self.rates {
            state.extend_from_slice(&rate.to_le_bytes());
        }
        Some(state)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        let unusable = || "the saved counts are not readable".to_string();
        let (&[form], numbers) = state.split_first_chunk().ok_or_else(unusable)?;
        let (numbers, rest) = numbers.as_chunks::<8>();
        let [count, reported, rates @ ..] = numbers else { return Err(unusable()) };
        let (count, reported) = (u64::from_le_bytes(*count), u64::from_le_bytes(*reported));
        if form != STATE_FORM || !rest.is_empty() || rates.len() >= RATES || reported > count {
            return Err(unusable());
        }
        self.count = count;
        self.reported = reported;
        self.rates.clear();
        self.rates.extend(rates.iter().map(|rate| f64::from_le_bytes(*rate)));
        Ok(())
    }
}

impl CounterFilter {
    fn sum_up(&self) -> Vec<u8> {
        let least = self.rates.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.rates.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mean = self.rates.iter().sum::<f64>() / self.rates.len() as f64;
        let mut payload = b"AGG Sum.".to_vec();
        for (label, value) in [(" Min: ", least), ("    Max: ", most), ("    Mean: ", mean)] {
            payload.extend_from_slice(label.as_bytes());
            write_fixed(value, 2, &mut payload);
        }
        payload
    }

    fn report(&self, payload: Vec<u8>, inject: &mut dyn Inject) {
        let mut message = inject.new_message();
        message.msg_type = Some("heka.counter-output".into());
        message.logger = Some(self.name.as_str().into());
        message.payload = Some(payload.into());
        // The engine logs a refusal; the count goes on.
        let _ = inject.inject(&message);
    }
}

#[cfg(test)]
mod tests {
    use heka_message::{Message, MessageView};
    use heka_plugin::InjectError;

    use super::*;

    #[derive(Default)]
    struct Injected(Vec<Message>);

    impl Inject for Injected {
        fn new_message(&self) -> Message {
            Message { hostname: Some("test.host".into()), ..Message::default() }
        }

        fn inject(&mut self, message: &Message) -> Result<(), InjectError> {
            self.0.push(message.clone());
            Ok(())
        }

        fn inject_encoded(&mut self, message: MessageView<'_>) -> Result<(), InjectError> {
            self.0.push(message.to_message().unwrap());
            Ok(())
        }
    }

    fn filter() -> CounterFilter {
        let mut filter = CounterFilter::open(Config {}, &Context::for_test("counts")).unwrap();
        filter.reported_ns = 0;
        filter
    }

    fn count(filter: &mut CounterFilter, messages: u32, injected: &mut Injected) {
        let record = Record { message: MessageView::new(b""), bytes: b"", loop_count: 0 };
        for _ in 0..messages {
            filter.process(&record, injected).unwrap();
        }
    }

    fn payloads(injected: &Injected) -> Vec<String> {
        injected.0.iter().map(|message| message.payload.as_ref().unwrap().to_string()).collect()
    }

    const S: i64 = 1_000_000_000;

    #[test]
    fn a_report_has_the_total_and_the_rate_since_the_last_one() {
        let (mut filter, mut injected) = (filter(), Injected::default());
        filter.tick(5 * S, &mut injected).unwrap();
        assert!(injected.0.is_empty(), "nothing was counted, nothing is reported");
        count(&mut filter, 3, &mut injected);
        filter.tick(10 * S, &mut injected).unwrap();
        count(&mut filter, 10, &mut injected);
        filter.tick(12 * S + S / 2, &mut injected).unwrap();
        filter.tick(20 * S, &mut injected).unwrap();
        assert_eq!(payloads(&injected), ["Got 3 messages. 0.30 msg/sec", "Got 13 messages. 4.00 msg/sec"]);
        let message = &injected.0[0];
        assert_eq!(message.msg_type.as_ref().unwrap(), "heka.counter-output");
        assert_eq!(message.logger.as_ref().unwrap(), "counts");
        assert_eq!(message.hostname.as_ref().unwrap(), "test.host");
    }

    #[test]
    fn ten_rates_are_summed_up() {
        let (mut filter, mut injected) = (filter(), Injected::default());
        for tick in 1..=20 {
            count(&mut filter, tick, &mut injected);
            filter.tick(i64::from(tick) * S, &mut injected).unwrap();
        }
        let payloads = payloads(&injected);
        assert_eq!(payloads.len(), 22);
        assert_eq!(payloads[9], "Got 55 messages. 10.00 msg/sec");
        assert_eq!(payloads[10], "AGG Sum. Min: 1.00    Max: 10.00    Mean: 5.50");
        assert_eq!(payloads[21], "AGG Sum. Min: 11.00    Max: 20.00    Mean: 15.50");
    }

    #[test]
    fn counts_go_on_after_a_restart() {
        let (mut before, mut injected) = (filter(), Injected::default());
        for tick in 1..=9 {
            count(&mut before, 1, &mut injected);
            before.tick(i64::from(tick) * S, &mut injected).unwrap();
        }
        count(&mut before, 4, &mut injected);
        let state = before.save().unwrap();
        let (mut after, mut injected) = (filter(), Injected::default());
        after.restore(&state).unwrap();
        after.tick(2 * S, &mut injected).unwrap();
        assert_eq!(
            payloads(&injected),
            ["Got 13 messages. 2.00 msg/sec", "AGG Sum. Min: 1.00    Max: 2.00    Mean: 1.10"]
        );
    }

    #[test]
    fn a_state_that_is_none_changes_nothing() {
        let mut filter = filter();
        let good = filter.save().unwrap();
        for bad in [&b""[..], &good[..good.len() - 1], b"\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", &[1; 16]] {
            assert!(filter.restore(bad).is_err());
            assert_eq!((filter.count, filter.reported), (0, 0));
        }
    }
}
