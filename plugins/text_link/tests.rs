use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

const LONG: Duration = Duration::from_secs(20);

fn soon() -> Deadline {
    Deadline::after(LONG, &Stop::new())
}

/// A peer that does what it is told to with its one connection.
fn peer(deed: impl FnOnce(TcpStream) + Send + 'static) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (address, std::thread::spawn(move || deed(listener.accept().unwrap().0)))
}

#[test]
fn lines_go_both_ways() {
    let (address, thread) = peer(|mut socket| {
        socket.write_all(b"one\r\ntwo\nthr").unwrap();
        let mut heard = [0; 4];
        socket.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hi\r\n");
        socket.write_all(b"ee\r\nrest").unwrap();
    });
    let mut link = TextLink::connect(&address, &soon()).unwrap();
    assert_eq!(link.read_line(&soon()).unwrap(), b"one");
    assert_eq!(link.read_line(&soon()).unwrap(), b"two");
    link.write(b"hi\r\n", &soon()).unwrap();
    assert_eq!(link.read_line(&soon()).unwrap(), b"three");
    assert_eq!(link.read_line(&soon()), Err(LinkError::Failed("EOF".into())));
    assert!(link.is_over());
    thread.join().unwrap();
}

#[test]
fn silence_and_a_stop_end_a_wait() {
    let (address, thread) = peer(|mut socket| {
        // Until the test hangs up.
        let _ = socket.read(&mut [0; 1]);
    });
    let mut link = TextLink::connect(&address, &soon()).unwrap();
    let short = Deadline::after(Duration::from_millis(20), &Stop::new());
    assert_eq!(link.read_line(&short), Err(LinkError::Failed("i/o timeout".into())));
    let stop = Stop::new();
    stop.request();
    assert_eq!(link.read_line(&Deadline::after(LONG, &stop)), Err(LinkError::Stopped));
    drop(link);
    thread.join().unwrap();
}

#[test]
fn nobody_there_is_told_as_by_go() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let failed = TextLink::connect(&free, &soon()).err().unwrap();
    assert_eq!(failed.to_string(), format!("dial tcp {free}: connect: connection refused"));
    let failed = TextLink::connect("host", &soon()).err().unwrap();
    assert_eq!(failed.to_string(), "dial tcp: address host: missing port in address");
}

#[test]
fn an_endless_line_is_refused() {
    let (address, thread) = peer(|mut socket| {
        // It fails once the test hangs up.
        while socket.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let mut link = TextLink::connect(&address, &soon()).unwrap();
    assert_eq!(link.read_line(&soon()), Err(LinkError::Failed("the line is too long".into())));
    drop(link);
    thread.join().unwrap();
}

fn certificate() -> (tempfile::TempDir, Arc<ServerConfig>, TlsOptions) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let cert = dir.path().join("cert.pem");
    let key = dir.path().join("key.pem");
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let text = |path: std::path::PathBuf| path.to_str().unwrap().to_string();
    let (cert, key) = (text(cert), text(key));
    let server = TlsOptions { cert_file: cert.clone(), key_file: key, ..TlsOptions::default() };
    let client = TlsOptions { root_cafile: cert, server_name: "localhost".into(), ..TlsOptions::default() };
    (dir, server.server(false).unwrap(), client)
}

#[test]
fn a_talk_goes_over_to_tls() {
    let (_dir, server, client) = certificate();
    let (address, thread) = peer(move |mut socket| {
        socket.write_all(b"ready\r\n").unwrap();
        let mut secret = StreamOwned::new(ServerConnection::new(server).unwrap(), socket);
        let mut heard = vec![0; 300_000];
        secret.read_exact(&mut heard).unwrap();
        secret.write_all(b"got it\r\n").unwrap();
    });
    let mut link = TextLink::connect(&address, &soon()).unwrap();
    assert_eq!(link.read_line(&soon()).unwrap(), b"ready");
    link.encrypt(&client, &address, &soon()).unwrap();
    assert!(link.is_encrypted());
    link.write(&vec![b'x'; 300_000], &soon()).unwrap();
    assert_eq!(link.read_line(&soon()).unwrap(), b"got it");
    assert_eq!(link.read_line(&soon()), Err(LinkError::Failed("EOF".into())));
    thread.join().unwrap();
}

#[test]
fn a_stranger_s_certificate_and_words_before_the_handshake_are_refused() {
    let (_dir, server, mut client) = certificate();
    let (address, thread) = peer(move |socket| {
        let mut secret = StreamOwned::new(ServerConnection::new(server).unwrap(), socket);
        // The client ends it.
        let _ = secret.read(&mut [0; 1]);
    });
    let mut link = TextLink::connect(&address, &soon()).unwrap();
    client.root_cafile.clear();
    let failed = link.encrypt(&client, &address, &soon()).unwrap_err().to_string();
    assert!(failed.starts_with("TLS handshake: invalid peer certificate"), "{failed}");
    drop(link);
    thread.join().unwrap();

    let (address, thread) = peer(|mut socket| socket.write_all(b"go on\r\n250 evil\r\n").unwrap());
    let mut link = TextLink::connect(&address, &soon()).unwrap();
    assert_eq!(link.read_line(&soon()).unwrap(), b"go on");
    thread.join().unwrap();
    while !link.is_over() {
        link.pump().unwrap();
    }
    let failed = link.encrypt(&client, &address, &soon()).unwrap_err().to_string();
    assert_eq!(failed, "unexpected data before the TLS handshake");
}
