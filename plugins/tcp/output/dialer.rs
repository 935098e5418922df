//! Makes connections.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use nix::libc;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::ClientConnection;
use socket2::{Domain, Protocol, Socket, Type};

use super::patience::Patience;
use super::wire::Wire;
use crate::addressing::{Endpoint, candidates, reason, split_host_port};
use crate::tcp::input::KeepAlive;
use crate::tls::TlsOptions;

/// A peer that does not answer for so long is not there.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How late a stop is heard.
const WAIT: Duration = Duration::from_millis(50);

/// How a peer is reached.
pub(super) struct Dialer {
    /// `host:port`
    pub(super) address: String,
    /// Where to send from.
    pub(super) local: Option<Endpoint>,
    /// How the connection is encrypted.
    pub(super) tls: Option<TlsOptions>,
    /// Whether the system looks after it.
    pub(super) keep_alive: Option<KeepAlive>,
}

impl Dialer {
    /// Connects. Gives up at once when a stop is requested.
    ///
    /// # Errors
    /// Go's text.
    pub(super) fn dial(&self, patience: &Patience) -> Result<Wire, String> {
        let session = match &self.tls {
            None => None,
            Some(tls) => {
                let (host, _) = split_host_port(&self.address).map_err(|why| format!("dial tcp: {why}"))?;
                let session = tls.client(host).and_then(|(config, name)| {
                    ClientConnection::new(config, name).map_err(|error| error.to_string())
                });
                Some(session.map_err(|why| format!("TLS init error: {why}"))?)
            }
        };
        let mut wire = self.connect(patience)?;
        if let Some(session) = session {
            wire.encrypt(session);
            let end = Instant::now() + CONNECT_TIME;
            while !wire.shake_hands()? {
                if patience.is_over() || Instant::now() > end {
                    return Err(format!("dial tcp {}: i/o timeout", self.address));
                }
                wire.wait(WAIT);
            }
        }
        Ok(wire)
    }

    fn connect(&self, patience: &Patience) -> Result<Wire, String> {
        let addresses = candidates("tcp", &self.address).map_err(|why| format!("dial tcp: {why}"))?;
        let mut failure = None;
        for address in addresses {
            let local = self.local.map(|local| local.local_for(address));
            match connect_to(address, local, patience) {
                Ok((socket, from)) => {
                    if let Some(keep_alive) = &self.keep_alive {
                        keep_alive.set_on(&socket);
                    }
                    match Wire::new(socket, (from, address)) {
                        Ok(wire) => return Ok(wire),
                        Err(error) => {
                            failure.get_or_insert(format!("dial tcp {address}: connect: {}", reason(&error)))
                        }
                    };
                }
                Err((call, error)) => {
                    let from = local.map(|local| format!("{local}->")).unwrap_or_default();
                    failure.get_or_insert(format!("dial tcp {from}{address}: {call}{}", reason(&error)));
                }
            }
        }
        Err(failure.unwrap_or_else(|| format!("dial tcp: {}: no address", self.address)))
    }
}

/// Connects to one address; gives the socket and its own address. On failure tells the call, if the system refused it.
fn connect_to(
    to: SocketAddr,
    local: Option<SocketAddr>,
    patience: &Patience,
) -> Result<(TcpStream, SocketAddr), (&'static str, io::Error)> {
    let call = |name: &'static str| move |error: io::Error| (name, error);
    let socket =
        Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP)).map_err(call("socket: "))?;
    socket.set_nonblocking(true).map_err(call("socket: "))?;
    if let Some(local) = local {
        socket.bind(&local.into()).map_err(call("bind: "))?;
    }
    match socket.connect(&to.into()) {
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        result => result.map_err(call("connect: "))?,
    }
    let end = Instant::now() + CONNECT_TIME;
    let wait = Timespec::try_from(WAIT).ok();
    while poll(&mut [PollFd::new(&socket, PollFlags::OUT)], wait.as_ref()) != Ok(1) {
        if patience.is_over() || Instant::now() > end {
            return Err(("", io::ErrorKind::TimedOut.into()));
        }
    }
    if let Some(error) = socket.take_error().map_err(call("connect: "))? {
        return Err(("connect: ", error));
    }
    // A socket that keeps small packets back is slower but works.
    let _ = socket.set_tcp_nodelay(true);
    let socket = TcpStream::from(socket);
    let from = socket.local_addr().map_err(call("connect: "))?;
    Ok((socket, from))
}
