//! `write_message`.

use heka_message::{Field, Message};
use heka_sandbox::{DECODER, FILTER, Outcome};

use crate::support::{Recorder, open, run_as, shortened, try_open};

fn changed(statements: &str) -> Message {
    let mut message = Message { msg_type: Some("old".into()), ..Message::default() };
    message.add_field(Field::integer("i", "count", 42));
    message.add_field(Field::string("s", "r", "one"));
    message.add_field(Field::boolean("b", "", false));
    let mut recorder = Recorder { message: Some(message), ..Recorder::default() };
    run_as(&DECODER, statements, &mut recorder);
    recorder.message.unwrap()
}

/// The reason that the daemon logs for a refused call.
fn reason(call: &str) -> String {
    let mut sandbox = open(&format!("function process_message()\nwrite_message({call}) return 0 end"));
    let mut message = Message::default();
    message.add_field(Field::integer("i", "", 1));
    message.add_field(Field::string("s", "", "x"));
    let mut recorder = Recorder { message: Some(message), ..Recorder::default() };
    assert_eq!(sandbox.process_message(&mut recorder), Outcome::Terminated, "{call}");
    assert_eq!(shortened(&sandbox.last_error()), "process_message() script.lua:2: write_message() failed");
    sandbox.take_notes().join("\n")
}

#[test]
fn headers_are_written() {
    let message = changed(
        "write_message('Type', 'new') write_message('Payload', 'a\\0b') write_message('Severity', '0x3') \
         write_message('Pid', 7.9) write_message('Timestamp', '2015-09-23T09:20:00Z') \
         write_message('Uuid', '30313233-3435-3637-3839-616263646566')",
    );
    assert_eq!(message.msg_type.unwrap(), "new");
    assert_eq!(message.payload.unwrap(), "a");
    assert_eq!((message.severity, message.pid), (Some(3), Some(7)));
    assert_eq!(message.timestamp, Some(1_443_000_000_000_000_000));
    assert_eq!(message.uuid.unwrap(), "0123456789abcdef");
}

#[test]
fn fields_are_added_changed_and_taken_away() {
    let message = changed(
        "write_message('Fields[n]', 1.5, 'u') write_message('Fields[n]', 2.5, 'v', 0, 1) \
         write_message('Fields[s]', 'two', nil, 1) write_message('Fields[b]', nil) write_message('Fields[none]', nil)",
    );
    let names: Vec<String> = message.fields.iter().map(|field| field.name().to_string()).collect();
    assert_eq!(names, ["i", "s", "n", "s"]);
    assert_eq!(message.fields[2], Field { value_double: vec![1.5, 2.5], ..Field::double("n", "v", 0.0) });
    assert_eq!(message.fields[3], Field::string("s", "", "two"));
    let message =
        changed("write_message('Fields[s]', nil, '', 0, 0) write_message('Fields[i]', nil, '', 0, 0)");
    assert_eq!((message.fields[0].value_count(), message.fields[1].value_count()), (0, 0));
}

#[test]
fn refusals_are_logged_with_their_reason() {
    assert_eq!(reason("'Bogus', 'x'"), "go_lua_write_message_string: Bad field name.");
    assert_eq!(reason("'Type', 5"), "go_lua_write_message_double: Bad field name.");
    assert_eq!(reason("'Type', true"), "go_lua_write_message_bool: Bad field name.");
    assert_eq!(reason("'Type', nil"), "go_lua_delete_message_field: Bad field name.");
    assert_eq!(reason("'Fields[x\\0y]', 'v'"), "go_lua_write_message_string: Bad field name.");
    assert_eq!(
        reason("'Uuid', '30313233343536373839616263646566'"),
        "go_lua_write_message_string: Bad UUID string."
    );
    assert_eq!(reason("'Timestamp', ''"), "go_lua_write_message_string: Empty timestamp string.");
    assert_eq!(reason("'Timestamp', 'x'"), "go_lua_write_message_string: Can't parse timestamp string.");
    assert_eq!(
        reason("'Severity', '2147483648'"),
        "go_lua_write_message_string: Can't parse severity value."
    );
    assert_eq!(reason("'Pid', '4.5'"), "go_lua_write_message_string: Can't parse PID value.");
    assert_eq!(reason("'Fields[i]', 5"), "go_lua_write_message_double: type error, 'i' is an integer field");
    assert_eq!(reason("'Fields[s]', 5"), "go_lua_write_message_double: type error, 's' is a string field");
    assert_eq!(reason("'Fields[s]', 'x', '', 2"), "go_lua_write_message_string: bad field index");
    assert_eq!(reason("'Fields[s]', 'x', '', 0, 2"), "go_lua_write_message_string: bad array index");
    assert_eq!(reason("'Fields[new]', 'x', '', 0, 1"), "go_lua_write_message_string: bad array index");
    assert_eq!(reason("'Fields[s]', nil, '', 3"), "go_lua_delete_message_field: bad field index");
    assert_eq!(reason("'Fields[s]', nil, '', 0, 1"), "go_lua_delete_message_field: bad array index");
}

#[test]
fn arguments_are_checked() {
    let error = |call: &str| {
        let mut sandbox = open(&format!("function process_message()\nwrite_message({call})\nend"));
        sandbox.process_message(&mut Recorder::default());
        shortened(&sandbox.last_error()).replace("process_message() script.lua:2: ", "")
    };
    assert_eq!(error("'Type'"), "write_message() incorrect number of arguments");
    assert_eq!(error("1, 2, 3, 4, 5, 6"), "write_message() incorrect number of arguments");
    let types = "write_message() only accepts numeric, string, or boolean field values, or nil to delete";
    assert_eq!(error("'Fields[x]', {}"), types);
    assert_eq!(
        error("'Fields[x]', 1, '', -1"),
        "bad argument #4 to 'write_message' (field index must be >= 0)"
    );
    assert_eq!(
        error("'Fields[x]', 1, '', 0, -1"),
        "bad argument #5 to 'write_message' (array index must be >= 0)"
    );
    assert_eq!(
        error("'Fields[x]', 1, {}"),
        "bad argument #3 to 'write_message' (string expected, got table)"
    );
}

#[test]
fn filters_cannot_write() {
    let text = "function process_message()\nwrite_message('Type', 'x') return 0 end";
    let mut sandbox = try_open(&FILTER, text, |_, _| {}).unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Terminated);
    let expected = "process_message() script.lua:2: attempt to call global 'write_message' (a nil value)";
    assert_eq!(shortened(&sandbox.last_error()), expected);
}
