//! One request and its reply, over a connection that is kept.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::ext::ReasonPhrase;
use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, HeaderValue, LOCATION, PROXY_AUTHORIZATION,
};
use hyper::{Request, Response, Version};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::failure::{Failure, of_io};
use super::header::{basic, head};
use super::proxy::{Proxies, tunnel};
use super::redirect::Step;
use super::{Reply, Url};
use crate::addressing::{candidates, reason};
use crate::tls::TlsOptions;

/// The longest wait for a connection, as in Go.
const CONNECT_TIME: Duration = Duration::from_secs(30);
/// The longest wait for TLS, as in Go.
const TLS_TIME: Duration = Duration::from_secs(10);

type Sender = SendRequest<Full<Bytes>>;

/// The connection, and how to make one.
pub(super) struct Line {
    tls: TlsOptions,
    /// What the options come to, for one host.
    tls_ready: Option<(String, Arc<ClientConfig>, ServerName<'static>)>,
    proxies: Proxies,
    body_size_max: usize,
    cut: bool,
    /// The longest wait for a connection, if it is limited further.
    connect_time: Option<Duration>,
    /// The longest wait between a request and the beginning of its reply.
    header_time: Option<Duration>,
    /// The connection, and what it leads to.
    open: Option<(String, Sender)>,
}

impl Line {
    pub(super) fn new(tls: TlsOptions, proxies: Proxies, body_size_max: usize, cut: bool) -> Line {
        Line {
            tls,
            tls_ready: None,
            proxies,
            body_size_max,
            cut,
            connect_time: None,
            header_time: None,
            open: None,
        }
    }

    /// Limits the wait for a connection, the lookup of the name included.
    pub(super) fn limit_connecting(&mut self, time: Duration) {
        self.connect_time = Some(time);
    }

    /// Limits the wait between a request and the beginning of its reply.
    pub(super) fn limit_silence(&mut self, time: Duration) {
        self.header_time = Some(time);
    }

    /// Has it use other proxies.
    #[cfg(test)]
    pub(super) fn set_proxies(&mut self, proxies: Proxies) {
        self.proxies = proxies;
    }

    /// Ends the connection.
    pub(super) fn hang_up(&mut self) {
        self.open = None;
    }

    /// Sends a request and reads the reply.
    ///
    /// # Errors
    /// No whole reply came.
    pub(super) async fn exchange(&mut self, step: &Step<'_>) -> Result<Reply, Failure> {
        let url = &step.url;
        if url.scheme != "http" && url.scheme != "https" {
            return Err(Failure::Said(format!("unsupported protocol scheme {:?}", url.scheme)));
        }
        if url.host.is_empty() {
            return Err(Failure::Said("http: no Host in request URL".into()));
        }
        let began = Instant::now();
        let proxy = self.proxies.of(url).map_err(Failure::Said)?;
        let (request, decompresses) = request(step, proxy.as_ref())?;
        let key = format!("{}://{} {:?}", url.scheme, url.place(), proxy.as_ref().map(Url::place));
        let kept = self.open.take().filter(|(to, sender)| *to == key && !sender.is_closed());
        let mut was_kept = kept.is_some();
        let mut sender = match kept {
            Some((_, sender)) => sender,
            None => self.connect(url, proxy.as_ref()).await?,
        };
        let response = loop {
            match send(&mut sender, request.clone(), self.header_time).await {
                Ok(response) => break response,
                Err(Failure::Silent) => return Err(Failure::Silent),
                // The peer may have ended a connection that was idle.
                Err(_) if was_kept => {
                    was_kept = false;
                    sender = self.connect(url, proxy.as_ref()).await?;
                }
                Err(failure) => return Err(failure),
            }
        };
        let waited = began.elapsed();
        let (reply, is_whole) = self.read(response, decompresses, waited).await?;
        if is_whole {
            self.open = Some((key, sender));
        }
        Ok(reply)
    }

    async fn connect(&mut self, url: &Url, proxy: Option<&Url>) -> Result<Sender, Failure> {
        let dialed = dial(proxy.unwrap_or(url).place());
        let late = |_| Failure::Said("dial tcp: i/o timeout".into());
        let mut socket = match self.connect_time {
            Some(limit) => timeout(limit, dialed).await.map_err(late)??,
            None => dialed.await?,
        };
        if url.scheme == "http" {
            return begin(socket).await;
        }
        if let Some(proxy) = proxy {
            tunnel(&mut socket, &url.place(), proxy).await?;
        }
        let host = url.host_name();
        if self.tls_ready.as_ref().is_none_or(|(of, ..)| of != host) {
            let (config, name) = self.tls.client(host).map_err(Failure::Said)?;
            self.tls_ready = Some((host.into(), config, name));
        }
        let Some((_, config, name)) = &self.tls_ready else { return Err(Failure::Ended) };
        let shaken = TlsConnector::from(config.clone()).connect(name.clone(), socket);
        match timeout(TLS_TIME, shaken).await {
            Ok(Ok(stream)) => begin(stream).await,
            Ok(Err(error)) => Err(Failure::Said(of_io(&error))),
            Err(_) => Err(Failure::Said("net/http: TLS handshake timeout".into())),
        }
    }

