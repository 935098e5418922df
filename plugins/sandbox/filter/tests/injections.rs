//! What a script may inject, and what of it it cannot choose.

use super::*;

fn run(script: &str) -> (Result<(), String>, Taken) {
    let (mut rig, mut taken) = (Rig::new(script), Taken::default());
    rig.globals.max_process_inject = 10;
    let result = process(&mut rig.open(), "p", &mut taken);
    (result, taken)
}

#[test]
fn type_logger_and_hostname_are_forced() {
    let (result, taken) = run("function process_message()
        inject_message{Timestamp = 5, Type = 't', Logger = 'l', Hostname = 'h', Severity = 3, Pid = 9, Payload = 'x',
            EnvVersion = 'e', Fields = {a = {value = {1, 2}, value_type = 2, representation = 'r'}}}
        inject_message{Timestamp = 5}
        inject_message{Timestamp = 5, Severity = 2 ^ 40, Type = ('x'):rep(300)}
        return 0 end
        require 'string'");
    result.unwrap();
    let text = |text: &Option<bstr::BString>| text.as_ref().unwrap().to_string();
    for message in &taken.messages {
        assert_eq!((text(&message.logger), text(&message.hostname)), ("a-f".into(), "test.host".into()));
        assert_eq!((message.uuid.as_ref().unwrap().len(), message.timestamp), (16, Some(5)));
    }
    let first = &taken.messages[0];
    assert_eq!(
        (text(&first.msg_type), first.severity, first.pid),
        ("heka.sandbox.t".into(), Some(3), Some(9))
    );
    assert_eq!((text(&first.payload), text(&first.env_version)), ("x".into(), "e".into()));
    assert_eq!((&first.fields[0].value_integer, first.fields.len()), (&vec![1, 2], 1));
    assert_eq!(text(&taken.messages[1].msg_type), "heka.sandbox.");
    assert_eq!((taken.messages[1].severity, taken.messages[1].pid), (None, None));
    assert_eq!(text(&taken.messages[2].msg_type), format!("heka.sandbox.{}", "x".repeat(300)));
    assert_eq!(taken.messages[2].severity, Some(0));
}

#[test]
fn what_is_queued_is_what_parsing_and_serializing_gives() {
    struct Bytes(Vec<u8>);
    impl Inject for Bytes {
        fn new_message(&self) -> Message {
            Message::default()
        }
        fn inject(&mut self, _: &Message) -> Result<(), InjectError> {
            Ok(())
        }
        fn inject_encoded(&mut self, message: MessageView<'_>) -> Result<(), InjectError> {
            self.0 = message.bytes().to_vec();
            Ok(())
        }
    }
    let mut filter = Rig::new(
        "function process_message() inject_message{Timestamp = 5, Severity = 1, Payload = 'p', Pid = 3,
        Fields = {one = {value = 4, value_type = 2}, d = 1.5, b = true, s = {'x', 'y'}}} return 0 end",
    )
    .open();
    let mut taken = Bytes(Vec::new());
    let record = Record { message: MessageView::new(b""), bytes: &[], loop_count: 0 };
    filter.process(&record, &mut taken).unwrap();
    let mut again = Vec::new();
    Message::decode(&taken.0).unwrap().encode(&mut again);
    assert_eq!(taken.0, again);
}

