//! The listening socket.

use std::io;
use std::net::TcpListener;

use socket2::{Domain, Protocol, Socket, Type};

use crate::addressing::{reason, resolve};

/// Connections that may wait to be taken; the system's own limit is lower.
const BACKLOG: i32 = 65_535;

/// Opens the socket.
///
/// # Errors
/// Go's text.
pub(crate) fn listen(address: &str) -> Result<TcpListener, String> {
    let endpoint = resolve("tcp", "tcp", address).map_err(|why| format!("listen tcp: {why}"))?;
    let (place, only_v6) = endpoint.listening();
    let failed = |call: &str, error: &io::Error| format!("listen tcp {endpoint}: {call}: {}", reason(error));
    let open = || {
        let socket = Socket::new(Domain::for_address(place), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        if place.is_ipv6() {
            socket.set_only_v6(only_v6)?;
        }
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    let socket = open().map_err(|error| failed("socket", &error))?;
    socket.bind(&place.into()).map_err(|error| failed("bind", &error))?;
    socket.listen(BACKLOG).map_err(|error| failed("listen", &error))?;
    Ok(socket.into())
}
