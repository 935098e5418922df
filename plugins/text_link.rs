//! A connection on which two programs talk in lines of text, perhaps with TLS on it: SMTP and IRC.
//!
//! The socket never blocks. [`TextLink::pump`] and [`TextLink::line`] are for a caller that looks now and then; the methods
//! with a [`Deadline`] wait, and hear a stop while they do.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use heka_plugin::Stop;
use nix::libc;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::ClientConnection;
use socket2::{Domain, Protocol, Socket, Type};

use crate::addressing::{candidates, reason, split_host_port};
use crate::tls::TlsOptions;

/// How late a stop is heard.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// A longer line is none.
const LINE_SIZE_MAX: usize = 64 * 1024;

/// Why a wait was in vain.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    /// hekad stops.
    #[error("hekad stops")]
    Stopped,
    /// The connection is dead, or the other side is silent; the text says which.
    #[error("{0}")]
    Failed(String),
}

/// Until when to wait.
pub(crate) struct Deadline {
    at: Instant,
    stop: Stop,
}

impl Deadline {
    /// So long from now, or until a stop is requested.
    pub(crate) fn after(time: Duration, stop: &Stop) -> Deadline {
        Deadline { at: Instant::now() + time, stop: stop.clone() }
    }

    fn check(&self) -> Result<(), LinkError> {
        if self.stop.is_requested() {
            return Err(LinkError::Stopped);
        }
        if Instant::now() >= self.at { Err(LinkError::Failed("i/o timeout".into())) } else { Ok(()) }
    }
}

/// A connection.
pub(crate) struct TextLink {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// What has come and was not yet asked for.
    incoming: Vec<u8>,
    /// What the system has not yet taken.
    outgoing: Vec<u8>,
    /// The other side sends no more.
    ended: bool,
}

impl TextLink {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// See [`LinkError`]; Go's text.
    pub(crate) fn connect(address: &str, deadline: &Deadline) -> Result<TextLink, LinkError> {
        let failed = |why: String| LinkError::Failed(format!("dial tcp{why}"));
        let addresses = candidates("tcp", address).map_err(|why| failed(format!(": {why}")))?;
        let mut failure = None;
        for address in addresses {
            match connect_to(address, deadline) {
                Ok(socket) => {
                    let (incoming, outgoing) = (Vec::new(), Vec::new());
                    return Ok(TextLink { socket, tls: None, incoming, outgoing, ended: false });
                }
                Err(LinkError::Stopped) => return Err(LinkError::Stopped),
                Err(LinkError::Failed(why)) => {
                    failure.get_or_insert(failed(format!(" {address}: {why}")));
                }
            }
        }
        Err(failure.unwrap_or_else(|| failed(format!(": {address}: no address"))))
    }

