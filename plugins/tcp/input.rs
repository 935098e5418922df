//! Takes TCP connections; each is a stream of its own.

mod connection;
mod connections;
mod listener;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

use heka_plugin::input::InputPlugin;
use heka_plugin::{
    ConfigError, Context, Inlet, Input, InputDefaults, PluginDef, PluginError, Stop, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::connection::Connection;
use self::connections::Connections;
use self::listener::Accepted;
pub(in crate::tcp) use self::listener::KeepAlive;
use crate::addressing::{canonical, resolve};
use crate::complaint::Complaint;
use crate::tls::TlsOptions;

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<TcpInput>();

/// A connection has a thread and perhaps a Lua state: this many at once, and no more.
const CONNECTIONS_MAX: usize = 10_000;
/// How long a wait for a connection lasts, and so how late a stop is heard.
const ACCEPT_WAIT: Duration = Duration::from_millis(100);
/// How long waiting peers are still taken when hekad stops.
const LAST_PEERS: Duration = Duration::from_millis(500);
/// Pause after the system could not give a connection (no descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens for TCP connections.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "tcp.TcpInputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// `tcp`, `tcp4` or `tcp6`.
    pub net: String,
    /// Where to listen, as `host:port`. Without a host it is everywhere.
    pub address: String,
    /// Connections are encrypted; needs a `[x.tls]` sub-section with `cert_file` and `key_file`.
    pub use_tls: bool,
    /// How.
    pub tls: TlsOptions,
    /// The system looks now and then whether an idle peer is still there.
    pub keep_alive: bool,
    /// Seconds between these looks; 0 leaves it to the system.
    pub keep_alive_period: i64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            net: "tcp".into(),
            address: String::new(),
            use_tls: false,
            tls: TlsOptions::default(),
            keep_alive: false,
            keep_alive_period: 0,
        }
    }
}

/// Takes TCP connections. What a peer sends is split and decoded by itself; messages carry the input's name as Type and
/// Logger and the peer's address with port as Hostname, unless the splitter finds whole messages.
pub struct TcpInput {
    name: String,
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    keep_alive: Option<KeepAlive>,
    connections_max: usize,
}

impl InputPlugin for TcpInput {
    type Config = Config;
    const NAME: &'static str = "TcpInput";
    const DEFAULTS: InputDefaults =
        InputDefaults { splitter: "HekaFramingSplitter", decoder: "ProtobufDecoder", ..InputDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<TcpInput, ConfigError> {
        let endpoint = resolve(&config.net, "tcp", &config.address)
            .map_err(|why| ConfigError::Init(format!("ResolveTCPAddress failed: {why}")))?;
        let listener = listener::listen(&config.net, &endpoint, context.only_check)
            .map_err(|why| ConfigError::Init(format!("ListenTCP failed: {why}")))?;
        let tls = config.use_tls.then(|| config.tls.server(true)).transpose().map_err(ConfigError::Init)?;
        if config.use_tls {
            config.tls.remarks().iter().for_each(|remark| context.log.info(remark));
        }
        Ok(TcpInput {
            name: context.name.clone(),
            listener,
            tls,
            keep_alive: config.keep_alive.then(|| KeepAlive::every(config.keep_alive_period)),
            connections_max: CONNECTIONS_MAX,
        })
    }
}

impl Input for TcpInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let open = Connections::default();
        let mut complaint = Complaint::default();
        std::thread::scope(|scope| {
            let mut last = None;
            loop {
                // Peers that had connected when the stop was requested are still heard.
                let stopping = stop.is_requested();
                if stopping && last.get_or_insert_with(Instant::now).elapsed() > LAST_PEERS {
                    break;
                }
                match listener::accept(&self.listener, if stopping { Duration::ZERO } else { ACCEPT_WAIT }) {
                    Accepted::Nobody if stopping => break,
                    Accepted::Nobody => {}
                    Accepted::Peer(socket, peer) => {
                        if let Err(why) = self.begin(scope, &open, (socket, canonical(peer)), inlet, stop)
                            && complaint.is_due(&why)
                        {
                            inlet.log_error(&why);
                        }
                    }
                    Accepted::Failed(why) => {
                        let why = format!("TCP accept failed: {why}");
                        if complaint.is_due(&why) {
                            inlet.log_error(&why);
                        }
                        stop.wait(ACCEPT_PAUSE);
                    }
                }
            }
            open.end_reading();
        });
        Ok(())
    }
}

impl TcpInput {
    /// Starts the thread of a connection.
    fn begin<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        open: &'scope Connections,
        (socket, peer): (TcpStream, SocketAddr),
        inlet: &'scope dyn Inlet,
        stop: &'scope Stop,
    ) -> Result<(), String> {
        if open.count() >= self.connections_max {
            return Err(format!("{} connections are open, more are refused", self.connections_max));
        }
        if let Some(keep_alive) = &self.keep_alive {
            keep_alive.set_on(&socket);
        }
        let entry = open.enter(socket);
        let connection = Connection { input: &self.name, peer, tls: self.tls.clone(), inlet, stop };
        let serve = move || {
            // A panic in a decoder ends this connection and no other.
            let served = std::panic::catch_unwind(AssertUnwindSafe(|| connection.serve(entry.socket())));
            if served.is_err() {
                inlet.log_error(&format!("the connection of {peer} is closed: its decoder panicked"));
            }
        };
        let started = Builder::new().name("tcp connection".into()).spawn_scoped(scope, serve);
        started.map(drop).map_err(|error| format!("no thread for a connection: {error}"))
    }
}

#[cfg(test)]
mod tests;
