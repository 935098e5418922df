//! An HTTP client that peers cannot tell from Go's: header fields and their order, redirects, compression, proxies from the
//! environment, the texts of errors. It is for a plugin that waits for each reply on its own thread; one connection is kept
//! from call to call.

mod exchange;
mod failure;
mod header;
mod proxy;
mod redirect;
mod url;

#[cfg(test)]
pub(crate) mod fake_server;

use std::time::{Duration, Instant};

use heka_plugin::Stop;
use hyper::Method;
use hyper::header::HeaderMap;
use tokio::runtime::Runtime;

use self::exchange::Line;
use self::failure::Failure;
pub(crate) use self::header::basic;
use self::proxy::Proxies;
use self::redirect::Step;
pub(crate) use self::url::Url;
use crate::tls::TlsOptions;

/// How late a stop is heard during a call.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// Redirects that are followed.
const REDIRECTS_MAX: usize = 10;

/// What is asked for.
pub(crate) struct Call<'a> {
    /// The method, spelt as it is sent.
    pub(crate) method: &'a str,
    /// Of whom.
    pub(crate) url: &'a Url,
    /// Headers beside those that every call has. Given here, these count: `User-Agent`, `Accept-Encoding`.
    pub(crate) headers: &'a HeaderMap,
    /// The body, if any.
    pub(crate) body: &'a [u8],
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) code: u16,
    /// The status with the server's words for it: `200 OK`.
    pub(crate) status: String,
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub(crate) protocol: &'static str,
    /// What the header `Content-Length` says; not of a body that came compressed.
    pub(crate) content_length: Option<i64>,
    /// The body, decompressed.
    pub(crate) body: Vec<u8>,
    /// Time until the headers were there.
    pub(crate) waited: Duration,
    /// Where to look instead.
    location: Option<String>,
}

#[cfg(test)]
impl Reply {
    /// One that no server has sent.
    pub(crate) fn for_test(code: u16, status: &str, body: &[u8], waited: Duration) -> Reply {
        let (status, body) = (status.to_owned(), body.to_vec());
        Reply { code, status, protocol: "HTTP/1.1", content_length: None, body, waited, location: None }
    }
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// hekad stops.
    #[error("hekad stops")]
    Stopped,
    /// Go's text.
    #[error("{0}")]
    Failed(String),
}

/// What makes a client.
#[derive(Default)]
pub(crate) struct Options {
    /// How `https` is spoken.
    pub(crate) tls: TlsOptions,
    /// The longest call; `None`: there is no limit.
    pub(crate) timeout: Option<Duration>,
    /// The environment's proxies are used.
    pub(crate) proxied: bool,
    /// Bytes of a body that are kept, after decompression. A longer one is an error, unless `cut`.
    pub(crate) body_size_max: usize,
    /// A longer body is cut off.
    pub(crate) cut: bool,
}

/// A client with at most one open connection.
pub(crate) struct Client {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    line: Line,
    timeout: Option<Duration>,
}

impl Client {
    /// A client that has not connected yet.
    ///
    /// # Errors
    /// The system refuses what it needs.
    pub(crate) fn new(options: Options) -> Result<Client, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let proxies = if options.proxied { Proxies::of_environment() } else { Proxies::default() };
        Ok(Client {
            runtime: Some(runtime.map_err(|error| error.to_string())?),
            timeout: options.timeout,
            line: Line::new(options.tls, proxies, options.body_size_max, options.cut),
        })
    }

    /// Limits the wait for a connection, the lookup of the name included.
    pub(crate) fn limit_connecting(&mut self, time: Duration) {
        self.line.limit_connecting(time);
    }

    /// Limits the wait between a request and the beginning of its reply.
    pub(crate) fn limit_silence(&mut self, time: Duration) {
        self.line.limit_silence(time);
    }

    /// Makes a call and waits for the reply. Redirects are followed.
    ///
    /// # Errors
    /// No reply came; which status it has is not looked at.
    pub(crate) fn call(&mut self, call: &Call<'_>, stop: &Stop) -> Result<Reply, CallError> {
        let Some(runtime) = &self.runtime else { return Err(CallError::Stopped) };
        let limit = self.timeout.map(|time| Instant::now() + time);
        let line = &mut self.line;
        runtime.block_on(async {
            let stopped = async {
                while !stop.is_requested() {
                    tokio::time::sleep(STOP_CHECK).await;
                }
            };
            let late = async {
                match limit {
                    Some(limit) => tokio::time::sleep_until(limit.into()).await,
                    None => std::future::pending().await,
                }
            };
            let outcome = tokio::select! {
                biased;
                outcome = follow(line, call) => Some(outcome),
                () = late => Some(Err((call.url.clone(), Failure::Late))),
                () = stopped => None,
            };
            match outcome {
                Some(Ok(reply)) => Ok(reply),
                Some(Err((url, failure))) => {
                    line.hang_up();
                    Err(CallError::Failed(format!("{} \"{}\": {failure}", verb(call.method), url.shown())))
                }
                None => {
                    line.hang_up();
                    Err(CallError::Stopped)
                }
            }
        })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Not to wait for a name that is being looked up.
            runtime.shutdown_background();
        }
    }
}

/// Makes a call, and those that redirects lead to.
async fn follow(line: &mut Line, call: &Call<'_>) -> Result<Reply, (Url, Failure)> {
    let method = Method::from_bytes(call.method.as_bytes()).map_err(|_| {
        (call.url.clone(), Failure::Said(format!("net/http: invalid method {:?}", call.method)))
    })?;
    let mut step = Step { method, url: call.url.clone(), headers: call.headers.clone(), body: call.body };
    let mut redirects = 0;
    loop {
        let reply = line.exchange(&step).await.map_err(|failure| (step.url.clone(), failure))?;
        let Some(next) = step.next(&reply, call).map_err(|why| (step.url.clone(), Failure::Said(why)))?
        else {
            return Ok(reply);
        };
        step = next;
        redirects += 1;
        if redirects == REDIRECTS_MAX {
            let why = format!("stopped after {REDIRECTS_MAX} redirects");
            return Err((step.url, Failure::Said(why)));
        }
    }
}

/// A method the way Go begins its errors: `Get`.
fn verb(method: &str) -> String {
    let mut letters = method.chars();
    letters.next().map_or_else(String::new, |first| {
        std::iter::once(first).chain(letters.flat_map(char::to_lowercase)).collect()
    })
}

#[cfg(test)]
mod tests;
