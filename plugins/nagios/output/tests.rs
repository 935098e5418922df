use std::net::TcpListener;

use heka_message::{Message, MessageView};

use super::*;
use crate::http_client::fake_server::{Answer, FakeServer, reply};

const ERROR: &str = "<P><DIV CLASS='errorMessage'>";

fn opened(config: Config) -> NagiosOutput {
    NagiosOutput::open(config, &Context::for_test("out")).unwrap()
}

fn refused(config: Config) -> String {
    NagiosOutput::open(config, &Context::for_test("out")).err().unwrap().to_string()
}

fn send(output: &mut NagiosOutput, payloads: &[&str]) -> Result<(), SendError> {
    let encoded = |payload: &&str| {
        let message = Message {
            logger: Some("svc".into()),
            hostname: Some("box".into()),
            payload: Some((*payload).into()),
            ..Message::default()
        };
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        bytes
    };
    let messages: Vec<Vec<u8>> = payloads.iter().map(encoded).collect();
    let record = |bytes: &Vec<u8>| Record {
        message: MessageView::new(bytes.clone().leak()),
        bytes: b"",
        loop_count: 0,
    };
    output.send(&messages.iter().map(record).collect::<Vec<_>>(), &Stop::new())
}

#[test]
fn a_result_is_a_form() {
    let server = FakeServer::start(vec![reply("200 OK", "<DIV CLASS='infoMessage'>fine</DIV>")]);
    let config = Config { url: server.url("/cmd.cgi"), password: "p".into(), ..Config::default() };
    let mut output = opened(config);
    send(&mut output, &["OK:one", "two"]).unwrap();
    let requests = server.requests(2);
    for line in [
        "POST /cmd.cgi HTTP/1.1\r\n",
        "Authorization: Basic OnA=\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "\r\n\r\ncmd_mod=2&cmd_typ=30&host=box&performance_data=&plugin_output=one&plugin_state=0&service=svc",
    ] {
        assert!(requests[0].contains(line), "{requests:?}");
    }
    assert_eq!((output.delivered(), server.connections(), output.pace().batch_records), (2, 1, 1));
}

#[test]
fn errors_in_pages_and_statuses_are_seen() {
    let cases = [
        (reply("401 Unauthorized", ""), Some("HTTP Error code returned: 401 Unauthorized"), false),
        (reply("503 Busy", ""), Some("HTTP Error code returned: 503 Busy"), false),
        (reply("400 Bad Request", ""), Some("HTTP Error code returned: 400 Bad Request"), true),
        (
            reply("200 OK", &format!("{ERROR}Sorry, but Nagios sleeps.</DIV>")),
            Some("Sorry, but Nagios sleeps."),
            false,
        ),
        (
            reply("200 OK", &format!("{ERROR}you are not authorized</DIV>")),
            Some("you are not authorized"),
            true,
        ),
        (reply("200 OK", ""), None, false),
    ];
    for (answer, why, is_final) in cases {
        let server = FakeServer::start(vec![answer]);
        let sent = send(&mut opened(Config { url: server.url("/"), ..Config::default() }), &["x"]);
        match (why, sent) {
            (None, Ok(())) => {}
            (Some(why), Err(SendError::Retry(text))) if !is_final => assert_eq!(text, why),
            (Some(why), Err(SendError::Reject { index: 0, why: text })) if is_final => {
                assert_eq!(text, format!("service 'svc' on host 'box': {why}"));
            }
            (why, sent) => panic!("{why:?} {sent:?}"),
        }
    }
}

#[test]
fn a_guard_against_forged_requests_is_satisfied() {
    let server = FakeServer::start(vec![
        reply("200 OK", "<p>Error: Invalid or missing CSRF cookie!</p>"),
        reply("200 OK", "<DIV CLASS='infoMessage'>fine</DIV>"),
    ]);
    let mut output = opened(Config { url: server.url("/"), ..Config::default() });
    send(&mut output, &["one", "two"]).unwrap();
    let requests = server.requests(3);
    assert!(!requests[0].contains("Cookie"), "{requests:?}");
    for request in &requests[1..] {
        let proof = request.rsplit_once("&service=svc&nagFormId=").unwrap().1;
        assert!(proof.len() == 8 && request.contains(&format!("Cookie: NagFormId={proof}\r\n")), "{request}");
    }
}

#[test]
fn silence_ends_after_response_header_timeout() {
    let server = FakeServer::start(vec![reply("200 OK", ""), Answer::Hang]);
    let config = Config { url: server.url("/"), response_header_timeout: 1, ..Config::default() };
    let mut output = opened(config);
    send(&mut output, &["one"]).unwrap();
    let why = send(&mut output, &["two"]).unwrap_err().to_string();
    assert_eq!(why, format!("Post \"{}\": net/http: timeout awaiting response headers", server.url("/")));
    assert_eq!(server.requests(2).len(), 2, "it is not asked again behind our back");

    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = Config { url: format!("http://{free}/"), ..Config::default() };
    let why = send(&mut opened(config), &["x"]).unwrap_err().to_string();
    assert_eq!(why, format!("Post \"http://{free}/\": dial tcp {free}: connect: connection refused"));
}

#[test]
fn a_program_gets_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("kept");
    let script = format!("echo \"$@\" >> {0}; cat >> {0}; test ! -e {0}.fail", kept.display());
    let config = Config {
        send_nsca_bin: "/bin/sh".into(),
        send_nsca_args: vec!["-c".into(), script, "sh".into(), "-H".into(), "server".into()],
        nagios_host: "h".into(),
        nagios_service_description: "s".into(),
        ..Config::default()
    };
    let mut output = opened(config);
    send(&mut output, &["CRITICAL:one", "two"]).unwrap();
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "-H server\nh\ts\t2\tone\n-H server\nh\ts\t3\ttwo\n");
    std::fs::write(dir.path().join("kept.fail"), "").unwrap();
    let failed = send(&mut output, &["x"]).unwrap_err();
    assert!(matches!(&failed, SendError::Retry(why) if why == "/bin/sh: exit status 1"), "{failed:?}");
}

#[test]
fn options_are_checked() {
    let at = |url: &str| Config { url: url.into(), ..Config::default() };
    assert_eq!(refused(at(":x")), r#"parse ":x": missing protocol scheme"#);
    assert_eq!(refused(at("ftp://x/")), "`url` must contain an absolute http or https URL.");
    let tls = TlsOptions { min_version: "x".into(), ..TlsOptions::default() };
    let wrong = |use_tls| Config { use_tls, tls: tls.clone(), ..at("https://h/") };
    assert_eq!(refused(wrong(true)), "tLS init error: Invalid MinVersion: x");
    opened(wrong(false));
    // With a program nobody looks.
    opened(Config { send_nsca_bin: "x".into(), ..at(":x") });
}
