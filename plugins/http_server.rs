//! The HTTP server of HttpListenInput and DashboardOutput: a socket, connections, and what answers their requests.

mod connections;
mod listener;
pub(crate) mod query;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response};

use heka_plugin::ConfigError;
use heka_plugin::config::Pairs;

pub(crate) use connections::serve;
pub(crate) use listener::listen;

/// What answers requests.
pub(crate) trait Service: Send + Sync + 'static {
    /// The body of a reply.
    type Body: Body<Data = Bytes, Error = Infallible> + Send + 'static;
    /// What the requests of one connection share.
    type Connection: Clone + Send + Sync + 'static;

    /// A connection begins.
    fn connection(&self) -> Self::Connection;

    /// Answers a request.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        connection: Self::Connection,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Connections at once. More wait until they are taken.
    pub(crate) connections: usize,
    /// Without a byte of the next request for so long a connection ends.
    pub(crate) patience: Duration,
    /// What is granted to requests that have begun when a stop is asked for.
    pub(crate) last_requests: Duration,
}

/// The option `headers`: headers of every reply.
///
/// # Errors
/// One cannot be sent.
pub(crate) fn reply_headers(configured: &Pairs<Vec<String>>) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    for (name, values) in configured {
        let wrong = || ConfigError::Init(format!("`headers`: '{name}' cannot be sent"));
        let key = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        if matches!(key.as_str(), "content-length" | "transfer-encoding" | "connection") {
            return Err(wrong());
        }
        for value in values {
            headers.append(&key, HeaderValue::try_from(value.as_str()).map_err(|_| wrong())?);
        }
    }
    Ok(headers)
}