    /// Reads a reply to its end; tells whether the connection can be used again.
    async fn read(
        &self,
        response: Response<Incoming>,
        decompresses: bool,
        waited: Duration,
    ) -> Result<(Reply, bool), Failure> {
        let (parts, mut incoming) = response.into_parts();
        let header = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let packed = decompresses
            && header(CONTENT_ENCODING).is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
        let mut body = Vec::new();
        let mut is_whole = true;
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| match Failure::from(error) {
                Failure::Ended => Failure::Said("unexpected EOF".into()),
                other => other,
            })?;
            if let Ok(data) = frame.into_data() {
                body.extend_from_slice(&data);
            }
            if body.len() > self.body_size_max {
                is_whole = false;
                break;
            }
        }
        if packed && !body.is_empty() {
            body = self.unpack(&body, is_whole)?;
        }
        if body.len() > self.body_size_max || !is_whole {
            if !self.cut {
                return Err(Failure::Said(format!("the body has more than {} bytes", self.body_size_max)));
            }
            body.truncate(self.body_size_max);
        }
        let words = match parts.extensions.get::<ReasonPhrase>() {
            Some(reason) => String::from_utf8_lossy(reason.as_bytes()).into_owned(),
            None => parts.status.canonical_reason().unwrap_or_default().into(),
        };
        let length = header(CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let reply = Reply {
            code: parts.status.as_u16(),
            status: format!("{} {words}", parts.status.as_u16()),
            protocol: if parts.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
            content_length: length.filter(|_| !packed),
            location: header(LOCATION).map(String::from),
            body,
            waited,
        };
        Ok((reply, is_whole))
    }

    fn unpack(&self, packed: &[u8], is_whole: bool) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        // A byte more than allowed shows that there is more.
        let most = self.body_size_max as u64 + 1;
        match MultiGzDecoder::new(packed).take(most).read_to_end(&mut body) {
            Err(error) if is_whole => Err(Failure::Said(format!("gzip: {error}"))),
            _ => Ok(body),
        }
    }
}

/// The request as it is sent, and whether its reply may be decompressed.
fn request(step: &Step<'_>, proxy: Option<&Url>) -> Result<(Request<Full<Bytes>>, bool), Failure> {
    let Step { method, url, headers, body } = step;
    let said = |error: &dyn std::fmt::Display| Failure::Said(error.to_string());
    let host = HeaderValue::try_from(url.host.as_str()).map_err(|error| said(&error))?;
    let (mut sent, decompresses) = head(method, host, headers, body);
    if let Some((user, password)) = &url.user
        && !sent.contains_key(AUTHORIZATION)
    {
        sent.insert(AUTHORIZATION, basic(user, password).map_err(Failure::Said)?);
    }
    let through = proxy.filter(|_| url.scheme == "http");
    if let Some((user, password)) = through.and_then(|proxy| proxy.user.as_ref()) {
        sent.insert(PROXY_AUTHORIZATION, basic(user, password).map_err(Failure::Said)?);
    }
    let target = if through.is_some() { url.absolute() } else { url.target() };
    let mut request = Request::builder()
        .method(method.clone())
        .uri(target)
        .body(Full::from(Bytes::copy_from_slice(body)))
        .map_err(|error| said(&error))?;
    *request.headers_mut() = sent;
    Ok((request, decompresses))
}

async fn send(
    sender: &mut Sender,
    request: Request<Full<Bytes>>,
    limit: Option<Duration>,
) -> Result<Response<Incoming>, Failure> {
    sender.ready().await?;
    let sent = sender.send_request(request);
    match limit {
        Some(limit) => Ok(timeout(limit, sent).await.map_err(|_| Failure::Silent)??),
        None => Ok(sent.await?),
    }
}

async fn begin<S>(stream: S) -> Result<Sender, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        Builder::new().title_case_headers(true).handshake(TokioIo::new(stream)).await?;
    // How it ends is heard by whoever waits for a reply.
    tokio::spawn(connection);
    Ok(sender)
}

async fn dial(place: String) -> Result<TcpStream, Failure> {
    let named = place.clone();
    let found = tokio::task::spawn_blocking(move || candidates("tcp", &named)).await;
    let addresses = found
        .unwrap_or_else(|_| Err(format!("lookup {place}: no such host")))
        .map_err(|why| Failure::Said(format!("dial tcp: {why}")))?;
    let mut failure = None;
    for address in addresses {
        match timeout(CONNECT_TIME, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => {
                // A socket that keeps small packets back is slower but works.
                let _ = socket.set_nodelay(true);
                return Ok(socket);
            }
            Ok(Err(error)) => {
                failure.get_or_insert(format!("dial tcp {address}: connect: {}", reason(&error)));
            }
            Err(_) => {
                failure.get_or_insert(format!("dial tcp {address}: i/o timeout"));
            }
        }
    }
    Err(Failure::Said(failure.unwrap_or_else(|| format!("dial tcp: lookup {place}: no such host"))))
}
