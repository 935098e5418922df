//! Takes datagrams.

mod descriptor;
pub(crate) mod socket;
pub(in crate::udp) mod socket_file;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use heka_plugin::input::InputPlugin;
use heka_plugin::{ConfigError, Context, Inlet, Input, PluginDef, PluginError, Stop, registry};
use schemars::JsonSchema;
use serde::Deserialize;

use self::socket::{DatagramSocket, Received};
use crate::complaint::Complaint;

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<UdpInput>();

/// The largest datagram that is taken whole. UDP has none larger.
const BUFFER_SIZE: usize = 64 * 1024;
/// How long a wait for a datagram lasts, and so how late a stop is heard.
const WAIT: Duration = Duration::from_millis(100);
/// When hekad stops, what has arrived is still read, for at most so long.
const LAST_READS: Duration = Duration::from_secs(1);

/// Listens for UDP or unixgram packets.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "udp.UdpInputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// `udp`, `udp4`, `udp6` or `unixgram`.
    pub net: String,
    /// Where to listen: `host:port`; `fd:N` for a socket that hekad inherited; for `unixgram` the path of a socket, or `@`
    /// and a name for one that is no file.
    pub address: String,
    /// Messages carry the sender's address as Hostname.
    pub set_hostname: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { net: "udp".into(), address: String::new(), set_hostname: false }
    }
}

/// Takes datagrams of all senders as one stream, so that a record may reach from one datagram into the next. With the
/// default splitter each datagram is a record. Messages carry the input's name as Type and Logger, unless the splitter
/// finds whole messages.
pub struct UdpInput {
    name: String,
    socket: DatagramSocket,
    set_hostname: bool,
}

impl InputPlugin for UdpInput {
    type Config = Config;
    const NAME: &'static str = "UdpInput";

    fn open(config: Config, context: &Context) -> Result<UdpInput, ConfigError> {
        let Config { net, address, set_hostname } = config;
        let refused = |why: &str| if set_hostname { Err(ConfigError::init(why)) } else { Ok(()) };
        let socket = if net == "unixgram" {
            refused("Can't set Hostname from Unix datagram.")?;
            if context.only_check { DatagramSocket::idle() } else { DatagramSocket::unix(&address) }
        } else if let Some(number) = address.strip_prefix("fd:").filter(|number| !number.is_empty()) {
            refused("Can't set Hostname from file descriptor.")?;
            if context.only_check { DatagramSocket::idle() } else { DatagramSocket::inherited(number) }
        } else if context.only_check {
            DatagramSocket::unbound(&net, &address)
        } else {
            DatagramSocket::inet(&net, &address)
        };
        Ok(UdpInput { name: context.name.clone(), socket: socket.map_err(ConfigError::Init)?, set_hostname })
    }
}

impl Input for UdpInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let mut deliverer = inlet.deliverer("").map_err(PluginError::Run)?;
        let sender: Arc<Mutex<Option<IpAddr>>> = Arc::default();
        let (name, of) = (self.name.clone(), self.set_hostname.then(|| sender.clone()));
        deliverer.set_decorator(Box::new(move |pack| {
            let message = pack.message_mut();
            message.msg_type = Some(name.as_str().into());
            let sender = of.as_ref().and_then(|of| *of.lock().unwrap_or_else(PoisonError::into_inner));
            if let Some(ip) = sender {
                message.hostname = Some(ip.to_string().into());
            }
        }));
        let mut buffer = vec![0; BUFFER_SIZE];
        let mut complaint = Complaint::default();
        let mut last = None;
        loop {
            let stopping = stop.is_requested();
            if stopping && last.get_or_insert_with(Instant::now).elapsed() > LAST_READS {
                break;
            }
            match self.socket.receive(&mut buffer, if stopping { Duration::ZERO } else { WAIT }) {
                Received::Nothing if stopping => break,
                Received::Nothing => {}
                Received::Datagram(size, from) => {
                    if self.set_hostname {
                        *sender.lock().unwrap_or_else(PoisonError::into_inner) = from;
                    }
                    deliverer.push(&buffer[..size])?;
                }
                Received::Failed(why) => {
                    let why = format!("Read error: {why}");
                    if complaint.is_due(&why) {
                        inlet.log_error(&why);
                    }
                    stop.wait(WAIT);
                }
            }
        }
        deliverer.finish().map(drop)
    }
}

#[cfg(test)]
mod tests;
