//! Reading messages, and output.

use heka_message::{Field, Message, ValueType};
use heka_sandbox::{DECODER, Outcome};

use crate::support::{Recorder, error_of, open, run, run_as};

fn message() -> Message {
    let mut message = Message {
        uuid: Some("0123456789abcdef".into()),
        timestamp: Some(1_443_000_000_000_000_000),
        msg_type: Some("kind".into()),
        payload: Some("one\0two".into()),
        severity: Some(3),
        ..Message::default()
    };
    message.add_field(Field::string("s", "r1", "text"));
    message.add_field(Field {
        value_string: vec!["many".into(), "values".into()],
        ..Field::string("s", "", "")
    });
    message.add_field(Field::integer("i", "count", 42));
    message.add_field(Field::bytes("b", "", "\u{1}\0x"));
    message.add_field(Field::bytes("eb", "", ""));
    message.add_field(Field::double("odd]name", "", 1.5));
    message.add_field(Field::boolean("t", "", true));
    message.add_field(Field::new("e", ValueType::Double, ""));
    message
}

/// Runs statements on the message above.
fn on_message(statements: &str) -> String {
    let mut recorder =
        Recorder { message: Some(message()), raw: b"raw bytes".to_vec(), ..Recorder::default() };
    run_as(&DECODER, statements, &mut recorder)
}

