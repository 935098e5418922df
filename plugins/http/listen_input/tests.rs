use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use rustls::{ClientConnection, StreamOwned};

use super::*;
use crate::fake_inlet::FakeInlet;
use crate::tls::tests::self_signed;

const PATIENCE: Duration = Duration::from_secs(20);

fn options() -> Config {
    Config { address: "127.0.0.1:0".into(), ..Config::default() }
}

fn opened(config: Config) -> HttpListenInput {
    HttpListenInput::open(config, &Context::for_test("web")).unwrap()
}

/// An input that runs on its thread.
struct Running {
    address: SocketAddr,
    stop: Stop,
    thread: JoinHandle<Result<(), PluginError>>,
}

fn start(mut input: HttpListenInput, inlet: &FakeInlet) -> Running {
    let (tell, listens) = channel();
    input.listens = Some(tell);
    let (stop, theirs) = (Stop::new(), inlet.clone());
    let asked = stop.clone();
    let thread = std::thread::spawn(move || input.run(&theirs, &asked));
    Running { address: listens.recv_timeout(PATIENCE).unwrap(), stop, thread }
}

impl Running {
    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    /// Sends a request that asks to close and gives the whole reply.
    fn ask(&self, request: &str) -> String {
        let mut socket = self.connect();
        socket.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        socket.read_to_string(&mut reply).unwrap();
        reply
    }

    fn post(&self, body: &str) -> String {
        self.ask(&post("", body))
    }

    fn finish(self) {
        self.stop.request();
        self.thread.join().unwrap().unwrap();
    }
}

