use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Deserialize;

use super::*;
use crate::config::{AnyOptions, Entry, Pairs};

fn string(text: &str) -> Value {
    Value::String(text.into())
}

/// A table whose entries stand on lines 11, 12, ...
fn table(entries: &[(&str, Value)]) -> Table {
    let entries = entries.iter().zip(11..);
    let entry = |((key, value), line): (&(&str, Value), u32)| Entry {
        key: (*key).into(),
        value: value.clone(),
        line,
    };
    Table { entries: entries.map(entry).collect(), line: 10 }
}

fn sub(entries: &[(&str, Value)]) -> Value {
    Value::Table(table(entries))
}

/// Options of every shape.
#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, rename = "file.FileOutputConfig")]
struct Options {
    path: String,
    flush_interval: u32,
    offset: i64,
    ratio: f64,
    append: bool,
    #[serde(rename = "es_index|ESIndex")]
    es_index: Option<String>,
    subs: Vec<String>,
    severity_map: BTreeMap<String, i32>,
    translation: HashMap<String, HashMap<String, i32>>,
    message_fields: Pairs<String>,
    tls: Tls,
    command: BTreeMap<String, Command>,
    signer: Option<Tls>,
    #[serde(rename = "Signers|SignerMap")]
    signers: Tls,
    config: Table,
    anything: Option<Value>,
    in_order: Vec<(String, u8)>,
    mode: Mode,
}

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, rename = "tcp.TlsConfig")]
struct Tls {
    cert_file: String,
}

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, rename = "process.cmdConfig")]
struct Command {
    bin: String,
}

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Plain,
    Other,
}

fn read(entries: &[(&str, Value)]) -> Result<Options, ConfigError> {
    decode(&table(entries), Kind::Output)
}

fn check_refusal(entries: &[(&str, Value)], text: &str) {
    assert_eq!(read(entries).unwrap_err().to_string(), text);
}

#[test]
fn keys_match_without_regard_to_case_and_the_exact_one_wins() {
    let options = read(&[("PATH", string("a")), ("Es_Index", string("i"))]).unwrap();
    assert_eq!((options.path.as_str(), options.es_index.as_deref()), ("a", Some("i")));
    let options = read(&[("Path", string("other")), ("path", string("exact"))]).unwrap();
    assert_eq!(options.path, "exact");
}

#[test]
fn missing_options_take_their_defaults() {
    assert_eq!(read(&[]).unwrap(), Options::default());
}

#[test]
fn values_of_every_shape_arrive() {
    let free = sub(&[("when", Value::Datetime("2015-05-14T10:00:00Z".into())), ("n", Value::Integer(1))]);
    let options = read(&[
        ("flush_interval", Value::Integer(5)),
        ("offset", Value::Integer(-5)),
        ("ratio", Value::Float(0.5)),
        ("append", Value::Bool(true)),
        ("subs", Value::Array(vec![string("x"), string("y")])),
        ("severity_map", sub(&[("A", Value::Integer(1))])),
        ("message_fields", sub(&[("z", string("1")), ("a", string("2"))])),
        ("tls", sub(&[("Cert_File", string("c"))])),
        ("config", free.clone()),
        ("anything", free.clone()),
        ("in_order", sub(&[("q", Value::Integer(3)), ("b", Value::Integer(4))])),
        ("mode", string("other")),
    ])
    .unwrap();
    assert_eq!((options.flush_interval, options.offset, options.append), (5, -5, true));
    assert!((options.ratio - 0.5).abs() < f64::EPSILON);
    assert_eq!(options.subs, ["x", "y"]);
    assert_eq!(options.severity_map["A"], 1);
    assert_eq!(options.message_fields.0, [("z".into(), "1".into()), ("a".into(), "2".into())]);
    assert_eq!(options.tls.cert_file, "c");
    assert_eq!(Some(Value::Table(options.config)), options.anything);
    assert_eq!(options.anything, Some(free));
    assert_eq!(options.in_order, [("q".into(), 3), ("b".into(), 4)]);
    assert_eq!(options.mode, Mode::Other);
}

