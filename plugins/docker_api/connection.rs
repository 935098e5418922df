//! Requests to the API. Each has a connection of its own, as most replies never end.

use std::io;
use std::time::Duration;

use heka_plugin::Stop;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use super::endpoint::Endpoint;
use crate::addressing::reason;

/// How late a stop is heard during a request.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// The longest wait for a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Largest reply that is read as a whole.
const REPLY_MAX: usize = 32 << 20;

/// Why a request gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// hekad stops.
    #[error("hekad stops")]
    Stopped,
    /// The API refuses.
    #[error("API error ({code}): {text}")]
    Refused {
        /// The status.
        code: u16,
        /// What it says.
        text: String,
    },
    /// It could not be asked, or what came is no answer.
    #[error("{0}")]
    Failed(String),
}

/// What a stream gives.
pub(crate) enum Next {
    /// Bytes.
    Data(Bytes),
    /// Nothing so far.
    Nothing,
    /// The end; `Some` if it came too early.
    Ended(Option<String>),
}

/// The API of one engine.
pub(crate) struct Engine {
    endpoint: Endpoint,
}

/// A reply that is read piece by piece.
pub(crate) struct Body {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    incoming: Incoming,
}

impl Engine {
    /// The API at an endpoint. Connects to nothing yet.
    ///
    /// # Errors
    /// The options cannot be used.
    pub(crate) fn new(endpoint: &str, cert_path: &str) -> Result<Engine, String> {
        Ok(Engine { endpoint: Endpoint::parse(endpoint, cert_path)? })
    }

    /// Asks for `path`; returns once the reply begins.
    ///
    /// # Errors
    /// There is no reply, or a refusal.
    pub(crate) fn get(&self, path: &str, stop: &Stop) -> Result<Body, ApiError> {
        let failed = |error: &dyn std::fmt::Display| ApiError::Failed(error.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(&error))?;
        let response = runtime.block_on(async {
            let stopped = async {
                while !stop.is_requested() {
                    sleep(STOP_CHECK).await;
                }
            };
            tokio::select! {
                response = self.ask(path) => response.map_err(ApiError::Failed),
                () = stopped => Err(ApiError::Stopped),
            }
        })?;
        let code = response.status().as_u16();
        let mut body = Body { runtime: Some(runtime), incoming: response.into_body() };
        if (200..300).contains(&code) {
            return Ok(body);
        }
        let text = body.rest(stop)?;
        Err(ApiError::Refused { code, text: String::from_utf8_lossy(&text).trim_end().into() })
    }

    /// Asks for `path` and reads the whole reply.
    ///
    /// # Errors
    /// There is no reply, a refusal, or one that cannot be read.
    pub(crate) fn json<T: DeserializeOwned>(&self, path: &str, stop: &Stop) -> Result<T, ApiError> {
        let bytes = self.get(path, stop)?.rest(stop)?;
        serde_json::from_slice(&bytes).map_err(|error| ApiError::Failed(format!("{path}: {error}")))
    }

    async fn ask(&self, path: &str) -> Result<Response<Incoming>, String> {
        let late = |_| "i/o timeout".to_string();
        match &self.endpoint {
            Endpoint::Unix(socket) => {
                let shown = |error: &io::Error| format!("dial unix {socket}: connect: {}", reason(error));
                let stream = timeout(CONNECT_TIME, UnixStream::connect(socket)).await.map_err(late)?;
                exchange(stream.map_err(|error| shown(&error))?, "docker", path).await
            }
            Endpoint::Tcp(place, tls) => {
                let shown = |error: &io::Error| format!("dial tcp {place}: connect: {}", reason(error));
                let stream = timeout(CONNECT_TIME, TcpStream::connect(place)).await.map_err(late)?;
                let stream = stream.map_err(|error| shown(&error))?;
                let Some((config, name)) = tls else { return exchange(stream, place, path).await };
                let shaken = TlsConnector::from(config.clone()).connect(name.clone(), stream);
                let stream = timeout(CONNECT_TIME, shaken).await.map_err(late)?;
                exchange(stream.map_err(|error| error.to_string())?, place, path).await
            }
        }
    }
}

async fn exchange<S>(stream: S, host: &str, path: &str) -> Result<Response<Incoming>, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    tokio::spawn(connection);
    let request = Request::get(path).header(HOST, host).body(Empty::<Bytes>::new());
    sender.send_request(request.map_err(|error| error.to_string())?).await.map_err(failed)
}

impl Body {
    /// Waits for more for at most `wait`.
    pub(crate) fn next(&mut self, wait: Duration) -> Next {
        let Some(runtime) = &self.runtime else { return Next::Ended(None) };
        let incoming = &mut self.incoming;
        match runtime.block_on(async { timeout(wait, incoming.frame()).await }) {
            Err(_) => Next::Nothing,
            Ok(None) => Next::Ended(None),
            Ok(Some(Err(error))) => Next::Ended(Some(error.to_string())),
            Ok(Some(Ok(frame))) => frame.into_data().map_or(Next::Nothing, Next::Data),
        }
    }

    fn rest(&mut self, stop: &Stop) -> Result<Vec<u8>, ApiError> {
        let mut bytes = Vec::new();
        loop {
            match self.next(STOP_CHECK) {
                _ if stop.is_requested() => return Err(ApiError::Stopped),
                Next::Data(more) => bytes.extend_from_slice(&more),
                Next::Nothing => {}
                Next::Ended(None) => return Ok(bytes),
                Next::Ended(Some(why)) => return Err(ApiError::Failed(why)),
            }
            if bytes.len() > REPLY_MAX {
                return Err(ApiError::Failed(format!("a reply has more than {REPLY_MAX} bytes")));
            }
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Not to wait for a name that is being looked up.
            runtime.shutdown_background();
        }
    }
}
