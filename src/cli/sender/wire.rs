//! The kinds of connections.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

/// How long a closing connection waits for its peer.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// A connection of any kind; one write to a datagram socket is one datagram.
#[allow(dead_code, reason = "not every tool speaks TLS")]
pub(super) enum Wire {
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    Udp(UdpSocket),
    Unix(UnixStream),
    Unixgram(UnixDatagram),
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Tcp(stream) => stream.write(bytes),
            Wire::Tls(stream) => stream.write(bytes),
            Wire::Udp(socket) => socket.send(bytes),
            Wire::Unix(stream) => stream.write(bytes),
            Wire::Unixgram(socket) => socket.send(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Tls(stream) => stream.flush(),
            Wire::Tcp(_) | Wire::Udp(_) | Wire::Unix(_) | Wire::Unixgram(_) => Ok(()),
        }
    }
}

impl Wire {
    /// Closes it. A TLS peer sends session tickets that nobody reads, and a connection that is closed with something unread
    /// is reset, which costs the peer what it has not read yet: so the peer goes first.
    pub(super) fn close(self) {
        let Wire::Tls(mut stream) = self else { return };
        stream.conn.send_close_notify();
        // A peer that is gone need not be told.
        let said = stream.flush().and_then(|()| stream.sock.shutdown(Shutdown::Write));
        let end = Instant::now() + LAST_WAIT;
        let mut unread = [0; 4096];
        while said.is_ok() {
            let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let read = stream.sock.set_read_timeout(Some(left)).and_then(|()| stream.sock.read(&mut unread));
            match read {
                Ok(count) if count > 0 && Instant::now() < end => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => break,
            }
        }
    }
}