    /// Goes over to TLS with the server at `address` (`host:port`).
    ///
    /// # Errors
    /// See [`LinkError`]. What came before the handshake and was not asked for is an error: somebody has slipped it in.
    pub(crate) fn encrypt(
        &mut self,
        tls: &TlsOptions,
        address: &str,
        deadline: &Deadline,
    ) -> Result<(), LinkError> {
        if !self.incoming.is_empty() {
            return Err(LinkError::Failed("unexpected data before the TLS handshake".into()));
        }
        let (host, _) = split_host_port(address).map_err(LinkError::Failed)?;
        let session = tls
            .client(host)
            .and_then(|(config, name)| ClientConnection::new(config, name).map_err(|error| error.to_string()))
            .map_err(|why| LinkError::Failed(format!("TLS init error: {why}")))?;
        let tls = self.tls.insert(Box::new(session));
        while tls.is_handshaking() {
            match tls.complete_io(&mut &self.socket) {
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(LinkError::Failed("TLS handshake: EOF".into()));
                }
                Err(error) => return Err(LinkError::Failed(format!("TLS handshake: {}", words(&error)))),
            }
            deadline.check()?;
            wait_for(&self.socket, tls.wants_write(), STOP_CHECK);
        }
        Ok(())
    }

    /// Whether TLS is on it.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Leaves bytes to be sent by the next [`TextLink::pump`].
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.outgoing.extend_from_slice(bytes);
    }

    /// Whether the system has taken everything.
    pub(crate) fn is_clear(&self) -> bool {
        self.outgoing.is_empty() && self.tls.as_ref().is_none_or(|tls| !tls.wants_write())
    }

    /// Sends and receives what is possible without waiting.
    ///
    /// # Errors
    /// The connection is dead. An orderly end by the other side is told by [`TextLink::is_over`].
    pub(crate) fn pump(&mut self) -> Result<(), String> {
        self.give().map_err(|error| format!("write: {}", words(&error)))?;
        self.take().map_err(|error| format!("read: {}", words(&error)))
    }

    /// The next line that has come, without its end.
    ///
    /// # Errors
    /// It is too long.
    pub(crate) fn line(&mut self) -> Result<Option<Vec<u8>>, String> {
        let Some(end) = memchr::memchr(b'\n', &self.incoming) else {
            let long = self.incoming.len() >= LINE_SIZE_MAX;
            return if long { Err("the line is too long".into()) } else { Ok(None) };
        };
        let mut line: Vec<u8> = self.incoming.drain(..=end).collect();
        line.truncate(end);
        line.pop_if(|byte| *byte == b'\r');
        Ok(Some(line))
    }

    /// Whether no more lines will come.
    pub(crate) fn is_over(&self) -> bool {
        self.ended
    }

    /// Waits until something can be received, or sent if there is something to send.
    pub(crate) fn wait(&self, time: Duration) {
        wait_for(&self.socket, !self.is_clear(), time);
    }

    /// Sends everything, and waits until the system has taken it.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub(crate) fn write(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), LinkError> {
        self.push(bytes);
        loop {
            self.pump().map_err(LinkError::Failed)?;
            if self.is_clear() {
                return Ok(());
            }
            deadline.check()?;
            self.wait(STOP_CHECK);
        }
    }

    /// Waits for a line.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub(crate) fn read_line(&mut self, deadline: &Deadline) -> Result<Vec<u8>, LinkError> {
        loop {
            if let Some(line) = self.line().map_err(LinkError::Failed)? {
                return Ok(line);
            }
            if self.ended {
                return Err(LinkError::Failed("EOF".into()));
            }
            deadline.check()?;
            self.wait(STOP_CHECK);
            self.pump().map_err(LinkError::Failed)?;
        }
    }

    fn give(&mut self) -> io::Result<()> {
        loop {
            let sent = match &mut self.tls {
                None if self.outgoing.is_empty() => return Ok(()),
                None => (&self.socket).write(&self.outgoing).map(|count| {
                    self.outgoing.drain(..count);
                }),
                Some(tls) => {
                    let taken = tls.writer().write(&self.outgoing)?;
                    self.outgoing.drain(..taken);
                    if !tls.wants_write() {
                        return Ok(());
                    }
                    tls.write_tls(&mut &self.socket).map(drop)
                }
            };
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => sent?,
            }
        }
    }

    fn take(&mut self) -> io::Result<()> {
        let mut chunk = [0; 4096];
        while !self.ended && self.incoming.len() < LINE_SIZE_MAX {
            let read = match &mut self.tls {
                None => (&self.socket).read(&mut chunk),
                Some(tls) => read_secret(tls, &self.socket, &mut chunk),
            };
            match read {
                Ok(0) => self.ended = true,
                Ok(count) => self.incoming.extend_from_slice(&chunk[..count]),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(()),
                    io::ErrorKind::Interrupted => {}
                    // Many servers close a TLS connection without saying so.
                    io::ErrorKind::UnexpectedEof => self.ended = true,
                    _ => return Err(error),
                },
            }
        }
        Ok(())
    }
}

fn read_secret(tls: &mut ClientConnection, mut socket: &TcpStream, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match tls.reader().read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
        tls.read_tls(&mut socket)?;
        tls.process_new_packets().map_err(io::Error::other)?;
    }
}

fn connect_to(to: SocketAddr, deadline: &Deadline) -> Result<TcpStream, LinkError> {
    let failed = |call: &str, error: &io::Error| LinkError::Failed(format!("{call}: {}", reason(error)));
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))
        .map_err(|error| failed("socket", &error))?;
    socket.set_nonblocking(true).map_err(|error| failed("socket", &error))?;
    match socket.connect(&to.into()) {
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        result => result.map_err(|error| failed("connect", &error))?,
    }
    let wait = Timespec::try_from(STOP_CHECK).ok();
    while poll(&mut [PollFd::new(&socket, PollFlags::OUT)], wait.as_ref()) != Ok(1) {
        deadline.check()?;
    }
    if let Some(error) = socket.take_error().map_err(|error| failed("connect", &error))? {
        return Err(failed("connect", &error));
    }
    // A socket that keeps small packets back is slower but works.
    let _ = socket.set_tcp_nodelay(true);
    Ok(TcpStream::from(socket))
}

fn wait_for(socket: &TcpStream, writes: bool, time: Duration) {
    let flags = if writes { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
    // An error here would show itself at the next attempt to read or write.
    let _ = poll(&mut [PollFd::new(socket, flags)], Timespec::try_from(time).ok().as_ref());
}

/// TLS's own words, or the system's without its number.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::Other => error.to_string(),
        _ => reason(error),
    }
}

#[cfg(test)]
mod tests;
