use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use heka_message::MessageView;
use rustls::{ServerConnection, StreamOwned};
use socket2::SockRef;

use super::*;
use crate::tls::tests::self_signed;

fn opened(config: Config) -> TcpOutput {
    TcpOutput::open(config, &Context::for_test("out")).unwrap()
}

fn to(address: SocketAddr) -> Config {
    Config { address: address.to_string(), ..Config::default() }
}

fn send(output: &mut TcpOutput, messages: &[String]) -> Result<(), SendError> {
    send_until(output, messages, &Stop::new())
}

fn send_until(output: &mut TcpOutput, messages: &[String], stop: &Stop) -> Result<(), SendError> {
    let record =
        |message: &'static [u8], bytes| Record { message: MessageView::new(message), bytes, loop_count: 0 };
    let batch: Vec<_> = messages.iter().map(|message| record(b"", message.as_bytes())).collect();
    output.send(&batch, stop)
}

/// Does it again, as the engine does, until it works; gives the failures.
fn again(mut attempt: impl FnMut() -> Result<(), SendError>) -> Vec<String> {
    let end = Instant::now() + Duration::from_secs(30);
    let mut failures = Vec::new();
    while let Err(error) = attempt() {
        failures.push(error.to_string());
        assert!(Instant::now() < end, "never worked: {:?}", failures.last());
        Stop::new().wait(Duration::from_millis(5));
    }
    failures
}

fn lines(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("message {number}\n")).collect()
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A peer that reads each of its connections to the end.
fn reader(listener: TcpListener) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut text = String::new();
            let _ = socket.unwrap().read_to_string(&mut text);
            if sender.send(text).is_err() {
                return;
            }
        }
    });
    receiver
}

#[test]
fn a_batch_arrives_in_order() {
    let (listener, address) = listener();
    let texts = reader(listener);
    let mut output = opened(Config { keep_alive: true, keep_alive_period: 7, ..to(address) });
    let messages = lines(0..5000);
    for batch in messages.chunks(700) {
        send(&mut output, batch).unwrap();
    }
    output.flush().unwrap();
    assert_eq!(output.backlog.len(), 0);
    output.stop();
    assert_eq!(texts.recv().unwrap(), messages.concat());
}

#[test]
fn a_peer_that_is_down_is_tried_until_it_is_up() {
    let (closed, address) = listener();
    drop(closed);
    let mut output = opened(to(address));
    let messages = lines(0..3);
    let refused =
        format!("can't send record: can't connect: dial tcp {address}: connect: connection refused");
    for _ in 0..2 {
        assert_eq!(send(&mut output, &messages).unwrap_err().to_string(), refused);
    }
    // Nothing was sent, so there is nothing that a flush could wait for.
    output.flush().unwrap();
    let texts = reader(TcpListener::bind(address).unwrap());
    again(|| send(&mut output, &messages));
    again(|| output.flush());
    output.stop();
    assert_eq!(texts.recv().unwrap(), messages.concat());
}

/// A peer that reads a bit of each connection and then resets it, `times` times, and then reads one to the end.
fn moody_peer(listener: TcpListener, times: usize) -> JoinHandle<Vec<Vec<u8>>> {
    std::thread::spawn(move || {
        let mut texts = Vec::new();
        for time in 0..=times {
            let (mut socket, _) = listener.accept().unwrap();
            let mut text = Vec::new();
            if time == times {
                socket.read_to_end(&mut text).unwrap();
            } else {
                text.resize(1000 * (time + 1), 0);
                socket.read_exact(&mut text).unwrap();
                // What follows is neither read nor acknowledged.
                SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
            }
            texts.push(text);
        }
        texts
    })
}

#[test]
fn what_a_dead_connection_did_not_deliver_goes_over_the_next() {
    let (listener, address) = listener();
    // A small window: the peer's system can acknowledge little that the peer does not read.
    SockRef::from(&listener).set_recv_buffer_size(2048).unwrap();
    let peer = moody_peer(listener, 3);
    let mut output = opened(to(address));
    let all = lines(0..40_000);
    for batch in all.chunks(1000) {
        again(|| send(&mut output, batch));
    }
    again(|| output.flush());
    output.stop();
    let texts = peer.join().unwrap();
    assert_eq!(texts.len(), 4);
    // A connection begins with a whole message, none that the peer did not read is skipped, and the last one gets to the end.
    let whole = all.concat().into_bytes();
    let mut reached = 0;
    for text in &texts {
        let first =
            String::from_utf8_lossy(&text[..text.iter().position(|byte| *byte == b'\n').unwrap() + 1])
                .into_owned();
        let number = all.iter().position(|message| *message == first).expect("a whole message");
        let start = all[..number].concat().len();
        assert_eq!(&whole[start..start + text.len()], &text[..]);
        assert!(start <= reached, "{start} is beyond {reached}");
        reached = start + text.len();
    }
    assert_eq!(reached, whole.len());
}

