//! Takes messages from the bodies of HTTP requests.

mod access;
mod request;
mod room;
mod server;
mod work;

use std::sync::Arc;
use std::time::Duration;

use heka_plugin::config::Pairs;
use heka_plugin::input::InputPlugin;
use heka_plugin::{ConfigError, Context, Inlet, Input, PluginDef, PluginError, Stop, registry};
use hyper::header::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use self::access::Access;
use self::request::Shape;
use self::room::Room;
use self::server::{Limits, Server};
use crate::http_server::{self, Rules, reply_headers};
use crate::tls::TlsOptions;

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<HttpListenInput>();

/// Connections that are open at once. More wait until they are taken.
const CONNECTIONS_MAX: usize = 10_000;
/// Bodies of all requests that are being read or wait for the queue, together.
const BODIES_SIZE_MAX: usize = 512 << 20;
/// Without a byte from the peer for so long its connection ends, be it between requests or within one.
const PATIENCE: Duration = Duration::from_secs(300);
/// When hekad stops, requests that have begun are served for so long.
const LAST_REQUESTS: Duration = Duration::from_secs(5);
/// No message may be larger in the queue, and the body is not all of a message.
const BODY_SIZE_LIMIT: u32 = 255 << 20;

/// Listens for HTTP requests, whose bodies are the data.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "http.HttpListenInputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen, as `host:port`. Without a host it is everywhere.
    pub address: String,
    /// Headers of every reply; each has a list of values.
    pub headers: Pairs<Vec<String>>,
    /// Names of request headers that become fields of the message, unless they are empty.
    pub request_headers: Vec<String>,
    /// `Basic`: requests need `username` and `password`. `API`: they need `api_key` in the header `X-API-Key`. Anything
    /// else: requests need nothing.
    pub auth_type: String,
    /// For `Basic`. Without it nothing is checked.
    pub username: String,
    /// For `Basic`. Without it nothing is checked.
    pub password: String,
    /// For `API`. Without it nothing is checked.
    pub api_key: String,
    /// Status of the reply to a request that fails authentication. Such a request is always ignored, but Heka answers it
    /// with 200; 401 tells the sender.
    pub auth_failure_status: u16,
    /// Bodies are URL-encoded text (`+` and `%XX`), which is decoded. One that is not well-formed gives no message.
    pub unescape_body: bool,
    /// Largest body in bytes, at most 255 MiB. A larger one is answered with 413 and gives no message.
    pub max_body_size: u32,
    /// Connections are encrypted; needs a `[x.tls]` sub-section with `cert_file` and `key_file`.
    pub use_tls: bool,
    /// How.
    pub tls: TlsOptions,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            address: "127.0.0.1:8325".into(),
            headers: Pairs::default(),
            request_headers: Vec::new(),
            auth_type: String::new(),
            username: String::new(),
            password: String::new(),
            api_key: String::new(),
            auth_failure_status: 200,
            unescape_body: false,
            max_body_size: 64 << 20,
            use_tls: false,
            tls: TlsOptions::default(),
        }
    }
}

/// Takes HTTP requests of any method and path. The body is split and decoded by itself; what is known of the request goes
/// into each message's fields. The reply is 200 without a body, and comes when the queue holds all messages of the request:
/// while it takes none, requests wait. A request without body makes no message.
pub struct HttpListenInput {
    address: String,
    tls: Option<TlsOptions>,
    shape: Arc<Shape>,
    access: Access,
    replies: HeaderMap,
    limits: Limits,
    log: Arc<dyn heka_plugin::Log>,
    /// Told where it listens, once it does.
    #[cfg(test)]
    listens: Option<std::sync::mpsc::Sender<std::net::SocketAddr>>,
}

impl InputPlugin for HttpListenInput {
    type Config = Config;
    const NAME: &'static str = "HttpListenInput";

    fn open(config: Config, context: &Context) -> Result<HttpListenInput, ConfigError> {
        if config.max_body_size > BODY_SIZE_LIMIT {
            return Err(ConfigError::Init(format!("`max_body_size` can be at most {BODY_SIZE_LIMIT}.")));
        }
        if config.auth_type != "Basic" && config.auth_type != "API" && !config.auth_type.is_empty() {
            let why =
                format!("auth_type \"{}\" is neither Basic nor API: nothing is checked", config.auth_type);
            context.log.info(&why);
        }
        Ok(HttpListenInput {
            replies: reply_headers(&config.headers)?,
            access: Access::new(&config)?,
            shape: Arc::new(Shape {
                headers: config.request_headers,
                pid: context.globals.pid,
                hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
                unescapes: config.unescape_body,
            }),
            address: config.address,
            tls: config.use_tls.then_some(config.tls),
            limits: Limits {
                rules: Rules {
                    connections: CONNECTIONS_MAX,
                    patience: PATIENCE,
                    last_requests: LAST_REQUESTS,
                },
                body_size: config.max_body_size as usize,
                room: Room::of(BODIES_SIZE_MAX),
            },
            log: context.log.clone(),
            #[cfg(test)]
            listens: None,
        })
    }
}

impl Input for HttpListenInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let tls = self.tls.as_ref().map(|tls| {
            tls.remarks().iter().for_each(|remark| self.log.info(remark));
            tls.server(true)
        });
        let tls = tls.transpose().map_err(PluginError::Run)?;
        let listener = http_server::listen(&self.address)
            .map_err(|why| PluginError::Run(format!("Listener [{}] start fail: {why}", self.address)))?;
        #[cfg(test)]
        if let (Some(listens), Ok(address)) = (self.listens.take(), listener.local_addr()) {
            let _ = listens.send(address);
        }
        work::with_workers(inlet, stop, |hand| {
            let server = Server {
                shape: self.shape.clone(),
                access: self.access.clone(),
                replies: self.replies.clone(),
                limits: self.limits.clone(),
                log: self.log.clone(),
                work: hand,
            };
            let (rules, log) = (self.limits.rules, self.log.clone());
            http_server::serve(listener, tls, Arc::new(server), rules, log, stop)
        })
        .map_err(|error| PluginError::Run(format!("Serve fail: {error}")))
    }
}

#[cfg(test)]
mod tests;