#[test]
fn a_wrong_type_names_the_go_struct_and_field() {
    check_refusal(
        &[("path", Value::Integer(5))],
        "Type mismatch for 'file.FileOutputConfig.Path': Expected string but found 'int64'.",
    );
    check_refusal(
        &[("flush_interval", Value::Float(1.5))],
        "Type mismatch for 'file.FileOutputConfig.FlushInterval': Expected integer but found 'float64'.",
    );
    check_refusal(
        &[("PATH", Value::Datetime("2015-05-14T10:00:00Z".into()))],
        "Type mismatch for 'file.FileOutputConfig.Path': Expected string but found 'time.Time'.",
    );
    check_refusal(
        &[("path", Value::Array(vec![]))],
        "Type mismatch for 'file.FileOutputConfig.Path': Expected string but found '[]interface {}'.",
    );
    check_refusal(
        &[("es_index", sub(&[]))],
        "Type mismatch for 'file.FileOutputConfig.ESIndex': Expected string but found 'map[string]interface {}'.",
    );
    check_refusal(
        &[("ratio", Value::Integer(1))],
        "Type mismatch for 'file.FileOutputConfig.Ratio': Expected float but found 'int64'.",
    );
}

#[test]
fn a_bool_is_said_to_be_an_integer() {
    check_refusal(
        &[("append", Value::Integer(1))],
        "Type mismatch for 'file.FileOutputConfig.Append': Expected integer but found 'int64'.",
    );
}

#[test]
fn arrays_and_maps_refuse_by_themselves_or_by_an_element() {
    let owner = "Type mismatch for 'file.FileOutputConfig";
    check_refusal(&[("subs", string("x"))], &format!("{owner}.Subs': Expected slice but found 'string'."));
    let numbers = Value::Array(vec![Value::Integer(1)]);
    check_refusal(&[("subs", numbers)], &format!("{owner}.Subs': Expected string but found 'int64'."));
    check_refusal(
        &[("subs", sub(&[("a", string("b"))]))],
        &format!("{owner}.Subs': Expected slice but found 'map[string]interface {{}}'."),
    );
    check_refusal(
        &[("message_fields", Value::Integer(5))],
        &format!("{owner}.MessageFields': Expected map but found 'int64'."),
    );
    check_refusal(
        &[("message_fields", sub(&[("a", Value::Integer(5))]))],
        &format!("{owner}.MessageFields': Expected string but found 'int64'."),
    );
    check_refusal(
        &[("severity_map", sub(&[("A", string("1"))]))],
        &format!("{owner}.SeverityMap': Expected integer but found 'string'."),
    );
    check_refusal(
        &[("translation", sub(&[("A", sub(&[("b", string("2"))]))]))],
        &format!("{owner}.Translation': Expected integer but found 'string'."),
    );
    check_refusal(&[("config", string("x"))], &format!("{owner}.Config': Expected map but found 'string'."));
}

#[test]
fn nested_structs_nest_the_text() {
    let owner = "Type mismatch for 'file.FileOutputConfig";
    check_refusal(
        &[("tls", sub(&[("cert_file", Value::Integer(1))]))],
        &format!(
            "{owner}.Tls': Type mismatch for 'tcp.TlsConfig.CertFile': Expected string but found 'int64'."
        ),
    );
    check_refusal(
        &[("command", sub(&[("0", sub(&[("bin", Value::Integer(5))]))]))],
        &format!(
            "{owner}.Command': Type mismatch for 'process.cmdConfig.Bin': Expected string but found 'int64'."
        ),
    );
    check_refusal(
        &[("tls", Value::Integer(5))],
        &format!("{owner}.Tls': Type mismatch for tcp.TlsConfig. Expected map but found 'int64'."),
    );
}

#[test]
fn integers_out_of_range_are_refused() {
    check_refusal(
        &[("flush_interval", Value::Integer(-1))],
        "Type mismatch for 'file.FileOutputConfig.FlushInterval': Integer '-1' is out of the range of 0 to 4294967295.",
    );
}

#[test]
fn a_wrong_type_comes_before_an_unknown_key() {
    check_refusal(
        &[("nope", Value::Integer(5)), ("path", Value::Integer(5))],
        "Type mismatch for 'file.FileOutputConfig.Path': Expected string but found 'int64'.",
    );
}

