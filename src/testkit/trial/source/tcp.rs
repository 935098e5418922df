//! A client of a TcpInput. Plain TCP tells a sender nothing: what it sent may or may not have been taken.

use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::super::claims::Claims;
use super::super::record::write_frame;
use super::Source;

/// A daemon that holds this client back is waited for, one that is dead is noticed sooner.
const PATIENCE: Duration = Duration::from_secs(120);

/// The client. It connects anew after a failure and goes on with the next record.
#[derive(Debug)]
pub struct TcpSource {
    address: SocketAddr,
    letter: u8,
    claims: Arc<Claims>,
    stream: Option<TcpStream>,
}

impl TcpSource {
    /// A client of the daemon that listens there now and then.
    pub fn new(address: SocketAddr, letter: u8, claims: Arc<Claims>) -> TcpSource {
        TcpSource { address, letter, claims, stream: None }
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address)?;
        if stream.local_addr()? == self.address {
            // A port that nobody listens at may be connected with itself.
            return Err(ErrorKind::ConnectionRefused.into());
        }
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }
}

/// Whether the other end is still there, as far as one can know. It never sends anything.
fn is_alive(stream: &TcpStream) -> bool {
    let peek = || {
        stream.set_nonblocking(true)?;
        let peeked = stream.peek(&mut [0]);
        stream.set_nonblocking(false)?;
        peeked
    };
    matches!(peek(), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

impl Source for TcpSource {
    fn burst(&mut self, count: u64) -> io::Result<bool> {
        let mut stream = match self.stream.take().filter(is_alive) {
            Some(stream) => stream,
            None => match self.connect() {
                Ok(stream) => stream,
                Err(_) => return Ok(false),
            },
        };
        let mut bytes = Vec::new();
        self.claims.issue(count).for_each(|id| write_frame(self.letter, id, &mut bytes));
        match stream.write_all(&bytes) {
            Ok(()) => self.stream = Some(stream),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(io::Error::other("the daemon's TcpInput takes nothing"));
            }
            Err(_) => {}
        }
        Ok(true)
    }
}