#[test]
fn headers_are_read_by_name() {
    let text = on_message("for _, name in ipairs{'Uuid', 'Timestamp', 'Type', 'Logger', 'Severity', 'EnvVersion', 'Pid',
        'Hostname', 'raw', 'uuid', 'Fields', 'framed'} do add_to_payload(name, '=', read_message(name), ';') end
        add_to_payload(#read_message('Payload'), read_message('Type\\0x'))");
    let expected = "Uuid=30313233-3435-3637-3839-616263646566;Timestamp=1.443e+18;Type=kind;Logger=;Severity=3;\
                    EnvVersion=;Pid=nil;Hostname=;raw=raw bytes;uuid=nil;Fields=nil;framed=nil;7kind";
    assert_eq!(text, expected);
}

#[test]
fn fields_are_read_by_name_and_indices() {
    let text = on_message("local function f(...) add_to_payload(read_message(...), ';') end
        f('Fields[s]') f('Fields[s]', 1) f('Fields[s]', 1, 1) f('Fields[s]', 1, 2) f('Fields[s]', 2) f('Fields[i]', nil, nil)
        f('Fields[b]') f('Fields[eb]') f('Fields[odd]name]') f('Fields[t]') f('Fields[e]') f('Fields[') f('Fields[s]', 0.9)");
    assert_eq!(text, "text;many;values;nil;nil;42;\u{1}\0x;nil;1.5;true;nil;nil;text;");
}

#[test]
fn an_encoded_message_reads_the_same() {
    use heka_message::MessageView;
    use heka_sandbox::{InjectedPayload, Messages, Refused, Source};
    struct Encoded(Vec<u8>, String);
    impl Messages for Encoded {
        fn current(&mut self) -> Option<Source<'_>> {
            Some(Source::Encoded(MessageView::new(&self.0)))
        }
        fn inject_payload(&mut self, payload: InjectedPayload<'_>) -> Result<(), Refused> {
            self.1 = String::from_utf8_lossy(payload.payload).into_owned();
            Ok(())
        }
    }
    let statements = "for _, name in ipairs{'Uuid', 'Timestamp', 'Type', 'Logger', 'Severity', 'Pid', 'Payload', 'Hostname'} do
            add_to_payload(read_message(name), ';') end
        add_to_payload(read_message('Fields[s]', 1, 1), read_message('Fields[i]'), read_message('Fields[eb]'))
        for i = 1, 9 do local t, n, v, r, c = read_next_field() add_to_payload(';', t, n, v, r, c) end";
    let mut bytes = Vec::new();
    message().encode(&mut bytes);
    let script = format!("function process_message() {statements} inject_payload() return 0 end");
    let mut encoded = Encoded(bytes, String::new());
    assert_eq!(open(&script).process_message(&mut encoded), Outcome::Returned(0));
    assert_eq!(encoded.1, on_message(statements));
    assert!(encoded.1.contains("values42nil;0stextr11;0smany2;2i42count1;"), "{}", encoded.1);
}

#[test]
fn without_a_message_everything_is_nil() {
    assert_eq!(
        run("add_to_payload(read_message('Type'), read_message('raw'), read_message('Fields[x]'))"),
        "nilnilnil"
    );
    assert_eq!(run("add_to_payload(read_next_field())"), "nilnilnilnilnil");
    let script = "local text = tostring(read_message('Type')) function process_message() return -1, text end";
    let mut sandbox = open(script);
    sandbox.process_message(&mut Recorder::default());
    assert_eq!(sandbox.last_error(), "nil");
}

#[test]
fn next_fields_start_again_with_every_message() {
    let script =
        "function process_message() local _, name = read_next_field() read_next_field() return -1, name end";
    let mut sandbox = open(script);
    let mut recorder = Recorder { message: Some(message()), ..Recorder::default() };
    for _ in 0..2 {
        assert_eq!(sandbox.process_message(&mut recorder), Outcome::Returned(-1));
        assert_eq!(sandbox.last_error(), "s");
    }
}

#[test]
fn arguments_are_checked() {
    let pairs = [
        ("read_message()", "read_message() incorrect number of arguments"),
        ("read_message('a', 0, 0, 0)", "read_message() incorrect number of arguments"),
        ("read_message(nil)", "bad argument #1 to 'read_message' (string expected, got nil)"),
        ("read_message('Fields[x]', -1)", "bad argument #2 to 'read_message' (field index must be >= 0)"),
        ("read_message('Fields[x]', 0, -1)", "bad argument #3 to 'read_message' (array index must be >= 0)"),
        ("read_message('x', {})", "bad argument #2 to 'read_message' (number expected, got table)"),
        ("read_next_field(1)", "read_next_field() takes no arguments"),
        ("read_config()", "read_config() must have a single argument"),
        ("read_config({})", "bad argument #1 to 'read_config' (string expected, got table)"),
        ("add_to_payload()", "bad argument #0 to 'add_to_payload' (must have at least one argument)"),
        ("add_to_payload({})", "bad argument #1 to 'add_to_payload' (unsupported type)"),
        ("add_to_payload(1, type)", "bad argument #2 to 'add_to_payload' (unsupported type)"),
        ("inject_message()", "inject_message() takes a single string or table argument"),
        ("inject_message(5)", "inject_message() takes a single string or table argument"),
        ("inject_message({}, 1)", "inject_message() takes a single string or table argument"),
        ("inject_payload(nil)", "bad argument #1 to 'inject_payload' (string expected, got nil)"),
        ("inject_payload('t', {})", "bad argument #2 to 'inject_payload' (string expected, got table)"),
        ("inject_payload('t', 'n', 1, {})", "bad argument #4 to 'inject_payload' (unsupported type)"),
        ("decode_message(5)", "bad argument #0 to 'decode_message' (must have one string argument)"),
        ("decode_message('short')", "invalid message, too short"),
    ];
    for (call, text) in pairs {
        assert_eq!(error_of(call), format!("process_message() script.lua:2: {text}"), "{call}");
    }
    let aliased = "local f = read_message pcall(f) add_to_payload(select(2, pcall(f, nil)))";
    assert_eq!(run(aliased), "bad argument #1 to '?' (string expected, got nil)");
}

#[test]
fn payloads_gather_until_they_are_injected() {
    let mut sandbox = open(
        "local n = 0 function process_message() n = n + 1
        if n == 1 then add_to_payload('a', 1, true) end
        if n == 2 then inject_payload() inject_payload() end
        if n == 3 then inject_payload('', '', 'x') inject_payload('json\\0', 7, 'y') end
        if n == 4 then add_to_payload('gone') inject_message{} inject_payload('t') end
        if n == 5 then pcall(add_to_payload, 'before', {}, 'after') inject_payload() end
        return 0 end",
    );
    let mut recorder = Recorder::default();
    for _ in 0..5 {
        assert_eq!(sandbox.process_message(&mut recorder), Outcome::Returned(0), "{}", sandbox.last_error());
    }
    let payloads: Vec<_> =
        recorder.payloads.iter().map(|(t, n, p)| (t.as_str(), n.as_str(), p.as_str())).collect();
    assert_eq!(
        payloads,
        [("txt", "", "a1true"), ("txt", "", "x"), ("json", "7", "y"), ("txt", "", "before")]
    );
    assert_eq!(recorder.messages.len(), 1);
}

#[test]
fn decoded_messages_can_be_injected_again() {
    let mut bytes = Vec::new();
    let mut message = message();
    message.add_field(Field { value_integer: vec![1, -2, 3], ..Field::integer("is", "", 0) });
    message.add_field(Field { value_double: vec![0.5, 1.5], ..Field::double("ds", "u", 0.0) });
    message.add_field(Field { value_bool: vec![true, false], ..Field::boolean("bs", "", true) });
    message.fields.retain(|field| field.value_count() > 0);
    message.encode(&mut bytes);
    let mut recorder = Recorder { message: Some(message.clone()), raw: bytes, ..Recorder::default() };
    run_as(&DECODER, "inject_message(decode_message(read_message('raw')))", &mut recorder);
    let mut again = Message::decode(&recorder.messages[0]).unwrap();
    for field in again.fields.iter_mut().chain(&mut message.fields) {
        // A string's type is not told, as absent means the same.
        field.value_type.get_or_insert(ValueType::String);
    }
    assert_eq!(again, message);
}

#[test]
fn broken_bytes_do_not_decode() {
    let error = |bytes: &str| {
        error_of(&format!("decode_message({bytes})")).replace("process_message() script.lua:2: ", "")
    };
    assert_eq!(
        error("'\\16\\1\\26\\018123456789012345678'"),
        "missing required field uuid: not found timestamp: found"
    );
    assert!(error("'\\10\\16abcdefghijklmnop\\99\\1'").starts_with("error in tag: 12 wiretype: 3 offset: "));
    assert!(
        error("'\\10\\16abcdefghijklmnop\\82\\100x'").starts_with("error in tag: 10 wiretype: 2 offset: ")
    );
    assert!(error("'\\10\\16abcdefghijklmnop\\255\\255\\255\\255'").starts_with("error in tag: "));
}
