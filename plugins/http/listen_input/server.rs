//! Requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use heka_plugin::Log;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, EXPECT, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Request, Response, StatusCode};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::access::Access;
use super::request::{Facts, Shape};
use super::room::{Place, Room};
use super::work::{Hand, Job, Outcome, Slot};
use crate::http_server::query::unescape;
use crate::http_server::{Rules, Service};

/// Of a body that nobody wants so much is read, so that the peer, which may still be sending, gets the reply.
const UNWANTED_SIZE_MAX: usize = 256 * 1024;
/// And for so long.
const UNWANTED_TIME: Duration = Duration::from_secs(2);

/// How much of everything.
#[derive(Clone)]
pub(super) struct Limits {
    /// Connections.
    pub(super) rules: Rules,
    /// Bytes of a body.
    pub(super) body_size: usize,
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

impl Service for Server {
    type Body = Full<Bytes>;
    type Connection = Arc<Slot>;

    fn connection(&self) -> Arc<Slot> {
        self.work.slot()
    }

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
}

impl Server {
    /// Reads a body to its end.
    async fn read(&self, body: &mut Incoming, place: &mut Place) -> Result<Vec<u8>, Refusal> {
        let most = self.limits.body_size;
        if body.size_hint().lower() > most as u64 {
            return Err(Refusal::TooLarge);
        }
        let mut bytes = Vec::new();
        while let Some(frame) =
            timeout(self.limits.rules.patience, body.frame()).await.map_err(|_| Refusal::Silent)?
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
