//! Why an exchange failed, in Go's words.

use std::error::Error;
use std::fmt;
use std::io;

use crate::addressing::reason;

/// Why.
#[derive(Debug)]
pub(super) enum Failure {
    /// The time for the whole call is over.
    Late,
    /// A text that says it all.
    Said(String),
    /// The connection ended before the reply.
    Ended,
    /// The time until the reply begins is over.
    Silent,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Late => {
                f.write_str("context deadline exceeded (Client.Timeout exceeded while awaiting headers)")
            }
            Failure::Said(text) => f.write_str(text),
            Failure::Ended => f.write_str("EOF"),
            Failure::Silent => f.write_str("net/http: timeout awaiting response headers"),
        }
    }
}

impl From<hyper::Error> for Failure {
    fn from(error: hyper::Error) -> Failure {
        if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            return Failure::Ended;
        }
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<io::Error>() {
                if error.kind() == io::ErrorKind::UnexpectedEof {
                    return Failure::Ended;
                }
                return Failure::Said(format!("read tcp: {}", of_io(error)));
            }
            cause = error.source();
        }
        let begin = "net/http: HTTP/1.x transport connection broken: ";
        if error.is_parse() {
            return Failure::Said(format!("{begin}malformed HTTP response"));
        }
        Failure::Said(format!("{begin}{error}"))
    }
}

/// A failure of a socket, or of TLS on it.
pub(super) fn of_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "EOF".into(),
        io::ErrorKind::ConnectionReset => "read: connection reset by peer".into(),
        io::ErrorKind::BrokenPipe => "write: broken pipe".into(),
        io::ErrorKind::InvalidData => error.to_string(),
        _ => reason(error),
    }
}