#[test]
fn a_message_written_into_a_connection_that_the_peer_has_left_is_not_lost() {
    let (listener, address) = listener();
    let mut output = opened(to(address));
    let messages = lines(0..2);
    send(&mut output, &messages[..1]).unwrap();
    output.flush().unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    socket.read_exact(&mut vec![0; messages[0].len()]).unwrap();
    drop(socket);
    // The system takes these bytes, and the peer answers them with a reset.
    let texts = reader(listener);
    again(|| send(&mut output, &messages[1..]));
    again(|| output.flush());
    output.stop();
    assert_eq!(texts.recv().unwrap(), messages[1]);
}

#[test]
fn what_a_killed_peer_had_not_read_is_sent_again_even_if_its_system_had_it() {
    let (listener, address) = listener();
    let mut output = opened(to(address));
    let messages = lines(0..100);
    send(&mut output, &messages).unwrap();
    output.flush().unwrap();
    assert_eq!(output.backlog.len(), 0);
    let (mut socket, _) = listener.accept().unwrap();
    socket.read_exact(&mut [0; 10]).unwrap();
    // Closed with bytes unread, as the system does it for a killed process: a reset.
    drop(socket);
    // Nothing new is to be sent: between batches it is noticed and put right.
    listener.set_nonblocking(true).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    let mut second = loop {
        if let Ok((socket, _)) = listener.accept() {
            break socket;
        }
        assert!(Instant::now() < end);
        output.idle(0).unwrap();
    };
    again(|| output.flush());
    output.stop();
    let mut text = String::new();
    second.set_nonblocking(false).unwrap();
    second.read_to_string(&mut text).unwrap();
    assert_eq!(text, messages.concat());
}

#[test]
fn a_peer_that_only_listens_is_served() {
    let (listener, address) = listener();
    let mut output = opened(to(address));
    send(&mut output, &lines(0..1)).unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    socket.write_all(b"a greeting that nobody reads").unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    output.flush().unwrap();
    output.idle(0).unwrap();
    send(&mut output, &lines(1..3)).unwrap();
    output.flush().unwrap();
    output.stop();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    assert_eq!(text, lines(0..3).concat());
}

#[test]
fn a_peer_that_takes_nothing_is_complained_of_and_gets_each_message_once() {
    let (listener, address) = listener();
    let mut output = opened(to(address));
    let big = "x".repeat(1 << 20);
    let messages: Vec<String> = (0..24).map(|number| format!("{number} {big}\n")).collect();
    let why = send(&mut output, &messages).unwrap_err().to_string();
    assert_eq!(why, format!("can't send record: {address} does not take what is sent to it"));
    // What was sent before is acknowledged all the same.
    output.flush().unwrap();
    let texts = reader(listener);
    again(|| send(&mut output, &messages));
    again(|| output.flush());
    output.stop();
    assert!(texts.recv().unwrap() == messages.concat());
}

#[test]
fn what_the_peers_system_has_acknowledged_is_in_flight_no_more() {
    let (listener, address) = listener();
    // A small window: the peer's system acknowledges little that the peer does not read.
    SockRef::from(&listener).set_recv_buffer_size(2048).unwrap();
    let mut output = opened(to(address));
    let messages = [lines(0..1), lines(1..2), vec!["x".repeat(32 << 10)]];
    send(&mut output, &messages[0]).unwrap();
    send(&mut output, &messages[1]).unwrap();
    again(|| if output.in_flight() == 0 { Ok(()) } else { Err(SendError::Retry("in flight".into())) });
    send(&mut output, &messages[2]).unwrap();
    assert_eq!(output.in_flight(), 1);
    let texts = reader(listener);
    again(|| if output.in_flight() == 0 { Ok(()) } else { Err(SendError::Retry("in flight".into())) });
    output.stop();
    assert_eq!(texts.recv().unwrap(), messages.concat().concat());
}

#[test]
fn a_wait_ends_when_a_stop_is_requested() {
    let (_listener, address) = listener();
    let mut output = opened(to(address));
    let stop = Stop::new();
    let messages = vec!["x".repeat(24 << 20)];
    let asking = stop.clone();
    let started = Instant::now();
    let thread = std::thread::spawn(move || {
        let result = send_until(&mut output, &messages, &asking);
        (result.is_err(), output.backlog.len())
    });
    stop.request();
    let (failed, kept) = thread.join().unwrap();
    assert!(failed && kept > 0);
    assert!(started.elapsed() < SEND_PATIENCE, "{:?}", started.elapsed());
}

