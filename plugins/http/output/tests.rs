use std::net::TcpListener;
use std::sync::Mutex;

use heka_message::MessageView;

use super::*;
use crate::http_client::fake_server::{Answer, FakeServer, reply};

fn config(address: String) -> Config {
    Config { address, ..Config::default() }
}

fn opened(config: Config) -> HttpOutput {
    HttpOutput::open(config, &Context::for_test("out")).unwrap()
}

fn refused(config: Config) -> String {
    HttpOutput::open(config, &Context::for_test("out")).err().unwrap().to_string()
}

fn send(output: &mut HttpOutput, texts: &[&str]) -> Result<(), SendError> {
    let record = |text: &&'static str| Record {
        message: MessageView::new(b""),
        bytes: text.as_bytes(),
        loop_count: 0,
    };
    let texts: Vec<&'static str> = texts.iter().map(|text| &*String::from(*text).leak()).collect();
    output.send(&texts.iter().map(record).collect::<Vec<_>>(), &Stop::new())
}

#[test]
fn a_record_is_a_request_and_a_status_below_400_takes_it() {
    let server = FakeServer::start(vec![reply("200 OK", ""), reply("302 Found", ""), reply("399 Odd", "")]);
    let headers = Pairs(vec![("x-test".into(), vec!["a".into(), "b".into()])]);
    let config =
        Config { headers, method: "put".into(), password: "only".into(), ..config(server.url("/p?q=1")) };
    let mut output = opened(config);
    send(&mut output, &["one", "two", "three"]).unwrap();
    let requests = server.requests(3);
    for line in [
        "PUT /p?q=1 HTTP/1.1\r\n",
        "Authorization: Basic Om9ubHk=\r\n",
        "X-Test: a\r\nX-Test: b\r\n",
        "\r\n\r\none",
    ] {
        assert!(requests[0].contains(line), "{requests:?}");
    }
    assert!(requests[2].ends_with("\r\n\r\nthree"));
    assert_eq!((output.delivered(), server.connections()), (3, 1));
}

#[test]
fn get_sends_no_body() {
    let server = FakeServer::start(vec![reply("200 OK", "")]);
    send(&mut opened(Config { method: "GET".into(), ..config(server.url("/")) }), &["lost"]).unwrap();
    let request = &server.requests(1)[0];
    assert!(
        request.starts_with("GET / ") && request.ends_with("\r\n\r\n") && !request.contains("Content-Length")
    );
}

#[test]
fn a_failure_is_told_and_the_rest_is_sent_again() {
    let server =
        FakeServer::start(vec![reply("200 OK", ""), reply("503 Busy", "later"), reply("200 OK", "")]);
    let mut output = opened(config(server.url("/")));
    let failed = send(&mut output, &["one", "two"]).unwrap_err();
    let why = "HTTP Error code returned: 503 503 Busy - later";
    assert!(matches!(&failed, SendError::Retry(text) if text == why), "{failed:?}");
    assert_eq!(output.delivered(), 1);
    send(&mut output, &["two"]).unwrap();
    assert!(server.requests(3)[2].ends_with("two"));
}

#[test]
fn a_record_that_the_server_refuses_is_dropped_with_a_word() {
    let server = FakeServer::start(vec![reply("200 OK", ""), reply("400 Bad Request", "what?")]);
    let failed = send(&mut opened(config(server.url("/"))), &["one", "two", "three"]).unwrap_err();
    let SendError::Reject { index, why } = failed else { panic!("{failed:?}") };
    assert_eq!((index, why.as_str()), (1, "HTTP Error code returned: 400 400 Bad Request - what?"));
}

/// Keeps what is logged.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Log for Kept {
    fn info(&self, text: &str) {
        self.0.lock().unwrap().push(text.into());
    }
    fn error(&self, text: &str) {
        self.0.lock().unwrap().push(format!("error: {text}"));
    }
    fn plain(&self, _: &[u8]) {}
}

#[test]
fn with_buffering_every_status_is_tried_again_and_errors_are_no_errors() {
    let server = FakeServer::start(vec![reply("400 Bad Request", "")]);
    let log = Arc::new(Kept::default());
    let context = Context { log: log.clone(), ..Context::for_test("out") };
    let config = Config { use_buffering: true, ..config(server.url("/")) };
    let mut output = HttpOutput::open(config, &context).unwrap();
    for _ in 0..3 {
        let failed = send(&mut output, &["one"]).unwrap_err();
        assert!(matches!(&failed, SendError::Retry(text) if text.is_empty()), "{failed:?}");
    }
    let told = log.0.lock().unwrap().clone();
    assert_eq!(told, ["HTTP Error code returned: 400 400 Bad Request - ; trying again"]);
}

#[test]
fn no_reply_is_tried_again() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failed = send(&mut opened(config(format!("http://{free}/"))), &["one"]).unwrap_err().to_string();
    let why = format!("dial tcp {free}: connect: connection refused");
    assert_eq!(failed, format!("Error making HTTP request: Post \"http://{free}/\": {why}"));
    let server = FakeServer::start(vec![Answer::Hang]);
    let hasty = Config { http_timeout: 50, ..config(server.url("/")) };
    let failed = send(&mut opened(hasty), &["one"]).unwrap_err().to_string();
    assert!(failed.contains("context deadline exceeded"), "{failed}");
    let server = FakeServer::start(vec![Answer::Reset]);
    assert!(send(&mut opened(config(server.url("/"))), &["one"]).is_err());
}

#[test]
fn options_are_checked_with_heka_s_words() {
    let absolute = "`address` must contain an absolute http or https URL.";
    for address in ["", "ftp://h/", "host/path"] {
        assert_eq!(refused(config(address.into())), absolute);
    }
    assert_eq!(refused(config(":x".into())), r#"Can't parse URL ':x': parse ":x": missing protocol scheme"#);
    let delete = Config { method: "delete".into(), ..config("http://h/".into()) };
    assert_eq!(refused(delete), "HTTP Method must be POST, GET, or PUT.");
    let tls = TlsOptions { min_version: "x".into(), ..TlsOptions::default() };
    assert_eq!(
        refused(Config { tls: tls.clone(), ..config("https://h/".into()) }),
        "TLS init error: Invalid MinVersion: x"
    );
    // Without https nobody looks.
    opened(Config { tls, ..config("http://h/".into()) });
}