fn post(headers: &str, body: &str) -> String {
    format!(
        "POST /p?q=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn status(reply: &str) -> &str {
    reply.split(' ').nth(1).unwrap_or_else(|| panic!("no reply: {reply:?}"))
}

/// Reads one reply without body.
fn read_head(socket: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

#[test]
fn a_body_becomes_messages_and_the_reply_has_the_configured_headers() {
    let inlet = FakeInlet::default();
    let headers = Pairs(vec![("x-reply".into(), vec!["one".into(), "two".into()])]);
    let running = start(opened(Config { headers, ..options() }), &inlet);
    let reply = running.post("a\nb\ntail");
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.contains("X-Reply: one\r\nX-Reply: two\r\n"), "{reply}");
    assert!(reply.contains("Content-Length: 0\r\n") && reply.contains("Date: "), "{reply}");
    assert_eq!(inlet.payloads(2), ["a\n", "b\n"]);
    let message = inlet.messages(2)[1].clone();
    assert_eq!(message.msg_type.as_ref().unwrap(), "heka.httpdata.request");
    assert_eq!(message.field(b"Path").unwrap().value_string[0], "/p");
    assert_eq!(message.field(b"q").unwrap().value_string[0], "1");
    inlet.ended(1);
    running.finish();
}

#[test]
fn a_connection_serves_many_requests_with_one_decoder() {
    let inlet = FakeInlet { whole_reads: true, ..FakeInlet::default() };
    let running = start(opened(options()), &inlet);
    let mut socket = running.connect();
    let chunked =
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\n two\r\n0\r\n\r\n";
    for (request, body) in [
        (chunked, "one two"),
        ("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nput", "put"),
        ("DELETE / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nlast", "last"),
    ] {
        socket.write_all(request.as_bytes()).unwrap();
        assert_eq!(status(&read_head(&mut socket)), "200");
        assert!(inlet.payloads(1).contains(&body.to_string()));
    }
    socket.write_all(b"GET /only?query HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    assert_eq!(status(&read_head(&mut socket)), "200");
    assert_eq!(inlet.payloads(3).len(), 3);
    assert_eq!(inlet.tokens(1), [socket.local_addr().unwrap().to_string()]);
    drop(socket);
    inlet.ended(1);
    running.finish();
}

#[test]
fn a_peer_that_expects_100_is_told_to_go_on() {
    let inlet = FakeInlet { whole_reads: true, ..FakeInlet::default() };
    let running = start(opened(Config { max_body_size: 10, ..options() }), &inlet);
    let head = |size| {
        format!("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: {size}\r\n\r\n")
    };
    let mut socket = running.connect();
    socket.write_all(head(4).as_bytes()).unwrap();
    assert_eq!(status(&read_head(&mut socket)), "100");
    socket.write_all(b"body").unwrap();
    assert_eq!(status(&read_head(&mut socket)), "200");
    let mut socket = running.connect();
    socket.write_all(head(11).as_bytes()).unwrap();
    assert_eq!(status(&read_head(&mut socket)), "413");
    running.finish();
}

#[test]
fn a_body_over_the_limit_is_refused_whole() {
    let inlet = FakeInlet::default();
    let running = start(opened(Config { max_body_size: 10, ..options() }), &inlet);
    assert_eq!(status(&running.post("0123456789\n")), "413");
    let chunked = "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
                   8\r\n1234567\n\r\n8\r\n1234567\n\r\n0\r\n\r\n";
    assert_eq!(status(&running.ask(chunked)), "413");
    assert_eq!(status(&running.post("012345678\n")), "200");
    assert_eq!(inlet.payloads(1), ["012345678\n"]);
    running.finish();
}

#[test]
fn without_room_for_a_body_the_sender_is_asked_to_come_again() {
    let inlet = FakeInlet::default();
    let mut input = opened(options());
    input.limits.room = Room::of(10);
    let running = start(input, &inlet);
    let mut slow = running.connect();
    slow.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n12345678").unwrap();
    let full = |reply: &String| status(reply) == "503" && reply.contains("Retry-After: 1\r\n");
    let mut tries = std::iter::repeat_with(|| running.post("abcd\n"));
    assert!(tries.by_ref().take(1000).any(|reply| full(&reply)));
    slow.write_all(b"\n").unwrap();
    assert_eq!(status(&read_head(&mut slow)), "200");
    assert!(tries.take(1000).any(|reply| status(&reply) == "200"));
    running.finish();
}

#[test]
fn what_is_no_request_is_refused_and_harms_nobody() {
    let inlet = FakeInlet::default();
    let running = start(opened(options()), &inlet);
    assert_eq!(status(&running.ask("nonsense\r\n\r\n")), "400");
    assert_eq!(status(&running.ask("GET /%zz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")), "400");
    let huge = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(300_000));
    let mut socket = running.connect();
    // The reply may come, and the connection end, before all is sent.
    let _ = socket.write_all(huge.as_bytes());
    let mut reply = [0; 12];
    if socket.read_exact(&mut reply).is_ok() {
        assert_eq!(&reply, b"HTTP/1.1 431");
    }
    assert_eq!(status(&running.post("x\n")), "200");
    running.finish();
}

#[test]
fn a_body_that_is_cut_off_gives_nothing() {
    let inlet = FakeInlet { final_too: true, ..FakeInlet::default() };
    let running = start(opened(options()), &inlet);
    let mut socket = running.connect();
    socket.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nwhole\nbro").unwrap();
    socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
    drop(socket);
    assert_eq!(status(&running.post("next\n")), "200");
    running.finish();
    assert_eq!(inlet.payloads(1), ["next\n"]);
}

#[test]
fn a_peer_that_ends_its_side_gets_its_reply() {
    let inlet = FakeInlet::default();
    let running = start(opened(options()), &inlet);
    let mut socket = running.connect();
    socket.write_all(b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nx\n").unwrap();
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    let mut reply = String::new();
    socket.read_to_string(&mut reply).unwrap();
    assert_eq!(status(&reply), "200");
    assert_eq!(inlet.messages(1)[0].field(b"Protocol").unwrap().value_string[0], "HTTP/1.0");
    running.finish();
}

#[test]
fn silent_peers_hold_nobody_and_are_let_go() {
    let inlet = FakeInlet::default();
    let mut input = opened(options());
    input.limits.rules.patience = Duration::from_millis(300);
    let running = start(input, &inlet);
    let mut silent: Vec<_> = (0..50).map(|_| running.connect()).collect();
    for (n, socket) in silent.iter_mut().enumerate() {
        let begun: [&[u8]; 3] =
            [b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx"];
        socket.write_all(begun[n % 3]).unwrap();
    }
    assert_eq!(status(&running.post("x\n")), "200");
    for socket in &mut silent {
        // The connection ends, with or without a last word.
        let _ = socket.read_to_end(&mut Vec::new()).unwrap();
    }
    running.finish();
}

#[test]
fn who_is_not_let_in_is_ignored_and_told_if_asked_for() {
    let basic =
        || Config { auth_type: "Basic".into(), username: "u".into(), password: "p".into(), ..options() };
    for (config, expected) in [(basic(), "200"), (Config { auth_failure_status: 401, ..basic() }, "401")] {
        let inlet = FakeInlet::default();
        let running = start(opened(config), &inlet);
        let reply = running.ask(&post("Authorization: Basic dTp4\r\n", "bad\n"));
        assert_eq!(status(&reply), expected);
        assert_eq!(reply.contains("Www-Authenticate: Basic realm="), expected == "401", "{reply}");
        assert_eq!(status(&running.ask(&post("Authorization: Basic dTpw\r\n", "good\n"))), "200");
        assert_eq!(inlet.payloads(1), ["good\n"]);
        running.finish();
    }
}

#[test]
fn a_decoder_that_panics_fails_its_request_only() {
    let inlet = FakeInlet::default();
    let running = start(opened(options()), &inlet);
    assert_eq!(status(&running.post("panic\n")), "500");
    inlet.log_with("error: a request of 127.0.0.1:");
    assert_eq!(status(&running.post("x\n")), "200");
    running.finish();
}

#[test]
fn url_encoded_bodies_are_decoded_if_asked_for() {
    let inlet = FakeInlet::default();
    let running = start(opened(Config { unescape_body: true, ..options() }), &inlet);
    assert_eq!(status(&running.post("a+b%21%0A")), "200");
    assert_eq!(status(&running.post("%zz")), "400");
    assert_eq!(inlet.payloads(1), ["a b!\n"]);
    running.finish();
}

#[test]
fn tls_is_spoken_and_a_peer_that_does_not_is_turned_away() {
    let dir = tempfile::tempdir().unwrap();
    let files = self_signed(dir.path(), "localhost");
    let tls =
        TlsOptions { cert_file: files.cert.clone(), key_file: files.key.clone(), ..TlsOptions::default() };
    let inlet = FakeInlet::default();
    let running = start(opened(Config { use_tls: true, tls, ..options() }), &inlet);
    let mut plain = running.connect();
    plain.write_all(b"POST / HTTP/1.1\r\n\r\n").unwrap();
    let _ = plain.read_to_end(&mut Vec::new());
    let client = TlsOptions { root_cafile: files.cert, ..TlsOptions::default() };
    let (config, name) = client.client("localhost").unwrap();
    let session = ClientConnection::new(config, name).unwrap();
    let mut secret = StreamOwned::new(session, running.connect());
    secret.write_all(post("", "secret\n").as_bytes()).unwrap();
    assert_eq!(status(&read_head(&mut secret)), "200");
    assert_eq!(inlet.payloads(1), ["secret\n"]);
    running.finish();
}

#[test]
fn a_request_that_has_begun_is_served_when_hekad_stops() {
    let inlet = FakeInlet::default();
    let running = start(opened(options()), &inlet);
    let mut begun = running.connect();
    begun
        .write_all(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .unwrap();
    assert_eq!(status(&read_head(&mut begun)), "100");
    let mut idle = running.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    assert_eq!(status(&read_head(&mut idle)), "200");
    running.stop.request();
    // An idle connection ends at once.
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    begun.write_all(b"x\n").unwrap();
    assert_eq!(status(&read_head(&mut begun)), "200");
    running.finish();
    assert_eq!(inlet.payloads(1), ["x\n"]);
}

#[test]
fn a_stop_does_not_wait_for_a_peer_that_hangs() {
    let inlet = FakeInlet::default();
    let mut input = opened(options());
    input.limits.rules.last_requests = Duration::from_millis(100);
    let running = start(input, &inlet);
    let mut hung = running.connect();
    hung.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .unwrap();
    assert_eq!(status(&read_head(&mut hung)), "100");
    running.finish();
}

#[test]
fn what_keeps_it_from_running_is_worded_as_by_heka() {
    let inlet = FakeInlet::default();
    let busy = start(opened(options()), &inlet);
    let place = busy.address.to_string();
    let run = |config| opened(config).run(&inlet, &Stop::new()).unwrap_err().to_string();
    assert_eq!(
        run(Config { address: place.clone(), ..Config::default() }),
        format!("Listener [{place}] start fail: listen tcp {place}: bind: address already in use")
    );
    let tls = Config { use_tls: true, ..options() };
    assert_eq!(run(tls), "TLS config requires both cert_file and key_file value.");
    busy.finish();
}

#[test]
fn headers_that_cannot_be_sent_are_refused() {
    for (name, value) in [("a b", "x"), ("X", "a\nb"), ("Content-Length", "3")] {
        let headers = Pairs(vec![(name.to_string(), vec![value.to_string()])]);
        let opened = HttpListenInput::open(Config { headers, ..options() }, &Context::for_test("web"));
        assert_eq!(opened.err().unwrap().to_string(), format!("`headers`: '{name}' cannot be sent"));
    }
}
