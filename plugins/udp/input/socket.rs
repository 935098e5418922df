//! The socket that datagrams arrive on.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, SocketType, recvfrom, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use super::descriptor;
use super::socket_file::{self, SocketFile};
use crate::addressing::{reason, resolve};

/// Permissions of a socket file: everybody may write to it.
const SOCKET_MODE: u32 = 0o666;

/// A datagram socket of any kind.
pub(crate) struct DatagramSocket {
    descriptor: OwnedFd,
    /// Its file, if it has one.
    _file: Option<SocketFile>,
}

/// What came of waiting for a datagram.
pub(crate) enum Received {
    /// Nothing.
    Nothing,
    /// So many bytes from there, if the network has addresses.
    Datagram(usize, Option<IpAddr>),
    /// The socket does not work.
    Failed(String),
}

impl DatagramSocket {
    /// A socket of the Internet's protocols.
    ///
    /// # Errors
    /// Heka's text.
    pub(crate) fn inet(network: &str, address: &str) -> Result<DatagramSocket, String> {
        let endpoint =
            resolve(network, "udp", address).map_err(|why| format!("ResolveUDPAddr failed: {why}"))?;
        let (address, only_v6) = endpoint.listening();
        let open = || {
            let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
            if address.is_ipv6() {
                socket.set_only_v6(only_v6)?;
            }
            socket.bind(&address.into())?;
            Ok(socket)
        };
        let socket = open().map_err(|error: io::Error| {
            format!("ListenUDP failed: listen {network} {endpoint}: bind: {}", reason(&error))
        })?;
        Ok(DatagramSocket { descriptor: socket.into(), _file: None })
    }

    /// A socket that is bound to nothing, if an Internet address is one.
    ///
    /// # Errors
    /// Heka's text.
    pub(crate) fn unbound(network: &str, address: &str) -> Result<DatagramSocket, String> {
        resolve(network, "udp", address).map_err(|why| format!("ResolveUDPAddr failed: {why}"))?;
        DatagramSocket::idle()
    }

    /// A socket that is bound to nothing.
    ///
    /// # Errors
    /// The system gives none.
    pub(super) fn idle() -> Result<DatagramSocket, String> {
        let socket = Socket::new(Domain::UNIX, Type::DGRAM, None);
        let socket = socket.map_err(|error| format!("socket: {}", reason(&error)))?;
        Ok(DatagramSocket { descriptor: socket.into(), _file: None })
    }

    /// A Unix socket at a path, or with an abstract name after `@`.
    ///
    /// # Errors
    /// Heka's text.
    pub(super) fn unix(address: &str) -> Result<DatagramSocket, String> {
        let (socket, file) = socket_file::bind(address).map_err(|error| {
            format!(
                "Error listening on unixgram: listen unixgram {address}: bind: {}",
                socket_file::why(&error)
            )
        })?;
        if file.is_some() {
            std::fs::set_permissions(address, PermissionsExt::from_mode(SOCKET_MODE)).map_err(|error| {
                format!("Error changing unixgram socket permissions: chmod {address}: {}", reason(&error))
            })?;
        }
        Ok(DatagramSocket { descriptor: socket.into(), _file: file })
    }

    /// A socket that hekad inherited.
    ///
    /// # Errors
    /// Heka's text.
    pub(super) fn inherited(number: &str) -> Result<DatagramSocket, String> {
        let parsed = descriptor::number(number)
            .map_err(|why| format!("Error parsing file descriptor 'fd:{number}': {why}"))?;
        let failed = |why: String| format!("Error accessing UDP fd: {why}");
        let descriptor = descriptor::duplicate(parsed).map_err(failed)?;
        match sockopt::socket_type(&descriptor) {
            Ok(SocketType::DGRAM) => Ok(DatagramSocket { descriptor, _file: None }),
            Ok(_) => Err(failed("it is no socket for datagrams".into())),
            Err(error) => {
                Err(failed(format!("file file+net udpFile: getsockopt: {}", reason(&error.into()))))
            }
        }
    }

    /// Takes a datagram; waits for at most `wait` if there is none.
    pub(crate) fn receive(&self, buffer: &mut [u8], wait: Duration) -> Received {
        match recvfrom(&self.descriptor, buffer, RecvFlags::DONTWAIT) {
            Ok((size, _, from)) => {
                let from = from.and_then(|from| SocketAddr::try_from(from).ok());
                Received::Datagram(size, from.map(|from| from.ip().to_canonical()))
            }
            Err(rustix::io::Errno::AGAIN) => {
                let wait = Timespec::try_from(wait).ok();
                // An error here would show itself at the next attempt to receive.
                let _ = poll(&mut [PollFd::new(&self.descriptor, PollFlags::IN)], wait.as_ref());
                Received::Nothing
            }
            Err(rustix::io::Errno::INTR) => Received::Nothing,
            Err(error) => Received::Failed(reason(&error.into())),
        }
    }

    /// The address that an Internet socket is bound to.
    #[cfg(test)]
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::try_from(rustix::net::getsockname(&self.descriptor).unwrap()).unwrap()
    }
}
