//! How far a peer's system has acknowledged what was sent.

use std::io;
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::Duration;

use nix::sys::socket::getsockopt;
use nix::{getsockopt_impl, libc, sockopt_impl};

/// `tcpi_state` of a connection that is no more.
const CLOSED: u8 = 7;

/// The beginning of Linux's `struct tcp_info`, which grows at its end only.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[expect(unreachable_pub, reason = "the macro below makes it part of a public trait's implementation")]
pub struct TcpInfo {
    state: u8,
    flags: [u8; 7],
    before_round_trip: [u32; 15],
    round_trip_us: u32,
    after_round_trip: [u32; 8],
    rates: [u64; 2],
    bytes_acked: u64,
    bytes_received: u64,
    segments: [u32; 2],
    notsent_bytes: u32,
    min_rtt: u32,
}

sockopt_impl!(
    /// `TCP_INFO`
    Info, GetOnly, libc::IPPROTO_TCP, libc::TCP_INFO, TcpInfo
);

/// Linux tells that much since 4.6.
static IS_TOLD: LazyLock<bool> = LazyLock::new(|| {
    let system = rustix::system::uname();
    let release = system.release().to_string_lossy();
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit()).map(str::parse::<u32>);
    let (major, minor) = (numbers.next(), numbers.next());
    matches!((major, minor), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= (4, 6))
});

/// How many bytes the peer's system has acknowledged, beginning with 1 for the connection itself. `None`: this system does
/// not tell.
///
/// # Errors
/// The connection is dead.
pub(super) fn acknowledged(socket: &TcpStream) -> io::Result<Option<u64>> {
    if !*IS_TOLD {
        return Ok(None);
    }
    let info = getsockopt(socket, Info)?;
    if info.state == CLOSED {
        let cause = socket.take_error()?;
        return Err(cause.unwrap_or_else(|| io::Error::from_raw_os_error(libc::EPIPE)));
    }
    Ok(Some(info.bytes_acked))
}

/// How long an acknowledgement takes, as the system has measured it; nothing if it does not tell.
pub(super) fn round_trip(socket: &TcpStream) -> Duration {
    getsockopt(socket, Info).map_or(Duration::ZERO, |info| Duration::from_micros(info.round_trip_us.into()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;

    fn eventually(mut done: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !done() {
            assert!(Instant::now() < end, "waited in vain");
            std::thread::yield_now();
        }
    }

    #[test]
    fn acknowledged_bytes_are_counted_and_death_is_noticed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let base = acknowledged(&socket).unwrap().unwrap();
        socket.write_all(&[1; 1000]).unwrap();
        eventually(|| acknowledged(&socket).unwrap() == Some(base + 1000));
        assert!((Duration::from_micros(1)..Duration::from_secs(20)).contains(&round_trip(&socket)));
        let (mut peer, _) = listener.accept().unwrap();
        peer.read_exact(&mut [0; 1000]).unwrap();
        drop(peer);
        // The first bytes after that are answered with a reset.
        socket.write_all(&[1; 1000]).unwrap();
        eventually(|| acknowledged(&socket).is_err());
    }
}
