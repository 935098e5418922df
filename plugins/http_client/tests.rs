use std::io::Write;
use std::net::TcpListener;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::AUTHORIZATION;

use super::fake_server::{Answer, FakeServer, redirect, reply};
use super::*;

fn client() -> Client {
    Client::new(Options { body_size_max: 1000, ..Options::default() }).unwrap()
}

fn ask(client: &mut Client, method: &str, url: &str, body: &str) -> Result<Reply, String> {
    let url = Url::parse(url).unwrap();
    let call = Call { method, url: &url, headers: &HeaderMap::new(), body: body.as_bytes() };
    client.call(&call, &Stop::new()).map_err(|error| error.to_string())
}

#[test]
fn a_request_looks_like_go_s() {
    let server = FakeServer::start(vec![reply("200 Fine", "body")]);
    let answer = ask(&mut client(), "POST", &server.url("/a?b=c"), "text").unwrap();
    let host = server.address;
    let expected = format!(
        "POST /a?b=c HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 4\r\n\
         Accept-Encoding: gzip\r\n\r\ntext"
    );
    assert_eq!(server.requests(1), [expected]);
    assert_eq!((answer.code, answer.status.as_str(), answer.protocol), (200, "200 Fine", "HTTP/1.1"));
    assert_eq!((answer.content_length, answer.body.as_slice()), (Some(4), &b"body"[..]));
}

#[test]
fn a_connection_is_kept_and_one_that_went_away_is_replaced() {
    let closing = Answer::SayAndClose("HTTP/1.1 204 No Content\r\n\r\n".into());
    let server =
        FakeServer::start(vec![reply("200 OK", "1"), reply("200 OK", "2"), closing, reply("200 OK", "4")]);
    let mut client = client();
    for body in ["1", "2", "", "4"] {
        assert_eq!(ask(&mut client, "GET", &server.url("/"), "").unwrap().body, body.as_bytes());
    }
    assert_eq!(server.connections(), 2);
    assert_eq!(server.requests(4).len(), 4);
}

#[test]
fn credentials_of_the_url_are_sent() {
    let server = FakeServer::start(vec![reply("200 OK", "")]);
    let url = server.url("/").replace("http://", "http://u:p@");
    ask(&mut client(), "GET", &url, "").unwrap();
    assert!(server.requests(1)[0].contains("Authorization: Basic dTpw\r\n"));
}

#[test]
fn redirects_are_followed_as_by_go() {
    let server = FakeServer::start(vec![
        redirect("307 Temporary Redirect", "/two"),
        redirect("302 Found", "three?x"),
        reply("200 OK", "there"),
    ]);
    let answer = ask(&mut client(), "POST", &server.url("/one"), "text").unwrap();
    assert_eq!(answer.body, b"there");
    let requests = server.requests(3);
    assert!(requests[1].starts_with("POST /two ") && requests[1].ends_with("\r\n\r\ntext"), "{requests:?}");
    assert!(requests[2].starts_with("GET /three?x ") && requests[2].ends_with("\r\n\r\n"), "{requests:?}");
    assert!(requests[2].contains(&format!("Referer: {}\r\n", server.url("/two"))), "{requests:?}");
}

#[test]
fn a_redirect_without_place_is_a_reply_and_a_circle_an_error() {
    let server = FakeServer::start(vec![reply("302 Found", "")]);
    assert_eq!(ask(&mut client(), "GET", &server.url("/"), "").unwrap().code, 302);
    let server = FakeServer::start(vec![redirect("301 Moved", "/again")]);
    let why = ask(&mut client(), "GET", &server.url("/"), "").unwrap_err();
    assert_eq!(why, format!("Get \"{}\": stopped after 10 redirects", server.url("/again")));
    assert_eq!(server.requests(10).len(), 10);
}

#[test]
fn secrets_are_not_sent_to_another_domain() {
    let other = FakeServer::start(vec![reply("200 OK", "")]);
    let elsewhere = format!("http://localhost:{}/x", other.address.port());
    let server = FakeServer::start(vec![redirect("302 Found", &elsewhere)]);
    let url = Url::parse(&server.url("/")).unwrap();
    let headers = [(AUTHORIZATION, basic("u", "p").unwrap())].into_iter().collect();
    let call = Call { method: "GET", url: &url, headers: &headers, body: b"" };
    client().call(&call, &Stop::new()).unwrap();
    assert!(server.requests(1)[0].contains("Authorization"));
    assert!(!other.requests(1)[0].contains("Authorization"));
}

/// A server that sends these bytes to the first who asks.
fn raw(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut reader = std::io::BufReader::new(socket.try_clone().unwrap());
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
        }
        socket.write_all(&bytes).unwrap();
    });
    url
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    let packed = encoder.finish().unwrap();
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len());
    [head.as_bytes(), &packed].concat()
}

