use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{SocketAddr as UnixAddress, UnixDatagram};

use super::*;
use crate::fake_inlet::FakeInlet;

fn options(net: &str, address: &str) -> Config {
    Config { net: net.into(), address: address.into(), set_hostname: false }
}

fn opened(config: Config) -> UdpInput {
    UdpInput::open(config, &Context::for_test("udp")).unwrap()
}

fn refused(config: Config) -> String {
    match UdpInput::open(config, &Context::for_test("udp")) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    }
}

/// Runs an input on its thread while `talk` goes on, then stops it.
fn running(mut input: UdpInput, inlet: &FakeInlet, talk: impl FnOnce()) {
    let (stop, stopped, theirs) = (Stop::new(), Stop::new(), inlet.clone());
    let (asked, done) = (stop.clone(), stopped.clone());
    let thread = std::thread::spawn(move || {
        let result = input.run(&theirs, &asked);
        done.request();
        result
    });
    inlet.tokens(1);
    talk();
    stop.request();
    assert!(stopped.wait(Duration::from_secs(20)), "the input does not stop");
    thread.join().unwrap().unwrap();
}

fn sender() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

#[test]
fn datagrams_are_records_of_whole_reads() {
    let inlet = FakeInlet { whole_reads: true, ..FakeInlet::default() };
    let input = opened(Config { set_hostname: true, ..options("udp", "127.0.0.1:0") });
    let address = input.socket.address();
    running(input, &inlet, || {
        let largest = vec![b'x'; 65_507];
        for datagram in [&b"one\ntwo"[..], b"three", &largest] {
            sender().send_to(datagram, address).unwrap();
        }
        let messages = inlet.messages(3);
        let payloads = inlet.payloads(3);
        assert_eq!(
            (payloads[0].as_str(), payloads[1].as_str(), payloads[2].len()),
            ("one\ntwo", "three", 65_507)
        );
        assert_eq!(messages[0].msg_type.as_ref().unwrap(), "udp");
        assert_eq!(messages[0].hostname.as_ref().unwrap(), "127.0.0.1");
    });
    assert_eq!(inlet.tokens(1), [""]);
}

#[test]
fn a_record_may_reach_into_the_next_datagram() {
    let inlet = FakeInlet { final_too: true, ..FakeInlet::default() };
    let input = opened(options("udp4", "127.0.0.1:0"));
    let address = input.socket.address();
    running(input, &inlet, || {
        let from = sender();
        from.send_to(b"a\nb\nhal", address).unwrap();
        from.send_to(b"f\ntail", address).unwrap();
        assert_eq!(inlet.messages(3)[2].hostname, None);
    });
    assert_eq!(inlet.payloads(4), ["a\n", "b\n", "half\n", "tail"]);
}

#[test]
fn what_arrived_before_a_stop_is_still_read() {
    let input = opened(options("udp", "127.0.0.1:0"));
    let address: SocketAddr = input.socket.address();
    let from = sender();
    for number in 0..50 {
        from.send_to(format!("{number}\n").as_bytes(), address).unwrap();
    }
    let inlet = FakeInlet::default();
    running(input, &inlet, || {});
    assert_eq!(inlet.payloads(50).len(), 50);
}

#[test]
fn a_unix_socket_is_a_file_for_everybody_that_goes_with_the_input() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sock");
    let config = || options("unixgram", path.to_str().unwrap());
    let inlet = FakeInlet { whole_reads: true, ..FakeInlet::default() };
    let input = opened(config());
    let meta = std::fs::metadata(&path).unwrap();
    assert!(meta.file_type().is_socket());
    assert_eq!(meta.permissions().mode() & 0o777, 0o666);
    let why = refused(config());
    assert!(why.starts_with("Error listening on unixgram: listen unixgram /"), "{why}");
    assert!(why.ends_with("bind: address already in use"), "{why}");
    running(input, &inlet, || {
        UnixDatagram::unbound().unwrap().send_to(b"over unix", &path).unwrap();
        assert_eq!(inlet.payloads(1), ["over unix"]);
    });
    assert!(!path.exists());
}

#[test]
fn a_socket_file_that_a_killed_hekad_left_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sock");
    drop(UnixDatagram::bind(&path).unwrap());
    assert!(path.exists());
    drop(opened(options("unixgram", path.to_str().unwrap())));
    std::fs::write(&path, "a file that is no socket").unwrap();
    assert!(refused(options("unixgram", path.to_str().unwrap())).ends_with("address already in use"));
    assert!(path.exists());
}

#[test]
fn an_abstract_socket_is_no_file() {
    let name = format!("heka-test-{}", std::process::id());
    let inlet = FakeInlet { whole_reads: true, ..FakeInlet::default() };
    running(opened(options("unixgram", &format!("@{name}"))), &inlet, || {
        let address = UnixAddress::from_abstract_name(&name).unwrap();
        UnixDatagram::unbound().unwrap().send_to_addr(b"abstract", &address).unwrap();
        assert_eq!(inlet.payloads(1), ["abstract"]);
    });
}

#[test]
fn an_inherited_socket_is_used() {
    let inherited = sender();
    let address = inherited.local_addr().unwrap();
    let inlet = FakeInlet { whole_reads: true, ..FakeInlet::default() };
    running(opened(options("udp", &format!("fd:{}", inherited.as_raw_fd()))), &inlet, || {
        sender().send_to(b"handed down", address).unwrap();
        assert_eq!(inlet.payloads(1), ["handed down"]);
    });
    let file = std::fs::File::open("/dev/null").unwrap();
    let why = refused(options("udp", &format!("fd:{}", file.as_raw_fd())));
    assert!(why.starts_with("Error accessing UDP fd: "), "{why}");
}

#[test]
fn what_keeps_it_from_opening_is_worded_as_by_heka() {
    let busy = opened(options("udp", "127.0.0.1:0"));
    let place = busy.socket.address().to_string();
    assert_eq!(
        refused(options("udp", &place)),
        format!("ListenUDP failed: listen udp {place}: bind: address already in use")
    );
    assert_eq!(refused(options("udp", "x")), "ResolveUDPAddr failed: address x: missing port in address");
    assert_eq!(refused(options("tcp", "x:1")), "ResolveUDPAddr failed: unknown network tcp");
    assert_eq!(
        refused(options("udp", "fd:x")),
        "Error parsing file descriptor 'fd:x': strconv.ParseUint: parsing \"x\": invalid syntax"
    );
    assert_eq!(
        refused(options("udp", "fd:9999")),
        "Error accessing UDP fd: file file+net udpFile: bad file descriptor"
    );
    let named = |net: &str, address: &str| Config { set_hostname: true, ..options(net, address) };
    assert_eq!(refused(named("unixgram", "/x")), "Can't set Hostname from Unix datagram.");
    assert_eq!(refused(named("udp", "fd:3")), "Can't set Hostname from file descriptor.");
    assert_eq!(
        refused(options("unixgram", "/no/such/dir/s")),
        "Error listening on unixgram: listen unixgram /no/such/dir/s: bind: no such file or directory"
    );
}
