//! What holds for any message and any bytes.
#![allow(clippy::unwrap_used)]

use bstr::BString;
use heka_message::{
    Captures, Field, Header, Matcher, Message, MessageView, Regex, Signer, Signers, Value, ValueType,
    Verified, find_frame, is_canonical, max_record_size, parse_uuid, unframe, uuid_text, validate, verify,
    write_frame, write_signed_frame,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = BString> {
    prop_oneof![
        vec(any::<u8>(), 0..12).prop_map(BString::from),
        "[a-c]{0,2}".prop_map(BString::from),
        vec(any::<u8>(), 120..140).prop_map(BString::from),
    ]
}

fn value_type() -> impl Strategy<Value = ValueType> {
    prop_oneof![(0..5).prop_map(ValueType::from_raw), any::<i32>().prop_map(ValueType::from_raw)]
}

/// Varints, fixed numbers and bytes with numbers that the schema does not have.
fn unknown() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![Just(0x78_u8), Just(0x7a), Just(0x79), Just(0x7d)];
    vec(number, 0..3).prop_map(|tags| {
        let value = |tag: u8| match tag & 7 {
            0 => vec![tag, 0x96, 0x01],
            2 => vec![tag, 2, b'u', b'k'],
            1 => vec![tag, 1, 2, 3, 4, 5, 6, 7, 8],
            _ => vec![tag, 1, 2, 3, 4],
        };
        tags.into_iter().flat_map(value).collect()
    })
}

prop_compose! {
    fn field()(
        name in of(text()),
        value_type in of(value_type()),
        representation in of(text()),
        value_string in vec(text(), 0..3),
        value_bytes in vec(text(), 0..3),
        value_integer in vec(any::<i64>(), 0..4),
        value_double in vec(any::<f64>().prop_filter("comparable", |number| !number.is_nan()), 0..4),
        value_bool in vec(any::<bool>(), 0..4),
        unknown in unknown(),
    ) -> Field {
        Field {
            name, value_type, representation, value_string, value_bytes, value_integer, value_double, value_bool, unknown,
        }
    }
}

prop_compose! {
    fn message()(
        texts in [of(text()), of(text()), of(text()), of(text()), of(text()), of(text())],
        timestamp in of(any::<i64>()),
        severity in of(any::<i32>()),
        pid in of(any::<i32>()),
        fields in vec(field(), 0..4),
        unknown in unknown(),
    ) -> Message {
        let [uuid, msg_type, logger, payload, env_version, hostname] = texts;
        Message {
            uuid, timestamp, msg_type, logger, severity, payload, env_version, pid, hostname, fields, unknown,
        }
    }
}

fn encode(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

/// A message's bytes with a few of them changed, removed, inserted or repeated.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..5);
    (message(), vec(change, 0..4)).prop_map(|(message, changes)| {
        let mut bytes = encode(&message);
        for (index, byte, how) in changes {
            let at = index.index(bytes.len() + 1);
            match how {
                0 => bytes.insert(at, byte),
                1 => bytes.truncate(at),
                2 => bytes.extend_from_within(..at),
                _ if at == bytes.len() => bytes.push(byte),
                3 => drop(bytes.remove(at)),
                _ => bytes[at] = byte,
            }
        }
        bytes
    })
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![damaged(), vec(any::<u8>(), 0..64)]
}

