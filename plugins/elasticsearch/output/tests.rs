use std::io::Read;
use std::net::{TcpListener, UdpSocket};

use heka_message::MessageView;
use heka_plugin::config::Pairs;

use super::*;
use crate::http_client::fake_server::{Answer, FakeServer, redirect, reply};
use crate::tls::TlsOptions;

const OK: &str = r#"{"took":1,"errors":false,"items":[]}"#;

fn config(server: String) -> Config {
    Config { server, ..Config::default() }
}

fn opened(config: Config) -> ElasticSearchOutput {
    ElasticSearchOutput::open(config, &Context::for_test("out")).unwrap()
}

fn refused(config: Config) -> String {
    ElasticSearchOutput::open(config, &Context::for_test("out")).err().unwrap().to_string()
}

fn record(number: usize) -> String {
    format!("{{\"index\":{{\"_index\":\"i\",\"_type\":\"t\"}}}}\n{{\"n\":{number}}}\n")
}

fn send(output: &mut ElasticSearchOutput, texts: &[String]) -> Result<(), SendError> {
    let record = |text: &'_ String| text.clone().into_bytes();
    let bytes: Vec<Vec<u8>> = texts.iter().map(record).collect();
    let records: Vec<Record<'_>> =
        bytes.iter().map(|bytes| Record { message: MessageView::new(b""), bytes, loop_count: 0 }).collect();
    output.send(&records, &Stop::new())
}

fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").unwrap().1
}

/// The fates that a failure tells, and its text.
fn mixed(result: Result<(), SendError>) -> (Vec<Fate>, String) {
    match result.unwrap_err() {
        SendError::Mixed { fates, why } => (fates, why),
        other => panic!("{other:?}"),
    }
}

fn retry(result: Result<(), SendError>) -> String {
    match result.unwrap_err() {
        SendError::Retry(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_batch_is_a_request_with_the_bytes_of_the_encoder() {
    let server = FakeServer::start(vec![reply("200 OK", OK)]);
    let mut output = opened(config(server.url("/base/")));
    send(&mut output, &[record(1), record(2)]).unwrap();
    send(&mut output, &[record(3)]).unwrap();
    let requests = server.requests(2);
    assert!(requests[0].starts_with("POST /base//_bulk HTTP/1.1\r\n"), "{requests:?}");
    assert!(requests[0].contains("Accept: application/json\r\n"));
    assert!(!requests[0].contains("Content-Type") && !requests[0].contains("Authorization"));
    assert_eq!(body(&requests[0]), record(1) + &record(2));
    assert_eq!(server.connections(), 1);
    assert_eq!(output.report()[0], row("SentMessageCount", 3, "count"));
}

#[test]
fn options_change_the_request() {
    let server = FakeServer::start(vec![reply("200 OK", OK)]);
    let url = server.url("").replace("//", "//me:secret@") + "/?query";
    let mut output = opened(Config {
        username: "u".into(),
        password: "p".into(),
        http_disable_keepalives: true,
        document_type: "omit".into(),
        ..config(url)
    });
    send(&mut output, &[record(1)]).unwrap();
    send(&mut output, &[record(1)]).unwrap();
    let request = &server.requests(2)[0];
    assert!(
        request.starts_with("POST //_bulk ") && request.contains("Authorization: Basic dTpw\r\n"),
        "{request}"
    );
    assert!(request.contains("Connection: close\r\n"));
    assert_eq!(body(request), "{\"index\":{\"_index\":\"i\"}}\n{\"n\":1}\n");
    assert_eq!(server.connections(), 2);
    // Without a password nobody is authenticated; a header of one's own is sent.
    let headers = Pairs(vec![("authorization".into(), vec!["ApiKey x".into()])]);
    let mut output = opened(Config { username: "u".into(), headers, ..config(server.url("")) });
    send(&mut output, &[record(1)]).unwrap();
    let request = &server.requests(3)[2];
    assert!(request.contains("Authorization: ApiKey x\r\n") && !request.contains("Basic"), "{request}");
}

#[test]
fn a_body_may_be_compressed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let got = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut bytes = vec![0; 65_536];
        let mut count = 0;
        loop {
            count += socket.read(&mut bytes[count..]).unwrap();
            let head = bytes.windows(4).position(|part| part == b"\r\n\r\n").map(|at| at + 4);
            let mut text = String::new();
            if let Some(head) = head
                && flate2::read::GzDecoder::new(&bytes[head..count]).read_to_string(&mut text).is_ok()
            {
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{OK}", OK.len());
                std::io::Write::write_all(&mut socket, answer.as_bytes()).unwrap();
                return (String::from_utf8_lossy(&bytes[..head]).into_owned(), text);
            }
        }
    });
    send(&mut opened(Config { gzip: true, ..config(format!("http://{address}")) }), &[record(1)]).unwrap();
    let (head, text) = got.join().unwrap();
    assert!(head.contains("Content-Encoding: gzip\r\n"), "{head}");
    assert_eq!(text, record(1));
}

