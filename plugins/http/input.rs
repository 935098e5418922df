//! Asks web servers again and again.

use std::time::Duration;

use heka_message::Field;
use heka_plugin::config::Pairs;
use heka_plugin::input::InputPlugin;
use heka_plugin::{
    ConfigError, Context, Deliverer, Inlet, Input, InputDefaults, PluginDef, PluginError, Stop, registry,
};
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::http_client::{Call, CallError, Client, Options, Reply, Url, basic};
use crate::tls::TlsOptions;

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<HttpInput>();

/// Largest body: no message may be larger in the queue, and the body is not all of a message.
const BODY_SIZE_MAX: usize = 255 << 20;

/// Asks HTTP servers at every tick.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "http.HttpInputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// What to ask for.
    pub url: String,
    /// Several URLs, which are asked one after the other. If given, `url` is not looked at.
    pub urls: Option<Vec<String>>,
    /// The method, sent as it is written.
    pub method: String,
    /// Headers of every request.
    pub headers: Pairs<String>,
    /// The body of every request.
    pub body: String,
    /// For basic authentication, which is used if this is set.
    pub username: String,
    /// The same option as it was called until Heka 0.10.
    pub user: String,
    /// For basic authentication.
    pub password: String,
    /// Severity of the message for a reply with status 200.
    pub success_severity: i32,
    /// Severity of the message for any other reply, and for none.
    pub error_severity: i32,
    /// Milliseconds that a request may take in all; 0: there is no limit. Heka has none, so that a server that hangs stops
    /// the input.
    pub http_timeout: u32,
    /// How `https` is spoken.
    pub tls: TlsOptions,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            url: String::new(),
            urls: None,
            method: "GET".into(),
            headers: Pairs::default(),
            body: String::new(),
            username: String::new(),
            user: String::new(),
            password: String::new(),
            success_severity: 6,
            error_severity: 1,
            http_timeout: 60_000,
            tls: TlsOptions::default(),
        }
    }
}

/// Asks one or more URLs every `ticker_interval` seconds and makes messages of the replies' bodies, which are split and
/// decoded by themselves. A message's Logger is the URL. A reply without body makes no message; no reply makes one of type
/// `heka.httpinput.error`.
pub struct HttpInput {
    urls: Vec<String>,
    method: String,
    headers: HeaderMap,
    body: String,
    success_severity: i32,
    error_severity: i32,
    hostname: String,
    client: Client,
}

impl InputPlugin for HttpInput {
    type Config = Config;
    const NAME: &'static str = "HttpInput";
    const DEFAULTS: InputDefaults = InputDefaults { ticker_interval_s: 10, ..InputDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<HttpInput, ConfigError> {
        let urls = match config.urls {
            Some(urls) => urls,
            None if config.url.is_empty() => {
                return Err(ConfigError::init("Url or Urls must contain at least one URL"));
            }
            None => vec![config.url],
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            let wrong = || ConfigError::Init(format!("`headers`: '{name}' cannot be sent"));
            let key = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
            headers.insert(key, HeaderValue::try_from(value.as_str()).map_err(|_| wrong())?);
        }
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static("Heka"));
        let username = if config.username.is_empty() { &config.user } else { &config.username };
        if !username.is_empty() {
            headers.insert(AUTHORIZATION, basic(username, &config.password).map_err(ConfigError::Init)?);
        }
        if urls.iter().any(|url| url.starts_with("https:")) {
            config.tls.remarks().iter().for_each(|remark| context.log.info(remark));
            let checked = config.tls.client("localhost");
            checked.map_err(|why| ConfigError::Init(format!("TLS init error: {why}")))?;
        }
        let options = Options {
            tls: config.tls,
            timeout: (config.http_timeout > 0).then(|| Duration::from_millis(config.http_timeout.into())),
            proxied: true,
            body_size_max: BODY_SIZE_MAX,
            cut: false,
        };
        Ok(HttpInput {
            client: Client::new(options).map_err(ConfigError::Init)?,
            urls,
            // As in Go, no method is GET.
            method: if config.method.is_empty() { "GET".into() } else { config.method },
            headers,
            body: config.body,
            success_severity: config.success_severity,
            error_severity: config.error_severity,
            hostname: context.globals.hostname.clone(),
        })
    }
}

impl Input for HttpInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let interval = Duration::from_secs(inlet.ticker_interval_s());
        let urls = std::mem::take(&mut self.urls);
        // Nothing is carried from one reply to the next, so one will do for all URLs.
        let mut deliverer = inlet.deliverer("").map_err(PluginError::Run)?;
        if interval.is_zero() {
            // Without a tick nothing is ever asked for.
            while !stop.wait(Duration::from_secs(3600)) {}
            return Ok(());
        }
        loop {
            if stop.wait(interval) {
                return Ok(());
            }
            for url in &urls {
                if !self.poll(url, deliverer.as_mut(), stop)? {
                    return Ok(());
                }
            }
        }
    }
}

impl HttpInput {
    /// Asks once. False: hekad stops.
    fn poll(&mut self, url: &str, deliverer: &mut dyn Deliverer, stop: &Stop) -> Result<bool, PluginError> {
        let reply = Url::parse(url).map_err(CallError::Failed).and_then(|parsed| {
            let body = self.body.as_bytes();
            self.client.call(&Call { method: &self.method, url: &parsed, headers: &self.headers, body }, stop)
        });
        match reply {
            Err(CallError::Stopped) => return Ok(false),
            Ok(reply) => self.deliver_reply(url, &reply, deliverer)?,
            Err(CallError::Failed(why)) => {
                let (logger, severity) = (url.to_string(), self.error_severity);
                deliverer.set_decorator(Box::new(move |pack| {
                    let message = pack.message_mut();
                    message.msg_type = Some("heka.httpinput.error".into());
                    message.logger = Some(logger.as_str().into());
                    message.severity = Some(severity);
                }));
                // It is a whole message whatever the splitter, if that is one of payloads.
                deliverer.reset();
                deliverer.push(why.as_bytes())?;
                deliverer.finish_record()?;
                deliverer.reset();
            }
        }
        Ok(true)
    }

    fn deliver_reply(
        &self,
        url: &str,
        reply: &Reply,
        deliverer: &mut dyn Deliverer,
    ) -> Result<(), PluginError> {
        if reply.body.is_empty() {
            return Ok(());
        }
        let severity = if reply.code == 200 { self.success_severity } else { self.error_severity };
        let (logger, hostname) = (url.to_string(), self.hostname.clone());
        let fields = [
            Field::integer("StatusCode", "", reply.code.into()),
            Field::string("Status", "", reply.status.as_str()),
            Field::integer("ResponseSize", "B", reply.content_length.unwrap_or(0)),
            Field::double("ResponseTime", "s", reply.waited.as_secs_f64()),
            Field::string("Protocol", "", reply.protocol),
        ];
        deliverer.set_decorator(Box::new(move |pack| {
            let message = pack.message_mut();
            message.msg_type = Some("heka.httpinput.data".into());
            message.hostname = Some(hostname.as_str().into());
            message.logger = Some(logger.as_str().into());
            message.severity = Some(severity);
            fields.iter().for_each(|field| message.add_field(field.clone()));
        }));
        deliverer.push_whole(&reply.body)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
