//! A TCP connection for what is sent at a time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use heka_plugin::{SendError, Stop};

use crate::addressing::{candidates, reason};

/// A peer that does not answer for so long is not there.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// A peer that takes nothing for so long is complained of.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a peer that has never closed its end is waited for.
const SHORT_PATIENCE: Duration = Duration::from_millis(200);
/// How late a stop is heard.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// Makes a connection, sends, and waits until the peer closes its end too: it has read all then.
pub(super) struct Visitor {
    address: String,
    manner: Manner,
}

/// What a peer does when all is sent to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// It was not seen yet.
    Unknown,
    /// It closes its end. One that does not is busy or hangs, and may not have read all.
    Closes,
    /// It keeps its end open, so that nobody knows how far it has read.
    KeepsOpen,
}

impl Visitor {
    /// Visits the peer at `host:port`.
    pub(super) fn new(address: String) -> Visitor {
        Visitor { address, manner: Manner::Unknown }
    }

    /// Brings the bytes.
    ///
    /// # Errors
    /// The peer may not have all of them; the text is Heka's.
    pub(super) fn bring(&mut self, bytes: &[u8], stop: &Stop) -> Result<(), SendError> {
        let (mut socket, to) =
            self.connect().map_err(|why| SendError::Retry(format!("Dial failed: {why}")))?;
        let result = self.exchange(&mut socket, bytes, stop);
        // Without our own port, which is another one each time: what repeats is to be told once.
        result.map_err(|error| {
            let why =
                error.map(|error| format!("Write to server failed: write tcp {to}: {}", reason(&error)));
            SendError::Retry(why.unwrap_or_default())
        })
    }

    fn connect(&self) -> Result<(TcpStream, SocketAddr), String> {
        let mut failure = None;
        for address in candidates("tcp", &self.address).map_err(|why| format!("dial tcp: {why}"))? {
            let connected = TcpStream::connect_timeout(&address, CONNECT_TIME).and_then(|socket| {
                socket.set_write_timeout(Some(STOP_CHECK))?;
                socket.set_read_timeout(Some(STOP_CHECK))?;
                Ok(socket)
            });
            match connected {
                Ok(socket) => return Ok((socket, address)),
                Err(error) => {
                    failure.get_or_insert(format!("dial tcp {address}: connect: {}", reason(&error)))
                }
            };
        }
        Err(failure.unwrap_or_else(|| format!("dial tcp: {}: no address", self.address)))
    }

    /// `None`: hekad stops.
    fn exchange(
        &mut self,
        socket: &mut TcpStream,
        bytes: &[u8],
        stop: &Stop,
    ) -> Result<(), Option<io::Error>> {
        let mut left = bytes;
        let mut end = Instant::now() + PATIENCE;
        while !left.is_empty() {
            match socket.write(left) {
                Ok(0) => return Err(Some(io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    left = &left[count..];
                    end = Instant::now() + PATIENCE;
                }
                Err(error) if !is_passing(&error) => return Err(Some(error)),
                Err(_) if stop.is_requested() => return Err(None),
                Err(error) if Instant::now() > end => return Err(Some(error)),
                Err(_) => {}
            }
        }
        socket.shutdown(Shutdown::Write).map_err(Some)?;
        let end = Instant::now() + if self.manner == Manner::KeepsOpen { SHORT_PATIENCE } else { PATIENCE };
        let mut answer = [0; 1024];
        loop {
            match socket.read(&mut answer) {
                Ok(0) => {
                    self.manner = Manner::Closes;
                    return Ok(());
                }
                Ok(_) => {}
                Err(error) if !is_passing(&error) => return Err(Some(error)),
                Err(_) if stop.is_requested() => return Err(None),
                Err(_) => {}
            }
            if Instant::now() > end {
                if self.manner == Manner::Closes {
                    return Err(Some(io::ErrorKind::TimedOut.into()));
                }
                self.manner = Manner::KeepsOpen;
                return Ok(());
            }
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
