//! A client of an HttpListenInput. A status 200 is an acknowledgement.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::super::claims::Claims;
use super::super::record::write_text;
use super::Source;

/// A daemon that holds this client back is waited for, one that is dead is noticed sooner.
const PATIENCE: Duration = Duration::from_secs(120);

/// The client. It posts lines; those of a request without an answer are left to their fate.
#[derive(Debug)]
pub struct HttpSource {
    address: SocketAddr,
    letter: u8,
    claims: Arc<Claims>,
}

impl HttpSource {
    /// A client of the daemon that listens there now and then.
    pub fn new(address: SocketAddr, letter: u8, claims: Arc<Claims>) -> HttpSource {
        HttpSource { address, letter, claims }
    }
}

impl Source for HttpSource {
    fn burst(&mut self, count: u64) -> io::Result<bool> {
        let Ok(mut stream) = TcpStream::connect(self.address) else { return Ok(false) };
        if stream.local_addr()? == self.address {
            // A port that nobody listens at may be connected with itself.
            return Ok(false);
        }
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let ids = self.claims.issue(count);
        let mut body = Vec::new();
        ids.clone().for_each(|id| write_text(self.letter, id, &mut body));
        match post(&mut stream, self.address, &body) {
            Ok(200) => self.claims.owe(ids),
            // It is stopping.
            Ok(500..) => {}
            Ok(status) => return Err(io::Error::other(format!("HttpListenInput answers {status}"))),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(io::Error::other("the daemon's HttpListenInput does not answer"));
            }
            Err(_) => {}
        }
        Ok(true)
    }
}

/// Posts and gives the status.
fn post(stream: &mut TcpStream, host: SocketAddr, body: &[u8]) -> io::Result<u16> {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat())?;
    let mut answer = Vec::new();
    let mut piece = [0; 512];
    while !answer.windows(2).any(|two| two == b"\r\n") {
        match stream.read(&mut piece)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => answer.extend_from_slice(&piece[..count]),
        }
    }
    let line = String::from_utf8_lossy(&answer);
    let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    status.ok_or_else(|| io::Error::other(format!("no HTTP answer: {line:?}")))
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "ids come in ranges, be it one")]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn only_answered_requests_are_owed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            for answer in ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 20"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                let mut piece = [0; 4096];
                // The body's newline is the first that stands alone.
                while !request.ends_with(b"\n") || request.ends_with(b"\r\n") {
                    let count = stream.read(&mut piece).unwrap();
                    request.extend_from_slice(&piece[..count]);
                }
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let claims = Arc::new(Claims::default());
        let mut source = HttpSource::new(address, b'h', claims.clone());
        assert!(source.burst(1).unwrap() && source.burst(1).unwrap());
        server.join().unwrap();
        assert_eq!((claims.owed(), claims.issued()), (vec![0..1], 2));
        assert!(!source.burst(1).unwrap());
    }
}
