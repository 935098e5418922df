use std::sync::Mutex;

use heka_message::{Field, Message};
use heka_plugin::InjectError;

use super::*;

#[derive(Default)]
struct Kept(Mutex<Vec<Stat>>);

impl StatAccumulator for Kept {
    fn drop_stat(&self, stat: &Stat) -> bool {
        self.0.lock().unwrap().push(stat.clone());
        true
    }
}

struct Nothing;

impl Inject for Nothing {
    fn new_message(&self) -> Message {
        Message::default()
    }
    fn inject(&mut self, _: &Message) -> Result<(), InjectError> {
        Ok(())
    }
    fn inject_encoded(&mut self, _: MessageView<'_>) -> Result<(), InjectError> {
        Ok(())
    }
}

fn metric(kind: &str, name: &str, value: &str, replace_dot: bool) -> (String, Metric) {
    let metric = Metric { kind: kind.into(), name: name.into(), value: value.into(), replace_dot };
    (name.into(), metric)
}

/// The statistics that these metrics make of messages, as `name=value`.
fn made(metrics: Vec<(String, Metric)>, messages: &[Message]) -> Vec<String> {
    let context = Context::for_test("sf");
    let kept = Arc::new(Kept::default());
    context.accumulators.register("StatAccumInput", kept.clone());
    let config = Config { metric: Pairs(metrics), ..Config::default() };
    let mut filter = StatFilter::open(config, &context).unwrap();
    filter.start(&mut Nothing).unwrap();
    for message in messages {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        let record = Record { message: MessageView::new(&bytes), bytes: &[], loop_count: 0 };
        filter.process(&record, &mut Nothing).unwrap();
    }
    let stats = kept.0.lock().unwrap();
    stats.iter().map(|stat| format!("{}={} {:?}", stat.bucket, stat.value, stat.modifier)).collect()
}

#[test]
fn headers_and_fields_fill_names_and_values() {
    let message = Message {
        logger: Some("web".into()),
        hostname: Some("h.one".into()),
        fields: vec![
            Field::integer("status", "", 404),
            Field::double("ms", "", 1e6),
            Field::boolean("cached", "", true),
            Field::bytes("raw", "", "b.c"),
            Field::string("status", "", "last"),
        ],
        ..Message::default()
    };
    let metrics = vec![
        metric("Counter", "req.%Logger%.%status%", "1", false),
        metric("Timer", "time.%Hostname%", "%ms%", true),
        metric("Gauge", "%nope%.%cached%.%raw%", "2", false),
        metric("Timer", "%Type%|%Payload%|%Hostname%", "3", false),
    ];
    assert_eq!(
        made(metrics, &[message]),
        ["req.web.last=1 Counter", "time.h_one=1000000 Timer", "<nope>.true.b.c=2 Gauge", "||h.one=3 Timer"]
    );
}

#[test]
fn values_of_an_earlier_message_are_forgotten() {
    let with = Message { fields: vec![Field::string("path", "", "/a")], ..Message::default() };
    let empty = Message {
        fields: vec![Field::new("path", heka_message::ValueType::Integer, "")],
        ..Message::default()
    };
    let metrics = vec![metric("Counter", "p.%path%", "1", false)];
    assert_eq!(
        made(metrics, &[with, Message::default(), empty]),
        ["p./a=1 Counter", "p.<path>=1 Counter", "p.<path>=1 Counter"]
    );
}

#[test]
fn without_an_accumulator_it_does_not_run() {
    let mut filter = StatFilter::open(Config::default(), &Context::for_test("sf")).unwrap();
    assert_eq!(filter.start(&mut Nothing).unwrap_err().to_string(), "No Input named 'StatAccumInput");
}
