use std::io::{Read, Write};

use rustls::{ClientConnection, StreamOwned};
use socket2::SockRef;

use super::*;
use crate::fake_inlet::FakeInlet;
use crate::tls::tests::self_signed;

fn options(address: &str) -> Config {
    Config { address: address.into(), ..Config::default() }
}

fn refused(config: Config) -> String {
    match TcpInput::open(config, &Context::for_test("tcp")) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    }
}

/// Runs an input on its thread while `talk` goes on, then stops it.
fn running(mut input: TcpInput, inlet: &FakeInlet, talk: impl FnOnce(SocketAddr)) {
    let address = input.listener.local_addr().unwrap();
    let (stop, stopped, theirs) = (Stop::new(), Stop::new(), inlet.clone());
    let (asked, done) = (stop.clone(), stopped.clone());
    let thread = std::thread::spawn(move || {
        let result = input.run(&theirs, &asked);
        done.request();
        result
    });
    talk(address);
    stop.request();
    assert!(stopped.wait(Duration::from_secs(20)), "the input does not stop");
    thread.join().unwrap().unwrap();
}

fn opened(config: Config) -> TcpInput {
    TcpInput::open(config, &Context::for_test("tcp")).unwrap()
}

#[test]
fn each_connection_is_a_stream_of_its_own() {
    let inlet = FakeInlet::default();
    let config = Config { keep_alive: true, keep_alive_period: 5, ..options("127.0.0.1:0") };
    running(opened(config), &inlet, |address| {
        let (mut one, mut two) = (TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap());
        one.write_all(b"one\nhal").unwrap();
        inlet.messages(1);
        two.write_all(b"two\n").unwrap();
        inlet.messages(2);
        one.write_all(b"f\nlost").unwrap();
        let messages = inlet.messages(3);
        assert_eq!(inlet.payloads(3), ["one\n", "two\n", "half\n"]);
        assert_eq!(messages[0].msg_type.as_ref().unwrap(), "tcp");
        assert_eq!(messages[0].hostname.as_ref().unwrap().to_string(), one.local_addr().unwrap().to_string());
        assert_eq!(inlet.tokens(2), ["127.0.0.1", "127.0.0.1"]);
    });
    assert_eq!(inlet.payloads(3).len(), 3);
    inlet.ended(2);
}

#[test]
fn what_arrived_before_a_stop_is_still_read() {
    let inlet = FakeInlet { final_too: true, ..FakeInlet::default() };
    let text: Vec<u8> = (0..2000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
    let mut peer = None;
    running(opened(options("127.0.0.1:0")), &inlet, |address| {
        let mut socket = TcpStream::connect(address).unwrap();
        inlet.tokens(1);
        socket.write_all(&text).unwrap();
        socket.write_all(b"tail").unwrap();
        // The peer stays connected.
        peer = Some(socket);
    });
    let payloads = inlet.payloads(2001);
    assert_eq!((payloads.len(), payloads[2000].as_str()), (2001, "tail"));
}

#[test]
fn a_peer_that_resets_in_the_middle_of_a_record_harms_nobody() {
    let inlet = FakeInlet { final_too: true, ..FakeInlet::default() };
    running(opened(options("127.0.0.1:0")), &inlet, |address| {
        let mut broken = TcpStream::connect(address).unwrap();
        broken.write_all(b"whole\nbro").unwrap();
        inlet.messages(1);
        SockRef::from(&broken).set_linger(Some(Duration::ZERO)).unwrap();
        drop(broken);
        inlet.ended(1);
        TcpStream::connect(address).unwrap().write_all(b"next\n").unwrap();
        assert_eq!(inlet.payloads(3), ["whole\n", "bro", "next\n"]);
    });
}

#[test]
fn a_panic_ends_its_connection_only() {
    let inlet = FakeInlet::default();
    running(opened(options("127.0.0.1:0")), &inlet, |address| {
        let mut good = TcpStream::connect(address).unwrap();
        let mut bad = TcpStream::connect(address).unwrap();
        bad.write_all(b"panic\n").unwrap();
        inlet.log_with("panicked");
        assert_eq!(bad.read(&mut [0]).unwrap(), 0);
        good.write_all(b"still here\n").unwrap();
        assert_eq!(inlet.payloads(1), ["still here\n"]);
    });
}

#[test]
fn too_many_connections_are_refused_with_a_word() {
    let inlet = FakeInlet::default();
    let input = TcpInput { connections_max: 1, ..opened(options("127.0.0.1:0")) };
    running(input, &inlet, |address| {
        let mut first = TcpStream::connect(address).unwrap();
        inlet.tokens(1);
        let mut second = TcpStream::connect(address).unwrap();
        assert_eq!(second.read(&mut [0]).unwrap(), 0);
        inlet.log_with("error: 1 connections are open, more are refused");
        first.write_all(b"x\n").unwrap();
        drop(first);
        inlet.ended(1);
        inlet.messages(1);
        // There is room again soon: a refused peer reads the end of the stream, a taken one nothing.
        let taken = || {
            let mut third = TcpStream::connect(address).unwrap();
            third.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            let read = third.read(&mut [0]);
            read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock).then_some(third)
        };
        let mut third = std::iter::repeat_with(taken).take(200).find_map(|third| third).unwrap();
        third.write_all(b"y\n").unwrap();
        inlet.messages(2);
    });
}

