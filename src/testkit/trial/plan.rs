//! What a trial runs: the configuration, the inputs and the outputs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::ledger::Sender;
use super::source::http::HttpSource;
use super::source::log::{Form, LogSource};
use super::source::tcp::TcpSource;
use super::source::{Pace, Source};
use crate::daemon::configure;
use crate::error::TestkitError;
use crate::ports::free_ports;
use crate::scratch::Scratch;

/// Letters of the inputs.
const LINES: u8 = b'l';
const FRAMES: u8 = b'f';
const TCP: u8 = b't';
const HTTP: u8 = b'h';
/// The logs are rotated beyond so many bytes.
const ROTATE_LOG_AT: u64 = 512 << 10;

/// Small segments and little that may wait, so that segments are rolled and pruned, and inputs held back, all the time.
const CONFIG: &str = r#"
[hekad]
base_dir = "$DIR/base"
share_dir = "$DIR/share"
hostname = "trial"
queue_segment_size = $SEGMENT
queue_max_size = $LAG

[lines]
type = "LogstreamerInput"
log_directory = "$DIR/logs"
file_match = 'lines\.log\.?(?P<Seq>\d*)'
priority = ["^Seq"]
rescan_interval = "500ms"

[frames]
type = "LogstreamerInput"
log_directory = "$DIR/logs"
file_match = 'frames\.log\.?(?P<Seq>\d*)'
priority = ["^Seq"]
rescan_interval = "500ms"
splitter = "HekaFramingSplitter"
decoder = "ProtobufDecoder"

[tcp]
type = "TcpInput"
address = "$TCP"
splitter = "HekaFramingSplitter"
decoder = "ProtobufDecoder"

[PayloadEncoder]
append_newlines = false

[framed]
type = "FileOutput"
message_matcher = "$RECORDS"
path = "$DIR/framed"
encoder = "ProtobufEncoder"
flush_interval = 50

[text]
type = "FileOutput"
message_matcher = "$RECORDS"
path = "$DIR/text"
encoder = "PayloadEncoder"
flush_interval = 50

[peer]
type = "TcpOutput"
message_matcher = "$RECORDS"
address = "$PEER"
encoder = "ProtobufEncoder"
  [peer.buffering]
  max_buffer_size = $LAG
  full_action = "block"

[counter]
type = "CounterFilter"
message_matcher = "$COUNTED"
ticker_interval = 1

[sandbox]
type = "SandboxFilter"
filename = "$DIR/counter.lua"
message_matcher = "$COUNTED"
preserve_data = true
ticker_interval = 1

[totals]
type = "FileOutput"
message_matcher = "Type == 'heka.sandbox-output' || Type == 'heka.counter-output'"
path = "$DIR/totals"
encoder = "ProtobufEncoder"
flush_interval = 50
"#;

const HTTP_CONFIG: &str = r#"
[http]
type = "HttpListenInput"
address = "$HTTP"
splitter = "TokenSplitter"
"#;

/// All records; and those that filters count, whose number in the queue is known because each queued one has its own uuid.
const RECORDS: &str = "Type == 'logfile' || Type == 'trial.record' || Type == 'heka.httpdata.request'";
const COUNTED: &str = "Type == 'logfile' || Type == 'heka.httpdata.request'";

/// What is tried.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The seed of all that is random.
    pub seed: u64,
    /// How the inputs are fed.
    pub pace: Pace,
    /// There is an HttpListenInput, too.
    pub with_http: bool,
    /// `queue_segment_size` in bytes.
    pub segment_size: u64,
    /// How far an output may lie behind before inputs are held back, in bytes.
    pub lag: u64,
    /// What the outputs write is renamed beyond so many bytes.
    pub rotate_output_at: u64,
}

impl Options {
    /// For a loop of quick kills: about two segments a kill.
    pub fn quick(seed: u64) -> Options {
        Options {
            seed,
            pace: Pace { most_records: 50, pause: Duration::from_millis(10), window: 20_000 },
            with_http: true,
            segment_size: 256 << 10,
            lag: 512 << 10,
            rotate_output_at: 8 << 20,
        }
    }

    /// Writes the configuration. `peer` is where the TcpOutput sends to.
    pub(super) fn configure(&self, scratch: &Scratch, places: &Places) -> Result<(), TestkitError> {
        let http = if self.with_http { HTTP_CONFIG } else { "" };
        let config = format!("{CONFIG}{http}")
            .replace("$SEGMENT", &self.segment_size.to_string())
            .replace("$LAG", &self.lag.to_string())
            .replace("$RECORDS", RECORDS)
            .replace("$COUNTED", COUNTED)
            .replace("$TCP", &places.tcp.to_string())
            .replace("$PEER", &places.peer.to_string())
            .replace("$HTTP", &places.http.to_string());
        configure(scratch, &config).map(drop)
    }

    /// The inputs, without what they were given.
    pub(super) fn senders(&self) -> Vec<Sender> {
        let letters = if self.with_http { &[LINES, FRAMES, TCP, HTTP][..] } else { &[LINES, FRAMES, TCP] };
        letters.iter().map(|letter| Sender { letter: *letter, claims: Default::default() }).collect()
    }

    /// What feeds an input.
    pub(super) fn source(
        &self,
        sender: &Sender,
        scratch: &Scratch,
        places: &Places,
    ) -> io::Result<Box<dyn Source>> {
        let Sender { letter, claims } = sender.clone();
        let log = |name: &str, form| {
            let path = scratch.join("logs").join(name);
            LogSource::new(path, letter, form, sender.claims.clone(), ROTATE_LOG_AT, self.seed)
        };
        Ok(match letter {
            LINES => Box::new(log("lines.log", Form::Lines)?),
            FRAMES => Box::new(log("frames.log", Form::Frames)?),
            TCP => Box::new(TcpSource::new(places.tcp, letter, claims)),
            _ => Box::new(HttpSource::new(places.http, letter, claims)),
        })
    }
}

/// Whether the filters count what this input sends.
pub(super) fn is_counted(letter: u8) -> bool {
    matches!(letter, LINES | HTTP)
}

/// Where the inputs and the peer listen.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) tcp: SocketAddr,
    pub(super) http: SocketAddr,
    pub(super) peer: SocketAddr,
}

impl Places {
    /// Free ones for the inputs.
    pub(super) fn find(peer: SocketAddr) -> io::Result<Places> {
        let ports = free_ports(2)?;
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Ok(Places { tcp: at(ports[0]), http: at(ports[1]), peer })
    }
}
