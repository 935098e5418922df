use std::sync::Arc;

use heka_plugin::{Modifier, Table, Value};

use super::*;
use crate::fake_inlet::FakeInlet;

fn stat(bucket: &str, value: &str, modifier: Modifier, sampling: f32) -> Stat {
    Stat { bucket: bucket.into(), value: value.into(), modifier, sampling }
}

fn opened(config: Config) -> (StatAccumInput, Arc<dyn StatAccumulator>, Context) {
    let context = Context::for_test("acc");
    let input = StatAccumInput::open(config, &context).unwrap();
    let accumulator = context.accumulators.get("acc").unwrap();
    (input, accumulator, context)
}

/// The payload of the message that a stop gives.
fn final_payload(config: Config, stats: &[Stat]) -> String {
    let (mut input, accumulator, _) = opened(config);
    assert!(stats.iter().all(|stat| accumulator.drop_stat(stat)));
    let (inlet, stop) = (FakeInlet::default(), Stop::new());
    stop.request();
    input.run(&inlet, &stop).unwrap();
    assert!(!accumulator.drop_stat(&stat("late", "1", Modifier::Counter, 1.0)));
    let payload = inlet.payloads(1).remove(0);
    payload.lines().map(|line| line.rsplit_once(' ').unwrap().0.to_owned() + "\n").collect()
}

#[test]
fn counters_are_scaled_and_cut_off() {
    let counter = |name, value, sampling| stat(name, value, Modifier::Counter, sampling);
    let stats = [
        counter("half", "0.5", 1.0),
        counter("third", "1", 0.3),
        counter("third", "1", 0.3),
        counter("text", "abc", 1.0),
        counter("", "-2", 1.0),
    ];
    assert_eq!(
        final_payload(Config::default(), &stats),
        "stats.counters.rate -0.200000\nstats.counters.count -2\nstats.counters.half.rate 0.000000\n\
         stats.counters.half.count 0\nstats.counters.text.rate 0.000000\nstats.counters.text.count 0\n\
         stats.counters.third.rate 0.600000\nstats.counters.third.count 6\nstats.statsd.numStats 4\n"
    );
}

#[test]
fn timers_have_percentiles() {
    let stats: Vec<Stat> =
        ["3", "1", "2", "10"].iter().map(|value| stat("t", value, Modifier::Timer, 1.0)).collect();
    let config = Config { percent_threshold: Percents::List(vec![50, 0, 200]), ..Config::default() };
    assert_eq!(
        final_payload(config, &stats),
        "stats.timers.t.count 4\nstats.timers.t.count_ps 0.400000\nstats.timers.t.lower 1.000000\n\
         stats.timers.t.upper 10.000000\nstats.timers.t.sum 16.000000\nstats.timers.t.mean 4.000000\n\
         stats.timers.t.mean_50 1.500000\nstats.timers.t.upper_50 2.000000\nstats.timers.t.mean_0 1.000000\n\
         stats.timers.t.upper_0 10.000000\nstats.timers.t.mean_200 4.000000\nstats.timers.t.upper_200 10.000000\n\
         stats.statsd.numStats 1\n"
    );
}

#[test]
fn old_names_and_empty_prefixes() {
    let stats = [stat("c", "37", Modifier::Counter, 1.0), stat("g", "2.5", Modifier::Gauge, 1.0)];
    let config = Config { legacy_namespaces: true, ..Config::default() };
    assert_eq!(
        final_payload(config, &stats),
        "stats.c 3.700000\nstats_counts.c 37\nstats.gauges.g 2.500000\nstatsd.numStats 2\n"
    );
    let config = Config { global_prefix: "g.".into(), counter_prefix: String::new(), ..Config::default() };
    assert_eq!(
        final_payload(config, &stats),
        "g.c.rate 3.700000\ng.c.count 37\ng.gauges.g 2.500000\ng.statsd.numStats 2\n"
    );
}

#[test]
fn idle_stats_go_on_or_go() {
    for (forget, after) in [
        (false, "stats.counters.c.rate 0.000000\nstats.counters.c.count 0\nstats.gauges.g 5.000000\n"),
        (true, ""),
    ] {
        let config = Config { delete_idle_stats: forget, ..Config::default() };
        let (mut input, accumulator, _) = opened(config);
        accumulator.drop_stat(&stat("c", "3", Modifier::Counter, 1.0));
        accumulator.drop_stat(&stat("g", "5", Modifier::Gauge, 1.0));
        assert_eq!(input.take(false).unwrap().counters.len(), 1);
        let (inlet, stop) = (FakeInlet::default(), Stop::new());
        stop.request();
        input.run(&inlet, &stop).unwrap();
        let payload = inlet.payloads(1).remove(0);
        let lines = payload.lines().filter(|line| !line.contains("numStats"));
        let lines: String = lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned() + "\n").collect();
        assert_eq!(lines, after, "delete_idle_stats {forget}");
    }
}

#[test]
fn fields_begin_with_the_time() {
    let config =
        Config { emit_in_payload: false, emit_in_fields: true, legacy_namespaces: true, ..Config::default() };
    let (mut input, accumulator, _) = opened(config);
    accumulator.drop_stat(&stat("c", "37", Modifier::Counter, 1.0));
    let (inlet, stop) = (FakeInlet::default(), Stop::new());
    stop.request();
    input.run(&inlet, &stop).unwrap();
    let message = inlet.messages(1).remove(0);
    let names: Vec<String> = message.fields.iter().map(|field| field.name().to_string()).collect();
    assert_eq!(names, ["timestamp", "stats.c", "stats_counts.c", "statsd.numStats"]);
    assert_eq!(message.fields[1].value_integer, [3]);
    assert_eq!(message.payload.unwrap(), "");
}

#[test]
fn options_that_cannot_work_are_refused() {
    let refused = |config| match StatAccumInput::open(config, &Context::for_test("acc")) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("not refused"),
    };
    assert_eq!(
        refused(Config { emit_in_payload: false, ..Config::default() }),
        "One of either `EmitInPayload` or `EmitInFields` must be set to true."
    );
    assert_eq!(
        refused(Config { ticker_interval: 0, ..Config::default() }),
        "TickerInterval must be greater than 0."
    );
}

#[test]
fn one_percentile_need_not_be_a_list() {
    let mut table = Table::default();
    table.set("percent_threshold", Value::Integer(95));
    let config: Config = heka_plugin::config::decode(&table, heka_plugin::Kind::Input).unwrap();
    assert!(matches!(config.percent_threshold, Percents::One(95)));
    table.set("percent_threshold", Value::Array(vec![Value::Integer(50), Value::Integer(95)]));
    let config: Config = heka_plugin::config::decode(&table, heka_plugin::Kind::Input).unwrap();
    assert!(matches!(config.percent_threshold, Percents::List(list) if list == [50, 95]));
}
