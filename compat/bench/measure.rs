//! Measures a whole daemon.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use heka_testkit::Scratch;
use heka_testkit::access_log::LOG_FORMAT;
use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::frames::frames;
use heka_testkit::patience::wait_until;

use crate::inputs::Inputs;
use crate::rows::{From, Pipeline, To};

/// A run that takes longer is given up.
const LIMIT: Duration = Duration::from_secs(600);
/// The daemon is done when it used no CPU time for so long, apart from its housekeeping.
const QUIET: Duration = Duration::from_millis(1500);
const HOUSEKEEPING: Duration = Duration::from_millis(20);
const STOP_LIMIT: Duration = Duration::from_secs(40);
/// How many rejecting readers are added to see what one costs.
const READERS: u32 = 20;
/// Runs of a row whose figure is a difference or a ratio.
const RUNS: usize = 3;

/// What a run took.
pub(crate) struct Measured {
    pub(crate) messages: u64,
    /// User and system time of the whole process.
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
    /// Most resident memory in bytes; 0: not known.
    pub(crate) peak: u64,
    /// Most anonymous memory in bytes.
    pub(crate) anonymous: u64,
    /// What is wrong with the run, if anything.
    pub(crate) remark: String,
}

impl Measured {
    pub(crate) fn cpu_per_million(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.messages as f64
    }
}

/// Runs one pipeline over its input, from a fresh start to the end of the input.
pub(crate) fn run(
    hekad: &Path,
    inputs: &Inputs,
    share: Option<&Path>,
    pipeline: Pipeline,
) -> anyhow::Result<Measured> {
    let scratch = Scratch::new()?;
    let sync = format!("queue_sync = \"{}\"\n", pipeline.sync);
    let config = head(share)
        + &sync
        + &pipeline.config(LOG_FORMAT).replace("$IN", &inputs.folder.display().to_string());
    configure(&scratch, &config)?;
    let start = Instant::now();
    let mut daemon = Daemon::start(hekad, &scratch)?;
    let mut measured = Measured {
        messages: inputs.lines,
        cpu: Duration::ZERO,
        wall: Duration::ZERO,
        peak: 0,
        anonymous: 0,
        remark: String::new(),
    };
    let mut since = start;
    let done = wait_until(LIMIT, || {
        if let (Some(cpu), Some(memory)) = (daemon.cpu_time(), daemon.memory()) {
            measured.peak = measured.peak.max(memory.peak);
            measured.anonymous = measured.anonymous.max(memory.anonymous);
            if cpu > measured.cpu + HOUSEKEEPING || measured.cpu.is_zero() {
                measured.cpu = cpu;
                since = Instant::now();
            }
        }
        daemon.check_alive().is_err() || since.elapsed() > QUIET
    });
    measured.wall = since - start;
    daemon.check_alive().context("while measuring")?;
    anyhow::ensure!(done, "not done within {LIMIT:?}");
    let status = daemon.stop(STOP_LIMIT)?;
    anyhow::ensure!(status.success(), "{status}; log:\n{}", daemon.log());
    let delivered = delivered(&scratch, pipeline)?;
    let read = read_up_to(&scratch);
    let expected = inputs.size_of(pipeline.from);
    if read != Some(expected) || delivered.is_some_and(|count| count != inputs.lines) {
        measured.remark = format!(
            "  WRONG: read {read:?} of {expected} bytes, delivered {delivered:?} of {}",
            inputs.lines
        );
    }
    Ok(measured)
}

/// CPU seconds that one more rejecting reader costs for one message.
pub(crate) fn rejecting(hekad: &Path, inputs: &Inputs, share: Option<&Path>) -> anyhow::Result<f64> {
    let with = |rejecting| {
        let pipeline = Pipeline { from: From::Lines, to: To::Queue, rejecting, sync: "ack" };
        least(|| Ok(run(hekad, inputs, share, pipeline)?.cpu.as_secs_f64()))
    };
    let (few, many) = (with(1)?, with(1 + READERS)?);
    Ok((many - few) / f64::from(READERS) / inputs.lines as f64)
}

/// The rate with `queue_sync = "ack"` as a part of that with `"interval"`.
pub(crate) fn ack_share(hekad: &Path, inputs: &Inputs, share: Option<&Path>) -> anyhow::Result<f64> {
    let wall = |sync| {
        let pipeline = Pipeline { from: From::Lines, to: To::Payload, rejecting: 0, sync };
        least(|| Ok(run(hekad, inputs, share, pipeline)?.wall.as_secs_f64()))
    };
    Ok(wall("interval")? / wall("ack")?)
}

/// The least figure of a few runs: what other work on the machine disturbed least.
pub(crate) fn least(mut run: impl FnMut() -> anyhow::Result<f64>) -> anyhow::Result<f64> {
    let mut best = run()?;
    for _ in 1..RUNS {
        best = best.min(run()?);
    }
    Ok(best)
}

/// The `[hekad]` section.
pub(crate) fn head(share: Option<&Path>) -> String {
    let share = share.map_or(String::new(), |path| format!("share_dir = \"{}\"\n", path.display()));
    format!("[hekad]\nmaxprocs = 2\nbase_dir = \"$DIR/base\"\nhostname = \"bench\"\n{share}")
}

/// How many messages are in the output; `None` when there is none.
fn delivered(scratch: &Scratch, pipeline: Pipeline) -> anyhow::Result<Option<u64>> {
    let path = scratch.join("out");
    Ok(match pipeline.to {
        To::Queue => None,
        To::Payload => Some(count_lines(&path)?),
        // Each document has a line of coordinates before it.
        To::Json => Some(count_lines(&path)? / 2),
        To::Protobuf => Some(frames(&fs::read(&path)?).filter(|frame| frame.is_ok()).count() as u64),
    })
}

fn count_lines(path: &Path) -> anyhow::Result<u64> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let mut buffer = vec![0; 1 << 20];
    let mut count = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(count),
            size => count += buffer[..size].iter().filter(|byte| **byte == b'\n').count() as u64,
        }
    }
}

/// How far the input came, from its journal.
fn read_up_to(scratch: &Scratch) -> Option<u64> {
    let journal = String::from_utf8(scratch.read("base/logstreamer/in")).ok()?;
    let (_, rest) = journal.split_once("\"seek\":")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
