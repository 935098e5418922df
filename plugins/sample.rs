//! Messages for the tests of encoders.

use heka_message::{Field, Message, MessageView, ValueType};
use heka_plugin::{Encode, Encoder};

/// 14 May 2015, 10:40:00.123456789 in UTC.
pub(crate) const TIME_NS: i64 = 1_431_600_000_123_456_789;

fn numbered(number: u8) -> Message {
    let mut uuid = *b"\0\0\0\0\0\0\x40\0\x80\0\0\0\0\0\0\0";
    uuid[15] = number;
    Message { uuid: Some(uuid.to_vec().into()), timestamp: Some(TIME_NS), ..Message::default() }
}

/// A message with nothing but UUID and timestamp.
pub(crate) fn bare() -> Message {
    numbered(2)
}

/// A message with all headers and a field of each type.
pub(crate) fn full() -> Message {
    Message {
        msg_type: Some("my.type".into()),
        logger: Some("my.logger".into()),
        severity: Some(3),
        payload: Some("the payload".into()),
        env_version: Some("1.2".into()),
        pid: Some(4242),
        hostname: Some("h.example.com".into()),
        fields: vec![
            Field::string("s", "ipv4", "text"),
            Field::integer("i", "B", 42),
            Field::double("d", "", 1.5),
            Field::boolean("b", "", true),
            Field::bytes("y", "", "raw"),
        ],
        ..numbered(1)
    }
}

/// A message with empty, zero and several values of each type, and a name that repeats.
pub(crate) fn types() -> Message {
    let mut fields = vec![Field::string("str", "", "")];
    let several = |name: &str, value_type| Field::new(name, value_type, "");
    let mut field = several("str2", ValueType::String);
    field.value_string = vec!["a".into(), "b".into(), "c".into()];
    fields.extend([field, Field::integer("int", "", 0)]);
    let mut field = several("ints", ValueType::Integer);
    field.value_integer = vec![1, -2, 3];
    fields.extend([field, Field::double("dbl", "", 0.0)]);
    let mut field = several("dbls", ValueType::Double);
    field.value_double = vec![1.0, 2.5, -3.25];
    fields.extend([field, Field::boolean("bool", "", false)]);
    let mut field = several("bools", ValueType::Bool);
    field.value_bool = vec![true, false];
    fields.extend([field, Field::bytes("bytes", "", "")]);
    let mut field = several("bytes2", ValueType::Bytes);
    field.value_bytes = vec!["one".into(), "two".into()];
    fields.extend([
        field,
        Field::string("dup", "", "x"),
        Field::string("dup", "", "y"),
        Field::integer("dup", "", 5),
    ]);
    Message { msg_type: Some("types".into()), fields, ..numbered(3) }
}

/// A message with numbers that are hard to write.
pub(crate) fn numbers() -> Message {
    let integers = [("big", i64::MAX), ("small", i64::MIN), ("p53", 9_007_199_254_740_993)];
    let doubles = [
        ("d", 1e6),
        ("d2", 123_456_789.0),
        ("d3", 1e21),
        ("d4", 1e-7),
        ("d5", 0.1),
        ("d6", 100_000.0),
        ("d7", 1e20),
        ("d8", 3.000_000_000_000_000_4),
        ("d9", -0.0),
        ("d10", 5e-324),
        ("d11", f64::MAX),
        ("d12", 0.0001),
        ("d13", 0.00001),
        ("d14", 2_097_152.5),
    ];
    let mut fields: Vec<Field> =
        integers.iter().map(|(name, number)| Field::integer(*name, "", *number)).collect();
    fields.extend(doubles.iter().map(|(name, number)| Field::double(*name, "", *number)));
    Message { severity: Some(-1), pid: Some(-5), fields, ..numbered(4) }
}

/// A message with text that is hard to write.
pub(crate) fn texts() -> Message {
    let fields = [
        ("ключ", "значение"),
        ("na\"me\\x", "v"),
        ("", "empty name"),
        ("ctl\n", "a\nb\tc\x08\x0c"),
        ("a.b.c", "dots"),
        (" sp ", " v "),
    ];
    Message {
        msg_type: Some("ünï".into()),
        logger: Some("a\"b\\c/d".into()),
        payload: Some("naïve ☃ 😀 \u{2028} <tag> & 'q' \x7f \0\x01\x1f \t\r\n end".into()),
        fields: fields.iter().map(|(name, value)| Field::string(*name, "", *value)).collect(),
        ..numbered(6)
    }
}

/// A message with text that is no UTF-8.
pub(crate) fn broken() -> Message {
    let mut list = Field::new("y2", ValueType::Bytes, "");
    list.value_bytes = vec![b"\xff"[..].into(), b"\xfe"[..].into()];
    Message {
        msg_type: Some("bad".into()),
        payload: Some(b"x\xff\xfe\xc3(\xe2\x82y"[..].into()),
        fields: vec![
            Field::string("v", "", &b"\xff\xc3"[..]),
            Field::string(&b"n\xff"[..], "", "v"),
            Field::bytes("y", "", &b"\xff\xfe\0"[..]),
            list,
        ],
        ..numbered(7)
    }
}

/// A message with fields whose text is JSON.
pub(crate) fn json() -> Message {
    let mut multi = Field::new("multi", ValueType::String, "");
    multi.value_string = vec!["{\"c\":1}".into(), "{\"d\":2}".into()];
    Message {
        msg_type: Some("json".into()),
        payload: Some("{\"already\": \"json\", \"n\": [1, 2]}\n".into()),
        fields: vec![
            Field::string("j", "", "{\"a\": 1}"),
            Field::bytes("jb", "", "{\"b\": 2}"),
            Field::string("plain", "", "p"),
            Field::integer("num", "", 5),
            multi,
        ],
        ..numbered(8)
    }
}

/// A message with fields that have no values.
pub(crate) fn no_values() -> Message {
    let fields = vec![
        Field::new("none", ValueType::String, ""),
        Field::new("noneint", ValueType::Integer, ""),
        Field::new("nonebytes", ValueType::Bytes, ""),
    ];
    Message { fields, ..numbered(20) }
}

/// What an encoder makes of a message.
pub(crate) fn encoded_bytes(encoder: &mut dyn Encoder, message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    let mut out = Vec::new();
    let done = encoder.encode(MessageView::new(&bytes), &mut out).unwrap();
    assert_eq!(done, Encode::Done);
    let mut canonical = Vec::new();
    encoder.encode(MessageView::new_canonical(&bytes), &mut canonical).unwrap();
    assert_eq!(out, canonical, "the two ways to read a message differ");
    out
}

/// What an encoder makes of a message, as text.
pub(crate) fn encoded(encoder: &mut dyn Encoder, message: &Message) -> String {
    String::from_utf8(encoded_bytes(encoder, message)).unwrap()
}
