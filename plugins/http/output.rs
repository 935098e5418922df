//! Sends each record in an HTTP request of its own.

use std::sync::Arc;
use std::time::Duration;

use heka_plugin::config::Pairs;
use heka_plugin::output::OutputPlugin;
use heka_plugin::{
    ConfigError, Context, Log, Output, OutputDefaults, PluginDef, Record, SendError, Stop, registry,
};
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::complaint::Complaint;
use crate::http_client::{Call, CallError, Client, Options, Reply, Url, basic};
use crate::tls::TlsOptions;

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<HttpOutput>();

/// Of a reply so much is read, and told of when it is an error.
const REPLY_SIZE_MAX: usize = 64 * 1024;

/// Sends by HTTP requests.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "http.HttpOutputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Milliseconds that a request may take in all; 0: there is no limit.
    pub http_timeout: u32,
    /// Where to send to: an `http` or `https` URL.
    pub address: String,
    /// `POST`, `PUT`, or `GET`, which sends no body.
    pub method: String,
    /// Headers of every request; each has a list of values.
    pub headers: Pairs<Vec<String>>,
    /// For basic authentication, which is used if this or `password` is set.
    pub username: String,
    /// For basic authentication.
    pub password: String,
    /// How `https` is spoken.
    pub tls: TlsOptions,
    /// Messages wait in a queue of their own limit. Here it changes what becomes of failures: see [`HttpOutput`].
    pub use_buffering: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            http_timeout: 0,
            address: String::new(),
            method: "POST".into(),
            headers: Pairs::default(),
            username: String::new(),
            password: String::new(),
            tls: TlsOptions::default(),
            use_buffering: false,
        }
    }
}

/// Sends each record in an HTTP request of its own, one after the other over one connection. A reply with a status below 400
/// is the acknowledgement.
///
/// Without reply, or with another one, the record is sent again until it is taken. With `use_buffering` that is so for every
/// status, and told on standard output; without it, a record whose content the server refuses (status 400, 413, 415 or 422)
/// is dropped, and failures are errors on standard error.
pub struct HttpOutput {
    client: Client,
    url: Url,
    method: String,
    headers: HeaderMap,
    sends_body: bool,
    /// With `use_buffering`: where failures are told, and what was told.
    quiet: Option<(Arc<dyn Log>, Complaint)>,
    /// Records of the batch at hand that were delivered.
    delivered: usize,
}

impl OutputPlugin for HttpOutput {
    type Config = Config;
    const NAME: &'static str = "HttpOutput";
    const DEFAULTS: OutputDefaults = OutputDefaults { outlives_process: true, ..OutputDefaults::USUAL };
    const NEEDS_ENCODER: Option<&'static str> = Some("Encoder must be specified.");

    fn open(config: Config, context: &Context) -> Result<HttpOutput, ConfigError> {
        let url = Url::parse(&config.address)
            .map_err(|why| ConfigError::Init(format!("Can't parse URL '{}': {why}", config.address)))?;
        if url.scheme != "http" && url.scheme != "https" {
            return Err(ConfigError::init("`address` must contain an absolute http or https URL."));
        }
        let method = config.method.to_uppercase();
        if !matches!(method.as_str(), "POST" | "GET" | "PUT") {
            return Err(ConfigError::init("HTTP Method must be POST, GET, or PUT."));
        }
        let is_secret = url.scheme == "https";
        if is_secret {
            config.tls.remarks().iter().for_each(|remark| context.log.info(remark));
            // Its mistakes are better known now than at the first record.
            let checked = config.tls.client(url.host_name());
            checked.map_err(|why| ConfigError::Init(format!("TLS init error: {why}")))?;
        }
        let mut headers = request_headers(&config.headers)?;
        if !config.username.is_empty() || !config.password.is_empty() {
            let value = basic(&config.username, &config.password).map_err(ConfigError::Init)?;
            headers.insert(AUTHORIZATION, value);
        }
        let options = Options {
            tls: config.tls,
            timeout: (config.http_timeout > 0).then(|| Duration::from_millis(config.http_timeout.into())),
            proxied: !is_secret,
            body_size_max: REPLY_SIZE_MAX,
            cut: true,
        };
        Ok(HttpOutput {
            client: Client::new(options).map_err(ConfigError::Init)?,
            url,
            sends_body: method != "GET",
            method,
            headers,
            quiet: config.use_buffering.then(|| (context.log.clone(), Complaint::default())),
            delivered: 0,
        })
    }
}

/// The headers of every request.
fn request_headers(configured: &Pairs<Vec<String>>) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    for (name, values) in configured {
        let wrong = || ConfigError::Init(format!("`headers`: '{name}' cannot be sent"));
        let key = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        for value in values {
            headers.append(&key, HeaderValue::try_from(value.as_str()).map_err(|_| wrong())?);
        }
    }
    Ok(headers)
}

impl Output for HttpOutput {
    fn send(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError> {
        self.delivered = 0;
        for (index, record) in batch.iter().enumerate() {
            let call = Call {
                method: &self.method,
                url: &self.url,
                headers: &self.headers,
                body: if self.sends_body { record.bytes } else { b"" },
            };
            let why = match self.client.call(&call, stop) {
                Ok(reply) if reply.code < 400 => {
                    self.delivered = index + 1;
                    continue;
                }
                Ok(reply) => {
                    let why = complaint(&reply);
                    if self.quiet.is_none() && matches!(reply.code, 400 | 413 | 415 | 422) {
                        return Err(SendError::Reject { index, why });
                    }
                    why
                }
                Err(CallError::Stopped) => return Err(SendError::Retry(String::new())),
                Err(CallError::Failed(why)) => format!("Error making HTTP request: {why}"),
            };
            return Err(SendError::Retry(match &mut self.quiet {
                None => why,
                Some((log, complaint)) => {
                    if complaint.is_due(&why) {
                        log.info(&format!("{why}; trying again"));
                    }
                    String::new()
                }
            }));
        }
        Ok(())
    }

    fn delivered(&self) -> usize {
        self.delivered
    }
}

/// A reply in the words of Heka, which tells the code twice.
fn complaint(reply: &Reply) -> String {
    let body = String::from_utf8_lossy(&reply.body);
    format!("HTTP Error code returned: {} {} - {body}", reply.code, reply.status)
}

#[cfg(test)]
mod tests;
