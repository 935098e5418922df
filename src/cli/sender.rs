//! Connections of the tools: the networks that Go's `net.Dial` knows, with its error texts.

#[path = "sender/wire.rs"]
mod wire;

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};

use heka_plugins::addressing::{candidates, reason, split_host_port};
use heka_plugins::tls::TlsOptions;
use rustls::{ClientConnection, StreamOwned};

use wire::Wire;

/// An open connection.
pub(crate) struct Sender {
    wire: Wire,
    /// How error texts name the connection: `tcp 127.0.0.1:1->127.0.0.1:2`.
    route: String,
}

/// Not all was sent.
#[derive(Debug)]
pub(crate) struct Unsent {
    /// So many bytes were.
    #[allow(dead_code, reason = "only a tool that sends in batches needs it")]
    pub(crate) written: usize,
    /// Go's text.
    pub(crate) why: String,
}

impl Sender {
    /// Connects to `host:port`, or for `unix` and `unixgram` to a path.
    ///
    /// # Errors
    /// Go's text.
    pub(crate) fn dial(network: &str, address: &str) -> Result<Sender, String> {
        match network {
            "tcp" | "tcp4" | "tcp6" => {
                tcp(network, address).map(|(stream, route)| Sender { wire: Wire::Tcp(stream), route })
            }
            "udp" | "udp4" | "udp6" => {
                let (socket, to) = first(network, "udp", address, udp)?;
                let from = socket.local_addr().map(|from| from.to_string()).unwrap_or_default();
                Ok(Sender { wire: Wire::Udp(socket), route: format!("{network} {from}->{to}") })
            }
            "unix" | "unixgram" => {
                let wire = if network == "unix" {
                    UnixStream::connect(address).map(Wire::Unix)
                } else {
                    UnixDatagram::unbound()
                        .and_then(|socket| socket.connect(address).map(|()| Wire::Unixgram(socket)))
                };
                let wire =
                    wire.map_err(|error| format!("dial {network} {address}: connect: {}", reason(&error)))?;
                Ok(Sender { wire, route: format!("{network} @->{address}") })
            }
            _ if network.is_empty() => Err("dial: unknown network ".into()),
            _ => Err(format!("dial {network}: unknown network {network}")),
        }
    }

    /// Connects over TLS; the handshake is done when this returns.
    ///
    /// # Errors
    /// An option of TLS cannot be used, or Go's text.
    #[allow(dead_code, reason = "not every tool speaks TLS")]
    pub(crate) fn dial_tls(network: &str, address: &str, options: &TlsOptions) -> Result<Sender, String> {
        if !network.starts_with("tcp") {
            return Err(format!("dial {network}: TLS needs a tcp network"));
        }
        let (host, _) = split_host_port(address).map_err(|why| format!("dial {network}: {why}"))?;
        let (config, name) = options.client(host)?;
        let mut session = ClientConnection::new(config, name).map_err(|error| error.to_string())?;
        let (mut stream, route) = tcp(network, address)?;
        while session.is_handshaking() {
            session.complete_io(&mut stream).map_err(|error| reason(&error))?;
        }
        Ok(Sender { wire: Wire::Tls(Box::new(StreamOwned::new(session, stream))), route })
    }

    /// Whether what is sent keeps its boundaries, so that each message must be sent by itself.
    #[allow(dead_code, reason = "only a tool that sends in batches needs it")]
    pub(crate) fn is_datagram(&self) -> bool {
        matches!(self.wire, Wire::Udp(_) | Wire::Unixgram(_))
    }

    /// Sends all bytes.
    ///
    /// # Errors
    /// The connection is of no more use. What was written may not have arrived.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Unsent> {
        let mut written = 0;
        while written < bytes.len() {
            match self.wire.write(&bytes[written..]) {
                Ok(0) => return Err(self.unsent(written, "short write")),
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unsent(written, &format!("write: {}", reason(&error)))),
            }
        }
        self.wire.flush().map_err(|error| self.unsent(0, &format!("write: {}", reason(&error))))
    }

    fn unsent(&self, written: usize, why: &str) -> Unsent {
        Unsent { written, why: format!("write {}: {why}", self.route) }
    }

    /// Says goodbye where the protocol has a word for it, and closes.
    pub(crate) fn close(self) {
        self.wire.close();
    }
}

fn tcp(network: &str, address: &str) -> Result<(TcpStream, String), String> {
    let (stream, to) = first(network, "tcp", address, TcpStream::connect)?;
    // A socket that keeps small packets back is slower but works.
    let _ = stream.set_nodelay(true);
    let from = stream.local_addr().map(|from| from.to_string()).unwrap_or_default();
    Ok((stream, format!("{network} {from}->{to}")))
}

fn udp(to: SocketAddr) -> std::io::Result<UdpSocket> {
    let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.connect(to)?;
    Ok(socket)
}

/// Opens the first address of `host:port` that can be; the text is of the first that cannot.
fn first<S>(
    network: &str,
    protocol: &str,
    address: &str,
    open: impl Fn(SocketAddr) -> std::io::Result<S>,
) -> Result<(S, SocketAddr), String> {
    if address.is_empty() {
        return Err(format!("dial {network}: missing address"));
    }
    let addresses = candidates(protocol, address).map_err(|why| format!("dial {network}: {why}"))?;
    let suits = |to: &SocketAddr| match network.as_bytes().last() {
        Some(b'4') => to.is_ipv4(),
        Some(b'6') => to.is_ipv6(),
        _ => true,
    };
    let mut failure = None;
    for to in addresses.into_iter().filter(suits) {
        match open(to) {
            Ok(socket) => return Ok((socket, to)),
            Err(error) => {
                failure.get_or_insert(format!("dial {network} {to}: connect: {}", reason(&error)));
            }
        }
    }
    Err(failure.unwrap_or_else(|| format!("dial {network}: address {address}: no suitable address")))
}
