//! Makes messages of what happens in a Docker engine.

use std::time::Duration;

use heka_message::Field;
use heka_plugin::input::InputPlugin;
use heka_plugin::{
    ConfigError, Context, Deliverer, Inlet, Input, InputDefaults, Pack, PluginDef, PluginError, Stop,
    fresh_uuid, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::docker_api::{ApiError, Backoff, DEFAULT_ENDPOINT, Engine, Lines, Next};

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<DockerEventInput>();

/// Longest wait for an event.
const WAIT: Duration = Duration::from_millis(100);
/// How often the engine is asked in vain before the input ends, so that `[retries]` counts.
const ATTEMPTS_MAX: u32 = 10;

/// Tells the events of a Docker engine.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "docker.DockerEventInputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Where the engine listens: `unix://path`, `tcp://host:port`, `http://...` or `https://...`.
    pub endpoint: String,
    /// Folder of `key.pem`, `cert.pem` and `ca.pem`. If given, TLS is spoken.
    pub cert_path: String,
}

impl Default for Config {
    fn default() -> Config {
        Config { endpoint: DEFAULT_ENDPOINT.into(), cert_path: String::new() }
    }
}

/// Makes a message of each event of a Docker engine: a container started, died, was removed and so on.
pub struct DockerEventInput {
    engine: Engine,
    hostname: String,
}

/// An event as the API words it. Newer engines have events that are not of containers and lack most of this.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    status: String,
    id: String,
    from: String,
    time: i64,
    #[serde(rename = "timeNano")]
    time_nano: i64,
}

/// Where the events that were seen end.
#[derive(Default)]
struct Seen {
    time_s: i64,
    time_ns: i64,
}

impl InputPlugin for DockerEventInput {
    type Config = Config;
    const NAME: &'static str = "DockerEventInput";
    const DEFAULTS: InputDefaults = InputDefaults { restarts: true, ..InputDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<DockerEventInput, ConfigError> {
        let engine = Engine::new(&config.endpoint, &config.cert_path).map_err(|why| {
            ConfigError::Init(format!("DockerEventInput: failed to attach to docker event API: {why}"))
        })?;
        Ok(DockerEventInput { engine, hostname: context.globals.hostname.clone() })
    }
}

impl Input for DockerEventInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let mut deliverer = inlet.deliverer("").map_err(PluginError::Run)?;
        let (mut seen, mut backoff) = (Seen::default(), Backoff::new());
        loop {
            let result = self.listen(deliverer.as_mut(), &mut seen, &mut backoff, stop);
            match result {
                _ if stop.is_requested() => return Ok(()),
                Ok(()) => inlet.log_error("DockerEventInput: the event stream has ended, trying again"),
                Err(ApiError::Stopped) => return Ok(()),
                Err(error) if backoff.times == 0 => {
                    inlet.log_error(&format!("DockerEventInput: no events, trying again: {error}"));
                }
                Err(_) if backoff.times >= ATTEMPTS_MAX => {
                    return Err(PluginError::run("DockerEventInput: eventStream channel closed"));
                }
                Err(_) => {}
            }
            if backoff.wait(stop) {
                return Ok(());
            }
        }
    }
}

impl DockerEventInput {
    fn listen(
        &self,
        deliverer: &mut dyn Deliverer,
        seen: &mut Seen,
        backoff: &mut Backoff,
        stop: &Stop,
    ) -> Result<(), ApiError> {
        let path = match seen.time_s {
            0 => "/events".to_string(),
            since => format!("/events?since={since}"),
        };
        let mut body = self.engine.get(&path, stop)?;
        *backoff = Backoff::new();
        let mut lines = Lines::default();
        loop {
            match body.next(WAIT) {
                _ if stop.is_requested() => return Ok(()),
                Next::Nothing => {}
                Next::Ended(None) => return Ok(()),
                Next::Ended(Some(why)) => return Err(ApiError::Failed(why)),
                Next::Data(bytes) => {
                    for line in lines.add(&bytes) {
                        let Ok(event) = serde_json::from_slice::<Event>(&line) else { continue };
                        // Events of the second that was seen last are asked for again.
                        let is_old = event.time_nano != 0 && event.time_nano <= seen.time_ns;
                        if event.time == 0 || is_old {
                            continue;
                        }
                        *seen = Seen { time_s: event.time, time_ns: event.time_nano };
                        if deliverer.deliver(&mut self.message(&event)).is_err() {
                            return Err(ApiError::Stopped);
                        }
                    }
                }
            }
        }
    }

    fn message(&self, event: &Event) -> Pack {
        let Event { status, id, from, time, .. } = event;
        let mut pack = Pack::new();
        let message = pack.message_mut();
        message.uuid = Some(fresh_uuid()[..].into());
        message.timestamp = Some(super::stats_input::now_ns());
        message.msg_type = Some("DockerEvent".into());
        message.logger = Some(id.as_str().into());
        message.hostname = Some(self.hostname.as_str().into());
        message.payload = Some(format!("id:{id} status:{status} from:{from} time:{time}").into());
        message.add_field(Field::string("ID", "", id.as_str()));
        message.add_field(Field::string("Status", "", status.as_str()));
        message.add_field(Field::string("From", "", from.as_str()));
        message.add_field(Field::integer("Time", "ts", *time));
        pack
    }
}