#[test]
fn a_compressed_body_is_unpacked_up_to_the_limit() {
    let answer = ask(&mut client(), "GET", &raw(packed(b"hello")), "").unwrap();
    assert_eq!((answer.body.as_slice(), answer.content_length), (&b"hello"[..], None));
    let url = raw(packed(&vec![b'x'; 1_000_000]));
    let why = ask(&mut client(), "GET", &url, "").unwrap_err();
    assert_eq!(why, format!("Get \"{url}\": the body has more than 1000 bytes"));
    let mut cutting = Client::new(Options { body_size_max: 10, cut: true, ..Options::default() }).unwrap();
    let long = raw(b"HTTP/1.1 500 No\r\nContent-Length: 20\r\n\r\n01234567890123456789".to_vec());
    assert_eq!(ask(&mut cutting, "GET", &long, "").unwrap().body, b"0123456789");
}

#[test]
fn bodies_come_in_pieces_or_to_the_end() {
    let chunked = raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".to_vec(),
    );
    let answer = ask(&mut client(), "GET", &chunked, "").unwrap();
    assert_eq!((answer.body.as_slice(), answer.content_length), (&b"abcde"[..], None));
    let old = ask(&mut client(), "GET", &raw(b"HTTP/1.0 200 OK\r\n\r\nto the end".to_vec()), "").unwrap();
    assert_eq!((old.body.as_slice(), old.protocol), (&b"to the end"[..], "HTTP/1.0"));
}

#[test]
fn failures_are_worded_as_by_go() {
    let said = |url: &str| ask(&mut client(), "GET", url, "").unwrap_err();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}/gone");
    assert_eq!(said(&url), format!("Get \"{url}\": dial tcp {free}: connect: connection refused"));
    assert_eq!(said("ftp://h/"), "Get \"ftp://h/\": unsupported protocol scheme \"ftp\"");
    assert_eq!(said("http:///x"), "Get \"http:///x\": http: no Host in request URL");
    assert!(said("http://no-such-host.invalid/").contains("dial tcp: lookup no-such-host.invalid"));
    let url = raw(Vec::new());
    assert_eq!(said(&url), format!("Get \"{url}\": EOF"));
    let url = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec());
    assert_eq!(said(&url), format!("Get \"{url}\": unexpected EOF"));
    let url = raw(b"SSH-2.0-x\r\n".to_vec());
    assert!(said(&url).contains("malformed HTTP response"), "{}", said(&url));
    let server = FakeServer::start(vec![Answer::Reset]);
    assert!(said(&server.url("/")).ends_with("read tcp: read: connection reset by peer"));
    assert!(ask(&mut client(), "A B", "http://h/", "").unwrap_err().contains("invalid method"));
}

#[test]
fn a_server_that_hangs_is_left_at_the_timeout_or_at_a_stop() {
    let server = FakeServer::start(vec![Answer::Hang]);
    let timeout = Some(Duration::from_millis(50));
    let mut hasty = Client::new(Options { timeout, body_size_max: 10, ..Options::default() }).unwrap();
    let why = ask(&mut hasty, "POST", &server.url("/"), "").unwrap_err();
    assert!(
        why.ends_with(": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"),
        "{why}"
    );
    let (url, stop) = (Url::parse(&server.url("/")).unwrap(), Stop::new());
    let asked = stop.clone();
    let thread = std::thread::spawn(move || {
        let call = Call { method: "GET", url: &url, headers: &HeaderMap::new(), body: b"" };
        client().call(&call, &asked)
    });
    server.requests(2);
    stop.request();
    assert!(matches!(thread.join().unwrap(), Err(CallError::Stopped)));
}

#[test]
fn a_proxy_is_asked_for_the_whole_url() {
    let server = FakeServer::start(vec![reply("200 OK", "by proxy")]);
    let mut client = client();
    client.line.set_proxies(Proxies::new(
        server.url("").replace("http://", "http://u:p@"),
        String::new(),
        "",
    ));
    assert_eq!(ask(&mut client, "GET", "http://far.invalid/x", "").unwrap().body, b"by proxy");
    let request = &server.requests(1)[0];
    assert!(request.starts_with("GET http://far.invalid/x HTTP/1.1\r\nHost: far.invalid\r\n"), "{request}");
    assert!(request.contains("Proxy-Authorization: Basic dTpw\r\n"), "{request}");
}

#[test]
fn a_tunnel_is_asked_for_and_its_refusal_told() {
    let server = FakeServer::start(vec![reply("403 Forbidden", "")]);
    let mut client = client();
    client.line.set_proxies(Proxies::new(String::new(), server.url(""), ""));
    let why = ask(&mut client, "GET", "https://far.invalid/x", "").unwrap_err();
    assert_eq!(why, "Get \"https://far.invalid/x\": Forbidden");
    assert!(
        server.requests(1)[0].starts_with("CONNECT far.invalid:443 HTTP/1.1\r\nHost: far.invalid:443\r\n")
    );
}
