//! What is a message and what is not.
#![allow(clippy::unwrap_used)]

use heka_message::{Field, Message, MessageView, Value, ValueType, is_canonical, validate};

fn error(bytes: &[u8]) -> String {
    let decoded = Message::decode(bytes).unwrap_err();
    assert_eq!(validate(bytes).as_ref(), Err(&decoded));
    assert!(!is_canonical(bytes));
    decoded.to_string()
}

#[test]
fn errors_are_worded_as_in_the_original() {
    let wrong = |number: u8, wire_type: u8| error(&[number << 3 | wire_type, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(wrong(1, 0), "proto: wrong wireType = 0 for field Uuid");
    assert_eq!(wrong(2, 2), "proto: wrong wireType = 2 for field Timestamp");
    assert_eq!(wrong(3, 1), "proto: wrong wireType = 1 for field Type");
    assert_eq!(wrong(4, 5), "proto: wrong wireType = 5 for field Logger");
    assert_eq!(wrong(5, 2), "proto: wrong wireType = 2 for field Severity");
    assert_eq!(wrong(6, 3), "proto: wrong wireType = 3 for field Payload");
    assert_eq!(wrong(7, 4), "proto: wrong wireType = 4 for field EnvVersion");
    assert_eq!(wrong(8, 7), "proto: wrong wireType = 7 for field Pid");
    assert_eq!(wrong(9, 6), "proto: wrong wireType = 6 for field Hostname");
    assert_eq!(wrong(10, 0), "proto: wrong wireType = 0 for field Fields");
    assert_eq!(wrong(11, 6), "proto: illegal wireType 6");
}

#[test]
fn a_dynamic_field_ends_at_damage_and_that_is_no_error() {
    let names = [
        "Name",
        "ValueType",
        "Representation",
        "ValueString",
        "ValueBytes",
        "ValueInteger",
        "ValueDouble",
        "ValueBool",
    ];
    for (number, name) in (1..).zip(names) {
        let bytes = [0x0a, 1, b'n', 0x22, 1, b'v', number << 3 | 5, 0, 0, 0, 0, 0x22, 1, b'w'];
        let mut field = Field::default();
        let error = field.decode_into(&bytes).unwrap_err();
        assert_eq!(error.to_string(), format!("proto: wrong wireType = 5 for field {name}"));

        let mut message = vec![0x52, bytes.len() as u8];
        message.extend(bytes);
        message.extend([0x28, 3]);
        assert_eq!(validate(&message), Ok(()));
        assert!(!is_canonical(&message));
        let decoded = Message::decode(&message).unwrap();
        assert_eq!((&decoded.fields[..], decoded.severity), (&[field][..], Some(3)));
        let view = MessageView::new(&message).field(b"n", 0).unwrap();
        assert_eq!(view.values().collect::<Vec<_>>(), [Value::String("v".into())]);
    }
    // A double must be fixed, an integer a varint.
    let error = |bytes: &[u8]| Field::default().decode_into(bytes).unwrap_err().to_string();
    assert_eq!(error(&[0x38, 0]), "proto: wrong wireType = 0 for field ValueDouble");
    assert_eq!(error(&[0x31, 0]), "proto: wrong wireType = 1 for field ValueInteger");
    assert_eq!(error(&[0x22, 5, b'x']), "unexpected EOF");
}

#[test]
fn bytes_that_end_early() {
    let whole = [
        0x0a, 1, b'u', 0x10, 0xff, 1, 0x52, 18, 0x0a, 1, b'n', 0x32, 2, 1, 2, 0x39, 0, 0, 0, 0, 0, 0, 0, 0,
        0x22, 0, 0x7d, 0, 0, 0, 0,
    ];
    assert_eq!(validate(&whole), Ok(()));
    let complete = [0, 3, 6, 26];
    for end in 0..whole.len() {
        if complete.contains(&end) {
            assert_eq!(validate(&whole[..end]), Ok(()), "{end}");
        } else {
            assert_eq!(error(&whole[..end]), "unexpected EOF", "{end}");
        }
    }
    // A length of -1.
    let negative = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    assert_eq!(error(&negative), "unexpected EOF");
}

#[test]
fn the_last_scalar_wins_and_lists_grow() {
    let bytes = b"\x1a\x01a\x1a\x01b\x28\x01\x28\x02\x52\x03\x0a\x01x\x52\x06\x0a\x01y\x0a\x01z";
    let message = Message::decode(bytes).unwrap();
    assert_eq!(message.msg_type.unwrap(), "b");
    assert_eq!(message.severity, Some(2));
    assert_eq!(message.fields.iter().map(|field| field.name().to_owned()).collect::<Vec<_>>(), ["x", "z"]);
    assert!(!is_canonical(bytes));
    let view = MessageView::new(bytes);
    assert_eq!(view.msg_type().unwrap(), "b");
    assert_eq!(view.severity(), Some(2));
    assert_eq!(view.field(b"z", 0).unwrap().name(), "z");
    assert!(view.field(b"y", 0).is_none());
}

#[test]
fn packed_and_unpacked_lists_are_one() {
    // value_integer: 1, [2, 3], 4; the value type comes last.
    let field = [0x0a, 1, b'n', 0x30, 1, 0x32, 2, 2, 3, 0x30, 4, 0x10, 2];
    let mut bytes = vec![0x52, field.len() as u8];
    bytes.extend(field);
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(message.fields[0].value_integer, [1, 2, 3, 4]);
    let view = MessageView::new(&bytes).field(b"n", 0).unwrap();
    assert_eq!(view.value_type(), ValueType::Integer);
    assert_eq!(view.values().collect::<Vec<_>>(), [1, 2, 3, 4].map(Value::Integer));
    assert_eq!(view.value_count(), 4);
    assert_eq!(view.value(4), None);
}

#[test]
fn a_packed_list_may_reach_past_its_end() {
    // The list claims one byte, its second varint has two; what follows is read from there.
    let field = [0x32, 2, 1, 0x81, 0x01, 0x0a, 1, b'n', 0x10, 2];
    let mut bytes = vec![0x52, field.len() as u8];
    bytes.extend(field);
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(message.fields[0].value_integer, [1, 129]);
    assert_eq!(message.fields[0].name(), "n");
    assert!(!is_canonical(&bytes));
    let view = MessageView::new(&bytes).field(b"n", 0).unwrap();
    assert_eq!(view.values().collect::<Vec<_>>(), [1, 129].map(Value::Integer));
}

#[test]
fn any_bytes_are_text() {
    let bytes = b"\x1a\x02\xff\xfe\x52\x06\x0a\x01\x80\x22\x01\xc3";
    let message = Message::decode(bytes).unwrap();
    assert_eq!(message.msg_type.as_deref().unwrap(), b"\xff\xfe");
    assert_eq!(message.field(b"\x80").unwrap().value(0), Some(Value::String(b"\xc3".into())));
}

#[test]
fn decoding_into_a_used_message_leaves_nothing_of_it() {
    let mut message = Message::decode(
        b"\x0a\x01u\x10\x05\x1a\x01t\x22\x01l\x28\x01\x32\x01p\x3a\x01e\x40\x01\x4a\x01h\x52\x08\x0a\x01n\x22\x01v\x78\x01\x78\x01",
    )
    .unwrap();
    assert!(!message.unknown.is_empty());
    message.decode_into(b"\x52\x03\x0a\x01m").unwrap();
    let mut fresh = Message::decode(b"\x52\x03\x0a\x01m").unwrap();
    assert_eq!(message, fresh);
    message.decode_into(b"").unwrap();
    fresh.clear();
    assert_eq!(message, fresh);
    assert_eq!(message, Message::default());
}

#[test]
fn what_is_canonical() {
    for canonical in [
        b"".as_slice(),
        b"\x0a\x00\x10\x01\x52\x00\x52\x00",
        b"\x52\x07\x0a\x01n\x22\x00\x22\x00",
        b"\x52\x02\x30\x01\x78\x01",
    ] {
        assert!(is_canonical(canonical), "{canonical:x?}");
    }
    for other in [
        b"\x10\x01\x0a\x00".as_slice(),
        b"\x0a\x00\x0a\x00",
        b"\x52\x00\x4a\x00",
        b"\x78\x01\x52\x00",
        b"\x8a\x00\x00",
        b"\x52\x05\x22\x00\x0a\x01n",
        b"\x52\x06\x0a\x01n\x0a\x01n",
    ] {
        assert_eq!(validate(other), Ok(()), "{other:x?}");
        assert!(!is_canonical(other), "{other:x?}");
    }
}
