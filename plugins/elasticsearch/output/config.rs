//! The options of ElasticSearchOutput.

use heka_plugin::ConfigError;
use heka_plugin::config::Pairs;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::http_client::Url;
use crate::tls::TlsOptions;

/// Sends to Elasticsearch or OpenSearch by its bulk interface.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "elasticsearch.ElasticSearchOutputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Milliseconds that a message may wait for others before it is sent; 0: it does not wait.
    pub flush_interval: u32,
    /// A request is sent when there are so many messages for it. The default is Heka's; a few hundred cost the server less.
    pub flush_count: i64,
    /// The server: `http`, `https`, or `udp` for the bulk interface over UDP that Elasticsearch 1.x has. What stands in the
    /// URL before `@` and behind `?` is not used.
    pub server: String,
    /// Several servers of a cluster, as `http` or `https` URLs, instead of `server`. Requests go to one of them until it
    /// fails, then to the next.
    pub servers: Vec<String>,
    /// For basic authentication, which is used if this and `password` are set.
    pub username: String,
    /// For basic authentication.
    pub password: String,
    /// Headers of every request, each with a list of values: `Authorization = ["ApiKey ..."]`, say.
    pub headers: Pairs<Vec<String>>,
    /// Milliseconds that a request may take in all; 0: there is no limit.
    pub http_timeout: u32,
    /// Whether each request has a connection of its own.
    pub http_disable_keepalives: bool,
    /// Milliseconds that connecting may take, with the lookup of the name; 0: what the system and hekad allow.
    pub connect_timeout: u32,
    /// How `https` is spoken.
    pub tls: TlsOptions,
    /// Messages wait in a queue of their own limit.
    pub use_buffering: bool,
    /// The largest body of a request in bytes, before compression. A record that is larger is sent alone. A server that
    /// refuses a request for its size is sent smaller ones from then on.
    pub max_request_size: u64,
    /// Whether bodies are compressed with gzip.
    pub gzip: bool,
    /// What becomes of `_type`, which encoders write and servers since Elasticsearch 8 and OpenSearch 2 refuse: `auto` leaves
    /// it out once a server has refused it, `keep` never does, `omit` always does.
    pub document_type: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            flush_interval: 1000,
            flush_count: 10,
            server: "http://localhost:9200".into(),
            servers: Vec::new(),
            username: String::new(),
            password: String::new(),
            headers: Pairs::default(),
            http_timeout: 0,
            http_disable_keepalives: false,
            connect_timeout: 0,
            tls: TlsOptions::default(),
            use_buffering: true,
            max_request_size: 10 << 20,
            gzip: false,
            document_type: "auto".into(),
        }
    }
}

impl Config {
    /// The URLs of the servers; one that is `udp` is the only one.
    pub(super) fn urls(&self) -> Result<Vec<Url>, ConfigError> {
        let given: Vec<&String> =
            if self.servers.is_empty() { vec![&self.server] } else { self.servers.iter().collect() };
        let mut urls = Vec::new();
        for text in given {
            let url = Url::parse(text).map_err(|why| {
                ConfigError::Init(format!("Unable to parse ElasticSearch server URL [{text}]: {why}"))
            })?;
            match url.scheme.as_str() {
                "http" | "https" => {}
                "udp" if self.servers.is_empty() => {}
                "udp" => return Err(ConfigError::init("`servers` takes no `udp` URL.")),
                _ => {
                    let why = "Server URL must specify one of `udp`, `http`, or `https`.";
                    return Err(ConfigError::init(why));
                }
            }
            urls.push(url);
        }
        Ok(urls)
    }

    /// `max_request_size`.
    pub(super) fn request_bytes(&self) -> Result<usize, ConfigError> {
        let bytes = usize::try_from(self.max_request_size).ok().filter(|bytes| (1..=1 << 30).contains(bytes));
        bytes.ok_or_else(|| ConfigError::init("`max_request_size` must be between 1 and 1073741824."))
    }
}

/// What becomes of `_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentType {
    /// It is left out where a server refuses it.
    Auto,
    /// It stays.
    Keep,
    /// It is left out.
    Omit,
}

impl DocumentType {
    pub(super) fn parse(word: &str) -> Result<DocumentType, ConfigError> {
        match word {
            "auto" => Ok(DocumentType::Auto),
            "keep" => Ok(DocumentType::Keep),
            "omit" => Ok(DocumentType::Omit),
            _ => Err(ConfigError::Init(format!(
                "`document_type` must be 'auto', 'keep' or 'omit', got '{word}'."
            ))),
        }
    }
}
