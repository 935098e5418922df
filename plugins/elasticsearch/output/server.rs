//! The servers of a cluster, what each of them has shown to want, and how a request is put to them.

use std::io::Write;
use std::ops::Range;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use heka_plugin::{ConfigError, Context, Stop};
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};

use super::config::{Config, DocumentType};
use super::reply::{self, Answer, Answered, Refusal};
use super::{Trouble, bulk};
use crate::http_client::{Call, CallError, Client, Options, Url, basic};

/// Of a reply so much is read. It has a few hundred bytes a document.
const REPLY_SIZE_MAX: usize = 256 << 20;
/// What a bulk body is.
const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// What comes of a request.
#[derive(Debug)]
pub(super) enum Asked {
    /// What became of each record.
    Answered(Answered),
    /// The request will not be taken as it is.
    Refused(Refusal),
    /// No server takes it now.
    Trouble(Trouble),
    /// hekad stops.
    Stopped,
}

/// The servers.
pub(super) struct Servers {
    client: Client,
    servers: Vec<Server>,
    /// The one that is asked first.
    current: usize,
    headers: HeaderMap,
    document_type: DocumentType,
    gzip: bool,
    request_bytes: usize,
    timeout: Option<Duration>,
}

struct Server {
    url: Url,
    /// It wants to be told what a body is: Elasticsearch since 6.0 and OpenSearch do.
    wants_content_type: bool,
    /// It refuses `_type`.
    refuses_type: bool,
}

impl Servers {
    pub(super) fn new(
        config: Config,
        urls: &[Url],
        document_type: DocumentType,
        context: &Context,
    ) -> Result<Servers, ConfigError> {
        let request_bytes = config.request_bytes()?;
        if let Some(secret) = urls.iter().find(|url| url.scheme == "https") {
            config.tls.remarks().iter().for_each(|remark| context.log.info(remark));
            // Its mistakes are better known now than at the first record.
            let checked = config.tls.client(secret.host_name());
            checked.map_err(|why| ConfigError::Init(format!("TLS init error: {why}")))?;
        }
        let mut servers = Vec::new();
        for url in urls {
            let url = url.below("/_bulk").map_err(ConfigError::Init)?;
            servers.push(Server { url, wants_content_type: false, refuses_type: false });
        }
        let headers = request_headers(&config)?;
        let milliseconds = |time: u32| (time > 0).then(|| Duration::from_millis(time.into()));
        let timeout = milliseconds(config.http_timeout);
        let options =
            Options { tls: config.tls, timeout, proxied: false, body_size_max: REPLY_SIZE_MAX, cut: true };
        let mut client = Client::new(options).map_err(ConfigError::Init)?;
        if let Some(time) = milliseconds(config.connect_timeout) {
            client.limit_connecting(time);
        }
        let gzip = config.gzip;
        Ok(Servers { client, servers, current: 0, headers, document_type, gzip, request_bytes, timeout })
    }

    /// Divides records into parts of which each makes a request.
    pub(super) fn parts(&self, records: &[&[u8]]) -> Vec<Range<usize>> {
        let mut parts: Vec<Range<usize>> = Vec::new();
        let mut bytes = 0;
        for (index, record) in records.iter().enumerate() {
            bytes += record.len();
            match parts.last_mut() {
                Some(part) if bytes <= self.request_bytes => part.end = index + 1,
                _ => {
                    parts.push(index..index + 1);
                    bytes = record.len();
                }
            }
        }
        parts
    }

    /// A server has found a request with these records too large.
    pub(super) fn was_too_large(&mut self, records: &[&[u8]]) {
        if records.len() > 1 {
            let bytes: usize = records.iter().map(|record| record.len()).sum();
            self.request_bytes = self.request_bytes.min(bytes / 2).max(1);
        }
    }

    /// Puts records to one server after the other until one has an answer.
    pub(super) fn ask(&mut self, records: &[&[u8]], stop: &Stop) -> Asked {
        let mut troubles: Vec<Trouble> = Vec::new();
        for _ in 0..self.servers.len() {
            match self.ask_current(records, stop) {
                Ok(Answer::Fates(answered)) => return Asked::Answered(answered),
                Ok(Answer::Refused(refusal)) => return Asked::Refused(refusal),
                Ok(Answer::Trouble(trouble)) => troubles.push(trouble),
                Err(CallError::Stopped) => return Asked::Stopped,
                Err(CallError::Failed(why)) => troubles.push(Trouble::new(why)),
            }
            self.current = (self.current + 1) % self.servers.len();
        }
        if self.servers.len() == 1 {
            return troubles.pop().map_or(Asked::Stopped, Asked::Trouble);
        }
        let texts = |of: fn(&Trouble) -> &str| troubles.iter().map(of).collect::<Vec<_>>().join("; ");
        Asked::Trouble(Trouble { kind: texts(|trouble| &trouble.kind), text: texts(|trouble| &trouble.text) })
    }

    fn ask_current(&mut self, records: &[&[u8]], stop: &Stop) -> Result<Answer, CallError> {
        let Some(server) = self.servers.get_mut(self.current) else { return Err(CallError::Stopped) };
        loop {
            let omit_type = match self.document_type {
                DocumentType::Auto => server.refuses_type,
                DocumentType::Keep => false,
                DocumentType::Omit => true,
            };
            let mut body = Vec::with_capacity(records.iter().map(|record| record.len()).sum());
            records.iter().for_each(|record| bulk::push(record, omit_type, &mut body));
            let mut headers = self.headers.clone();
            if server.wants_content_type && !headers.contains_key(CONTENT_TYPE) {
                headers.insert(CONTENT_TYPE, NDJSON);
            }
            if self.gzip {
                body = packed(&body);
            }
            let call = Call { method: "POST", url: &server.url, headers: &headers, body: &body };
            let began = Instant::now();
            let reply = self.client.call(&call, stop).map_err(|error| match error {
                CallError::Failed(why) => CallError::Failed(failure(&why, began.elapsed(), self.timeout)),
                stopped => stopped,
            })?;
            if matches!(reply.code, 406 | 415) && !headers.contains_key(CONTENT_TYPE) {
                server.wants_content_type = true;
            } else if self.document_type == DocumentType::Auto && !omit_type && reply::refuses_type(&reply) {
                server.refuses_type = true;
            } else {
                return Ok(reply::read(&reply, records));
            }
        }
    }
}

/// Why there is no reply, in Heka's words.
fn failure(why: &str, lasted: Duration, limit: Option<Duration>) -> String {
    match limit {
        Some(limit) if lasted >= limit && why.contains("Client.Timeout") => {
            let seconds = limit.as_secs_f64();
            format!("HTTP request was interrupted after timeout. It lasted {seconds}s")
        }
        _ => format!("HTTP request failed: {why}"),
    }
}

/// The headers of every request.
fn request_headers(config: &Config) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if config.http_disable_keepalives {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if config.gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if !config.username.is_empty() && !config.password.is_empty() {
        let value = basic(&config.username, &config.password).map_err(ConfigError::Init)?;
        headers.insert(AUTHORIZATION, value);
    }
    for (name, values) in &config.headers {
        let wrong = || ConfigError::Init(format!("`headers`: '{name}' cannot be sent"));
        let key = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        headers.remove(&key);
        for value in values {
            headers.append(&key, HeaderValue::try_from(value.as_str()).map_err(|_| wrong())?);
        }
    }
    Ok(headers)
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let written = encoder.write_all(body);
    debug_assert!(written.is_ok(), "memory takes all");
    encoder.finish().unwrap_or_default()
}