/// Everything that a view says, and that the decoded message says the same.
fn check_view(view: MessageView<'_>, message: &Message) -> Result<(), TestCaseError> {
    prop_assert_eq!(view.uuid().map(BString::from), message.uuid.clone());
    prop_assert_eq!(view.timestamp(), message.timestamp);
    prop_assert_eq!(view.msg_type().map(BString::from), message.msg_type.clone());
    prop_assert_eq!(view.logger().map(BString::from), message.logger.clone());
    prop_assert_eq!(view.severity(), message.severity);
    prop_assert_eq!(view.payload().map(BString::from), message.payload.clone());
    prop_assert_eq!(view.env_version().map(BString::from), message.env_version.clone());
    prop_assert_eq!(view.pid(), message.pid);
    prop_assert_eq!(view.hostname().map(BString::from), message.hostname.clone());
    let headers = view.headers();
    prop_assert_eq!(headers.uuid, view.uuid());
    prop_assert_eq!(headers.hostname, view.hostname());
    prop_assert_eq!(
        (headers.timestamp, headers.severity, headers.pid),
        (view.timestamp(), view.severity(), view.pid())
    );
    let fields: Vec<_> = view.fields().collect();
    prop_assert_eq!(fields.len(), message.fields.len());
    for (viewed, field) in fields.iter().zip(&message.fields) {
        prop_assert_eq!(viewed.name(), field.name());
        prop_assert_eq!(viewed.value_type(), field.value_type());
        prop_assert_eq!(viewed.representation().map(BString::from), field.representation.clone());
        prop_assert_eq!(viewed.value_count(), field.value_count());
        prop_assert_eq!(
            format!("{:?}", viewed.values().collect::<Vec<_>>()),
            format!("{:?}", field.values().collect::<Vec<_>>())
        );
        prop_assert_eq!(viewed.value(field.value_count()), None);
        let same: Vec<_> = message.fields_named(field.name()).map(|field| field.name()).collect();
        let last = view.field(field.name(), same.len() - 1).map(|field| field.name());
        prop_assert_eq!(last, same.last().copied());
        prop_assert!(view.field(field.name(), same.len()).is_none());
    }
    Ok(())
}

/// Words of which most expressions are at least nearly correct.
fn expression() -> impl Strategy<Value = String> {
    let words = vec![
        "TRUE",
        "FALSE",
        "NIL",
        "(",
        ")",
        "&&",
        "||",
        "==",
        "!=",
        "<",
        ">=",
        "=~",
        "!~",
        "Type",
        "Uuid",
        "Pid",
        "Timestamp",
        "Fields[a]",
        "Fields[a][1]",
        "Fields[b][0][1]",
        "'a'",
        "\"b\"",
        "/a/",
        "/^a/",
        "/b$/",
        "/(/",
        "5",
        "1.5",
        "5-3",
        "!",
        "=",
        "&",
        "\n",
        "Zzz",
        "x",
        "'",
        "/",
    ];
    let test = prop_oneof![
        Just("Type == 'a'"),
        Just("Type != 'a'"),
        Just("Type =~ /^b/"),
        Just("Type !~ /^(a|b)/"),
        Just("Type > 'a'"),
        Just("FALSE"),
        Just("Fields[a] != NIL"),
        Just("Fields[b] == TRUE"),
        Just("Payload =~ /b/"),
        Just("Pid > 0"),
        Just("TRUE")
    ];
    let tests = (vec((test, prop_oneof![Just(" && "), Just(" || "), Just(" && ("), Just(") || ")]), 1..5))
        .prop_map(|tests| {
            tests.into_iter().map(|(test, joint)| format!("{test}{joint}")).collect::<String>() + "FALSE"
        });
    prop_oneof![
        vec(prop::sample::select(words), 0..12).prop_map(|words| words.join(" ")),
        tests,
        "\\PC{0,20}",
        any::<String>(),
    ]
}

