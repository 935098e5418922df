//! A connection: a socket, perhaps with TLS on it.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::ClientConnection;

use super::acknowledged::{acknowledged, round_trip};
use crate::addressing::reason;

/// A server that does not like our certificate says so after the handshake is over for us: until it has said anything, or
/// so long, nothing on the connection counts as taken.
const PROBATION: Duration = Duration::from_secs(1);

/// Reads at a time, so that a peer that floods us does not keep us from writing.
const READS_MAX: usize = 16;

/// A connection to a peer. It never blocks but in [`Wire::wait`].
pub(super) struct Wire {
    socket: TcpStream,
    /// From where to where, for texts.
    ends: (SocketAddr, SocketAddr),
    tls: Option<Box<ClientConnection>>,
    began: Instant,
    /// Bytes that the system took.
    sent: u64,
    /// What the system says of a connection without any.
    base: Option<u64>,
    /// The peer has sent something.
    heard: bool,
    /// The peer sends no more.
    silent: bool,
    /// What the connection died of.
    failure: Cell<Option<io::ErrorKind>>,
}

impl Wire {
    /// A wire on a connected socket that does not block.
    pub(super) fn new(socket: TcpStream, ends: (SocketAddr, SocketAddr)) -> io::Result<Wire> {
        let base = acknowledged(&socket)?;
        Ok(Wire {
            socket,
            ends,
            tls: None,
            began: Instant::now(),
            sent: 0,
            base,
            heard: false,
            silent: false,
            failure: Cell::new(None),
        })
    }

    /// Puts TLS on it and begins the handshake, which goes on with [`Wire::shake_hands`].
    pub(super) fn encrypt(&mut self, session: ClientConnection) {
        self.tls = Some(Box::new(session));
    }

