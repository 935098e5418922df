//! Sends records to Elasticsearch or OpenSearch in bulk requests.

mod bulk;
mod config;
mod datagrams;
mod reply;
mod server;

use std::time::Duration;

use heka_plugin::output::OutputPlugin;
use heka_plugin::report::{ReportRow, row};
use heka_plugin::{
    ConfigError, Context, Fate, Output, OutputDefaults, Pace, PluginDef, Record, SendError, Stop, registry,
};

pub use self::config::Config;
use self::config::DocumentType;
use self::datagrams::Datagrams;
use self::reply::Refusal;
use self::server::{Asked, Servers};
use crate::complaint::Complaint;

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<ElasticSearchOutput>();

/// First and longest pause before a batch is sent again, as in Heka.
const RETRY_MIN: Duration = Duration::from_millis(250);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Sends batches of what ESJsonEncoder, ESLogstashV0Encoder or a SandboxEncoder makes of messages to the bulk interface of
/// Elasticsearch (1.x to 8.x) or OpenSearch.
///
/// The reply says for each document what became of it. One that the server cannot take now (status 429 or 5xx) is sent again;
/// one that it will never take (another 4xx, as when a field has another type than its index knows) goes to the dead letters
/// with the server's reason; the rest is delivered. A failure of the request as a whole is tried again, in turn with each of
/// several servers. A request that the server finds too large or malformed is sent again in halves, until the record at fault
/// is alone.
pub struct ElasticSearchOutput {
    target: Target,
    pace: Pace,
    complaint: Complaint,
    /// Messages that a server has, and that none will take.
    sent: u64,
    rejected: u64,
}

enum Target {
    Http(Box<Servers>),
    Udp(Datagrams),
}

impl OutputPlugin for ElasticSearchOutput {
    type Config = Config;
    const NAME: &'static str = "ElasticSearchOutput";
    const DEFAULTS: OutputDefaults = OutputDefaults {
        use_buffering: true,
        may_tick: false,
        outlives_process: true,
        encode_error: Some("can't encode: "),
        ..OutputDefaults::USUAL
    };
    const NEEDS_ENCODER: Option<&'static str> = Some("Encoder must be specified.");

    fn open(config: Config, context: &Context) -> Result<ElasticSearchOutput, ConfigError> {
        let urls = config.urls()?;
        let document_type = DocumentType::parse(&config.document_type)?;
        let is_udp = urls.first().is_some_and(|url| url.scheme == "udp");
        let most_bytes = if is_udp { datagrams::FULL_BYTES } else { config.request_bytes()? };
        let pace = Pace {
            batch_records: usize::try_from(config.flush_count).unwrap_or(0).max(1),
            batch_bytes: most_bytes,
            linger: Duration::from_millis(config.flush_interval.into()),
            retry_min: RETRY_MIN,
            retry_max: RETRY_MAX,
        };
        let target = if is_udp {
            Target::Udp(Datagrams::new(&urls)?)
        } else {
            Target::Http(Box::new(Servers::new(config, &urls, document_type, context)?))
        };
        Ok(ElasticSearchOutput { target, pace, complaint: Complaint::default(), sent: 0, rejected: 0 })
    }
}

impl Output for ElasticSearchOutput {
    fn pace(&self) -> Pace {
        self.pace
    }

    fn send(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError> {
        let mut fates = vec![Fate::Again; batch.len()];
        let records: Vec<&[u8]> = batch.iter().map(|record| record.bytes).collect();
        let trouble = match &mut self.target {
            Target::Http(servers) => deliver(servers, &records, &mut fates, stop),
            Target::Udp(datagrams) => datagrams.deliver(&records, &mut fates),
        };
        self.count(&fates);
        if fates.iter().all(|fate| *fate == Fate::Delivered) {
            return Ok(());
        }
        let why = trouble.filter(|trouble| self.complaint.is_due(&trouble.kind));
        let why = why.map_or_else(String::new, |trouble| format!("can't index: {}", trouble.text));
        if fates.iter().all(|fate| *fate == Fate::Again) {
            return Err(SendError::Retry(why));
        }
        Err(SendError::Mixed { fates, why })
    }

    fn report(&self) -> Vec<ReportRow> {
        vec![row("SentMessageCount", self.sent, "count"), row("DropMessageCount", self.rejected, "count")]
    }
}

impl ElasticSearchOutput {
    fn count(&mut self, fates: &[Fate]) {
        for fate in fates {
            match fate {
                Fate::Delivered => self.sent += 1,
                Fate::Rejected(_) => self.rejected += 1,
                Fate::Again => {}
            }
        }
    }
}

/// Why some records are to be sent again.
#[derive(Debug, PartialEq, Eq)]
struct Trouble {
    /// What is the same each time it happens.
    kind: String,
    /// The whole text.
    text: String,
}

impl Trouble {
    /// One that is always told with the same text.
    fn new(text: String) -> Trouble {
        Trouble { kind: text.clone(), text }
    }
}

/// Sends records, in more than one request where a server wants it so. Their fates are set as far as the servers have
/// answered; returns what keeps the others from being delivered, or `None` when hekad stops.
fn deliver(servers: &mut Servers, records: &[&[u8]], fates: &mut [Fate], stop: &Stop) -> Option<Trouble> {
    let mut trouble = None;
    let mut parts = servers.parts(records);
    parts.reverse();
    while let Some(part) = parts.pop() {
        let bytes = &records[part.clone()];
        match servers.ask(bytes, stop) {
            Asked::Stopped => return None,
            Asked::Trouble(trouble) => return Some(trouble),
            Asked::Answered(answered) => {
                fates[part].clone_from_slice(&answered.fates);
                trouble = trouble.or(answered.trouble);
            }
            Asked::Refused(Refusal { too_large, text }) => {
                if too_large {
                    servers.was_too_large(bytes);
                }
                if part.len() == 1 {
                    fates[part.start] = Fate::Rejected(text);
                } else {
                    let middle = part.start + part.len() / 2;
                    parts.extend([middle..part.end, part.start..middle]);
                }
            }
        }
    }
    trouble
}

#[cfg(test)]
mod tests;
