//! Tables as protobuf, to the byte.

use heka_sandbox::Outcome;

use crate::support::{Recorder, error_of, open};

/// Encodes a Lua table constructor; leaves out the uuid, which must be well formed.
fn encoded(table: &str) -> Vec<u8> {
    let mut sandbox = open(&format!("function process_message() inject_message({table}) return 0 end"));
    let mut recorder = Recorder::default();
    assert_eq!(sandbox.process_message(&mut recorder), Outcome::Returned(0), "{}", sandbox.last_error());
    let bytes = recorder.messages.remove(0);
    assert_eq!(bytes[..2], [0x0a, 16]);
    bytes[18..].to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The fields of a message at time 1.
fn fields(table: &str) -> String {
    let text = hex(&encoded(&format!("{{Timestamp = 1, Fields = {table}}}")));
    text.strip_prefix("1001").unwrap().to_string()
}

#[test]
fn headers_come_in_the_order_of_their_numbers() {
    let table =
        "{Timestamp = 1, Type = 't', Logger = 'l', Severity = 3.9, Payload = '', EnvVersion = 12, Pid = '7',
        Hostname = 'h', other = 1, Fields = 'no table'}";
    assert_eq!(hex(&encoded(table)), "10011a017422016c280332003a02313240074a0168");
    assert_eq!(hex(&encoded("{Timestamp = -1}")), "10ffffffffffffffffff01");
    assert_eq!(hex(&encoded("{Timestamp = '2', Severity = 'info', Pid = {}, Type = true}")), "1002");
    assert_eq!(hex(&encoded("{Timestamp = 1, Severity = -1}")), "100128ffffffffffffffffff01");
}

#[test]
fn a_uuid_of_16_bytes_is_taken_and_time_is_now_in_seconds() {
    let mut sandbox = open(
        "function process_message() inject_message{Uuid = 'abcdefghijklmnop'} inject_message{Uuid = 'short'} return 0 end",
    );
    let mut recorder = Recorder::default();
    assert_eq!(sandbox.process_message(&mut recorder), Outcome::Returned(0));
    assert_eq!(&recorder.messages[0][2..18], b"abcdefghijklmnop");
    assert_eq!((recorder.messages[1][8] >> 4, recorder.messages[1][10] >> 4), (4, 0xa));
    let timestamp = heka_message::MessageView::new(&recorder.messages[0]).timestamp().unwrap();
    assert_eq!(timestamp % 1_000_000_000, 0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff((timestamp / 1_000_000_000) as u64) <= 2);
}

#[test]
fn the_known_message_has_the_known_bytes() {
    let table = "{Timestamp = 1e9, Fields = {number = 1, numbers = {value = {1, 2, 3}, representation = 'count'}, \
        string = 'string', strings = {'s1', 's2', 's3'}, bool = true, bools = {true, false, false}}}";
    let expected = concat!(
        "108094ebdc03",
        "52130a066e756d626572100339000000000000f03f",
        "522c0a076e756d6265727310031a05636f756e743a18",
        "000000000000f03f00000000000000400000000000000840",
        "520e0a05626f6f6c7310044203010000",
        "520a0a04626f6f6c10044001",
        "52100a06737472696e672206737472696e67",
        "52150a07737472696e6773220273312202733222027333",
    );
    assert_eq!(hex(&encoded(table)), expected);
}

#[test]
fn both_layouts_of_fields() {
    assert_eq!(fields("{{name = 'a', value = 300, value_type = 2}}"), "52080a0161100230ac02");
    assert_eq!(fields("{{name = 'a', value = 300, value_type = '2'}}"), "52080a0161100230ac02");
    let list = "{{name = 'a', value = {300, 0, -1, 5}, value_type = 2}}";
    assert_eq!(fields(list), "52150a01611002320eac0200ffffffffffffffffff0105");
    assert_eq!(fields("{a = {true, false}}"), "52090a0161100442020100");
    assert_eq!(fields("{a = {7}}"), "520e0a0161100339 0000000000001c40".replace(' ', ""));
    assert_eq!(
        fields("{a = {value = 'x', value_type = 1, representation = ''}}"),
        "520a0a016110011a002a0178"
    );
    assert_eq!(
        fields("{{name = 'a', value = 'x'}, {name = 5, value = 'y'}, nil, {name = 'c'}}"),
        "52060a016122017852060a0135220179"
    );
    assert_eq!(
        fields("{a = {value = {value = 5, representation = 'in'}, representation = 'out'}}"),
        "52120a016110031a02696e390000000000001440"
    );
    assert_eq!(fields("{}"), "");
}

#[test]
fn long_fields_have_long_lengths() {
    let bytes = encoded(
        "(function() require 'string' return {Timestamp = 1, Fields = {a = string.rep('x', 300)}} end)()",
    );
    assert_eq!(hex(&bytes[2..10]), "52b2020a016122ac");
    assert_eq!(bytes.len(), 2 + 3 + 3 + 3 + 300);
}

#[test]
fn metatables_are_honoured() {
    let table = "setmetatable({Timestamp = 1}, {__index = function(_, key) if key == 'Type' then return 'made' end end})";
    assert_eq!(hex(&encoded(table)), "10011a046d616465");
}

#[test]
fn tables_that_are_no_message_are_refused() {
    let refused = |fields: &str| {
        let error = error_of(&format!("inject_message{{Fields = {fields}}}"));
        let head = "process_message() script.lua:2: inject_message() could not encode protobuf - ";
        error.strip_prefix(head).unwrap_or(&error).to_string()
    };
    assert_eq!(refused("{a = {1, 'x'}}"), "array has mixed types");
    assert_eq!(refused("{a = {}}"), "unsupported type: nil");
    assert_eq!(refused("{a = type}"), "unsupported type: function");
    assert_eq!(refused("{a = {{1}}}"), "unsupported array type: table");
    assert_eq!(refused("{a = {type}}"), "unsupported array type: function");
    assert_eq!(refused("{a = {value = 'x', value_type = 2}}"), "invalid string value_type: 2");
    assert_eq!(refused("{a = {value = 1, value_type = 4}}"), "invalid numeric value_type: 4");
    assert_eq!(refused("{a = {value = true, value_type = 0}}"), "invalid boolean value_type: 0");
    assert_eq!(refused("{[true] = 1}"), "field name must be a string");
    assert_eq!(refused("{{value = 1}}"), "field name must be a string");
    require_userdata();
    assert_eq!(refused("{[1.5] = 'x', b = 1}"), "process_message() invalid key to 'next'");
    assert_eq!(refused("{{name = 'a', value = 1}, 5}"), "process_message() attempt to index a number value");
}

fn require_userdata() {
    let error = error_of("require 'lpeg' inject_message{Fields = {a = lpeg.P(1)}}");
    assert!(error.ends_with("user data object does not implement lsb_output"), "{error}");
}

#[test]
fn a_refused_table_leaves_nothing_in_the_output() {
    let mut sandbox = open(
        "function process_message() add_to_payload('lost') pcall(inject_message, {Fields = {a = {}}})
        inject_payload('txt', '', 'kept') return 0 end",
    );
    let mut recorder = Recorder::default();
    assert_eq!(sandbox.process_message(&mut recorder), Outcome::Returned(0));
    assert_eq!(recorder.payloads[0].2, "kept");
}
