use std::thread;

use heka_plugin::{Table, Value};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};

use super::*;
use crate::fake_inlet::FakeInlet;

fn open(pairs: &[(&str, Value)], context: &Context) -> Result<KafkaInput, ConfigError> {
    let mut table = Table::default();
    for (key, value) in pairs {
        table.set(key, value.clone());
    }
    KafkaInput::open(heka_plugin::config::decode(&table, heka_plugin::Kind::Input)?, context)
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn addrs(servers: &str) -> (&'static str, Value) {
    ("addrs", Value::Array(vec![text(servers)]))
}

#[test]
fn options_are_refused_in_the_words_of_heka() {
    let context = Context { only_check: true, ..Context::for_test("k") };
    let refusal = |pairs: &[(&str, Value)]| {
        let mut all = vec![addrs("127.0.0.1:1"), ("topic", text("t"))];
        all.extend_from_slice(pairs);
        open(&all, &context).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(open(&[], &context).err().unwrap().to_string(), "addrs must have at least one entry");
    assert_eq!(refusal(&[("offset_method", text("Last"))]), "invalid offset_method: Last");
    let zero = Value::Integer(0);
    let cases = [
        ("read_timeout", "Net.ReadTimeout must be > 0"),
        ("write_timeout", "Net.WriteTimeout must be > 0"),
        ("max_open_reqests", "Net.MaxOpenRequests must be > 0"),
        ("min_fetch_size", "Consumer.Fetch.Min must be > 0"),
        ("default_fetch_size", "Consumer.Fetch.Default must be > 0"),
        ("max_wait_time", "Consumer.MaxWaitTime must be >= 1ms"),
    ];
    for (key, rule) in cases {
        assert_eq!(refusal(&[(key, zero.clone())]), format!("kafka: invalid configuration ({rule})"));
    }
    assert_eq!(
        refusal(&[("consumer_group", text("g")), ("partition", zero)]),
        "`partition` cannot be set with `consumer_group`"
    );
    assert_eq!(refusal(&[("group", text("g")), ("event_buffer_size", Value::Integer(16))]), "");
}

struct Scene {
    cluster: MockCluster<'static, DefaultProducerContext>,
    context: Context,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Scene {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("t", 2, 1).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut context = Context::for_test("k");
        Arc::make_mut(&mut context.globals).base_dir = dir.path().into();
        Scene { cluster, context, _dir: dir }
    }

    fn produce(&self, partition: i32, values: &[&str]) {
        let producer: BaseProducer =
            ClientConfig::new().set("bootstrap.servers", self.cluster.bootstrap_servers()).create().unwrap();
        for value in values {
            let record = BaseRecord::to("t").partition(partition).payload(*value).key("key");
            producer.send(record).unwrap();
        }
        producer.flush(Duration::from_secs(30)).unwrap();
    }

    /// Runs an input until so many messages have come.
    fn run(&self, pairs: &[(&str, Value)], count: usize) -> Vec<heka_message::Message> {
        let mut all = vec![addrs(&self.cluster.bootstrap_servers()), ("topic", text("t"))];
        all.extend_from_slice(pairs);
        let mut input = open(&all, &self.context).unwrap();
        let (inlet, stop) = (FakeInlet::default(), Stop::new());
        let (within, ending) = (inlet.clone(), stop.clone());
        let thread = thread::spawn(move || input.run(&within, &ending));
        let messages = inlet.messages(count);
        stop.request();
        thread.join().unwrap().unwrap();
        messages
    }
}

fn payloads(messages: &[heka_message::Message]) -> Vec<String> {
    messages.iter().map(|message| message.payload.clone().unwrap_or_default().to_string()).collect()
}

#[test]
fn a_partition_is_read_on_from_its_checkpoint() {
    let scene = Scene::new();
    scene.produce(1, &["a", "b"]);
    let partition = [("partition", Value::Integer(1))];
    let messages = scene.run(&partition, 2);
    assert_eq!(payloads(&messages), ["a", "b"]);
    assert_eq!(messages[1].msg_type.as_ref().unwrap(), "heka.kafka");
    assert_eq!(messages[1].hostname.as_ref().unwrap(), "test.host");
    let fields = &messages[1].fields;
    assert_eq!(fields[0], heka_message::Field::bytes("Key", "", "key"));
    assert_eq!(fields[1], heka_message::Field::string("Topic", "", "t"));
    assert_eq!(fields[2], heka_message::Field::integer("Partition", "", 1));
    assert_eq!(fields[3], heka_message::Field::integer("Offset", "", 1));
    let file = scene.context.globals.in_base_dir("kafka/k.t.1.offset.bin");
    assert_eq!(fs::read(&file).unwrap(), 2_i64.to_le_bytes());
    scene.produce(1, &["c"]);
    assert_eq!(payloads(&scene.run(&partition, 1)), ["c"]);
    // From the start, and without a checkpoint.
    let oldest = [("partition", Value::Integer(1)), ("offset_method", text("Oldest"))];
    assert_eq!(payloads(&scene.run(&oldest, 3)), ["a", "b", "c"]);
    assert!(!file.exists());
}

#[test]
fn a_checkpoint_that_was_torn_is_refused() {
    let scene = Scene::new();
    let file = scene.context.globals.in_base_dir("kafka/k.t.0.offset.bin");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, b"").unwrap();
    let refused = open(&[addrs("127.0.0.1:1"), ("topic", text("t"))], &scene.context);
    assert_eq!(refused.err().unwrap().to_string(), "readCheckpoint EOF");
}

#[test]
fn a_message_that_is_too_large_is_skipped_and_told() {
    let scene = Scene::new();
    scene.produce(0, &["far too large", "small"]);
    assert_eq!(payloads(&scene.run(&[("max_message_size", Value::Integer(8))], 1)), ["small"]);
}