    /// Goes on with the handshake. Returns whether it is over.
    ///
    /// # Errors
    /// The text why there will be no connection.
    pub(super) fn shake_hands(&mut self) -> Result<bool, String> {
        let Some(tls) = &mut self.tls else { return Ok(true) };
        let mut counted = Counted { socket: &self.socket, sent: &mut self.sent };
        match tls.complete_io(&mut counted) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err("EOF".into()),
            Err(error) => return Err(reason(&error)),
        }
        if tls.is_handshaking() {
            return Ok(false);
        }
        self.began = Instant::now();
        Ok(true)
    }

    /// Waits until the peer takes or sends something, at most `time`.
    pub(super) fn wait(&self, time: Duration) {
        let wants_write = self.tls.as_ref().is_none_or(|tls| tls.wants_write());
        let mut flags = if wants_write { PollFlags::OUT } else { PollFlags::empty() };
        if !self.silent {
            flags |= PollFlags::IN;
        }
        // An error here would show itself at the next attempt to write.
        let _ = poll(&mut [PollFd::new(&self.socket, flags)], Timespec::try_from(time).ok().as_ref());
    }

    /// Gives bytes to the system; returns how many it took.
    ///
    /// # Errors
    /// The connection is dead.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<usize, String> {
        self.try_write(bytes).map_err(|error| self.words("write", &error))
    }

    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut counted = Counted { socket: &self.socket, sent: &mut self.sent };
        let Some(tls) = &mut self.tls else { return unless_blocked(counted.write(bytes)) };
        let taken = if tls.wants_write() { 0 } else { tls.writer().write(bytes)? };
        while tls.wants_write() && unless_blocked(tls.write_tls(&mut counted))? > 0 {}
        Ok(taken)
    }

    /// Whether all bytes that [`Wire::write`] took were given to the system.
    pub(super) fn is_clear(&self) -> bool {
        self.tls.as_ref().is_none_or(|tls| !tls.wants_write())
    }

    /// Bytes that the system took; what TLS adds is among them.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// How long an acknowledgement takes.
    pub(super) fn round_trip(&self) -> Duration {
        round_trip(&self.socket)
    }

    /// How many of them the peer's system has acknowledged.
    ///
    /// # Errors
    /// The connection is dead.
    pub(super) fn acknowledged(&self) -> Result<u64, String> {
        let told = acknowledged(&self.socket).map_err(|error| self.words("write", &error))?;
        if self.tls.is_some() && !self.heard && self.began.elapsed() < PROBATION {
            return Ok(0);
        }
        let known = told.zip(self.base).map(|(told, base)| told.saturating_sub(base));
        Ok(known.map_or(self.sent, |known| known.min(self.sent)))
    }

    /// Takes what the peer sends and drops it: a connection that is closed with unread bytes is reset.
    ///
    /// # Errors
    /// The connection is dead.
    pub(super) fn listen(&mut self) -> Result<(), String> {
        self.try_listen().map_err(|error| self.words("read", &error))
    }

    fn try_listen(&mut self) -> io::Result<()> {
        let mut sink = [0; 4096];
        for _ in 0..READS_MAX {
            if self.silent {
                break;
            }
            let read = match &mut self.tls {
                None => (&self.socket).read(&mut sink),
                Some(tls) => tls.read_tls(&mut &self.socket),
            };
            match read {
                // Once the cause was told, the end of a dead connection reads like the peer's own end.
                Ok(0) if self.failure.get().is_some() => return Ok(()),
                Ok(0) => self.silent = true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if let Some(tls) = &mut self.tls {
                let state = tls.process_new_packets().map_err(io::Error::other)?;
                self.heard |= !self.silent;
                let mut left = state.plaintext_bytes_to_read();
                while left > 0 {
                    left -= tls.reader().read(&mut sink)?.clamp(1, left);
                }
            }
        }
        Ok(())
    }

    /// Whether a connection that is dead was ended by the peer itself. The system gives another error (a broken pipe) if
    /// the peer's end came before the reset.
    pub(super) fn is_ended_by_peer(&self) -> bool {
        self.silent || self.failure.get() == Some(io::ErrorKind::BrokenPipe)
    }

    /// Ends the connection in an orderly way.
    pub(super) fn close(mut self) {
        // What fails here changes nothing: all that matters was acknowledged or will be sent again.
        let _ = self.try_listen();
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let mut counted = Counted { socket: &self.socket, sent: &mut self.sent };
            let _ = tls.write_tls(&mut counted);
        }
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    fn words(&self, call: &str, error: &io::Error) -> String {
        // The system tells the cause once; what it says after that (a broken pipe) is no cause.
        self.failure.set(self.failure.get().or(Some(error.kind())));
        let (from, to) = self.ends;
        format!("{call} tcp {from}->{to}: {call}: {}", reason(error))
    }
}

fn unless_blocked(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(0),
        result => result,
    }
}

/// A socket that counts what is written.
struct Counted<'a> {
    socket: &'a TcpStream,
    sent: &'a mut u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.socket.read(bytes)
    }
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.socket.write(bytes)?;
        *self.sent += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use socket2::SockRef;

    use super::*;

    fn pair() -> (Wire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let ends = (socket.local_addr().unwrap(), socket.peer_addr().unwrap());
        socket.set_nonblocking(true).unwrap();
        (Wire::new(socket, ends).unwrap(), listener.accept().unwrap().0)
    }

    /// Does it until it fails.
    fn until_dead<T>(mut attempt: impl FnMut() -> Result<T, String>) {
        let end = Instant::now() + Duration::from_secs(30);
        while attempt().is_ok() {
            assert!(Instant::now() < end, "the connection lives");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_reset_is_not_the_peers_end_whoever_hears_of_it_first() {
        let (mut wire, peer) = pair();
        assert_eq!(wire.write(b"unread").unwrap(), 6);
        SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
        drop(peer);
        until_dead(|| wire.acknowledged());
        assert_eq!(wire.listen(), Ok(()));
        until_dead(|| wire.write(b"more"));
        assert!(!wire.is_ended_by_peer());
    }

    #[test]
    fn a_peer_that_has_read_all_ends_the_connection_itself() {
        let (mut wire, peer) = pair();
        drop(peer);
        until_dead(|| wire.write(b"more"));
        assert!(wire.is_ended_by_peer());
    }
}
