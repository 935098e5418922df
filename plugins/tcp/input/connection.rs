//! What is done with one connection.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use heka_plugin::{Deliverer, Inlet, Stop};
use rustls::{ServerConfig, ServerConnection, Stream};

/// A buffer starts with this size and grows for peers that send more at once.
const BUFFER_SIZE_MIN: usize = 8 * 1024;
/// The most that is read at once.
const BUFFER_SIZE_MAX: usize = 64 * 1024;
/// When hekad stops, what has arrived is read, and what still arrives for so long.
const LAST_READS: Duration = Duration::from_secs(1);

/// A connection and its surroundings.
pub(super) struct Connection<'a> {
    /// The input's name.
    pub(super) input: &'a str,
    /// The other end.
    pub(super) peer: SocketAddr,
    /// How it is encrypted, if it is.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// What the input sees of the daemon.
    pub(super) inlet: &'a dyn Inlet,
    /// The input's stop signal.
    pub(super) stop: &'a Stop,
}

impl Connection<'_> {
    /// Reads until the peer ends or a stop is requested.
    pub(super) fn serve(&self, socket: &TcpStream) {
        let mut deliverer = match self.inlet.deliverer(&self.peer.ip().to_string()) {
            Ok(deliverer) => deliverer,
            Err(why) => return self.inlet.log_error(&why),
        };
        let (name, hostname) = (self.input.to_string(), self.peer.to_string());
        deliverer.set_decorator(Box::new(move |pack| {
            let message = pack.message_mut();
            message.msg_type = Some(name.as_str().into());
            message.hostname = Some(hostname.as_str().into());
        }));
        let mut stream = socket;
        match &self.tls {
            None => self.read(&mut stream, socket, deliverer.as_mut()),
            Some(config) => match ServerConnection::new(config.clone()) {
                Ok(mut tls) => self.read(&mut Stream::new(&mut tls, &mut stream), socket, deliverer.as_mut()),
                Err(error) => self.inlet.log_error(&format!("TLS init error: {error}")),
            },
        }
    }

    fn read(&self, source: &mut dyn Read, socket: &TcpStream, deliverer: &mut dyn Deliverer) {
        let whole = deliverer.takes_whole_reads();
        let mut buffer = vec![0; if whole { BUFFER_SIZE_MAX } else { BUFFER_SIZE_MIN }];
        let mut last: Option<LastReads> = None;
        let result = loop {
            if self.stop.is_requested() && last.get_or_insert_with(|| LastReads::of(socket)).are_over() {
                break deliverer.finish();
            }
            match source.read(&mut buffer) {
                Ok(0) => break deliverer.finish(),
                Ok(count) => {
                    if let Some(last) = &mut last {
                        last.arrived = last.arrived.saturating_sub(count as u64);
                    }
                    if let Err(error) = deliverer.push(&buffer[..count]) {
                        break Err(error);
                    }
                    if count == buffer.len() && count < BUFFER_SIZE_MAX {
                        buffer.resize(2 * count, 0);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Other ends of a connection are too usual to speak of.
                    if error.kind() == io::ErrorKind::InvalidData {
                        self.inlet.log_info(&format!("TLS with {} failed: {error}", self.peer));
                    }
                    break deliverer.finish();
                }
            }
        };
        if let Err(error) = result {
            self.inlet.log_error(&error.to_string());
        }
    }
}

/// What is still read when hekad stops.
struct LastReads {
    /// Bytes that had arrived, less those read since. TLS turns them into fewer.
    arrived: u64,
    since: Instant,
}

impl LastReads {
    fn of(socket: &TcpStream) -> LastReads {
        LastReads { arrived: rustix::io::ioctl_fionread(socket).unwrap_or(0), since: Instant::now() }
    }

    fn are_over(&self) -> bool {
        self.arrived == 0 && self.since.elapsed() > LAST_READS
    }
}
