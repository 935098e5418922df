use std::time::Duration;

use heka_message::{Field, Message, MessageView};
use heka_plugin::Table;
use heka_plugin::Value;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use super::*;

fn table(pairs: &[(&str, &str)]) -> Table {
    let mut table = Table::default();
    for (key, value) in pairs {
        let value = match (*key, value.parse()) {
            ("addrs", _) => Value::Array(vec![Value::String((*value).into())]),
            (_, Ok(number)) => Value::Integer(number),
            (_, Err(_)) if *value == "true" || *value == "false" => Value::Bool(*value == "true"),
            _ => Value::String((*value).into()),
        };
        table.set(key, value);
    }
    table
}

fn open(pairs: &[(&str, &str)], only_check: bool) -> Result<KafkaOutput, ConfigError> {
    let context = Context { only_check, ..Context::for_test("k") };
    KafkaOutput::open(heka_plugin::config::decode(&table(pairs), heka_plugin::Kind::Output)?, &context)
}

/// Why these options are refused, besides good ones.
fn refusal(pairs: &[(&str, &str)]) -> String {
    let mut all = vec![("addrs", "127.0.0.1:1")];
    all.extend_from_slice(pairs);
    open(&all, true).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn options_are_refused_in_the_words_of_heka() {
    assert_eq!(
        open(&[("topic", "t")], true).err().unwrap().to_string(),
        "addrs must have at least one entry"
    );
    let cases: [(&[(&str, &str)], &str); 14] = [
        (&[("topic", "t"), ("partitioner", "widget")], "invalid partitioner: widget"),
        (
            &[("topic", "t"), ("hash_variable", "Type")],
            "hash_variable should not be set for the Random partitioner",
        ),
        (
            &[("topic", "t"), ("partitioner", "RoundRobin"), ("hash_variable", "x")],
            "hash_variable should not be set for the RoundRobin partitioner",
        ),
        (
            &[("topic", "t"), ("partitioner", "Hash"), ("hash_variable", "bogus")],
            "invalid hash_variable: bogus",
        ),
        (&[], "invalid topic_variable: "),
        (&[("topic_variable", "bogus")], "invalid topic_variable: bogus"),
        (&[("topic", "t"), ("topic_variable", "Type")], "topic and topic_variable cannot both be set"),
        (&[("topic", "t"), ("required_acks", "whenever")], "invalid required_acks: whenever"),
        (&[("topic", "t"), ("compression_codec", "squash")], "invalid compression_codec: squash"),
        (&[("topic", "t"), ("timeout", "0")], "kafka: invalid configuration (Producer.Timeout must be > 0)"),
        (
            &[("topic", "t"), ("dial_timeout", "0")],
            "kafka: invalid configuration (Net.DialTimeout must be > 0)",
        ),
        (
            &[("topic", "t"), ("max_open_reqests", "0")],
            "kafka: invalid configuration (Net.MaxOpenRequests must be > 0)",
        ),
        (&[("topic", "t"), ("idempotence", "true")], "`idempotence` takes required_acks = \"WaitForAll\""),
        (
            &[("topic", "t"), ("sasl_mechanism", "GSSAPI"), ("sasl_username", "u"), ("sasl_password", "p")],
            "sasl_mechanism 'GSSAPI' is not built in; there are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
        ),
    ];
    for (pairs, why) in cases {
        assert_eq!(refusal(pairs), why);
    }
    assert_eq!(refusal(&[("topic", "t"), ("back_pressure_threshold_bytes", "5")]), "");
}

#[test]
fn properties_are_the_operators_but_for_those_that_are_not() {
    let refusal = |key: &str, value: &str| {
        let mut properties = Table::default();
        properties.set(key, Value::String(value.into()));
        let mut all = table(&[("addrs", "127.0.0.1:1"), ("topic", "t")]);
        all.set("properties", Value::Table(properties));
        let context = Context { only_check: true, ..Context::for_test("k") };
        let config = heka_plugin::config::decode(&all, heka_plugin::Kind::Output).unwrap();
        KafkaOutput::open(config, &context).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(refusal("acks", "0"), "`properties`: 'acks' cannot be set here");
    assert_eq!(refusal("\"acks\"", "0"), "`properties`: 'acks' cannot be set here");
    assert!(refusal("no.such", "0").contains("No such configuration property"));
    assert!(refusal("linger.ms", "soon").contains("Invalid value"));
    assert_eq!(refusal("batch.size", "1000"), "");
}

type Cluster = MockCluster<'static, DefaultProducerContext>;

/// Sends payloads; a payload is the value of the record, and the topic if one is taken from the message.
fn send(output: &mut KafkaOutput, payloads: &[&str]) -> Result<(), SendError> {
    let encoded: Vec<_> = payloads
        .iter()
        .map(|payload| {
            let mut message = Message { payload: Some((*payload).into()), ..Message::default() };
            message.add_field(Field::string("topic", "", *payload));
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            bytes
        })
        .collect();
    let record = |(bytes, payload): (&'_ Vec<u8>, &&str)| Record {
        message: MessageView::new(Vec::leak(bytes.clone())),
        bytes: Vec::leak(payload.as_bytes().to_vec()),
        loop_count: 0,
    };
    let batch: Vec<_> = encoded.iter().zip(payloads).map(record).collect();
    output.send(&batch, &Stop::new())
}

fn output(cluster: &Cluster, pairs: &[(&str, &str)]) -> KafkaOutput {
    let servers = cluster.bootstrap_servers();
    let mut all = vec![("addrs", servers.as_str())];
    all.extend_from_slice(pairs);
    open(&all, false).unwrap()
}

/// The values in a topic's only partition.
fn stored(cluster: &Cluster, topic: &str, count: usize) -> Vec<String> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("group.id", "test")
        .create()
        .unwrap();
    let mut list = rdkafka::TopicPartitionList::new();
    list.add_partition_offset(topic, 0, rdkafka::Offset::Beginning).unwrap();
    consumer.assign(&list).unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    let mut values = Vec::new();
    while values.len() < count && Instant::now() < end {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            values.push(String::from_utf8(message.payload().unwrap().to_vec()).unwrap());
        }
    }
    values
}

