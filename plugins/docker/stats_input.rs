//! Makes messages of the resources that containers use.

mod sample;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use heka_plugin::input::InputPlugin;
use heka_plugin::{
    ConfigError, Context, Inlet, Input, InputDefaults, Pack, PluginDef, PluginError, Stop, fresh_uuid,
    registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::docker_api::{ApiError, Backoff, Container, DEFAULT_ENDPOINT, Engine, Lines, Next, Wanted, watch};

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<DockerStatsInput>();

/// Longest wait for a sample.
const WAIT: Duration = Duration::from_millis(100);

/// Measures the containers of a Docker engine.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "docker.DockerStatsInputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Where the engine listens: `unix://path`, `tcp://host:port`, `http://...` or `https://...`.
    pub endpoint: String,
    /// Folder of `key.pem`, `cert.pem` and `ca.pem`. If given, TLS is spoken.
    pub cert_path: String,
    /// The environment variable of a container that holds its name. It becomes a field, too. "": the name is Docker's.
    #[serde(rename = "name_from_env_var|NameFromEnv")]
    pub name_from_env_var: String,
    /// Environment variables of a container that become fields of its messages.
    pub fields_from_env: Vec<String>,
    /// Labels of a container that become fields of its messages.
    pub fields_from_labels: Vec<String>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            endpoint: DEFAULT_ENDPOINT.into(),
            cert_path: String::new(),
            name_from_env_var: String::new(),
            fields_from_env: vec![],
            fields_from_labels: vec![],
        }
    }
}

/// Makes a message of each sample of memory, CPU, network and disk use that a Docker engine gives of its containers, about
/// one a second for each. The payload is JSON; what is zero is left out.
pub struct DockerStatsInput {
    engine: Engine,
    wanted: Wanted,
    hostname: String,
}

impl InputPlugin for DockerStatsInput {
    type Config = Config;
    const NAME: &'static str = "DockerStatsInput";
    const DEFAULTS: InputDefaults = InputDefaults { restarts: true, ..InputDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<DockerStatsInput, ConfigError> {
        let engine = Engine::new(&config.endpoint, &config.cert_path)
            .map_err(|why| ConfigError::Init(format!("DockerStatsInput: failed to attach: {why}")))?;
        Ok(DockerStatsInput {
            engine,
            wanted: Wanted {
                name_from_env_var: config.name_from_env_var,
                from_env: config.fields_from_env,
                from_labels: config.fields_from_labels,
            },
            hostname: context.globals.hostname.clone(),
        })
    }
}

impl Input for DockerStatsInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        watch(&self.engine, inlet, stop, &|id, stop| self.follow(id, inlet, stop), &|| ())
    }
}

impl DockerStatsInput {
    /// Takes a container's samples for as long as it runs.
    fn follow(&self, id: &str, inlet: &dyn Inlet, stop: &Stop) {
        let mut backoff = Backoff::new();
        loop {
            let found = Container::inspect(&self.engine, id, &self.wanted, stop);
            let ended = match found {
                Ok(container) if !container.running => return,
                Ok(container) => self.read(id, &container, inlet, stop),
                Err(error) => Err(error),
            };
            match ended {
                Err(ApiError::Stopped | ApiError::Refused { code: 404, .. }) => return,
                Err(error) if backoff.times == 0 => inlet.log_error(&format!("Attacher error: {error}")),
                _ => {}
            }
            if backoff.wait(stop) {
                return;
            }
        }
    }

    fn read(&self, id: &str, container: &Container, inlet: &dyn Inlet, stop: &Stop) -> Result<(), ApiError> {
        let mut deliverer = inlet.deliverer(&container.name).map_err(ApiError::Failed)?;
        let mut body = self.engine.get(&format!("/containers/{id}/stats?stream=true"), stop)?;
        let mut lines = Lines::default();
        loop {
            match body.next(WAIT) {
                _ if stop.is_requested() => return Err(ApiError::Stopped),
                Next::Nothing => {}
                Next::Ended(None) => return Ok(()),
                Next::Ended(Some(why)) => return Err(ApiError::Failed(why)),
                Next::Data(bytes) => {
                    for line in lines.add(&bytes) {
                        let Ok(sample) = serde_json::from_slice(&line) else { continue };
                        if deliverer.deliver(&mut self.message(container, &sample)).is_err() {
                            return Err(ApiError::Stopped);
                        }
                    }
                }
            }
        }
    }

    fn message(&self, container: &Container, sample: &serde_json::Value) -> Pack {
        let mut pack = Pack::new();
        let message = pack.message_mut();
        message.uuid = Some(fresh_uuid()[..].into());
        message.timestamp = Some(sample::time_ns(sample).unwrap_or_else(now_ns));
        message.msg_type = Some("DockerStats".into());
        message.logger = Some(container.name.as_str().into());
        message.hostname = Some(self.hostname.as_str().into());
        message.payload = Some(sample::json(sample).into());
        container.message_fields().into_iter().for_each(|field| message.add_field(field));
        pack
    }
}

/// Nanoseconds since the epoch.
pub(super) fn now_ns() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}