#[test]
fn bytes_are_checked_and_labelled() {
    let (result, taken) = run(r#"function process_message()
        inject_message("\10\16" .. "0123456789abcdef" .. "\16\5\26\1t\50\1p") inject_message("") return 0 end"#);
    result.unwrap();
    assert_eq!(taken.messages.len(), 1);
    let message = &taken.messages[0];
    assert_eq!(message.uuid.as_ref().unwrap(), "0123456789abcdef");
    assert_eq!(
        (message.msg_type.as_ref().unwrap(), message.logger.as_ref().unwrap()),
        (&"heka.sandbox.t".into(), &"a-f".into())
    );
    for bytes in ["boom", "\\16\\5"] {
        let (result, _) = run(&format!("function process_message() inject_message('{bytes}') return 0 end"));
        let text = result.unwrap_err();
        assert!(text.ends_with("f.lua:1: inject_message() protobuf unmarshal failed"), "{text}");
    }
}

#[test]
fn payloads_become_messages_of_hekad() {
    let (result, taken) = run("function process_message() add_to_payload('a', 1) inject_payload('csv', 'name', 'b') inject_payload()
        inject_payload(nil and '' or '', '', 'c') return 0 end");
    result.unwrap();
    assert_eq!(taken.payloads(), ["a1b", "c"]);
    let message = &taken.messages[0];
    assert_eq!(message.msg_type.as_ref().unwrap(), "heka.sandbox-output");
    assert_eq!(
        (message.logger.as_ref().unwrap(), message.pid, message.timestamp),
        (&"a-f".into(), Some(42), Some(7))
    );
    assert_eq!(message.fields[0], Field::string("payload_type", "file-extension", "csv"));
    assert_eq!(message.fields[1], Field::string("payload_name", "", "name"));
    assert_eq!(first_value(&taken.messages[1], "payload_type"), "txt");
}

#[test]
fn each_kind_of_call_has_its_budget() {
    let mut rig = Rig::new(
        "function inject(n) for i = 1, n do inject_payload('txt', '', i) end end
        function process_message() inject(tonumber(read_message('Payload'))) return 0 end
        function timer_event(ns) inject(ns) end",
    );
    rig.globals.max_process_inject = 2;
    rig.globals.max_timer_inject = 3;
    let (mut filter, mut taken) = (rig.open(), Taken::default());
    for _ in 0..3 {
        process(&mut filter, "2", &mut taken).unwrap();
        filter.tick(3, &mut taken).unwrap();
    }
    assert_eq!(taken.messages.len(), 15);
    let text = filter.tick(4, &mut taken).unwrap_err().to_string();
    let reason = "f.lua:1: inject_payload() exceeded InjectMessage count";
    assert!(text.starts_with("Terminated. Reason: timer_event() ") && text.ends_with(reason), "{text}");
    let text = process(&mut rig.open(), "3", &mut taken).unwrap_err();
    assert!(text.starts_with("Terminated. Reason: process_message() ") && text.ends_with(reason), "{text}");
}

#[test]
fn a_limit_that_the_script_hides_is_told_at_the_end() {
    let rig = Rig::new(
        "function process_message() inject_payload('txt', '', 'first')
        local ok, why = pcall(inject_payload, 'txt', '', 'second') return -1, why end",
    );
    let (mut filter, mut taken) = (rig.open(), Taken::default());
    for _ in 0..2 {
        process(&mut filter, "p", &mut taken).unwrap();
    }
    assert_eq!(taken.payloads(), ["first", "first"]);
    let line = "error: inject_payload() exceeded InjectMessage count";
    assert_eq!(rig.log.take(), [line, line]);
    let end = filter.stop(1, &mut taken).unwrap_err().to_string();
    assert_eq!(end, "Terminated. Reason: exceeded InjectMessage count");
}

#[test]
fn refusals_end_the_script_with_their_texts() {
    let texts = [
        (InjectError::Itself, "creates a circular reference (matches this plugin's message_matcher)"),
        (InjectError::MaxMsgLoops(4), "exceeded MaxMsgLoops"),
    ];
    for (error, text) in texts {
        for (call, name) in
            [("inject_message{}", "inject_message()"), ("inject_payload('t', 'n', 'p')", "inject_payload()")]
        {
            let rig = Rig::new(&format!("function process_message() {call} return 0 end"));
            let mut taken = Taken { refuses: Some(error), ..Taken::default() };
            let result = process(&mut rig.open(), "p", &mut taken).unwrap_err();
            assert!(result.ends_with(&format!("f.lua:1: {name} {text}")), "{result}");
            // A filter that takes its own messages cannot be told of its end in one.
            assert_eq!(taken.messages.len(), usize::from(error != InjectError::Itself));
        }
    }
}
