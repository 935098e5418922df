//! How a broker is reached.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use heka_plugin::Context;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::uri::Uri;
use crate::addressing::{candidates, reason};
use crate::tls::TlsOptions;

/// The longest wait for a connection.
const CONNECT_TIME: Duration = Duration::from_secs(30);

/// A broker.
#[derive(Clone)]
pub(crate) struct Target {
    /// Where it is.
    pub(super) uri: Uri,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

impl fmt::Display for Target {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Target {
    /// A broker by its URL. `tls` counts for `amqps`.
    ///
    /// # Errors
    /// Heka's text.
    pub(crate) fn new(url: &str, tls: &TlsOptions, context: &Context) -> Result<Target, String> {
        let uri = Uri::parse(url)?;
        super::check_name("url", &uri.vhost)?;
        let tls = if uri.secret {
            tls.remarks().iter().for_each(|remark| context.log.info(remark));
            Some(tls.client(&uri.host).map_err(|why| format!("TLS init error: {why}"))?)
        } else {
            None
        };
        Ok(Target { uri, tls })
    }

    /// Connects. It may block its thread for a look-up of the name.
    ///
    /// # Errors
    /// Go's text.
    pub(super) async fn connect(&self) -> Result<Box<dyn Stream>, String> {
        let dialled = tokio::time::timeout(CONNECT_TIME, self.dial()).await;
        dialled.unwrap_or_else(|_| Err(format!("dial tcp {}: i/o timeout", self.uri.place())))
    }

    async fn dial(&self) -> Result<Box<dyn Stream>, String> {
        let addresses = candidates("tcp", &self.uri.place()).map_err(|why| format!("dial tcp: {why}"))?;
        let mut failure = None;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(socket) => {
                    // A socket that keeps small packets back is slower but works.
                    let _ = socket.set_nodelay(true);
                    let Some((config, name)) = &self.tls else { return Ok(Box::new(socket)) };
                    let shaken = TlsConnector::from(config.clone()).connect(name.clone(), socket).await;
                    return match shaken {
                        Ok(encrypted) => Ok(Box::new(encrypted)),
                        Err(error) => Err(cause(&error)),
                    };
                }
                Err(error) => {
                    failure.get_or_insert(format!("dial tcp {address}: connect: {}", reason(&error)));
                }
            }
        }
        Err(failure.unwrap_or_else(|| format!("dial tcp: {}: no address", self.uri.place())))
    }
}

/// Why a read or write failed.
pub(super) fn cause(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "EOF".into(),
        // Of TLS.
        std::io::ErrorKind::InvalidData => error.to_string(),
        _ => reason(error),
    }
}
