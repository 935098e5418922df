//! How long a message takes through an idle daemon.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use heka_testkit::Scratch;
use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::peer::{Manner, Peer};
use heka_testkit::ports::free_ports;

use crate::measure::head;

const SAMPLES: usize = 100;
/// Long enough for everything to fall asleep.
const PAUSE: Duration = Duration::from_millis(50);
/// How often the peer is asked, which is also how exact the result is.
const LOOK: Duration = Duration::from_micros(50);
const LIMIT: Duration = Duration::from_secs(5);

/// Times from the write to the input's socket to the arrival at the output's peer.
pub(crate) struct Latency {
    sorted: Vec<Duration>,
}

impl Latency {
    /// The time in milliseconds that this share of the messages did not exceed.
    pub(crate) fn at(&self, share: f64) -> f64 {
        let index = (self.sorted.len().saturating_sub(1) as f64 * share) as usize;
        self.sorted.get(index).copied().unwrap_or_default().as_secs_f64() * 1e3
    }
}

/// Sends single lines from TCP to TCP.
pub(crate) fn measure(hekad: &Path, share: Option<&Path>) -> anyhow::Result<Latency> {
    let scratch = Scratch::new()?;
    let peer = Peer::listen(0, Manner::Read)?;
    let port = free_ports(1)?[0];
    let config = format!(
        "{}[in]\ntype = \"TcpInput\"\naddress = \"127.0.0.1:{port}\"\nsplitter = \"TokenSplitter\"\ndecoder = \"\"\n\
         [PayloadEncoder]\nappend_newlines = false\n\
         [out]\ntype = \"TcpOutput\"\naddress = \"{}\"\nmessage_matcher = \"Logger == 'in'\"\nencoder = \"PayloadEncoder\"\n",
        head(share),
        peer.address()
    );
    configure(&scratch, &config)?;
    let mut daemon = Daemon::start(hekad, &scratch)?;
    let mut stream = None;
    daemon.wait_for("a connection", LIMIT, |_| {
        stream = TcpStream::connect(("127.0.0.1", port)).ok();
        stream.is_some()
    })?;
    let mut stream = stream.context("no connection")?;
    stream.set_nodelay(true)?;
    let mut sorted = Vec::with_capacity(SAMPLES);
    // The first ones open connections and files.
    for number in 0..SAMPLES + 5 {
        thread::sleep(PAUSE);
        let before = peer.received_bytes();
        let start = Instant::now();
        stream.write_all(b"a line that is on its way\n")?;
        while peer.received_bytes() == before {
            anyhow::ensure!(
                start.elapsed() < LIMIT,
                "message {number} did not arrive; log:\n{}",
                daemon.log()
            );
            thread::sleep(LOOK);
        }
        if number >= 5 {
            sorted.push(start.elapsed());
        }
    }
    sorted.sort_unstable();
    Ok(Latency { sorted })
}
