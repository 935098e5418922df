//! Follows the logs of all containers of a Docker engine.

mod frames;
mod since;
mod stream;

use std::time::Duration;

use heka_message::golang::parse_duration;
use heka_plugin::input::InputPlugin;
use heka_plugin::{
    ConfigError, Context, Inlet, Input, InputDefaults, PluginDef, PluginError, Stop, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::since::Since;
use crate::docker_api::{ApiError, Backoff, Container, DEFAULT_ENDPOINT, Engine, Wanted, watch};

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<DockerLogInput>();

/// Follows what containers of a Docker engine print.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "docker.DockerLogInputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Where the engine listens: `unix://path`, `tcp://host:port`, `http://...` or `https://...`.
    pub endpoint: String,
    /// Folder of `key.pem`, `cert.pem` and `ca.pem`. If given, TLS is spoken.
    pub cert_path: String,
    /// Where it is noted how far the logs were read. A relative path starts at `base_dir`.
    pub since_path: String,
    /// How often that is noted, as a duration such as `5s`; `0s`: only at a stop.
    pub since_interval: String,
    /// The environment variable of a container that holds its name. It becomes a field, too. "": the name is Docker's.
    #[serde(rename = "name_from_env_var|NameFromEnv")]
    pub name_from_env_var: String,
    /// Environment variables of a container that become fields of its messages.
    pub fields_from_env: Vec<String>,
    /// Labels of a container that become fields of its messages.
    pub fields_from_labels: Vec<String>,
    /// Days after which a container that was not seen again is forgotten.
    pub container_expiry_days: i32,
    /// Whether the log of a container that was never seen is read from its beginning.
    pub new_containers_replay_logs: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            endpoint: DEFAULT_ENDPOINT.into(),
            cert_path: String::new(),
            since_path: "docker/logs_since.txt".into(),
            since_interval: "5s".into(),
            name_from_env_var: String::new(),
            fields_from_env: vec![],
            fields_from_labels: vec![],
            container_expiry_days: 30,
            new_containers_replay_logs: true,
        }
    }
}

/// Follows what all containers write to standard output and standard error, through the engine's API. With NullSplitter each
/// frame of Docker's stream, usually a line with its end, is a message.
pub struct DockerLogInput {
    engine: Engine,
    wanted: Wanted,
    since: Since,
    hostname: String,
}

impl InputPlugin for DockerLogInput {
    type Config = Config;
    const NAME: &'static str = "DockerLogInput";
    const DEFAULTS: InputDefaults = InputDefaults { restarts: true, ..InputDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<DockerLogInput, ConfigError> {
        let interval_ns = parse_duration(&config.since_interval).map_err(|error| {
            let value = &config.since_interval;
            ConfigError::Init(format!("Can't parse since_interval value '{value}': {error}"))
        })?;
        let interval = Duration::from_nanos(u64::try_from(interval_ns).unwrap_or(0));
        let path = context.globals.in_base_dir(&config.since_path);
        let replay = config.new_containers_replay_logs;
        let since = Since::open(path, interval, config.container_expiry_days, replay, context.only_check);
        Ok(DockerLogInput {
            engine: Engine::new(&config.endpoint, &config.cert_path).map_err(ConfigError::Init)?,
            wanted: Wanted {
                name_from_env_var: config.name_from_env_var,
                from_env: config.fields_from_env,
                from_labels: config.fields_from_labels,
            },
            since: since.map_err(ConfigError::Init)?,
            hostname: context.globals.hostname.clone(),
        })
    }
}

impl Input for DockerLogInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let save = |forced: bool| {
            if let Err(why) = self.since.save_if_due(forced) {
                inlet.log_error(&why);
            }
        };
        let result =
            watch(&self.engine, inlet, stop, &|id, stop| self.follow(id, inlet, stop), &|| save(false));
        save(true);
        result
    }
}

impl DockerLogInput {
    /// Reads a container's log for as long as it runs; asks again when the connection breaks.
    fn follow(&self, id: &str, inlet: &dyn Inlet, stop: &Stop) {
        let mut backoff = Backoff::new();
        let mut first = true;
        loop {
            let found = Container::inspect(&self.engine, id, &self.wanted, stop);
            let ended = match found {
                Err(ApiError::Stopped | ApiError::Refused { code: 404, .. }) => return,
                Err(error) => Err(error.to_string()),
                // It has ended and all of its log was read.
                Ok(container) if !container.running && !first => return,
                Ok(container) => {
                    first = false;
                    match stream::follow(self, &container, id, inlet, stop) {
                        Ok(()) => {
                            backoff = Backoff::new();
                            Ok(())
                        }
                        Err(ApiError::Stopped | ApiError::Refused { code: 404, .. }) => return,
                        Err(error) => Err(error.to_string()),
                    }
                }
            };
            if let Err(why) = ended
                && backoff.times == 0
                && !stop.is_requested()
            {
                inlet.log_error(&format!("streaming container {id} logs: {why}"));
            }
            if backoff.wait(stop) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