#[test]
fn a_batch_is_sent_when_it_is_acknowledged_and_in_order() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    let mut output = output(&cluster, &[("topic", "t"), ("required_acks", "WaitForAll")]);
    send(&mut output, &["1", "2", "3"]).unwrap();
    send(&mut output, &["4"]).unwrap();
    assert_eq!(stored(&cluster, "t", 4), ["1", "2", "3", "4"]);
    assert_eq!(output.acknowledged, 4);
}

#[test]
fn a_record_that_can_never_be_sent_is_rejected_and_the_others_are_not() {
    let cluster = MockCluster::new(1).unwrap();
    for topic in ["good", "t2"] {
        cluster.create_topic(topic, 1, 1).unwrap();
    }
    let mut output = output(&cluster, &[("topic_variable", "Fields[topic]"), ("max_message_bytes", "6")]);
    match send(&mut output, &["good", "not good", "t2"]) {
        Err(SendError::Reject { index: 1, why }) => {
            assert_eq!(why, "kafka error ''not good' is not the name of a topic' for message 'not good'");
        }
        other => panic!("{other:?}"),
    }
    send(&mut output, &["t2"]).unwrap();
    match send(&mut output, &["toolong", "good"]) {
        Err(SendError::Reject { index: 0, why }) => assert!(why.contains("max_message_bytes, 6"), "{why}"),
        other => panic!("{other:?}"),
    }
    send(&mut output, &["good"]).unwrap();
    assert_eq!(stored(&cluster, "good", 2).len(), 2);
    assert_eq!(stored(&cluster, "t2", 1).len(), 1, "it is not sent twice");
    assert_eq!(output.rejected, 2);
}

#[test]
fn while_a_broker_is_away_a_batch_waits_and_is_then_stored_once() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    let mut output = output(&cluster, &[("topic", "t"), ("required_acks", "WaitForAll")]);
    send(&mut output, &["0"]).unwrap();
    cluster.broker_down(1).unwrap();
    match send(&mut output, &["1", "2"]) {
        Err(SendError::Retry(why)) => assert!(why.starts_with("no acknowledgement"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(output.delivered(), 0);
    cluster.broker_up(1).unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while let Err(error) = send(&mut output, &["1", "2"]) {
        assert!(matches!(error, SendError::Retry(_)) && Instant::now() < end, "{error}");
    }
    send(&mut output, &["3"]).unwrap();
    assert_eq!(stored(&cluster, "t", 4), ["0", "1", "2", "3"]);
}

#[test]
fn a_stop_ends_a_wait_at_once_and_says_nothing() {
    let mut output = open(&[("addrs", "127.0.0.1:1"), ("topic", "t")], false).unwrap();
    let stop = Stop::new();
    stop.request();
    let record = Record { message: MessageView::new(b""), bytes: b"x", loop_count: 0 };
    match output.send(&[record], &stop) {
        Err(SendError::Retry(why)) => assert_eq!(why, ""),
        other => panic!("{other:?}"),
    }
}
