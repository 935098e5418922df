use std::time::Duration;

use super::*;

const A: &[u8] = b"{\"index\":{}}\n{\"n\":1}\n";
const TWO: &[u8] = b"{\"index\":{}}\n{\"n\":1}\n{\"delete\":{}}\n";

fn reply(code: u16, body: &str) -> Reply {
    Reply::for_test(code, &format!("{code} Words"), body.as_bytes(), Duration::ZERO)
}

fn fates(body: &str, records: &[&[u8]]) -> Answered {
    match read(&reply(200, body), records) {
        Answer::Fates(answered) => answered,
        other => panic!("{other:?}"),
    }
}

fn rejected(why: &str) -> Fate {
    Fate::Rejected(format!("document refused: {why}"))
}

#[test]
fn a_reply_without_errors_is_the_acknowledgement_of_all() {
    for body in [
        r#"{"took":1,"errors":false,"items":[]}"#,
        r#"{"took":1,"errors":false,"items":[{"index":{"status":201}},{"index":{"status":201}}]}"#,
        r#" {"took":1,"items":[{"create":{"_id":"x","ok":true}},{"create":{"ok":true}}]}"#,
        r#"{"items":[{"index":{"status":200}},{"index":{"status":201}}]}"#,
    ] {
        let answered = fates(body, &[A, A]);
        assert_eq!(answered, Answered { fates: vec![Fate::Delivered; 2], trouble: None }, "{body}");
    }
}

#[test]
fn each_document_has_its_own_fate() {
    let body = r#"{"errors":true,"items":[
        {"index":{"status":201}},
        {"index":{"status":400,"error":{"type":"mapper","reason":"no number","caused_by":{"type":"a","reason":"b"}}}},
        {"index":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"queue 7"}}},
        {"create":{"status":409,"error":{"type":"version_conflict"}}},
        {"update":{"status":409,"error":{"type":"version_conflict","reason":"r"}}},
        {"delete":{"status":404}},
        {"index":{"status":404,"error":{"type":"index_not_found_exception","reason":"x"}}},
        {"index":{"status":503,"error":"UnavailableShardsException[x]"}},
        {"index":{"status":403,"error":{"type":"cluster_block_exception","reason":"read-only"}}},
        {"index":{"status":403,"error":"ClusterBlockException[blocked]"}},
        {"index":{"status":403,"error":{"type":"security_exception","reason":"no"}}},
        {"index":{"error":"MapperParsingException[x]"}},
        {"index":{"error":"RemoteTransport: EsRejectedExecutionException[x]"}}
    ]}"#;
    let answered = fates(body, &[A; 13]);
    let expected = [
        Fate::Delivered,
        rejected("400 mapper: no number; a: b"),
        Fate::Again,
        Fate::Delivered,
        rejected("409 version_conflict: r"),
        Fate::Delivered,
        rejected("404 index_not_found_exception: x"),
        Fate::Again,
        Fate::Again,
        Fate::Again,
        rejected("403 security_exception: no"),
        rejected("MapperParsingException[x]"),
        Fate::Again,
    ];
    assert_eq!(answered.fates, expected);
    let trouble = answered.trouble.unwrap();
    assert_eq!(trouble.kind, "429 es_rejected_execution_exception");
    assert_eq!(
        trouble.text,
        "5 of 13 messages are not taken now: 429 es_rejected_execution_exception: queue 7"
    );
}

#[test]
fn a_record_of_several_actions_is_as_bad_as_the_worst_that_may_change() {
    let body = |first: u16, second: u16| {
        format!(
            r#"{{"errors":true,"items":[{{"index":{{"status":{first}}}}},{{"delete":{{"status":{second}}}}},{{"index":{{"status":201}}}}]}}"#
        )
    };
    for (first, second, fate) in [
        (201, 404, Fate::Delivered),
        (400, 200, rejected("400")),
        (400, 429, Fate::Again),
        (429, 400, Fate::Again),
        (201, 503, Fate::Again),
    ] {
        let answered = fates(&body(first, second), &[TWO, A]);
        assert_eq!(answered.fates, [fate, Fate::Delivered], "{first} {second}");
    }
}

#[test]
fn items_that_do_not_fit_the_records_are_told_of_single_records_only() {
    let body = r#"{"errors":true,"items":[{"index":{"status":400,"error":"mapper"}}]}"#;
    assert!(matches!(read(&reply(200, body), &[A, A]), Answer::Refused(Refusal { too_large: false, .. })));
    assert_eq!(fates(body, &[b"odd\n"]).fates, [rejected("400 mapper")]);
    for empty in [r#"{"errors":true,"items":[]}"#, r#"{"errors":true}"#, "{}", r#"{"name":"node"}"#] {
        assert!(matches!(read(&reply(200, empty), &[A]), Answer::Trouble(_)), "{empty}");
    }
    assert!(matches!(read(&reply(200, r#"{"items":[]}"#), &[A, A]), Answer::Refused(_)));
}

#[test]
fn failures_of_the_whole_are_told_in_heka_s_words() {
    let text = |code: u16, body: &str| match read(&reply(code, body), &[A]) {
        Answer::Trouble(trouble) => {
            assert_eq!(trouble.kind, format!("{code} Words"));
            trouble.text
        }
        other => panic!("{other:?}"),
    };
    for body in ["<html>", "", "[1]", "3", "{\"a\":"] {
        for code in [200, 400, 502] {
            let expected =
                format!("HTTP response didn't contain valid JSON. Status: {code} Words. Body: {body}");
            assert_eq!(text(code, body), expected);
        }
    }
    for code in [301, 401, 403, 404, 429, 500, 503] {
        let expected = format!("HTTP response error. Status: {code} Words. Body: {{\"e\":1}}");
        assert_eq!(text(code, "{\"e\":1}"), expected);
    }
}

#[test]
fn what_may_be_the_fault_of_a_record_is_told_apart() {
    let refused = |code: u16, body: &str| read(&reply(code, body), &[A, A]);
    assert!(matches!(refused(413, "<html>"), Answer::Refused(Refusal { too_large: true, .. })));
    assert!(matches!(refused(400, "{}"), Answer::Refused(Refusal { too_large: false, .. })));
    let typed = r#"{"error":{"reason":"Action/metadata line [1] contains an unknown parameter [_type]"}}"#;
    assert!(refuses_type(&reply(400, typed)) && !refuses_type(&reply(200, typed)));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(TOLD_BYTES));
    let Answer::Refused(Refusal { text, .. }) = refused(400, &long) else { panic!() };
    assert!(text.len() < TOLD_BYTES + 100 && text.ends_with("..."));
}