#[test]
fn a_connection_carries_so_many_messages() {
    let (listener, address) = listener();
    let texts = reader(listener);
    let mut output = opened(Config { reconnect_after: 3, ..to(address) });
    let messages = lines(0..8);
    send(&mut output, &messages[..4]).unwrap();
    send(&mut output, &messages[4..]).unwrap();
    output.flush().unwrap();
    output.stop();
    for expected in messages.chunks(3) {
        assert_eq!(texts.recv().unwrap(), expected.concat());
    }
}

fn tls_peer(listener: TcpListener, tls: TlsOptions) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let session = ServerConnection::new(tls.server(true).unwrap()).unwrap();
        let mut text = String::new();
        match StreamOwned::new(session, socket).read_to_string(&mut text) {
            Ok(_) => text,
            Err(error) => error.to_string(),
        }
    })
}

#[test]
fn tls_is_spoken() {
    let dir = tempfile::tempdir().unwrap();
    let files = self_signed(dir.path(), "localhost");
    let server =
        TlsOptions { cert_file: files.cert.clone(), key_file: files.key.clone(), ..TlsOptions::default() };
    for max_version in ["TLS12", "TLS13"] {
        let (listener, address) = listener();
        let peer = tls_peer(listener, TlsOptions { max_version: max_version.into(), ..server.clone() });
        let tls = TlsOptions { root_cafile: files.cert.clone(), ..TlsOptions::default() };
        let port = address.port();
        let mut output =
            opened(Config { address: format!("localhost:{port}"), use_tls: true, tls, ..Config::default() });
        let messages = lines(0..30_000);
        for batch in messages.chunks(5000) {
            send(&mut output, batch).unwrap();
        }
        output.flush().unwrap();
        assert_eq!(output.backlog.len(), 0);
        output.stop();
        assert!(peer.join().unwrap() == messages.concat(), "{max_version}");
    }
}

#[test]
fn a_server_that_wants_a_better_certificate_has_not_taken_anything() {
    let dir = tempfile::tempdir().unwrap();
    let (files, stranger) = (self_signed(dir.path(), "localhost"), self_signed(dir.path(), "stranger"));
    let (listener, address) = listener();
    let server = TlsOptions {
        cert_file: files.cert.clone(),
        key_file: files.key.clone(),
        client_auth: "RequireAndVerifyClientCert".into(),
        client_cafile: files.cert.clone(),
        ..TlsOptions::default()
    };
    let peer = tls_peer(listener, server);
    let tls = TlsOptions {
        root_cafile: files.cert.clone(),
        server_name: "localhost".into(),
        cert_file: stranger.cert.clone(),
        key_file: stranger.key.clone(),
        ..TlsOptions::default()
    };
    let mut output = opened(Config { use_tls: true, tls, ..to(address) });
    let messages = lines(0..2);
    // The handshake is over for us before the server has seen our certificate.
    let result = send(&mut output, &messages).and_then(|()| output.flush());
    assert!(result.is_err(), "nothing may count as delivered");
    assert_eq!(output.backlog.len(), messages.concat().len());
    assert!(peer.join().unwrap().contains("certificate"));
}

#[test]
fn tls_options_are_looked_at_when_it_connects() {
    let tls = TlsOptions { min_version: "TLS1".into(), ..TlsOptions::default() };
    let (_listener, address) = listener();
    let mut output = opened(Config { use_tls: true, tls, use_buffering: false, ..to(address) });
    let why = send(&mut output, &lines(0..1)).unwrap_err().to_string();
    assert_eq!(why, "can't connect: TLS init error: Invalid MinVersion: TLS1");
}

#[test]
fn a_local_address_is_sent_from() {
    let (listener, address) = listener();
    let mut output = opened(Config { local_address: "127.0.0.1:0".into(), ..to(address) });
    send(&mut output, &lines(0..1)).unwrap();
    assert_eq!(listener.accept().unwrap().1.ip(), address.ip());
    let refused = |config: Config| match TcpOutput::open(config, &Context::for_test("out")) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    };
    let both = Config { local_address: "127.0.0.1:0".into(), use_tls: true, ..to(address) };
    assert_eq!(refused(both), "Cannot combine local_address %!s(<nil>) and use_tls config options");
    let wrong = Config { local_address: "nohost.invalid:1:2".into(), ..to(address) };
    assert_eq!(refused(wrong), "address nohost.invalid:1:2: too many colons in address");
}

#[test]
fn a_reset_connection_is_noticed_while_idle() {
    let (listener, address) = listener();
    let mut output = opened(to(address));
    send(&mut output, &lines(0..1)).unwrap();
    output.flush().unwrap();
    let (socket, _) = listener.accept().unwrap();
    SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
    drop::<TcpStream>(socket);
    listener.set_nonblocking(true).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    // The message goes again over a new connection: nobody knows whether the peer had read it.
    while listener.accept().is_err() {
        assert!(Instant::now() < end);
        output.idle(0).unwrap();
    }
}
