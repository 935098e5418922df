//! Which path is answered by whom.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use heka_plugin::{Stop, Telemetry, Verdict};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, LOCATION,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};

use super::body::Reply;
use super::history::History;
use super::{api, files, page};
use crate::http_server::Service;

/// What is the same for all requests.
pub(super) struct Site {
    /// The folder that is served; `None`: none, and no page either.
    pub(super) root: Option<PathBuf>,
    /// Headers of every reply, which go before our own.
    pub(super) headers: HeaderMap,
    /// What hekad tells of itself.
    pub(super) telemetry: Arc<dyn Telemetry>,
    /// Figures of the last hour.
    pub(super) history: Arc<Mutex<History>>,
    /// Taps that are open.
    pub(super) taps: Arc<AtomicUsize>,
    /// Only this machine can reach it.
    pub(super) local: bool,
    /// Ends taps.
    pub(super) stop: Stop,
}

impl Service for Site {
    type Body = Reply;
    type Connection = ();

    fn connection(&self) {}

    async fn answer(&self, request: Request<Incoming>, _: SocketAddr, (): ()) -> Response<Reply> {
        let is_head = request.method() == Method::HEAD;
        let mut reply = self.reply(&request);
        if is_head {
            let size = hyper::body::Body::size_hint(reply.body()).exact();
            if let Some(size) = size.filter(|_| reply.status() != StatusCode::NOT_MODIFIED) {
                reply.headers_mut().insert(CONTENT_LENGTH, size.into());
            }
            *reply.body_mut() = Reply::Whole(Bytes::new());
        }
        let headers = reply.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        for name in self.headers.keys() {
            headers.remove(name);
        }
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        reply
    }
}

impl Site {
    fn reply<B>(&self, request: &Request<B>) -> Response<Reply> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut reply = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return reply;
        }
        let path = request.uri().path();
        match path {
            "/metrics" => {
                let text = self.telemetry.metrics().into_bytes();
                return fresh(with_body(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text));
            }
            "/health" => return verdict(&self.telemetry.health()),
            "/ready" => return verdict(&self.telemetry.ready()),
            _ => {}
        }
        let Some(root) = &self.root else {
            let text = "hekad serves /metrics, /health and /ready here\n";
            return plain(if path == "/" { StatusCode::OK } else { StatusCode::NOT_FOUND }, text);
        };
        if let Err(why) = self.is_asked_by_name(request.headers()) {
            return plain(StatusCode::FORBIDDEN, why);
        }
        // A page from elsewhere may not have a browser start work here, though it could not read the reply.
        if request.headers().get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
            return plain(StatusCode::FORBIDDEN, "asked by a page from elsewhere\n");
        }
        if path == "/hekad" {
            return found("hekad/");
        }
        if let Some(call) = path.strip_prefix("/hekad/api/") {
            return fresh(api::answer(self, call, request.uri().query().unwrap_or_default()));
        }
        if let Some(asset) = path.strip_prefix("/hekad/") {
            return page::answer(asset, request.headers());
        }
        files::answer(root, path, request.headers()).unwrap_or_else(|| found("hekad/"))
    }

    /// A server that only this machine reaches is asked by an address or a name of this machine. Any other name was made to
    /// lead here by a page from elsewhere that wants to read messages in the user's browser.
    fn is_asked_by_name(&self, head: &HeaderMap) -> Result<(), &'static str> {
        let host = head.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        let own = rustix::system::uname();
        let known = name.is_empty()
            || name == "localhost"
            || name.ends_with(".localhost")
            || name.parse::<IpAddr>().is_ok()
            || own.nodename().to_bytes().eq_ignore_ascii_case(name.as_bytes());
        if !self.local || known {
            return Ok(());
        }
        Err(
            "hekad listens on this machine only and is asked by another name; a proxy must set the header Host to the address \
             that it connects to, or DashboardOutput an `address` that is no loopback address\n",
        )
    }
}

fn verdict(verdict: &Verdict) -> Response<Reply> {
    let status = if verdict.is_good() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    fresh(plain(status, &verdict.to_string()))
}

fn found(to: &'static str) -> Response<Reply> {
    let mut reply = plain(StatusCode::FOUND, "");
    reply.headers_mut().insert(LOCATION, HeaderValue::from_static(to));
    reply
}

/// A reply that nobody keeps.
fn fresh(mut reply: Response<Reply>) -> Response<Reply> {
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// A reply of text.
pub(super) fn plain(status: StatusCode, text: &str) -> Response<Reply> {
    with_body(status, "text/plain; charset=utf-8", text.as_bytes().to_vec())
}

/// A reply of any media type.
pub(super) fn with_body(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Reply> {
    let mut reply = Response::new(Reply::Whole(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}
