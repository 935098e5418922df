use std::io::Read;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

use heka_message::Message;

use super::*;

#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Log for Seen {
    fn info(&self, text: &str) {
        self.0.lock().unwrap().push(format!("info: {text}"));
    }
    fn error(&self, text: &str) {
        self.0.lock().unwrap().push(text.into());
    }
    fn plain(&self, _: &[u8]) {}
}

fn opened(config: Config) -> (CarbonOutput, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let context = Context { log: seen.clone(), ..Context::for_test("c") };
    (CarbonOutput::open(config, &context).unwrap(), seen)
}

fn send(output: &mut CarbonOutput, payloads: &[&str]) -> Result<(), SendError> {
    let encoded: Vec<Vec<u8>> = payloads
        .iter()
        .map(|payload| {
            let mut bytes = Vec::new();
            Message { payload: Some((*payload).into()), ..Message::default() }.encode(&mut bytes);
            bytes
        })
        .collect();
    let record =
        |bytes: &'static [u8]| Record { message: MessageView::new(bytes), bytes: b"", loop_count: 0 };
    let records: Vec<Record<'_>> = encoded.into_iter().map(|bytes| record(bytes.leak())).collect();
    output.send(&records, &Stop::new())
}

/// Takes so many connections and gives what came over each.
fn take(listener: TcpListener, connections: usize) -> JoinHandle<Vec<String>> {
    let read = move |mut stream: std::net::TcpStream| {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    std::thread::spawn(move || {
        listener.incoming().take(connections).map(|stream| read(stream.unwrap())).collect()
    })
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn config(address: SocketAddr, tcp_keep_alive: bool) -> Config {
    Config { address: address.to_string(), tcp_keep_alive, ..Config::default() }
}

#[test]
fn good_lines_are_sent_as_they_are_and_bad_ones_are_told() {
    let (listener, address) = listener();
    let taken = take(listener, 1);
    let (mut output, log) = opened(config(address, true));
    send(&mut output, &["a 1 1\nx\nb\t2 2 ", "", "  c   3   3\n\n"]).unwrap();
    send(&mut output, &["d nan 4"]).unwrap();
    output.flush().unwrap();
    output.stop();
    assert_eq!(taken.join().unwrap(), ["a 1 1\nb\t2 2\nc   3   3\nd nan 4\n"]);
    assert_eq!(*log.0.lock().unwrap(), ["malformed statmetric line: 'x'", "malformed statmetric line: ''"]);
}

#[test]
fn without_keep_alive_a_batch_has_a_connection() {
    let (listener, address) = listener();
    let taken = take(listener, 2);
    let (mut output, _) = opened(config(address, false));
    send(&mut output, &["a 1 1", "b 2 2"]).unwrap();
    send(&mut output, &["nothing"]).unwrap();
    send(&mut output, &["c 3 3"]).unwrap();
    output.flush().unwrap();
    output.stop();
    assert_eq!(taken.join().unwrap(), ["a 1 1\nb 2 2\n", "c 3 3\n"]);
}

#[test]
fn what_cannot_be_sent_is_sent_later_and_mistakes_are_told_once() {
    let (listener, address) = listener();
    drop(listener);
    let (mut output, log) = opened(config(address, false));
    for _ in 0..3 {
        let failed = send(&mut output, &["a 1 1\nbad"]).unwrap_err().to_string();
        assert_eq!(failed, format!("Dial failed: dial tcp {address}: connect: connection refused"));
    }
    let taken = take(TcpListener::bind(address).unwrap(), 1);
    send(&mut output, &["a 1 1\nbad"]).unwrap();
    assert_eq!(taken.join().unwrap(), ["a 1 1\n"]);
    assert_eq!(log.0.lock().unwrap().len(), 1);
}

#[test]
fn a_datagram_a_message_and_more_for_many_lines() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let (mut output, _) = opened(Config { address, protocol: "udp".into(), tcp_keep_alive: true });
    let line = format!("{} 1 1", "n".repeat(9_995));
    let long = [line.as_str(); 7].join("\n");
    send(&mut output, &["a 1 1\nb 2 2", &long, "bad"]).unwrap();
    let receive = || {
        let mut bytes = vec![0; 65_536];
        let size = socket.recv(&mut bytes).unwrap();
        bytes.truncate(size);
        bytes
    };
    assert_eq!(receive(), b"a 1 1\nb 2 2\n");
    assert_eq!((receive().len(), receive().len()), (60_000, 10_000));
}

#[test]
fn options_that_cannot_work() {
    let refused = |config| CarbonOutput::open(config, &Context::for_test("c")).err().unwrap().to_string();
    assert_eq!(
        refused(Config { protocol: "unix".into(), ..Config::default() }),
        "CarbonOutput: \"unix\" is not a supported protocol, must be \"tcp\" or \"udp\""
    );
    let nowhere =
        |protocol: &str| Config { address: "here".into(), protocol: protocol.into(), tcp_keep_alive: false };
    assert_eq!(refused(nowhere("")), "address here: missing port in address");
    assert_eq!(
        refused(nowhere("udp")),
        "Error resolving UDP address 'here': address here: missing port in address"
    );
}

#[test]
fn what_a_peer_has_not_read_is_sent_again() {
    let (listener, address) = listener();
    let taken = std::thread::spawn(move || {
        // Closed with unread bytes, which resets the connection.
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 3]).unwrap();
        drop(stream);
        take(listener, 1).join().unwrap()
    });
    let (mut output, _) = opened(config(address, false));
    let failed = send(&mut output, &["a 1 1"]).unwrap_err().to_string();
    assert_eq!(failed, format!("Write to server failed: write tcp {address}: connection reset by peer"));
    send(&mut output, &["a 1 1"]).unwrap();
    assert_eq!(taken.join().unwrap(), ["a 1 1\n"]);
}

#[test]
fn a_peer_that_keeps_its_end_open_is_not_waited_for_long() {
    let (listener, address) = listener();
    let (mut output, _) = opened(config(address, false));
    let kept: Vec<_> = (0..2)
        .map(|_| {
            send(&mut output, &["a 1 1"]).unwrap();
            listener.accept().unwrap()
        })
        .collect();
    assert_eq!(kept.len(), 2);
}
