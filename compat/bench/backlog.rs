//! How long a start takes in front of a queue that is full.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use heka_queue::fs::RealFs;
use heka_queue::{Batch, Cursors, Meta, Options, Position, Queue, SyncMode};
use heka_testkit::Scratch;
use heka_testkit::access_log::AccessLog;
use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::peer::{Manner, Peer};

use crate::inputs::message;
use crate::measure::head;

const SEGMENT_BYTES: u64 = 64 << 20;
const BACKLOG_BYTES: u64 = 20 << 30;
const LIMIT: Duration = Duration::from_secs(120);
/// How long memory is watched once messages flow.
const WATCH: Duration = Duration::from_secs(3);
const STOP_LIMIT: Duration = Duration::from_secs(40);

/// What a start took.
pub(crate) struct Start {
    /// From the start of the process to the first message out.
    pub(crate) first: Duration,
    /// Most resident memory in bytes, up to some time after that.
    pub(crate) peak: u64,
    /// Most anonymous memory in bytes.
    pub(crate) anonymous: u64,
}

/// Starts a daemon whose output has everything still to send, beside one that wants nothing of it.
pub(crate) fn measure(hekad: &Path, share: Option<&Path>) -> anyhow::Result<Start> {
    let scratch = Scratch::new()?;
    fill(&scratch.join("base/queue"))?;
    let peer = Peer::listen(0, Manner::Read)?;
    let config = format!(
        "{}[PayloadEncoder]\n[ProtobufEncoder]\n\
         [out]\ntype = \"TcpOutput\"\naddress = \"{}\"\nmessage_matcher = \"Type == 'nginx'\"\nencoder = \"ProtobufEncoder\"\n\
         [none]\ntype = \"FileOutput\"\npath = \"$DIR/none\"\nmessage_matcher = \"Type == 'none'\"\nencoder = \"PayloadEncoder\"\n",
        head(share),
        peer.address()
    );
    configure(&scratch, &config)?;
    let begun = Instant::now();
    let mut daemon = Daemon::start(hekad, &scratch)?;
    daemon.wait_for("a message", LIMIT, |_| peer.received_bytes() > 0)?;
    let mut start = Start { first: begun.elapsed(), peak: 0, anonymous: 0 };
    let until = Instant::now() + WATCH;
    daemon.wait_for("some time", LIMIT, |daemon| {
        if let Some(memory) = daemon.memory() {
            start.peak = start.peak.max(memory.peak);
            start.anonymous = start.anonymous.max(memory.anonymous);
        }
        Instant::now() > until
    })?;
    let status = daemon.stop(STOP_LIMIT)?;
    anyhow::ensure!(status.success(), "{status}; log:\n{}", daemon.log());
    Ok(start)
}

/// Makes a queue of many segments, all of them one file under many names, and cursors at its beginning.
fn fill(folder: &Path) -> anyhow::Result<()> {
    let input = folder.join("input");
    let options =
        Options { segment_size_bytes: SEGMENT_BYTES, sync: SyncMode::Interval, ..Options::default() };
    let queue = Queue::open(&input, options)?;
    let mut source = AccessLog::new(7);
    let (mut batch, mut id) = (Batch::new(), 0);
    while queue.tail().segment < 2 {
        batch.push(&message(id, source.next_line()), Meta { canonical: true, ..Meta::default() })?;
        id += 1;
        if batch.bytes() >= 128 << 10 {
            queue.append(&mut batch)?;
        }
    }
    anyhow::ensure!(queue.close(), "the queue is not synced");
    let segment = |number: u64| input.join(format!("{number:08}.log"));
    let last = BACKLOG_BYTES / SEGMENT_BYTES + 1;
    fs::rename(segment(2), segment(last)).context("rename the last segment")?;
    for number in 2..last {
        fs::hard_link(segment(1), segment(number)).context("link a segment")?;
    }
    let cursors = Cursors::open(folder, Arc::new(RealFs), SyncMode::Ack)?;
    for reader in ["out", "none"] {
        cursors.set(reader, "input", Position::new(1, 0));
        cursors.set(reader, "filter", Position::default());
    }
    cursors.save_if_changed()?;
    Ok(())
}
