use heka_message::{Field, Message};

use super::*;

fn pairs(entries: &[(&str, &str)]) -> Pairs<String> {
    Pairs(entries.iter().map(|(key, value)| ((*key).to_string(), (*value).to_string())).collect())
}

fn config(xpath_map: &[(&str, &str)], message_fields: &[(&str, &str)]) -> Config {
    Config { xpath_map: pairs(xpath_map), message_fields: pairs(message_fields), ..Config::default() }
}

fn open(config: Config) -> Result<PayloadXmlDecoder, String> {
    PayloadXmlDecoder::open(config, &Context::for_test("d")).map_err(|error| error.to_string())
}

/// The outcome, the message, and what was logged.
fn decode(config: Config, payload: &str) -> (Result<Decode, String>, Message, Vec<String>) {
    let mut decoder = open(config).unwrap();
    let mut pack = Pack::new();
    pack.message_mut().payload = Some(payload.into());
    let outcome = decoder.decode(&mut pack, &mut Vec::new()).map_err(|error| error.to_string());
    (outcome, pack.message().clone(), decoder.take_log())
}

#[test]
fn what_paths_find_fills_the_message() {
    let config = config(
        &[("user", "/log/user"), ("id", "/log/user/@id"), ("none", "/log/nothing")],
        &[("Payload", "%user%"), ("Type", "%none%"), ("who|name", "%user% (%id%)")],
    );
    let (outcome, message, log) = decode(config, "<log><user id='7'>A<b>nn</b></user><user id='8'/></log>");
    assert_eq!((outcome, log), (Ok(Decode::Done), vec![]));
    assert_eq!((message.payload.unwrap(), message.msg_type.unwrap()), ("Ann".into(), "<none>".into()));
    assert_eq!(message.fields, [Field::string("who", "name", "Ann (7)")]);
}

#[test]
fn a_payload_that_is_no_xml_is_no_failure() {
    for payload in ["", "no xml", "<log><user>", "<log>&nope;</log>"] {
        let (outcome, message, log) =
            decode(config(&[("Timestamp", "/log"), ("x", "/log")], &[("Type", "%x%")]), payload);
        assert_eq!((outcome, log), (Ok(Decode::Done), vec![]), "{payload}");
        assert_eq!((message.timestamp, message.msg_type.unwrap()), (None, "<x>".into()));
    }
}

#[test]
fn timestamp_and_severity_become_headers() {
    let with = |layout: &str, location: &str| Config {
        severity_map: Pairs(vec![("warn".into(), 4)]),
        timestamp_layout: layout.into(),
        timestamp_location: location.into(),
        ..config(&[("Timestamp", "/l/@t"), ("Severity", "/l/@s")], &[("Type", "%Timestamp% %Severity%")])
    };
    let (_, message, log) = decode(with("2006-01-02 15:04:05", ""), "<l t='2015-05-14 10:40:00' s='warn'/>");
    assert_eq!((message.timestamp, message.severity), (Some(1_431_600_000_000_000_000), Some(4)));
    assert_eq!((message.msg_type.unwrap(), log), ("2015-05-14 10:40:00 <Severity>".into(), vec![]));
    let (_, message, _) =
        decode(with("2006-01-02 15:04:05", "America/New_York"), "<l t='2015-05-14 10:40:00'/>");
    assert_eq!(message.timestamp, Some(1_431_614_400_000_000_000));
    let (_, message, log) = decode(with("", ""), "<l t='never' s='loud'/>");
    assert_eq!((message.timestamp, message.severity), (Some(-6_795_364_578_871_345_152), None));
    assert_eq!(log, ["Don't recognize Timestamp: 'never'", "Don't recognize severity: 'loud'"]);
}

#[test]
fn the_usual_timestamps_need_no_layout() {
    let (_, message, log) = decode(config(&[("Timestamp", "/t")], &[]), "<t>2015-05-14T10:40:00.5+00:00</t>");
    assert_eq!((message.timestamp, log), (Some(1_431_600_000_500_000_000), vec![]));
}

#[test]
fn a_text_that_does_not_fit_its_header_is_a_failure() {
    let (outcome, ..) = decode(config(&[("pid", "/p")], &[("Pid", "%pid%")]), "<p>x</p>");
    assert_eq!(outcome, Err(r#"strconv.ParseInt: parsing "x": invalid syntax"#.into()));
}

#[test]
fn refused_options() {
    assert_eq!(
        open(config(&[("a", "/a"), ("b", "/b[")], &[])).err().unwrap(),
        r#"compiling xml path "/b[":3: missing name"#
    );
    let mars = Config { timestamp_location: "Mars/Base".into(), ..Config::default() };
    assert_eq!(
        open(mars).err().unwrap(),
        "payloadXmlDecoder unknown timestamp_location 'Mars/Base': unknown time zone Mars/Base"
    );
}
