use heka_message::{Field, Message, ValueType};
use heka_plugin::Value as Option_;
use heka_plugin::config::{Table, decode_struct};
use proptest::prelude::*;

use super::*;
use crate::sample;

fn open(config: Config) -> ESJsonEncoder {
    ESJsonEncoder::open(config, &Context::for_test("o-e")).unwrap()
}

fn config(fields: &[&str]) -> Config {
    Config {
        index: "idx".into(),
        type_name: "tn".into(),
        fields: fields.iter().map(|field| (*field).to_string()).collect(),
        ..Config::default()
    }
}

const LINE: &str = "{\"index\":{\"_index\":\"idx\",\"_type\":\"tn\"}}\n";

/// The document alone.
fn document(config: Config, message: &Message) -> String {
    let text = sample::encoded(&mut open(config), message);
    let document = text.strip_prefix(LINE).unwrap_or_else(|| panic!("unexpected coordinates: {text}"));
    document.strip_suffix('\n').unwrap().to_string()
}

#[test]
fn the_fields_list_gives_order_and_choice() {
    let (full, bare) = (sample::full(), sample::bare());
    for (fields, of_full, of_bare) in [
        (
            &["Payload", "Uuid"][..],
            r#"{"Payload":"the payload","Uuid":"00000000-0000-4000-8000-000000000001"}"#,
            r#"{"Payload":"","Uuid":"00000000-0000-4000-8000-000000000002"}"#,
        ),
        (
            &["Type", "dynamicfields", "Pid"],
            r#"{"Type":"my.type","s":"text","i":42,"d":1.5,"b":true,"y":"raw","Pid":4242}"#,
            r#"{"Type":"","Pid":0}"#,
        ),
        (
            &["TYPE", "severity", "PID"],
            r#"{"Type":"my.type","Severity":3,"Pid":4242}"#,
            r#"{"Type":"","Severity":7,"Pid":0}"#,
        ),
        (&["Type", "Type"], r#"{"Type":"my.type","Type":"my.type"}"#, r#"{"Type":"","Type":""}"#),
        (&[], "{}", "{}"),
        (
            &["Type", "Fields"],
            r#"{"Type":"my.type","s":"text","i":42,"d":1.5,"b":true,"y":"raw"}"#,
            r#"{"Type":""}"#,
        ),
        (
            &["Timestamp", "EnvVersion", "Hostname", "Logger"],
            r#"{"Timestamp":"2015-05-14T10:40:00","EnvVersion":"1.2","Hostname":"h.example.com","Logger":"my.logger"}"#,
            r#"{"Timestamp":"2015-05-14T10:40:00","EnvVersion":"","Hostname":"","Logger":""}"#,
        ),
        (&["DynamicFields"], r#"{"s":"text","i":42,"d":1.5,"b":true,"y":"raw"}"#, "{}"),
        (
            &["DynamicFields", "Type"],
            r#"{"s":"text","i":42,"d":1.5,"b":true,"y":"raw","Type":"my.type"}"#,
            r#"{"Type":""}"#,
        ),
    ] {
        assert_eq!(document(config(fields), &full), of_full);
        assert_eq!(document(config(fields), &bare), of_bare);
    }
}

#[test]
fn values_of_all_types() {
    assert_eq!(
        document(config(&["DynamicFields"]), &sample::types()),
        r#"{"str":"","str2":["a","b","c"],"int":0,"ints":[1,-2,3],"dbl":0,"dbls":[1,2.5,-3.25],"bool":false,"bools":[true,false],"bytes":"","bytes2":["b25l","dHdv"],"dup":"x","dup":"y","dup":5}"#
    );
    assert_eq!(
        document(config(&["Severity", "Pid", "DynamicFields"]), &sample::numbers()),
        r#"{"Severity":-1,"Pid":-5,"big":9223372036854775807,"small":-9223372036854775808,"p53":9007199254740993,"d":1e+06,"d2":1.23456789e+08,"d3":1e+21,"d4":1e-07,"d5":0.1,"d6":100000,"d7":1e+20,"d8":3.0000000000000004,"d9":-0,"d10":5e-324,"d11":1.7976931348623157e+308,"d12":0.0001,"d13":1e-05,"d14":2.0971525e+06}"#
    );
    assert_eq!(
        document(config(&["DynamicFields"]), &sample::no_values()),
        r#"{"none":[],"noneint":[],"nonebytes":[]}"#
    );
}

#[test]
fn texts_are_escaped() {
    let fields = ["Type", "Logger", "Payload", "DynamicFields"];
    assert_eq!(
        document(config(&fields), &sample::texts()),
        "{\"Type\":\"ünï\",\"Logger\":\"a\\u0022b\\u005cc/d\",\"Payload\":\"naïve ☃ 😀 \u{2028} <tag> & 'q' \x7f \
         \\u0000\\u0001\\u001f \\u0009\\u000d\\u000a end\",\"ключ\":\"значение\",\"na\\u0022me\\u005cx\":\"v\",\"\":\"empty \
         name\",\"ctl\\u000a\":\"a\\u000ab\\u0009c\\u0008\\u000c\",\"a.b.c\":\"dots\",\" sp \":\" v \"}"
    );
    assert_eq!(
        document(config(&fields), &sample::broken()),
        "{\"Type\":\"bad\",\"Logger\":\"\",\"Payload\":\"x\u{fffd}\u{fffd}\u{fffd}(\u{fffd}\u{fffd}y\",\"v\":\"\u{fffd}\u{fffd}\",\
         \"n\u{fffd}\":\"v\",\"y\":\"\u{fffd}\u{fffd}\\u0000\",\"y2\":[\"/w==\",\"/g==\"]}"
    );
}

#[test]
fn raw_fields_stand_as_they_are() {
    let raw = |names: &[&str]| Config {
        raw_bytes_fields: names.iter().map(|name| (*name).to_string()).collect(),
        ..config(&["Payload", "DynamicFields"])
    };
    let payload = r#"{"Payload":"{\u0022already\u0022: \u0022json\u0022, \u0022n\u0022: [1, 2]}\u000a","#;
    assert_eq!(
        document(raw(&["j", "jb", "num", "multi"]), &sample::json()),
        format!(
            r#"{payload}"j":{{"a": 1}},"jb":{{"b": 2}},"plain":"p","num":5,"multi":[{{"c":1}},{{"d":2}}]}}"#
        )
    );
    assert_eq!(
        document(raw(&["Payload", "plain"]), &sample::json()),
        format!(
            r#"{payload}"j":"{{\u0022a\u0022: 1}}","jb":"{{\u0022b\u0022: 2}}","plain":p,"num":5,"multi":["{{\u0022c\u0022:1}}","{{\u0022d\u0022:2}}"]}}"#
        )
    );
}

#[test]
fn dynamic_fields_can_be_chosen_and_renamed() {
    let chosen = Config { dynamic_fields: vec!["s".into(), "d".into()], ..config(&["DynamicFields"]) };
    assert_eq!(document(chosen, &sample::full()), r#"{"s":"text","d":1.5}"#);
    let renamed = Config {
        replace_dots_with: "_\"".into(),
        dynamic_fields: vec!["a.b.c".into()],
        ..config(&["DynamicFields"])
    };
    assert_eq!(document(renamed, &sample::texts()), r#"{"a_\u0022b_\u0022c":"dots"}"#);
}

#[test]
fn remembered_names_never_stand_for_others() {
    let mut encoder = open(Config {
        dynamic_fields: vec!["a".into(), "b".into(), "c".repeat(300)],
        raw_bytes_fields: vec!["b".into()],
        ..config(&["DynamicFields"])
    });
    let long = "c".repeat(300);
    let mut check = |names: &[&str], expected: &str| {
        let fields = names.iter().map(|name| Field::string(*name, "", "v")).collect();
        let text = sample::encoded(&mut encoder, &Message { fields, ..sample::bare() });
        assert_eq!(text.strip_prefix(LINE).unwrap().trim_end(), expected);
    };
    check(&["a", "b", "x"], r#"{"a":"v","b":v}"#);
    check(&["b", "a", "b"], r#"{"b":v,"a":"v","b":v}"#);
    check(&["x", "a"], r#"{"a":"v"}"#);
    check(&[&long, "a", &long], &format!(r#"{{"{long}":"v","a":"v","{long}":"v"}}"#));
    check(&vec!["a"; 200], &format!("{{{}}}", vec![r#""a":"v""#; 200].join(",")));
}

#[test]
fn timestamps_in_any_format() {
    let with = |format: &str, ns: i64| {
        let message = Message { timestamp: Some(ns), ..sample::bare() };
        document(Config { timestamp: format.into(), ..config(&["Timestamp"]) }, &message)
    };
    assert_eq!(
        with("%Y-%m-%dT%H:%M:%S.%fZ", sample::TIME_NS),
        r#"{"Timestamp":"2015-05-14T10:40:00.123456Z"}"#
    );
    assert_eq!(with("%Y-%m-%dT%H:%M:%S.%fZ", -1), r#"{"Timestamp":"1969-12-31T23:59:59.999999Z"}"#);
    assert_eq!(with("%Y-%m-%dT%H:%M:%S.%fZ", i64::MAX), r#"{"Timestamp":"2262-04-11T23:47:16.854775Z"}"#);
    assert_eq!(with("%s", -1), r#"{"Timestamp":"-1"}"#);
    assert_eq!(with("%n%Y\"%m", sample::TIME_NS), r#"{"Timestamp":"\u000a2015\u002205"}"#);
    assert_eq!(with("", 0), r#"{"Timestamp":""}"#);
}

#[test]
fn a_cached_text_never_outlives_its_second() {
    let config =
        Config { index: "%{%H.%M.%S}".into(), es_index_from_timestamp: true, ..config(&["Timestamp"]) };
    let mut encoder = open(config);
    for (second, clock) in
        [(0, "00.00.00"), (0, "00.00.00"), (1, "00.00.01"), (61, "00.01.01"), (0, "00.00.00")]
    {
        let message = Message { timestamp: Some(second * 1_000_000_000 + 5), ..sample::bare() };
        let text = sample::encoded(&mut encoder, &message);
        let time = clock.replace('.', ":");
        assert_eq!(
            text,
            format!(
                "{{\"index\":{{\"_index\":\"{clock}\",\"_type\":\"tn\"}}}}\n{{\"Timestamp\":\"1970-01-01T{time}\"}}\n"
            )
        );
    }
    let named = Message {
        timestamp: Some(0),
        fields: vec![Field::string("%H.%M.%S", "", "Field")],
        ..sample::bare()
    };
    assert!(sample::encoded(&mut encoder, &named).starts_with("{\"index\":{\"_index\":\"field\","));
}

#[test]
fn coordinates_of_all_kinds() {
    let message = Message {
        uuid: Some("0123456789abcdef".into()),
        timestamp: Some(1_400_000_000_123_456_789),
        msg_type: Some("TeST".into()),
        logger: Some("lg".into()),
        payload: Some("he\"l\\lo\n/".into()),
        pid: Some(5),
        hostname: Some("Ho.St".into()),
        fields: {
            let mut arr = Field::new("arr", ValueType::String, "");
            arr.value_string = vec!["a0".into(), "a1".into()];
            let mut barr = Field::new("barr", ValueType::Bytes, "");
            barr.value_bytes = vec!["a0".into(), "a1".into()];
            vec![
                Field::string("a.s", "", "TR\"UE"),
                Field::boolean("b", "", false),
                Field::integer("i", "", 42),
                Field::double("d", "", 1.5),
                Field::double("d3", "", 123_456_789.0),
                Field::double("d6", "", 1e6),
                Field::bytes("by", "", "x\0z"),
                arr,
                barr,
            ]
        },
        ..Message::default()
    };
    let mut encoder = open(Config {
        index: "Idx-%{Type}-%{%Y.%m.%d}-%{nope}-%{a.s}".into(),
        id: "%{UUID}".into(),
        es_index_from_timestamp: true,
        raw_bytes_fields: vec!["by".into()],
        replace_dots_with: "_".into(),
        ..Config::default()
    });
    assert_eq!(
        sample::encoded(&mut encoder, &message),
        concat!(
            r#"{"index":{"_index":"idx-test-2014.05.13-nope-tr\"ue","_type":"message","_id":"30313233-3435-3637-3839-616263646566"}}"#,
            "\n",
            r#"{"Uuid":"30313233-3435-3637-3839-616263646566","Timestamp":"2014-05-13T16:53:20","Type":"TeST","Logger":"lg","#,
            r#""Severity":7,"Payload":"he\u0022l\u005clo\u000a/","EnvVersion":"","Pid":5,"Hostname":"Ho.St","a_s":"TR\u0022UE","#,
            r#""b":false,"i":42,"d":1.5,"d3":1.23456789e+08,"d6":1e+06,"by":x"#,
            "\0z,\"arr\":[\"a0\",\"a1\"],\"barr\":[\"YTA=\",\"YTE=\"]}\n"
        )
    );
}

#[test]
fn an_id_that_names_nothing_is_left_out() {
    let first_line = |id: &str, message: &Message| {
        let mut encoder = open(Config { id: id.into(), ..config(&[]) });
        sample::encoded(&mut encoder, message).lines().next().unwrap().to_string()
    };
    let with_id =
        |id: &str| format!("{{\"index\":{{\"_index\":\"idx\",\"_type\":\"tn\",\"_id\":\"{id}\"}}}}");
    assert_eq!(first_line("%{s}", &sample::full()), with_id("text"));
    assert_eq!(first_line("%{s}", &sample::bare()), LINE.trim_end());
    assert_eq!(first_line("%{Type}", &sample::bare()), with_id(""));
    assert_eq!(first_line("fixed", &sample::bare()), with_id("fixed"));
    assert_eq!(first_line("pre-%{nope}-post", &sample::bare()), with_id("pre-nope-post"));
    assert_eq!(first_line("%{i}", &sample::full()), with_id("42"));
}

#[test]
fn the_present_names_the_index_by_default() {
    let text = sample::encoded(&mut open(Config::default()), &sample::bare());
    let mut today = Vec::new();
    let now = heka_message::golang::clock::Civil::utc(super::coordinates::now_ns());
    heka_message::golang::Strftime::new("%Y.%m.%d").write(&now, &mut today);
    let today = String::from_utf8(today).unwrap();
    assert!(
        text.starts_with(&format!("{{\"index\":{{\"_index\":\"heka-{today}\",\"_type\":\"message\"}}}}\n"))
    );
}

#[test]
fn options_are_read_from_a_section() {
    let mut mappings = Table::default();
    for (key, value) in
        [("Timestamp", "@timestamp"), ("severity", "level"), ("Payload", "msg\"x"), ("Uuid", "")]
    {
        mappings.set(key, Option_::String(value.into()));
    }
    mappings.set("Nope", Option_::String("x".into()));
    let mut table = Table::default();
    table.set("index", Option_::String("idx".into()));
    table.set("type_name", Option_::String("tn".into()));
    table.set("field_mappings", Option_::Table(mappings));
    let config: Config = decode_struct(&table).unwrap();
    assert_eq!(
        document(config, &sample::full()),
        r#"{"":"00000000-0000-4000-8000-000000000001","@timestamp":"2015-05-14T10:40:00","Type":"my.type","Logger":"my.logger","level":3,"msg\u0022x":"the payload","EnvVersion":"1.2","Pid":4242,"Hostname":"h.example.com","s":"text","i":42,"d":1.5,"b":true,"y":"raw"}"#
    );
    table.set("replace_dot_with", Option_::String("_".into()));
    let refused = decode_struct::<Config>(&table).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Configuration contains key [replace_dot_with] which doesn't exist in struct"
    );
}

#[test]
fn refused_lists() {
    let error = |config| ESJsonEncoder::open(config, &Context::for_test("o-e")).err().unwrap().to_string();
    assert_eq!(
        error(config(&["Nope"])),
        "Unsupported value \"Nope\" in 'fields' list, must be one of Uuid, Timestamp, Type, Logger, Severity, Payload, \
         EnvVersion, Pid, Hostname, DynamicFields"
    );
    assert_eq!(
        error(Config { dynamic_fields: vec!["a".into()], ..config(&["Type"]) }),
        "\"DynamicFields\" must be in 'fields' list if using 'dynamic_fields'"
    );
}

fn any_field() -> impl Strategy<Value = Field> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..12);
    let lists = (
        proptest::collection::vec(bytes.clone(), 0..3),
        proptest::collection::vec(any::<i64>(), 0..3),
        proptest::collection::vec(
            any::<f64>().prop_filter("JSON has no such number", |d| d.is_finite()),
            0..3,
        ),
        proptest::collection::vec(any::<bool>(), 0..3),
    );
    (bytes, 0..5_i32, lists).prop_map(|(name, value_type, (texts, integers, doubles, bools))| {
        let mut field = Field::new(name, ValueType::from_raw(value_type), "");
        field.value_string = texts.iter().cloned().map(Into::into).collect();
        field.value_bytes = texts.into_iter().map(Into::into).collect();
        field.value_integer = integers;
        field.value_double = doubles;
        field.value_bool = bools;
        field
    })
}

proptest! {
    #[test]
    fn any_message_gives_valid_json(fields in proptest::collection::vec(any_field(), 0..6), payload: Vec<u8>, first: bool) {
        let message = Message { payload: Some(payload.into()), fields, ..sample::bare() };
        let order = if first { ["DynamicFields", "Payload"] } else { ["Payload", "DynamicFields"] };
        let text = document(config(&order), &message);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
    }
}
