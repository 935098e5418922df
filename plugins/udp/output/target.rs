//! Where datagrams go.

use std::io;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::addressing::{reason, resolve};
use crate::udp::input::socket_file::{self, SocketFile};

/// How long to wait for room, and so how late a stop is heard.
const WAIT: Duration = Duration::from_millis(100);

/// A connected datagram socket.
pub(super) enum Target {
    /// UDP.
    Inet { socket: UdpSocket, address: String },
    /// A Unix socket. The file that it is bound to goes with it.
    Unix { socket: UnixDatagram, address: String, _file: Option<SocketFile> },
}

/// What became of a datagram.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The system took it.
    Done,
    /// The system will never take it.
    Never(String),
    /// The system does not take it now; the text says why.
    Later(String),
    /// There was no room for it.
    Full,
}

impl Target {
    /// A UDP socket that is connected to `address`; with `only_check` it is not.
    ///
    /// # Errors
    /// Heka's text.
    pub(super) fn inet(
        network: &str,
        address: &str,
        local: &str,
        only_check: bool,
    ) -> Result<Target, String> {
        let endpoint = resolve(network, "udp", address)
            .map_err(|why| format!("Error resolving UDP address '{address}': {why}"))?;
        let to = endpoint.destination();
        let from = match local {
            "" => None,
            // Heka names the wrong address.
            local => Some(
                resolve(network, "udp", local)
                    .map_err(|why| format!("Error resolving local UDP address '{address}': {why}"))?
                    .local_for(to),
            ),
        };
        let failed = |call: &str, error: &io::Error| {
            let from = from.map(|from| format!("{from}->")).unwrap_or_default();
            format!(
                "Can't connect to '{address}': dial {network} {from}{endpoint}: {call}: {}",
                reason(error)
            )
        };
        let socket = Socket::new(Domain::for_address(to), Type::DGRAM, Some(Protocol::UDP))
            .and_then(|socket| socket.set_write_timeout(Some(WAIT)).map(|()| socket))
            .map_err(|error| failed("socket", &error))?;
        if only_check {
            return Ok(Target::Inet { socket: socket.into(), address: address.into() });
        }
        if let Some(from) = from {
            socket.bind(&from.into()).map_err(|error| failed("bind", &error))?;
        }
        socket.connect(&to.into()).map_err(|error| failed("connect", &error))?;
        Ok(Target::Inet { socket: socket.into(), address: address.into() })
    }

    /// A Unix socket that is connected to `address`.
    ///
    /// # Errors
    /// Heka's text.
    pub(super) fn unix(address: &str, local: &str, only_check: bool) -> Result<Target, String> {
        let failed = |call: &str, error: &io::Error| {
            let from = if local.is_empty() { String::new() } else { format!("{local}->") };
            let why = socket_file::why(error);
            format!("Can't connect to '{address}': dial unixgram {from}{address}: {call}: {why}")
        };
        let (socket, file) = match local {
            "" => (UnixDatagram::unbound().map_err(|error| failed("socket", &error))?, None),
            local => socket_file::bind(local).map_err(|error| failed("bind", &error))?,
        };
        socket.set_write_timeout(Some(WAIT)).map_err(|error| failed("socket", &error))?;
        if !only_check {
            socket_file::connect(&socket, address).map_err(|error| failed("connect", &error))?;
        }
        Ok(Target::Unix { socket, address: address.into(), _file: file })
    }

    /// The address that it was made for.
    pub(super) fn address(&self) -> &str {
        match self {
            Target::Inet { address, .. } | Target::Unix { address, .. } => address,
        }
    }

    /// Sends a datagram; waits a moment for room.
    pub(super) fn send(&self, bytes: &[u8]) -> Sent {
        match self {
            Target::Inet { socket, .. } => {
                // The system uses a call to tell what became of earlier datagrams, and then has not sent this one.
                let first = socket.send(bytes);
                let result =
                    first.or_else(|error| if is_full(&error) { Err(error) } else { socket.send(bytes) });
                match result {
                    Ok(_) => Sent::Done,
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Sent::Done,
                    Err(error) if is_passing(&error) => Sent::Later(reason(&error)),
                    Err(error) => Sent::of(&error),
                }
            }
            Target::Unix { socket, address, .. } => match socket.send(bytes) {
                Ok(_) => Sent::Done,
                // The peer that we were connected to is gone. Another one may be there by that name.
                Err(error) if is_gone(&error) => match socket_file::connect(socket, address) {
                    Ok(()) => socket.send(bytes).map_or_else(
                        |error| {
                            if is_gone(&error) {
                                Sent::Later(gone(address, &error))
                            } else {
                                Sent::of(&error)
                            }
                        },
                        |_| Sent::Done,
                    ),
                    Err(error) => Sent::Later(gone(address, &error)),
                },
                Err(error) => Sent::of(&error),
            },
        }
    }
}

impl Sent {
    fn of(error: &io::Error) -> Sent {
        if is_full(error) { Sent::Full } else { Sent::Never(reason(error)) }
    }
}

fn gone(address: &str, error: &io::Error) -> String {
    format!("Can't connect to '{address}': dial unixgram {address}: connect: {}", reason(error))
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
        || error.raw_os_error() == Some(nix::libc::ENOBUFS)
}

/// The network may be back in a moment.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, HostUnreachable, NetworkDown, NetworkUnreachable};
    matches!(error.kind(), AddrNotAvailable | HostUnreachable | NetworkDown | NetworkUnreachable)
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotConnected, NotFound};
    matches!(error.kind(), BrokenPipe | ConnectionRefused | ConnectionReset | NotConnected | NotFound)
}