#[test]
fn a_read_is_a_record_for_a_splitter_of_whole_reads() {
    let inlet = FakeInlet { whole_reads: true, ..FakeInlet::default() };
    running(opened(options("localhost:0")), &inlet, |address| {
        let mut peer = TcpStream::connect(address).unwrap();
        peer.write_all(b"a\nb").unwrap();
        assert_eq!(inlet.payloads(1), ["a\nb"]);
    });
}

#[test]
fn tls_is_spoken_and_a_peer_that_does_not_is_turned_away() {
    let dir = tempfile::tempdir().unwrap();
    let files = self_signed(dir.path(), "localhost");
    let tls =
        TlsOptions { cert_file: files.cert.clone(), key_file: files.key.clone(), ..TlsOptions::default() };
    // Heka's input ended when keep_alive met TLS.
    let config = Config { use_tls: true, tls, keep_alive: true, ..options("127.0.0.1:0") };
    let inlet = FakeInlet::default();
    running(opened(config), &inlet, |address| {
        let mut plain = TcpStream::connect(address).unwrap();
        plain.write_all(b"no handshake at all\n").unwrap();
        inlet.log_with("info: TLS with 127.0.0.1:");
        let client = TlsOptions { root_cafile: files.cert.clone(), ..TlsOptions::default() };
        let (config, name) = client.client("localhost").unwrap();
        let session = ClientConnection::new(config, name).unwrap();
        let mut secret = StreamOwned::new(session, TcpStream::connect(address).unwrap());
        secret.write_all(b"secret\n").unwrap();
        assert_eq!(inlet.payloads(1), ["secret\n"]);
        assert_eq!(inlet.tokens(2).len(), 2);
    });
}

#[test]
fn what_keeps_it_from_opening_is_worded_as_by_heka() {
    let busy = opened(options("127.0.0.1:0"));
    let place = busy.listener.local_addr().unwrap().to_string();
    assert_eq!(
        refused(options(&place)),
        format!("ListenTCP failed: listen tcp {place}: bind: address already in use")
    );
    assert_eq!(refused(options("x")), "ResolveTCPAddress failed: address x: missing port in address");
    let unix = Config { net: "unix".into(), ..options("/tmp/x") };
    assert_eq!(refused(unix), "ResolveTCPAddress failed: unknown network unix");
    let tls = Config { use_tls: true, ..options("127.0.0.1:0") };
    assert_eq!(refused(tls), "TLS config requires both cert_file and key_file value.");
}

#[test]
fn without_a_host_both_families_are_heard() {
    let inlet = FakeInlet::default();
    running(opened(options(":0")), &inlet, |address| {
        TcpStream::connect(("127.0.0.1", address.port())).unwrap().write_all(b"four\n").unwrap();
        let hostname = inlet.messages(1)[0].hostname.clone().unwrap().to_string();
        assert!(hostname.starts_with("127.0.0.1:"), "{hostname}");
    });
}
