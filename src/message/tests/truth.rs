//! Matchers found in public configurations, and what hekad 0.11 matched with each of them.
#![allow(clippy::unwrap_used)]

use heka_message::{
    DEFAULT_MAX_MESSAGE_SIZE, Matcher, MessageView, find_frame, is_canonical, parse_uuid, unframe, uuid_text,
};

const TRUTH: &str = include_str!("../../../testdata/matchers/truth.tsv");
const MESSAGES: &[u8] = include_bytes!("../../../testdata/matchers/matchers-messages.pb");

/// The messages by number (from 1), which is also their UUID.
fn messages() -> Vec<&'static [u8]> {
    let mut messages = Vec::new();
    let mut rest = MESSAGES;
    loop {
        let found = find_frame(rest, DEFAULT_MAX_MESSAGE_SIZE);
        assert_eq!(found.problems, []);
        let Some(record) = found.record else { break };
        messages.push(unframe(&rest[record]).unwrap().message);
        rest = &rest[found.consumed..];
    }
    assert!(rest.is_empty());
    messages
}

/// Reads a quoted expression: a backslash keeps the next character.
fn unquote(text: &str) -> String {
    let mut chars = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap().chars();
    let mut plain = String::new();
    while let Some(next) = chars.next() {
        plain.push(if next == '\\' { chars.next().unwrap() } else { next });
    }
    plain
}

#[test]
fn the_messages_are_numbered_by_their_uuids() {
    let messages = messages();
    assert_eq!(messages.len(), 99);
    for (index, bytes) in messages.iter().enumerate() {
        let text = format!("{:032x}", index + 1);
        let uuid = MessageView::new(bytes).uuid().unwrap();
        assert_eq!(parse_uuid(text.as_bytes()).unwrap(), uuid);
        assert_eq!(uuid_text(uuid, &mut [0; 36]).replace('-', ""), text);
    }
}

#[test]
fn every_matcher_matches_what_the_original_matched() {
    let messages = messages();
    let mut lines = 0;
    for line in TRUTH.lines().skip(1) {
        lines += 1;
        let columns: Vec<&str> = line.split('\t').collect();
        let [_, quoted, accepted, error, matched] = columns[..] else { panic!("{line}") };
        // The original replaces the variable, which was not set, when it reads its configuration.
        let expression = unquote(quoted).replace("%ENV[CONTAINER_ID]", "");
        let matcher = match Matcher::parse(&expression) {
            Ok(matcher) => matcher,
            Err(refused) => {
                assert_ne!(accepted, "accepted", "{expression}: {refused}");
                assert_eq!(refused.to_string(), error, "{expression}");
                continue;
            }
        };
        assert_eq!(accepted, "accepted", "{expression}");
        let ours = |view: fn(&'static [u8]) -> MessageView<'static>| -> String {
            let numbers = (1..).zip(&messages).filter(|(_, bytes)| matcher.matches(&view(bytes)));
            numbers.map(|(number, _)| number.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(ours(MessageView::new), matched, "{expression}");
        assert!(messages.iter().all(|bytes| is_canonical(bytes)));
        assert_eq!(ours(MessageView::new_canonical), matched, "{expression}");
    }
    assert_eq!(lines, 226);
}
