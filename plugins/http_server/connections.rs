//! Takes connections and has their requests answered.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heka_plugin::{Log, Stop};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::{Rules, Service};
use crate::addressing::{canonical, reason};
use crate::complaint::Complaint;

/// Longest head of a request.
const HEAD_SIZE_MAX: usize = 64 * 1024;
/// Most headers of a request.
const HEADERS_MAX: usize = 256;
/// Pause after the system could not give a connection (no descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is the same for all connections.
struct House<S> {
    service: Arc<S>,
    rules: Rules,
    log: Arc<dyn Log>,
    tls: Option<TlsAcceptor>,
}

/// Serves until a stop is requested and what had begun is done.
///
/// # Errors
/// The system refuses what is needed.
pub(crate) fn serve<S: Service>(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    service: Arc<S>,
    rules: Rules,
    log: Arc<dyn Log>,
    stop: &Stop,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (tell, heard) = watch::channel(false);
    let ended = AtomicBool::new(false);
    let house = Arc::new(House { service, rules, log, tls: tls.map(TlsAcceptor::from) });
    std::thread::scope(|scope| {
        // The stop signal does not wake tasks, so a thread hears it for them.
        let listen = || {
            while !stop.wait(Duration::from_secs(1)) && !ended.load(Ordering::Acquire) {}
            tell.send_replace(true);
        };
        std::thread::Builder::new().name("http stop".into()).spawn_scoped(scope, listen)?;
        let result = runtime.block_on(accept(listener, house, heard));
        ended.store(true, Ordering::Release);
        // With it go the connections that were not done in time.
        drop(runtime);
        result
    })
}

async fn accept<S: Service>(
    listener: TcpListener,
    house: Arc<House<S>>,
    mut heard: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let most = house.rules.connections;
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
                let connection = connection(house.clone(), socket, canonical(peer), heard.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(error) => {
                let why = format!("accept failed: {}", reason(&error));
                if complaint.is_due(&why) {
                    house.log.error(&why);
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    // What is not done in time is dropped with the runtime.
    let _ = timeout(house.rules.last_requests, free.acquire_many(all)).await;
    Ok(())
}

async fn connection<S: Service>(
    house: Arc<House<S>>,
    socket: TcpStream,
    peer: SocketAddr,
    heard: watch::Receiver<bool>,
) {
    // A socket that keeps small packets back is slower but works.
    let _ = socket.set_nodelay(true);
    // A peer that takes nothing for so long is gone: the system ends the connection.
    let patience_ms = u32::try_from(house.rules.patience.as_millis()).unwrap_or(u32::MAX);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&socket, patience_ms);
    let Some(tls) = house.tls.clone() else { return talk(house, socket, peer, heard).await };
    match timeout(house.rules.patience, tls.accept(socket)).await {
        Ok(Ok(stream)) => talk(house, stream, peer, heard).await,
        Ok(Err(error)) => house.log.info(&format!("TLS with {peer} failed: {error}")),
        Err(_) => {}
    }
}

async fn talk<S: Service, T>(
    house: Arc<House<S>>,
    stream: T,
    peer: SocketAddr,
    mut heard: watch::Receiver<bool>,
) where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let shared = house.service.connection();
    let patience = house.rules.patience;
    let service = service_fn(move |request| {
        let (house, shared) = (house.clone(), shared.clone());
        async move { Ok::<_, Infallible>(house.service.answer(request, peer, shared).await) }
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
