use heka_message::Message;
use heka_plugin::Value;

use super::*;

/// Opens a decoder of this script; "config" entries are options of the script.
fn open(script: &str, config: &[(&str, &str)]) -> Result<SandboxDecoder, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script.lua");
    std::fs::write(&file, script).unwrap();
    let mut options = SandboxConfig { filename: file.to_str().unwrap().into(), ..SandboxConfig::default() };
    options.config.0 =
        config.iter().map(|(key, value)| ((*key).into(), Value::String((*value).into()))).collect();
    SandboxDecoder::open(options, &Context::for_test("in-dec-1"))
}

fn record(payload: &str) -> Pack {
    Pack::of(Message {
        uuid: Some("0123456789abcdef".into()),
        timestamp: Some(1_443_000_000_000_000_000),
        msg_type: Some("logfile".into()),
        logger: Some("in".into()),
        hostname: Some("host".into()),
        payload: Some(payload.into()),
        ..Message::default()
    })
}

/// Decodes one record; gives the result and all messages.
fn decode(decoder: &mut SandboxDecoder, payload: &str) -> (Result<Decode, DecodeError>, Vec<Message>) {
    let (mut pack, mut extra) = (record(payload), Vec::new());
    let result = decoder.decode(&mut pack, &mut extra);
    let packs = std::iter::once(&mut pack).chain(&mut extra);
    (result, packs.map(|pack| pack.message().clone()).collect())
}

#[test]
fn a_script_that_injects_nothing_lets_the_record_go_on() {
    let mut decoder =
        open("function process_message() write_message('Type', 'edited') return 0 end", &[]).unwrap();
    let (result, messages) = decode(&mut decoder, "x");
    assert_eq!(result.unwrap(), Decode::Done);
    let mut expected = record("x").message().clone();
    expected.msg_type = Some("edited".into());
    assert_eq!(messages, [expected]);
}

#[test]
fn headers_come_from_the_record_unless_the_script_sets_them() {
    let script = "function process_message()
        inject_message{Timestamp = 5, Payload = 'a', Fields = {n = 1}}
        inject_message{Timestamp = 6, Type = 't', Logger = 'l', Severity = 1, Pid = 2, Hostname = 'h'}
        inject_message{Timestamp = 7, Severity = -1, Pid = 2 ^ 40}
        return 0 end";
    let (result, messages) = decode(&mut open(script, &[]).unwrap(), "record");
    assert_eq!(result.unwrap(), Decode::Done);
    let headers = |message: &Message| {
        let text = |text: &Option<BString>| text.as_ref().map(ToString::to_string);
        (
            message.timestamp.unwrap(),
            text(&message.msg_type).unwrap(),
            text(&message.logger).unwrap(),
            message.severity.unwrap(),
            message.pid.unwrap(),
            text(&message.hostname).unwrap(),
            text(&message.payload),
        )
    };
    assert_eq!(
        headers(&messages[0]),
        (5, "logfile".into(), "in".into(), 7, 0, "host".into(), Some("a".into()))
    );
    assert_eq!(headers(&messages[1]), (6, "t".into(), "l".into(), 1, 2, "h".into(), None));
    assert_eq!(headers(&messages[2]), (7, "logfile".into(), "in".into(), -1, 0, "host".into(), None));
    assert_eq!(messages[0].fields, [Field { representation: None, ..Field::double("n", "", 1.0) }]);
}

#[test]
fn what_is_encoded_is_what_parsing_and_serializing_gives() {
    let script = "function process_message() inject_message{Timestamp = 5, Severity = 3, EnvVersion = 'e', Payload = 'p',
        Fields = {a = {value = {1, 2}, value_type = 2}, b = true, c = {'x', 'y'}, d = 1.5, e = {value = -300, value_type = 2},
        f = {value = 127, value_type = 2}, g = {value = 128, value_type = 2}, h = {false}}} return 0 end";
    let (mut pack, mut extra) = (record("x"), Vec::new());
    open(script, &[]).unwrap().decode(&mut pack, &mut extra).unwrap();
    assert!(pack.is_trusted());
    let encoded = pack.encoded().to_vec();
    let mut again = Vec::new();
    Message::decode(&encoded).unwrap().encode(&mut again);
    assert_eq!(encoded, again);
}

#[test]
fn a_zone_moves_injected_timestamps() {
    let script = "function process_message() inject_message{Timestamp = 1436000000e9} return 0 end";
    let mut decoder = open(script, &[("tz", "Europe/Berlin")]).unwrap();
    let (_, messages) = decode(&mut decoder, "x");
    assert_eq!(messages[0].timestamp, Some((1_436_000_000 - 7200) * 1_000_000_000));
    let error = open(script, &[("tz", "Mars/Olympus")]).err().unwrap();
    assert_eq!(error.to_string(), "unknown time zone Mars/Olympus");
}