#[test]
fn what_a_server_wants_is_learnt_from_its_refusal() {
    let no_type = r#"{"error":{"reason":"line [1] contains an unknown parameter [_type]"},"status":400}"#;
    let answers = vec![
        reply("406 Not Acceptable", r#"{"error":"Content-Type header [] is not supported","status":406}"#),
        reply("400 Bad Request", no_type),
        reply("200 OK", OK),
    ];
    let server = FakeServer::start(answers.clone());
    let mut output = opened(config(server.url("")));
    send(&mut output, &[record(1)]).unwrap();
    send(&mut output, &[record(2)]).unwrap();
    let requests = server.requests(4);
    assert!(!requests[0].contains("Content-Type"));
    assert!(requests[1].contains("Content-Type: application/x-ndjson\r\n") && requests[1].contains("_type"));
    assert!(requests[2].contains("x-ndjson") && !requests[2].contains("_type"));
    assert!(requests[3].contains("x-ndjson") && !requests[3].contains("_type"));
    // Told to keep the type, it is the records that are refused.
    let server = FakeServer::start(answers[1..].to_vec());
    let keep = Config { document_type: "keep".into(), ..config(server.url("")) };
    let (fates, why) = mixed(send(&mut opened(keep), &[record(1)]));
    assert!(matches!(&fates[..], [Fate::Rejected(why)] if why.contains("[_type]")) && why.is_empty());
}

#[test]
fn each_record_meets_the_fate_that_the_reply_tells() {
    let items = r#"{"errors":true,"items":[{"index":{"status":201}},
        {"index":{"status":400,"error":{"type":"mapper","reason":"bad"}}},
        {"index":{"status":429,"error":{"type":"busy","reason":"x"}}}]}"#;
    let server = FakeServer::start(vec![reply("200 OK", items)]);
    let mut output = opened(config(server.url("")));
    let batch = [record(1), record(2), record(3)];
    let (fates, why) = mixed(send(&mut output, &batch));
    let rejected = Fate::Rejected("document refused: 400 mapper: bad".into());
    assert_eq!(fates, [Fate::Delivered, rejected, Fate::Again]);
    assert_eq!(why, "can't index: 1 of 3 messages are not taken now: 429 busy: x");
    // The same is not told again so soon.
    assert_eq!(mixed(send(&mut output, &batch)).1, "");
    let rows = output.report();
    assert_eq!((rows[0].1.as_str(), rows[1].1.as_str()), ("2", "2"));
}

#[test]
fn a_request_that_is_refused_is_halved_until_the_record_at_fault_is_alone() {
    let bad = || reply("400 Bad Request", "{\"error\":\"malformed\"}");
    let ok = || reply("200 OK", OK);
    // 1234 bad, 12 ok, 34 bad, 3 ok, 4 bad.
    let server = FakeServer::start(vec![bad(), ok(), bad(), ok(), bad()]);
    let batch: Vec<String> = (1..5).map(record).collect();
    let (fates, why) = mixed(send(&mut opened(config(server.url(""))), &batch));
    let text = "HTTP response error. Status: 400 Bad Request. Body: {\"error\":\"malformed\"}";
    let delivered = Fate::Delivered;
    assert_eq!(fates, [delivered.clone(), delivered.clone(), delivered, Fate::Rejected(text.into())]);
    assert_eq!(why, "");
    let bodies: Vec<String> = server.requests(5).iter().map(|request| body(request).to_owned()).collect();
    let parts = [&batch[..], &batch[..2], &batch[2..], &batch[2..3], &batch[3..]];
    assert_eq!(bodies, parts.map(<[String]>::concat));
}

#[test]
fn a_server_that_finds_requests_too_large_gets_smaller_ones() {
    let large = || reply("413 Request Entity Too Large", "<html>");
    let server = FakeServer::start(vec![large(), reply("200 OK", OK)]);
    let mut output = opened(config(server.url("")));
    let batch: Vec<String> = (1..5).map(record).collect();
    send(&mut output, &batch).unwrap();
    send(&mut output, &batch).unwrap();
    let bodies: Vec<String> = server.requests(5).iter().map(|request| body(request).to_owned()).collect();
    let halves = [batch[..2].concat(), batch[2..].concat()];
    assert_eq!(bodies[0], batch.concat());
    assert_eq!(bodies[1..], [&halves[..], &halves[..]].concat());
    // So does one that was configured.
    let server = FakeServer::start(vec![reply("200 OK", OK)]);
    send(&mut opened(Config { max_request_size: 1, ..config(server.url("")) }), &batch).unwrap();
    assert_eq!(server.requests(4).len(), 4);
    let server = FakeServer::start(vec![large()]);
    let (fates, _) = mixed(send(&mut opened(config(server.url(""))), &[record(1)]));
    assert!(matches!(&fates[0], Fate::Rejected(why) if why.contains("413")));
}