#[test]
fn an_unknown_key_is_named_in_lower_case_with_its_line() {
    let refused = read(&[("path", string("x")), ("NoPe", Value::Integer(1)), ("type", string("FileOutput"))]);
    assert_eq!(refused.unwrap_err(), ConfigError::UnknownKey { key: "nope".into(), line: 12 });
}

#[test]
fn an_unknown_key_comes_before_one_below() {
    let nested = sub(&[("below", Value::Integer(1))]);
    let refused = read(&[("tls", nested), ("above", Value::Integer(1))]).unwrap_err();
    assert_eq!(refused, ConfigError::UnknownKey { key: "above".into(), line: 12 });
}

#[test]
fn a_mismatch_carries_the_path_and_the_innermost_line() {
    let nested = sub(&[("other", string("x")), ("cert_file", Value::Integer(1))]);
    let refused = read(&[("tls", nested)]).unwrap_err();
    let ConfigError::Mismatch { key, line, .. } = refused else { panic!("{refused:?}") };
    assert_eq!((key.as_str(), line), ("tls.cert_file", 12));
}

#[test]
fn sub_tables_are_strict_only_under_their_fields_go_name() {
    let nested = || sub(&[("nope", Value::Integer(1))]);
    let unknown = |key: &str| read(&[(key, nested())]).unwrap_err();
    assert!(matches!(unknown("tls"), ConfigError::UnknownKey { .. }));
    assert!(matches!(unknown("TLS"), ConfigError::UnknownKey { .. }));
    assert!(matches!(read(&[("Command", sub(&[("0", nested())]))]), Err(ConfigError::UnknownKey { .. })));
    assert!(read(&[("signers", nested())]).is_ok());
}

#[test]
fn common_keys_of_the_kind_are_known_in_nested_tables_too() {
    let common = [("message_matcher", string("TRUE")), ("Encoder", string("x")), ("retries", sub(&[]))];
    assert!(read(&common).is_ok());
    assert!(read(&[("tls", sub(&common))]).is_ok());
    let refused = decode::<Options>(&table(&common), Kind::Input).unwrap_err();
    assert_eq!(refused, ConfigError::UnknownKey { key: "message_matcher".into(), line: 11 });
    assert!(decode_struct::<Tls>(&table(&[("type", string("x"))])).is_err());
}

#[test]
fn a_lenient_decoding_lets_unknown_keys_pass() {
    let lenient = table(&[("nope", Value::Integer(1)), ("cert_file", string("c"))]);
    assert_eq!(decode_lenient::<Tls>(&lenient).unwrap().cert_file, "c");
}

#[test]
fn a_section_that_is_no_table_is_refused() {
    let refused = decode_value::<Tls>(&Value::Integer(5), 7).unwrap_err();
    assert_eq!(refused.to_string(), "Type mismatch for tcp.TlsConfig. Expected map but found 'int64'.");
    assert!(matches!(refused, ConfigError::Mismatch { line: 7, .. }));
}

#[test]
fn any_options_take_everything() {
    let odd = table(&[("whatever", Value::Bool(true)), ("x", sub(&[("y", Value::Array(vec![]))]))]);
    assert!(decode::<AnyOptions>(&odd, Kind::Encoder).is_ok());
}

#[test]
fn a_section_can_be_had_as_a_table() {
    let whole = table(&[("b", Value::Integer(1)), ("a", string("x"))]);
    assert_eq!(decode::<Table>(&whole, Kind::Filter).unwrap(), whole);
}

#[test]
fn an_option_without_default_must_be_given() {
    #[derive(Debug, Deserialize)]
    #[serde(rename = "x.Config")]
    struct Strict {
        #[serde(rename = "address|Addr")]
        _address: String,
    }
    let refused = decode::<Strict>(&table(&[]), Kind::Input).unwrap_err();
    assert_eq!(refused.to_string(), "option 'address' must be given");
    let refused = decode::<Strict>(&table(&[("adress", string("x"))]), Kind::Input).unwrap_err();
    assert_eq!(refused, ConfigError::UnknownKey { key: "adress".into(), line: 11 });
}
