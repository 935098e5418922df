//! The listening socket.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::addressing::{Endpoint, reason};

/// Connections that may wait to be taken; the system's own limit is lower.
const BACKLOG: i32 = 65_535;

/// When idle peers are looked at.
#[derive(Clone, Debug)]
pub(in crate::tcp) struct KeepAlive {
    period: Option<Duration>,
}

impl KeepAlive {
    /// Every so many seconds; 0 or less leaves it to the system.
    pub(in crate::tcp) fn every(period_s: i64) -> KeepAlive {
        let period_s = u64::try_from(period_s).ok().filter(|seconds| *seconds > 0);
        KeepAlive { period: period_s.map(Duration::from_secs) }
    }

    /// Switches it on. A socket that cannot do it works without.
    pub(in crate::tcp) fn set_on(&self, socket: &TcpStream) {
        let socket = SockRef::from(socket);
        let _ = match self.period {
            Some(period) => {
                socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(period).with_interval(period))
            }
            None => socket.set_keepalive(true),
        };
    }
}

/// Opens the socket; with `only_check` it is bound to nothing.
///
/// # Errors
/// Go's text.
pub(super) fn listen(network: &str, endpoint: &Endpoint, only_check: bool) -> Result<TcpListener, String> {
    let (address, only_v6) = endpoint.listening();
    let failed =
        |call: &str, error: &io::Error| format!("listen {network} {endpoint}: {call}: {}", reason(error));
    let open = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(only_v6)?;
        }
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    let socket = open().map_err(|error| failed("socket", &error))?;
    if only_check {
        return Ok(socket.into());
    }
    socket.bind(&address.into()).map_err(|error| failed("bind", &error))?;
    socket.listen(BACKLOG).map_err(|error| failed("listen", &error))?;
    Ok(socket.into())
}

/// What came of waiting for a connection.
pub(super) enum Accepted {
    /// No peer.
    Nobody,
    /// A peer.
    Peer(TcpStream, SocketAddr),
    /// The system could not give one; it may later.
    Failed(String),
}

/// Takes a connection; without one, waits for at most `wait` until there may be one.
pub(super) fn accept(listener: &TcpListener, wait: Duration) -> Accepted {
    match listener.accept() {
        Ok((socket, peer)) => Accepted::Peer(socket, peer),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            // An error here would show itself at the next accept.
            let wait = Timespec::try_from(wait).ok();
            let _ = poll(&mut [PollFd::new(listener, PollFlags::IN)], wait.as_ref());
            Accepted::Nobody
        }
        // The peer was gone before it was taken.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) =>
        {
            Accepted::Nobody
        }
        Err(error) => {
            let place = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
            Accepted::Failed(format!("accept tcp {place}: accept4: {}", reason(&error)))
        }
    }
}
