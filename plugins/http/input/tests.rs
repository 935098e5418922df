use std::net::TcpListener;
use std::thread::JoinHandle;

use heka_message::Message;

use super::*;
use crate::fake_inlet::FakeInlet;
use crate::http_client::fake_server::{Answer, FakeServer, redirect, reply};

fn config(url: String) -> Config {
    Config { url, ..Config::default() }
}

fn opened(config: Config) -> HttpInput {
    HttpInput::open(config, &Context::for_test("web")).unwrap()
}

/// Polls each URL once.
fn polled(config: Config, inlet: &FakeInlet) -> Vec<Message> {
    let mut input = opened(config);
    let mut deliverer = inlet.deliverer("").unwrap();
    for url in input.urls.clone() {
        assert!(input.poll(&url, deliverer.as_mut(), &Stop::new()).unwrap());
    }
    inlet.messages(0)
}

fn whole() -> FakeInlet {
    FakeInlet { whole_reads: true, ..FakeInlet::default() }
}

#[test]
fn a_reply_becomes_a_message() {
    let server = FakeServer::start(vec![reply("200 OK", "hello"), reply("500 Oops", "no")]);
    let url = server.url("/x");
    let urls = Some(vec![url.clone(), url.clone()]);
    let headers = Pairs(vec![("x-a".into(), "1".into())]);
    let username = "u".to_string();
    let messages =
        polled(Config { urls, headers, username, body: "ask".into(), ..config("unused".into()) }, &whole());
    let request = &server.requests(2)[0];
    for line in [
        "GET /x HTTP/1.1\r\n",
        "User-Agent: Heka\r\n",
        "X-A: 1\r\n",
        "Authorization: Basic dTo=\r\n",
        "\r\n\r\nask",
    ] {
        assert!(request.contains(line), "{request}");
    }
    let of = |message: &Message| {
        let text = |value: &Option<bstr::BString>| value.clone().unwrap_or_default().to_string();
        (text(&message.payload), text(&message.logger), message.severity, text(&message.hostname))
    };
    assert_eq!(of(&messages[0]), ("hello".into(), url.clone(), Some(6), "test.host".into()));
    assert_eq!(of(&messages[1]), ("no".into(), url, Some(1), "test.host".into()));
    let names: Vec<_> =
        messages[1].fields.iter().map(|field| field.name.clone().unwrap().to_string()).collect();
    assert_eq!(names, ["StatusCode", "Status", "ResponseSize", "ResponseTime", "Protocol"]);
    assert_eq!(messages[1].fields[0].value_integer, [500]);
    assert_eq!(messages[1].fields[1].value_string[0], "500 Oops");
    assert_eq!(messages[1].fields[2].value_integer, [2]);
    assert!(messages[1].fields[3].value_double[0] > 0.0);
}

#[test]
fn no_body_is_no_message_and_no_reply_is_one() {
    let server = FakeServer::start(vec![redirect("302 Found", "/b"), reply("204 No Content", "")]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let urls = Some(vec![server.url("/a"), format!("http://{free}/gone"), "http://h:x".into()]);
    let messages = polled(Config { urls, error_severity: 3, ..config(String::new()) }, &whole());
    assert_eq!(server.requests(2).len(), 2);
    let payloads: Vec<_> = messages.iter().map(|m| m.payload.clone().unwrap().to_string()).collect();
    assert_eq!(
        payloads[0],
        format!("Get \"http://{free}/gone\": dial tcp {free}: connect: connection refused")
    );
    assert_eq!(payloads[1], r#"parse "http://h:x": invalid port ":x" after host"#);
    assert_eq!((payloads.len(), messages[0].severity), (2, Some(3)));
    assert_eq!(messages[0].msg_type.as_ref().unwrap(), "heka.httpinput.error");
    assert!(messages[0].hostname.is_none() && messages[0].fields.is_empty());
}

#[test]
fn nothing_is_carried_from_one_reply_to_the_next() {
    let server = FakeServer::start(vec![reply("200 OK", "one\ntail"), reply("200 OK", "two\n")]);
    let urls = Some(vec![server.url("/"), server.url("/")]);
    let inlet = FakeInlet::default();
    polled(Config { urls, ..config(String::new()) }, &inlet);
    assert_eq!(inlet.payloads(2), ["one\n", "two\n"]);
}

#[test]
fn a_server_that_hangs_costs_one_poll() {
    let server = FakeServer::start(vec![Answer::Hang, reply("200 OK", "fine")]);
    let urls = Some(vec![server.url("/"), server.url("/")]);
    let messages = polled(Config { urls, http_timeout: 100, ..config(String::new()) }, &whole());
    assert_eq!(messages[0].msg_type.as_ref().unwrap(), "heka.httpinput.error");
    assert_eq!(messages[1].payload.as_ref().unwrap(), "fine");
}

#[test]
fn a_stop_is_heard_in_the_middle_of_a_poll() {
    let server = FakeServer::start(vec![Answer::Hang]);
    let mut input = opened(config(server.url("/")));
    let (stop, inlet) = (Stop::new(), whole());
    let (asked, theirs, url) = (stop.clone(), inlet.clone(), server.url("/"));
    let thread: JoinHandle<bool> = std::thread::spawn(move || {
        let mut deliverer = theirs.deliverer("").unwrap();
        input.poll(&url, deliverer.as_mut(), &asked).unwrap()
    });
    server.requests(1);
    stop.request();
    assert!(!thread.join().unwrap());
}

#[test]
fn options_are_checked() {
    let refused = |config| HttpInput::open(config, &Context::for_test("web")).err().unwrap().to_string();
    assert_eq!(refused(Config::default()), "Url or Urls must contain at least one URL");
    let headers = Pairs(vec![("a b".to_string(), String::new())]);
    assert_eq!(refused(Config { headers, ..config("http://h/".into()) }), "`headers`: 'a b' cannot be sent");
    let tls = TlsOptions { min_version: "x".into(), ..TlsOptions::default() };
    assert!(refused(Config { tls, ..config("https://h/".into()) }).starts_with("TLS init error: "));
    assert!(opened(Config { urls: Some(vec![]), ..Config::default() }).urls.is_empty());
}
