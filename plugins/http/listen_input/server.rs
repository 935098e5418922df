//! Connections and requests.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heka_plugin::{Log, Stop};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, EXPECT, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::access::Access;
use super::query::unescape;
use super::request::{Facts, Shape};
use super::room::{Place, Room};
use super::work::{Hand, Job, Outcome, Slot};
use crate::addressing::{canonical, reason};
use crate::complaint::Complaint;

/// Longest head of a request.
const HEAD_SIZE_MAX: usize = 64 * 1024;
/// Most headers of a request.
const HEADERS_MAX: usize = 256;
/// Of a body that nobody wants so much is read, so that the peer, which may still be sending, gets the reply.
const UNWANTED_SIZE_MAX: usize = 256 * 1024;
/// And for so long.
const UNWANTED_TIME: Duration = Duration::from_secs(2);
/// Pause after the system could not give a connection (no descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How much of everything.
#[derive(Clone)]
pub(super) struct Limits {
    /// Connections at once.
    pub(super) connections: usize,
    /// Bytes of a body.
    pub(super) body_size: usize,
    /// Silence of a peer.
    pub(super) patience: Duration,
    /// What is granted to requests that have begun when hekad stops.
    pub(super) last_requests: Duration,
    /// All bodies.
    pub(super) room: Room,
}

/// What is the same for all connections.
pub(super) struct Server {
    pub(super) shape: Arc<Shape>,
    pub(super) access: Access,
    /// Headers of every reply.
    pub(super) replies: HeaderMap,
    pub(super) limits: Limits,
    pub(super) log: Arc<dyn Log>,
    pub(super) work: Hand,
}

