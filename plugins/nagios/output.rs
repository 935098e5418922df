//! Sends results of passive checks to Nagios.

mod check_result;
mod program;
mod verdict;

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use heka_plugin::output::OutputPlugin;
use heka_plugin::{
    ConfigError, Context, Output, OutputDefaults, Pace, PluginDef, Record, SendError, Stop, registry,
};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use self::check_result::CheckResult;
use self::program::{Failure, Program};
use self::verdict::Verdict;
use crate::http_client::{Call, CallError, Client, Options, Url, basic};
use crate::tls::TlsOptions;

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<NagiosOutput>();

/// Of a page so much is read.
const PAGE_SIZE_MAX: usize = 64 * 1024;
/// The longest call, whatever `response_header_timeout` says.
const CALL_TIME: Duration = Duration::from_secs(60);

/// Submits passive check results to Nagios.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "nagios.NagiosOutputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Where Nagios' `cmd.cgi` is: an `http` or `https` URL.
    pub url: String,
    /// The user of Nagios that may commit commands; sent by basic authentication.
    pub username: String,
    /// The user's password.
    pub password: String,
    /// Seconds that the web server may take before it begins its reply; 0: no limit.
    pub response_header_timeout: u32,
    /// The service's `service_description` in Nagios. Default: the message's logger.
    pub nagios_service_description: String,
    /// The host's `host_name` in Nagios. Default: the message's host name.
    pub nagios_host: String,
    /// The program `send_nsca`, which is used instead of `cmd.cgi` if this is set.
    pub send_nsca_bin: String,
    /// Its arguments.
    pub send_nsca_args: Vec<String>,
    /// Seconds after which it is killed; 0: never.
    #[serde(rename = "send_nsca_timeout|SendNscaTimeoutSeconds")]
    pub send_nsca_timeout: u32,
    /// The `tls` section is used for `https`.
    pub use_tls: bool,
    /// How `https` is spoken.
    pub tls: TlsOptions,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            url: "http://localhost/cgi-bin/cmd.cgi".into(),
            username: String::new(),
            password: String::new(),
            response_header_timeout: 2,
            nagios_service_description: String::new(),
            nagios_host: String::new(),
            send_nsca_bin: String::new(),
            send_nsca_args: Vec::new(),
            send_nsca_timeout: 5,
            use_tls: false,
            tls: TlsOptions::default(),
        }
    }
}

/// Sends each message's payload as the result of a passive service check, over HTTP to `cmd.cgi` or with `send_nsca`.
///
/// A payload is `OK:text`, `WARNING:text` or `CRITICAL:text`; anything else is UNKNOWN. A result is delivered when `cmd.cgi`
/// says so in its page or `send_nsca` ends with status 0. One that Nagios does not accept from this user, which is also its
/// answer for a service it does not know, is dropped with an error line; after other failures it is sent again.
pub struct NagiosOutput {
    host: String,
    service: String,
    way: Way,
    /// Records of the batch at hand that were delivered.
    delivered: usize,
}

/// How results are sent.
enum Way {
    Http {
        client: Box<Client>,
        url: Box<Url>,
        headers: HeaderMap,
        /// What newer ones want in a cookie and in the form; empty until one asks for it.
        proof: String,
    },
    Nsca(Program),
}

impl OutputPlugin for NagiosOutput {
    type Config = Config;
    const NAME: &'static str = "NagiosOutput";
    const DEFAULTS: OutputDefaults =
        OutputDefaults { reads_message: true, outlives_process: true, ..OutputDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<NagiosOutput, ConfigError> {
        let (host, service) = (config.nagios_host.clone(), config.nagios_service_description.clone());
        let way = if config.send_nsca_bin.is_empty() {
            over_http(config, context)?
        } else {
            Way::Nsca(Program {
                path: config.send_nsca_bin,
                arguments: config.send_nsca_args,
                timeout: Duration::from_secs(config.send_nsca_timeout.into()),
            })
        };
        Ok(NagiosOutput { host, service, way, delivered: 0 })
    }
}

fn over_http(config: Config, context: &Context) -> Result<Way, ConfigError> {
    let url = Url::parse(&config.url).map_err(ConfigError::Init)?;
    if url.scheme != "http" && url.scheme != "https" {
        return Err(ConfigError::init("`url` must contain an absolute http or https URL."));
    }
    if config.use_tls {
        config.tls.remarks().iter().for_each(|remark| context.log.info(remark));
        let checked = config.tls.client(url.host_name());
        // Heka's own spelling.
        checked.map_err(|why| ConfigError::Init(format!("tLS init error: {why}")))?;
    }
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, basic(&config.username, &config.password).map_err(ConfigError::Init)?);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let options = Options {
        tls: if config.use_tls { config.tls } else { TlsOptions::default() },
        timeout: Some(CALL_TIME.max(Duration::from_secs(config.response_header_timeout.into()))),
        proxied: true,
        body_size_max: PAGE_SIZE_MAX,
        cut: true,
    };
    let mut client = Client::new(options).map_err(ConfigError::Init)?;
    if config.response_header_timeout > 0 {
        client.limit_silence(Duration::from_secs(config.response_header_timeout.into()));
    }
    Ok(Way::Http { client: Box::new(client), url: Box::new(url), headers, proof: String::new() })
}

impl Output for NagiosOutput {
    fn send(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError> {
        self.delivered = 0;
        for (index, record) in batch.iter().enumerate() {
            let result = CheckResult::of(record.message, &self.host, &self.service);
            match self.way.send(&result, stop) {
                Verdict::Taken => self.delivered = index + 1,
                Verdict::Again(why) | Verdict::WantsProof(why) => return Err(SendError::Retry(why)),
                Verdict::Refused(why) => {
                    let why = format!("{}: {why}", result.subject());
                    return Err(SendError::Reject { index, why });
                }
            }
        }
        Ok(())
    }

    fn delivered(&self) -> usize {
        self.delivered
    }

    fn pace(&self) -> Pace {
        // A kill between two results then repeats one of them at most.
        Pace { batch_records: 1, ..Pace::USUAL }
    }
}

impl Way {
    fn send(&mut self, result: &CheckResult<'_>, stop: &Stop) -> Verdict {
        match self {
            Way::Http { client, url, headers, proof } => {
                let mut submit = |headers: &HeaderMap, body: &[u8]| match client
                    .call(&Call { method: "POST", url, headers, body }, stop)
                {
                    Ok(reply) => Verdict::of(&reply),
                    Err(CallError::Stopped) => Verdict::Again(String::new()),
                    Err(CallError::Failed(why)) => Verdict::Again(why),
                };
                if proof.is_empty() {
                    let verdict = submit(headers, &result.form());
                    let Verdict::WantsProof(_) = verdict else { return verdict };
                    // The same in a cookie and in the form. Its value is ours to choose, but cmd.cgi reads few characters.
                    *proof = format!("{:08x}", RandomState::new().hash_one(result.form()) as u32);
                    let Ok(cookie) = HeaderValue::try_from(format!("NagFormId={proof}")) else {
                        return verdict;
                    };
                    headers.insert(COOKIE, cookie);
                }
                let body = [result.form_in_one_line(), format!("&nagFormId={proof}").into_bytes()].concat();
                submit(headers, &body)
            }
            Way::Nsca(program) => match program.run(&result.line(), stop) {
                Ok(()) => Verdict::Taken,
                Err(Failure::Stopped) => Verdict::Again(String::new()),
                Err(Failure::Failed(why)) => Verdict::Again(why),
            },
        }
    }
}

#[cfg(test)]
mod tests;