#[test]
fn injected_bytes_are_checked_and_filled() {
    let script = "function process_message() inject_message(read_message('Payload')) return 0 end";
    let mut decoder = open(script, &[]).unwrap();
    let (result, messages) = decode(&mut decoder, "\u{10}\u{5}\u{32}\u{1}p");
    assert_eq!(result.unwrap(), Decode::Done);
    assert_eq!((messages[0].timestamp, messages[0].pid), (Some(5), Some(0)));
    assert_eq!(messages[0].payload.as_ref().unwrap(), "p");
    assert_eq!(messages[0].uuid.as_ref().unwrap().len(), 16);
    let (result, _) = decode(&mut decoder, "boom");
    let Err(DecodeError::Fatal { why, pack_is_done: false }) = result else { panic!("{result:?}") };
    assert!(why.starts_with("FATAL: process_message() "), "{why}");
    assert!(why.ends_with("script.lua:1: inject_message() protobuf unmarshal failed"), "{why}");
}

#[test]
fn payloads_go_into_the_record_and_then_into_new_messages() {
    let script =
        "function process_message() write_message('Fields[f]', 'x') inject_payload('csv', 'n', 'one')
        inject_payload('txt', 'm', 'two') return 0 end";
    let (_, messages) = decode(&mut open(script, &[]).unwrap(), "x");
    let names: Vec<String> = messages[0].fields.iter().map(|field| field.name().to_string()).collect();
    assert_eq!(names, ["f", "payload_type", "payload_name"]);
    assert_eq!(messages[0].fields[1], Field::string("payload_type", "file-extension", "csv"));
    assert_eq!(messages[1].payload.as_ref().unwrap(), "two");
    assert_eq!((&messages[1].logger, messages[1].fields.len()), (&messages[0].logger, 2));
}

#[test]
fn failures_before_and_after_an_injection() {
    let script = "function process_message() if read_message('Payload') == 'late' then inject_message{} inject_message{} end
        return -1, 'why' end";
    let mut decoder = open(script, &[]).unwrap();
    let (result, _) = decode(&mut decoder, "early");
    assert_eq!(result.unwrap_err().to_string(), "Failed parsing: why payload: early");
    let (result, messages) = decode(&mut decoder, "late");
    assert_eq!(result.unwrap_err().to_string(), "Failed after a successful inject_message call: why");
    assert_eq!(messages.len(), 1);
    assert_eq!(decoder.counts().failures, 2);
}

#[test]
fn a_fatal_script_is_fatal_for_ever() {
    let script = "function process_message() if read_message('Payload') == 'x' then inject_message{} error('end', 0) end
        return 1, 'enough' end";
    let mut decoder = open(script, &[]).unwrap();
    let (result, _) = decode(&mut decoder, "y");
    assert!(matches!(result, Err(DecodeError::Fatal { why, pack_is_done: false }) if why == "FATAL: enough"));
    for done in [true, false] {
        let (result, _) = decode(&mut decoder, "x");
        let Err(DecodeError::Fatal { why, pack_is_done }) = result else { panic!("{result:?}") };
        assert_eq!((why.as_str(), pack_is_done), ("FATAL: process_message() end", done));
    }
    decoder.stop().unwrap();
    let (result, _) = decode(&mut decoder, "x");
    assert_eq!(result.unwrap_err().to_string(), "SandboxDecoder has been terminated");
}

#[test]
fn a_script_reads_what_it_injected_last() {
    let script =
        "function process_message() inject_message{Payload = 'first'} local a = read_message('Payload')
        inject_message{Payload = 'second'} return -1, a .. read_message('Payload') end";
    let (result, _) = decode(&mut open(script, &[]).unwrap(), "x");
    assert!(result.unwrap_err().to_string().ends_with("call: firstsecond"));
}

#[test]
fn options_are_checked() {
    let options = SandboxConfig { script_type: "python".into(), ..SandboxConfig::default() };
    let error = SandboxDecoder::open(options, &Context::for_test("d")).err().unwrap();
    assert_eq!(error.to_string(), "unsupported script type: python");
    let error = open("x = = 1", &[]).err().unwrap().to_string();
    assert!(error.starts_with("Init() ") && error.ends_with("unexpected symbol near '='"), "{error}");
}

#[test]
fn a_shipped_decoder_runs_without_an_installation() {
    let mut options =
        SandboxConfig { filename: "lua_decoders/nginx_access.lua".into(), ..SandboxConfig::default() };
    let format = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent";
    options.config.0.push(("log_format".into(), Value::String(format.into())));
    let mut context = Context::for_test("in-dec-1");
    let share_dir = "/nonexistent".into();
    context.globals =
        std::sync::Arc::new(heka_plugin::Globals { share_dir, ..heka_plugin::Globals::default() });
    let mut decoder = SandboxDecoder::open(options, &context).unwrap();
    let line = "1.2.3.4 - - [10/Feb/2014:08:46:41 -0800] \"GET / HTTP/1.1\" 304 17";
    let (result, messages) = decode(&mut decoder, line);
    assert_eq!(result.unwrap(), Decode::Done);
    assert_eq!(messages[0].timestamp, Some(1_392_050_801_000_000_000));
    let value = |name: &str| messages[0].field(name.as_bytes()).and_then(|field| field.value(0)).unwrap();
    assert_eq!(value("remote_addr"), heka_message::Value::String("1.2.3.4".into()));
    assert_eq!(value("body_bytes_sent"), heka_message::Value::Double(17.0));
    assert!(messages[0].payload.is_none());
}
