use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::sync::Mutex;

use heka_message::MessageView;

use super::*;

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Log for Lines {
    fn info(&self, text: &str) {
        self.0.lock().unwrap().push(text.into());
    }
    fn error(&self, text: &str) {
        self.0.lock().unwrap().push(format!("error: {text}"));
    }
    fn plain(&self, _: &[u8]) {}
}

fn opened(config: Config) -> (UdpOutput, Arc<Lines>) {
    let log = Arc::<Lines>::default();
    let context = Context { log: log.clone(), ..Context::for_test("out") };
    (UdpOutput::open(config, &context).unwrap(), log)
}

fn refused(config: Config) -> String {
    match UdpOutput::open(config, &Context::for_test("out")) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    }
}

fn send(output: &mut UdpOutput, messages: &[&[u8]]) -> Result<(), SendError> {
    let record = |bytes| Record { message: MessageView::new(b""), bytes, loop_count: 0 };
    let batch: Vec<_> = messages.iter().map(|bytes| record(bytes)).collect();
    output.send(&batch, &Stop::new())
}

fn sink() -> (UdpSocket, Config) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let config = Config { address: socket.local_addr().unwrap().to_string(), ..Config::default() };
    (socket, config)
}

fn received(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    let size = socket.recv(&mut buffer).unwrap();
    buffer.truncate(size);
    buffer
}

#[test]
fn a_record_is_a_datagram() {
    let (socket, config) = sink();
    let (mut output, _) =
        opened(Config { local_address: "127.0.0.1:0".into(), net: "udp4".into(), ..config });
    let largest = vec![b'x'; 65_507];
    send(&mut output, &[b"one", b"", &largest]).unwrap();
    assert_eq!(received(&socket), b"one");
    assert_eq!(received(&socket), b"");
    assert_eq!(received(&socket).len(), 65_507);
}

#[test]
fn a_message_that_is_too_long_is_dropped_and_the_rest_goes_on() {
    let (socket, config) = sink();
    let config = || Config { address: config.address.clone(), max_message_size: 512, ..Config::default() };
    let long = [b'x'; 513];
    let (mut output, log) = opened(config());
    send(&mut output, &[b"a", &long, &long, b"b"]).unwrap();
    assert_eq!((received(&socket), received(&socket)), (b"a".to_vec(), b"b".to_vec()));
    assert_eq!(*log.0.lock().unwrap(), ["Message has exceeded allowed UDP data size: 513 > 512"]);
    let (mut output, _) = opened(Config { use_buffering: true, ..config() });
    match send(&mut output, &[b"a", &long, b"b"]) {
        Err(SendError::Reject { index: 1, why }) => {
            assert_eq!(why, "can't send record: Message has exceeded allowed UDP data size: 513 > 512");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_port_where_nobody_listens_does_not_cost_the_datagrams_after() {
    let (socket, config) = sink();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let (mut output, _) = opened(config);
    send(&mut output, &[b"lost"]).unwrap();
    // The refusal comes back with a later call, which must not cost its own datagram.
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    send(&mut output, &[b"one", b"two"]).unwrap();
    assert_eq!((received(&socket), received(&socket)), (b"one".to_vec(), b"two".to_vec()));
}

#[test]
fn a_unix_peer_that_comes_back_gets_everything_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sock");
    let peer = || {
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket
    };
    let next = |socket: &UnixDatagram| {
        let mut buffer = [0; 64];
        let size = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..size]).into_owned()
    };
    let first = peer();
    let local = dir.path().join("local.sock");
    let (mut output, _) = opened(Config {
        net: "unixgram".into(),
        address: path.to_str().unwrap().into(),
        local_address: local.to_str().unwrap().into(),
        ..Config::default()
    });
    send(&mut output, &[b"1", b"2"]).unwrap();
    assert_eq!((next(&first), next(&first)), ("1".into(), "2".into()));
    drop(first);
    let why = send(&mut output, &[b"3"]).unwrap_err().to_string();
    assert!(why.ends_with("connect: connection refused"), "{why}");
    std::fs::remove_file(&path).unwrap();
    let why = send(&mut output, &[b"3"]).unwrap_err().to_string();
    assert!(why.ends_with("connect: no such file or directory"), "{why}");
    let second = peer();
    send(&mut output, &[b"3", b"4"]).unwrap();
    assert_eq!((next(&second), next(&second)), ("3".into(), "4".into()));
    drop(output);
    assert!(!local.exists());
}

#[test]
fn a_unix_peer_that_does_not_read_is_waited_for_without_repeating() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (mut output, _) = opened(Config {
        net: "unixgram".into(),
        address: path.to_str().unwrap().into(),
        ..Config::default()
    });
    let messages: Vec<Vec<u8>> = (0..3000).map(|number| format!("{number}").into_bytes()).collect();
    let batch: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let why = send(&mut output, &batch).unwrap_err().to_string();
    assert!(why.ends_with("does not take what is sent to it"), "{why}");
    let reader = std::thread::spawn(move || {
        let mut buffer = [0; 64];
        let texts = (0..3000).map(|_| socket.recv(&mut buffer).map(|size| buffer[..size].to_vec()).unwrap());
        texts.collect::<Vec<_>>()
    });
    while send(&mut output, &batch).is_err() {}
    assert!(reader.join().unwrap() == messages);
}

#[test]
fn what_keeps_it_from_opening_is_worded_as_by_heka() {
    let to =
        |net: &str, address: &str| Config { net: net.into(), address: address.into(), ..Config::default() };
    let small = Config { max_message_size: 511, ..to("udp", "127.0.0.1:1") };
    assert_eq!(refused(small), "Maximum message size can't be smaller than 512 bytes.");
    assert_eq!(
        refused(to("udp", "x")),
        "Error resolving UDP address 'x': address x: missing port in address"
    );
    assert_eq!(refused(to("tcp", "x:1")), "Error resolving UDP address 'x:1': unknown network tcp");
    let local = Config { local_address: "y".into(), ..to("udp", "127.0.0.1:1") };
    assert_eq!(
        refused(local),
        "Error resolving local UDP address '127.0.0.1:1': address y: missing port in address"
    );
    assert_eq!(
        refused(to("unixgram", "/no/such/s")),
        "Can't connect to '/no/such/s': dial unixgram /no/such/s: connect: no such file or directory"
    );
}