#[test]
fn what_fails_as_a_whole_is_tried_again_as_far_as_it_was_not_delivered() {
    let busy = || reply("503 Service Unavailable", "{\"error\":\"busy\"}");
    let server = FakeServer::start(vec![busy(), reply("200 OK", OK), busy()]);
    let mut output = opened(Config { max_request_size: 1, ..config(server.url("")) });
    let batch = [record(1), record(2)];
    let why = "can't index: HTTP response error. Status: 503 Service Unavailable. Body: {\"error\":\"busy\"}";
    assert_eq!(retry(send(&mut output, &batch)), why);
    let (fates, why) = mixed(send(&mut output, &batch));
    assert_eq!((fates, why.as_str()), (vec![Fate::Delivered, Fate::Again], ""));
    for text in ["401 Unauthorized", "404 Not Found", "502 Bad Gateway"] {
        let server = FakeServer::start(vec![reply(text, "{}")]);
        assert!(retry(send(&mut opened(config(server.url(""))), &batch)).contains(text));
    }
    // What answers elsewhere has not got the batch.
    let server = FakeServer::start(vec![redirect("302 Found", "/"), reply("200 OK", "{\"name\":\"node\"}")]);
    let why = retry(send(&mut opened(config(server.url(""))), &batch));
    assert!(why.contains("no answer to a bulk request"), "{why}");
}

#[test]
fn no_reply_is_tried_again() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let why = retry(send(&mut opened(config(format!("http://{free}"))), &[record(1)]));
    let dial = format!("dial tcp {free}: connect: connection refused");
    assert_eq!(why, format!("can't index: HTTP request failed: Post \"http://{free}/_bulk\": {dial}"));
    let server = FakeServer::start(vec![Answer::Hang]);
    let hasty = Config { http_timeout: 50, ..config(server.url("")) };
    let why = retry(send(&mut opened(hasty), &[record(1)]));
    assert_eq!(why, "can't index: HTTP request was interrupted after timeout. It lasted 0.05s");
    let stop = Stop::new();
    stop.request();
    let bytes = record(1).into_bytes();
    let records = [Record { message: MessageView::new(b""), bytes: &bytes, loop_count: 0 }];
    assert_eq!(retry(opened(config(server.url(""))).send(&records, &stop)), "");
}

#[test]
fn a_server_that_fails_is_passed_over() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let busy = FakeServer::start(vec![reply("503 Busy", "{}")]);
    let good = FakeServer::start(vec![reply("200 OK", OK)]);
    let servers = vec![format!("http://{free}"), busy.url(""), good.url("/x")];
    let mut output = opened(Config { servers: servers.clone(), ..Config::default() });
    send(&mut output, &[record(1)]).unwrap();
    send(&mut output, &[record(2)]).unwrap();
    assert_eq!((good.requests(2).len(), busy.requests(1).len()), (2, 1));
    let mut output = opened(Config { servers: servers[..2].to_vec(), ..Config::default() });
    let why = retry(send(&mut output, &[record(1)]));
    assert!(why.contains("connection refused; HTTP response error. Status: 503 Busy"), "{why}");
}

#[test]
fn datagrams_hold_several_records() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let url = format!("udp://{}", socket.local_addr().unwrap());
    let mut output = opened(config(url));
    assert_eq!(output.pace().batch_bytes, 65_000);
    send(&mut output, &[record(1), record(2)]).unwrap();
    let long = format!("{{\"index\":{{}}}}\n{{\"a\":\"{}\"}}\n", "x".repeat(40_000));
    let huge = "x".repeat(65_508);
    let (fates, _) = mixed(send(&mut output, &[long.clone(), huge, long.clone()]));
    assert!(matches!(&fates[..], [Fate::Delivered, Fate::Rejected(_), Fate::Delivered]), "{fates:?}");
    let got = || {
        let mut bytes = vec![0; 70_000];
        let count = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    };
    assert_eq!(got(), record(1) + &record(2));
    assert_eq!((got(), got()), (long.clone(), long));
    let lost = retry(send(&mut opened(config("udp://no.such.host.invalid:9700".into())), &[record(1)]));
    assert!(lost.contains("no such host"), "{lost}");
}

#[test]
fn options_are_checked_with_heka_s_words() {
    let scheme = "Server URL must specify one of `udp`, `http`, or `https`.";
    assert_eq!(refused(config("ftp://h".into())), scheme);
    assert_eq!(refused(config("host".into())), scheme);
    let parse = "Unable to parse ElasticSearch server URL [:x]: parse \":x\": missing protocol scheme";
    assert_eq!(refused(config(":x".into())), parse);
    let servers = vec!["http://h".into(), "udp://h:1".into()];
    assert_eq!(refused(Config { servers, ..Config::default() }), "`servers` takes no `udp` URL.");
    let odd = Config { document_type: "maybe".into(), ..Config::default() };
    assert_eq!(refused(odd), "`document_type` must be 'auto', 'keep' or 'omit', got 'maybe'.");
    let none = Config { max_request_size: 0, ..Config::default() };
    assert_eq!(refused(none), "`max_request_size` must be between 1 and 1073741824.");
    let tls = TlsOptions { min_version: "x".into(), ..TlsOptions::default() };
    let secret = Config { tls, ..config("https://h".into()) };
    assert_eq!(refused(secret), "TLS init error: Invalid MinVersion: x");
    let pace = opened(Config { flush_count: -1, flush_interval: 0, ..Config::default() }).pace();
    assert_eq!((pace.batch_records, pace.linger), (1, Duration::ZERO));
}