fn check_captures(
    captures: Option<Captures<'_>>,
    haystack: &[u8],
    groups: usize,
) -> Result<(), TestCaseError> {
    let Some(captures) = captures else { return Ok(()) };
    prop_assert_eq!(captures.group_count(), groups);
    for index in 0..groups {
        if let Some(range) = captures.range(index) {
            prop_assert_eq!(&haystack[range], captures.get(index).unwrap());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_survives_encoding(message in message()) {
        let bytes = encode(&message);
        prop_assert_eq!(bytes.len(), message.encoded_len());
        prop_assert!(is_canonical(&bytes));
        prop_assert_eq!(&Message::decode(&bytes).unwrap(), &message);
        check_view(MessageView::new(&bytes), &message)?;
        check_view(MessageView::new_canonical(&bytes), &message)?;
    }

    #[test]
    fn a_view_of_any_bytes_agrees_with_the_decoded_message(bytes in any_bytes()) {
        match Message::decode(&bytes) {
            Ok(message) => {
                prop_assert_eq!(validate(&bytes), Ok(()));
                check_view(MessageView::new(&bytes), &message)?;
                if is_canonical(&bytes) {
                    check_view(MessageView::new_canonical(&bytes), &message)?;
                }
                // What was decoded is a plain message: it survives from here on.
                let again = encode(&message);
                prop_assert_eq!(format!("{:?}", Message::decode(&again).unwrap()), format!("{message:?}"));
            }
            Err(error) => {
                prop_assert_eq!(validate(&bytes), Err(error));
                prop_assert!(!is_canonical(&bytes));
            }
        }
    }

    #[test]
    fn views_of_any_bytes_end_without_panic(bytes in any_bytes(), name in text()) {
        for view in [MessageView::new(&bytes), MessageView::new_canonical(&bytes)] {
            let _ = (view.uuid(), view.timestamp(), view.hostname(), view.headers());
            let _ = view.field(&name, 0).map(|field| field.value(3));
            let values = view.fields().map(|field| field.values().count() + field.value_count()).sum::<usize>();
            prop_assert!(values <= 2 * bytes.len());
        }
    }

    #[test]
    fn decoding_reuses_nothing_but_memory(first in any_bytes(), second in any_bytes()) {
        let mut message = Message::default();
        let _ = message.decode_into(&first);
        let result = message.decode_into(&second);
        let mut fresh = Message::default();
        prop_assert_eq!(result, fresh.decode_into(&second));
        prop_assert_eq!(format!("{message:?}"), format!("{fresh:?}"));
    }

    #[test]
    fn matchers_always_answer(expression in expression(), bytes in any_bytes()) {
        if let Ok(matcher) = Matcher::parse(&expression) {
            let answer = matcher.matches(&MessageView::new(&bytes));
            if is_canonical(&bytes) {
                prop_assert_eq!(matcher.matches(&MessageView::new_canonical(&bytes)), answer);
            }
        }
    }

    #[test]
    fn a_refused_type_never_matches(expression in expression(), bytes in any_bytes(), other in "[ab]{0,2}") {
        if let Ok(matcher) = Matcher::parse(&expression) {
            let view = MessageView::new(&bytes);
            let msg_type = view.msg_type().unwrap_or_default();
            prop_assert!(!(matcher.refuses_type(msg_type) && matcher.matches(&view)));
            // And a program of tests on the Type alone is decided by it.
            let only_type = Matcher::parse(&format!("Type == '{other}' || Type =~ /^{other}a/")).unwrap();
            prop_assert_eq!(only_type.refuses_type(msg_type), !only_type.matches(&view));
        }
    }

    #[test]
    fn frames_are_found_between_garbage(
        messages in vec(vec(any::<u8>(), 0..40), 1..5),
        garbage in vec(vec(any::<u8>().prop_filter("no separator", |byte| *byte != 0x1e), 0..20), 5),
    ) {
        let mut stream = Vec::new();
        for (message, garbage) in messages.iter().zip(&garbage) {
            stream.extend_from_slice(garbage);
            write_frame(message, 100, &mut stream).unwrap();
        }
        let mut rest = stream.as_slice();
        for message in &messages {
            let found = find_frame(rest, 100);
            prop_assert_eq!(unframe(&rest[found.record.unwrap()]).unwrap().message, message);
            rest = &rest[found.consumed..];
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn a_stream_in_pieces_gives_the_same_frames(
        stream in vec(prop_oneof![
            Just(vec![0x1e]), Just(vec![0x1e, 2, 8, 2, 0x1f, b'h', b'i']), Just(vec![0x1e, 0, 0x1f]),
            Just(vec![0x1e, 3, 8, 0xff, 0x7f, 0x1f]), vec(any::<u8>(), 0..4),
        ], 0..12),
        piece in 1_usize..9,
    ) {
        let stream = stream.concat();
        let whole = {
            let (mut frames, mut at) = (Vec::new(), 0);
            loop {
                let found = find_frame(&stream[at..], 1000);
                prop_assert!(found.consumed <= stream.len() - at);
                let Some(record) = found.record else { break };
                frames.push(stream[at..][record].to_vec());
                at += found.consumed;
            }
            frames
        };
        let (mut frames, mut buffer) = (Vec::new(), Vec::new());
        for piece in stream.chunks(piece) {
            buffer.extend_from_slice(piece);
            loop {
                let found = find_frame(&buffer, 1000);
                let record = found.record.map(|record| buffer[record].to_vec());
                buffer.drain(..found.consumed);
                let Some(record) = record else { break };
                frames.push(record);
            }
        }
        prop_assert_eq!(frames, whole);
    }

    #[test]
    fn any_bytes_can_be_searched_for_frames(bytes in vec(prop_oneof![Just(0x1e), Just(0x1f), Just(8), Just(2), any::<u8>()], 0..200)) {
        let mut at = 0;
        loop {
            let found = find_frame(&bytes[at..], 64);
            let Some(record) = found.record else { break };
            prop_assert!(record.len() <= max_record_size(64));
            let frame = &bytes[at..][record];
            prop_assert!(unframe(frame).is_some());
            let _ = Header::raw_fields(unframe(frame).unwrap().header).count();
            let _ = verify(frame, &Signers::default());
            prop_assert!(found.consumed > 0);
            at += found.consumed;
        }
    }

    #[test]
    fn a_signature_is_only_valid_unchanged(
        message in vec(any::<u8>(), 1..40), key in vec(any::<u8>(), 0..80), sha1 in any::<bool>(), flip in any::<prop::sample::Index>(),
    ) {
        let hash = heka_message::HashFunction::from_name(if sha1 { "sha1" } else { "md5" });
        let signer = Signer { name: "ops".into(), version: 3, hash, key: key.clone() };
        let mut signers = Signers::default();
        signers.insert("ops_3", key);
        let mut frame = Vec::new();
        write_signed_frame(&message, &signer, 100, &mut frame).unwrap();
        prop_assert_eq!(find_frame(&frame, 100).record, Some(0..frame.len()));
        prop_assert_eq!(verify(&frame, &signers), Verified::SignedBy("ops".into()));
        let at = frame.len() - 1 - flip.index(message.len());
        frame[at] ^= 0x10;
        prop_assert_eq!(verify(&frame, &signers), Verified::Rejected(None));
    }

    #[test]
    fn uuid_text_comes_back(uuid in any::<[u8; 16]>()) {
        prop_assert_eq!(parse_uuid(uuid_text(&uuid, &mut [0; 36]).as_bytes()), Some(uuid));
    }

    #[test]
    fn any_pattern_compiles_or_is_refused(pattern in prop_oneof![
        vec(prop::sample::select(vec![
            "a", "b", "é", ".", "*", "+", "?", "{2}", "{0,3}", "(", ")", "(?:", "(?i)", "(?P<n>", "[", "]", "[^a-c]", "|",
            "^", "$", "\\b", "\\B", "\\d", "\\W", "\\pL", "\\Q", "\\E", "\\", "-", "&&", "~~", "--",
        ]), 0..8).prop_map(|parts| parts.concat()),
        any::<String>(),
    ], haystack in vec(prop_oneof![Just(b'a'), Just(b'\n'), Just(0xc3), Just(0xa9), any::<u8>()], 0..12)) {
        if let Ok(regex) = Regex::new(&pattern) {
            let found = regex.find(&haystack);
            prop_assert_eq!(regex.is_match(&haystack), found.is_some());
            let captures = regex.captures(&haystack);
            prop_assert_eq!(captures.as_ref().and_then(|captures| captures.range(0)), found.clone());
            check_captures(captures, &haystack, regex.names().len())?;
            if let Some(found) = found {
                prop_assert_eq!(regex.find_at(&haystack, found.start), Some(found));
            }
            prop_assert_eq!(regex.find_at(&haystack, haystack.len() + 1), None);
        }
    }
}

#[test]
fn values_of_a_repeated_name_are_found_by_index() {
    let message = Message {
        fields: vec![Field::integer("n", "", 1), Field::string("m", "", "x"), Field::integer("n", "", 2)],
        ..Message::default()
    };
    let bytes = encode(&message);
    let view = MessageView::new_canonical(&bytes);
    assert_eq!(view.field(b"n", 1).unwrap().value(0), Some(Value::Integer(2)));
    assert_eq!(message.field(b"n").unwrap().value(0), Some(Value::Integer(1)));
}