/// Serves until a stop is requested and what had begun is done.
///
/// # Errors
/// The system refuses what is needed.
pub(super) fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    server: Server,
    stop: &Stop,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (tell, heard) = watch::channel(false);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // The stop signal does not wake tasks, so a thread hears it for them.
        let listen = || {
            while !stop.wait(Duration::from_secs(1)) && !ended.load(Ordering::Acquire) {}
            tell.send_replace(true);
        };
        std::thread::Builder::new().name("http stop".into()).spawn_scoped(scope, listen)?;
        let result = runtime.block_on(accept(listener, tls.map(TlsAcceptor::from), Arc::new(server), heard));
        ended.store(true, Ordering::Release);
        // With it go the connections that were not done in time.
        drop(runtime);
        result
    })
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    server: Arc<Server>,
    mut heard: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let most = server.limits.connections;
    let free = Arc::new(Semaphore::new(most));
    let mut complaint = Complaint::default();
    loop {
        let next = async {
            let permit = free.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            _ = heard.wait_for(|stopped| *stopped) => break,
            next = next => next,
        };
        match accepted {
            Ok((socket, peer)) => {
                let connection =
                    connection(server.clone(), socket, canonical(peer), tls.clone(), heard.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(error) => {
                let why = format!("accept failed: {}", reason(&error));
                if complaint.is_due(&why) {
                    server.log.error(&why);
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    // What is not done in time is dropped with the runtime.
    let _ = timeout(server.limits.last_requests, free.acquire_many(all)).await;
    Ok(())
}

async fn connection(
    server: Arc<Server>,
    socket: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    heard: watch::Receiver<bool>,
) {
    // A socket that keeps small packets back is slower but works.
    let _ = socket.set_nodelay(true);
    let Some(tls) = tls else { return talk(server, socket, peer, heard).await };
    match timeout(server.limits.patience, tls.accept(socket)).await {
        Ok(Ok(stream)) => talk(server, stream, peer, heard).await,
        Ok(Err(error)) => server.log.info(&format!("TLS with {peer} failed: {error}")),
        Err(_) => {}
    }
}

async fn talk<S>(server: Arc<Server>, stream: S, peer: SocketAddr, mut heard: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let slot = server.work.slot();
    let patience = server.limits.patience;
    let service = service_fn(move |request| {
        let (server, slot) = (server.clone(), slot.clone());
        async move { Ok::<_, Infallible>(server.answer(request, peer, slot).await) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(HEAD_SIZE_MAX)
        .max_headers(HEADERS_MAX)
        .title_case_headers(true)
        // A peer may end its side when it has sent its request.
        .half_close(true);
    let mut talk = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    // How a connection ends is too usual to speak of.
    let ended = tokio::select! {
        result = talk.as_mut() => Some(result),
        _ = heard.wait_for(|stopped| *stopped) => None,
    };
    if ended.is_none() {
        talk.as_mut().graceful_shutdown();
        let _ = talk.await;
    }
}

/// Why a body is not taken.
enum Refusal {
    /// It is larger than `max_body_size`.
    TooLarge,
    /// There is no room for it beside those of others.
    NoRoom,
    /// The peer was silent for too long.
    Silent,
    /// It is cut off or not well-formed.
    Broken,
}

impl Server {
    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        slot: Arc<Slot>,
    ) -> Response<Full<Bytes>> {
        let (parts, mut body) = request.into_parts();
        // A peer that waits to be told does not send.
        let sends = !parts.headers.contains_key(EXPECT);
        let Some(facts) = Facts::of(&parts, peer, &self.shape) else {
            return self.refuse(StatusCode::BAD_REQUEST);
        };
        if let Err(why) = self.access.check(&parts.headers) {
            self.log.error(why);
            if sends {
                read_unwanted(&mut body).await;
            }
            let mut reply = self.reply(self.access.failure);
            if let Some(challenge) = self.access.challenge() {
                reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            return reply;
        }
        let mut place = self.limits.room.place();
        let read = self.read(&mut body, &mut place).await;
        let body = match read {
            Ok(body) => body,
            Err(refusal) => {
                drop(place);
                if sends {
                    read_unwanted(&mut body).await;
                }
                return match refusal {
                    Refusal::TooLarge => self.refuse(StatusCode::PAYLOAD_TOO_LARGE),
                    Refusal::NoRoom => self.refuse(StatusCode::SERVICE_UNAVAILABLE),
                    Refusal::Silent => self.refuse(StatusCode::REQUEST_TIMEOUT),
                    Refusal::Broken => self.refuse(StatusCode::BAD_REQUEST),
                };
            }
        };
        let body = if self.shape.unescapes { unescape(&body, true).map(Into::into) } else { Some(body) };
        match body {
            None => self.refuse(StatusCode::BAD_REQUEST),
            Some(body) if body.is_empty() => self.reply(StatusCode::OK),
            Some(body) => {
                let (answer, outcome) = oneshot::channel();
                let shape = self.shape.clone();
                self.work.give(Job { peer, slot, facts, shape, body, place, answer });
                match outcome.await {
                    Ok(Outcome::Held) => self.reply(StatusCode::OK),
                    Ok(Outcome::Failed) => self.refuse(StatusCode::INTERNAL_SERVER_ERROR),
                    Ok(Outcome::Stopped) | Err(_) => self.refuse(StatusCode::SERVICE_UNAVAILABLE),
                }
            }
        }
    }

    /// Reads a body to its end.
    async fn read(&self, body: &mut Incoming, place: &mut Place) -> Result<Vec<u8>, Refusal> {
        let most = self.limits.body_size;
        if body.size_hint().lower() > most as u64 {
            return Err(Refusal::TooLarge);
        }
        let mut bytes = Vec::new();
        while let Some(frame) =
            timeout(self.limits.patience, body.frame()).await.map_err(|_| Refusal::Silent)?
        {
            let Ok(data) = frame.map_err(|_| Refusal::Broken)?.into_data() else { continue };
            if bytes.len() + data.len() > most {
                return Err(Refusal::TooLarge);
            }
            if !place.grow_to(bytes.len() + data.len()) {
                return Err(Refusal::NoRoom);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes)
    }

    fn reply(&self, status: StatusCode) -> Response<Full<Bytes>> {
        let mut reply = Response::new(Full::default());
        *reply.status_mut() = status;
        reply.headers_mut().clone_from(&self.replies);
        reply
    }

    /// A reply that says what is wrong.
    fn refuse(&self, status: StatusCode) -> Response<Full<Bytes>> {
        let mut reply = self.reply(status);
        *reply.body_mut() = Full::from(format!("{status}\n"));
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        reply.headers_mut().insert(CONTENT_TYPE, text);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        reply
    }
}

async fn read_unwanted(body: &mut Incoming) {
    let read = async {
        let mut left = UNWANTED_SIZE_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let size = frame.data_ref().map_or(0, Bytes::len);
            let Some(less) = left.checked_sub(size) else { return };
            left = less;
        }
    };
    // Whether it came to its end does not matter.
    let _ = timeout(UNWANTED_TIME, read).await;
}
