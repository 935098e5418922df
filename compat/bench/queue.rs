//! What the queue alone takes, in this process.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use heka_message::{Matcher, MessageView};
use heka_queue::{Batch, Meta, Options, Position, Queue, Reader, SyncMode};
use heka_testkit::Scratch;
use heka_testkit::access_log::AccessLog;
use rustix::time::{ClockId, clock_gettime};

use crate::inputs::{Inputs, message};
use crate::measure::least;
use crate::rows::Work;

/// As large as the batches of an input.
const BATCH_BYTES: usize = 128 << 10;
const LIMIT: Duration = Duration::from_secs(60);
/// How far a reader goes before the one that follows it: near enough that the pages are still mapped.
const AHEAD: usize = 2000;
/// Of so many messages one has the other type.
const OTHER_EVERY: u64 = 10;

/// Nanoseconds a message; the least of a few runs.
pub(crate) fn measure(inputs: &Inputs, work: Work) -> anyhow::Result<f64> {
    let messages = messages(inputs.lines.min(500_000), matches!(work, Work::RejectMost));
    let scratch = Scratch::new()?;
    let mut run = 0;
    least(|| {
        run += 1;
        let folder = scratch.join(format!("queue{run}"));
        let time = once(&folder, &messages, work)?;
        std::fs::remove_dir_all(&folder)?;
        Ok(time.as_secs_f64() * 1e9 / messages.len() as f64)
    })
}

fn once(folder: &Path, messages: &[Vec<u8>], work: Work) -> anyhow::Result<Duration> {
    let sync = if matches!(work, Work::Append) { SyncMode::Ack } else { SyncMode::None };
    let options = Options { sync, ..Options::default() };
    let queue = Queue::open(folder, options.clone())?;
    let start = cpu_time();
    append(&queue, messages)?;
    let appended = cpu_time() - start;
    // As another process left it: nothing is known of the records.
    queue.close();
    drop(queue);
    let queue = Queue::open(folder, options)?;
    let total = messages.len();
    let others = total.div_ceil(OTHER_EVERY as usize);
    Ok(match work {
        Work::Append => appended,
        Work::Read => read(queue.reader(Position::default()), "TRUE", total)?,
        Work::Accept => {
            // Stays in its segment, and with it the map and what is known of it.
            let mut ahead = queue.reader(Position::default());
            let mut time = Duration::ZERO;
            let mut behind = queue.reader(Position::default());
            follow(&mut ahead, &mut behind, "Type == 'nginx'", total, &mut time)?;
            time
        }
        Work::RejectFirst => read(picky(&queue, "Type == 'other'")?, "Type == 'other'", 0)?,
        Work::Reject | Work::RejectMost => {
            let mut time = Duration::ZERO;
            let (mut ahead, mut behind) = (picky(&queue, "FALSE")?, picky(&queue, "Type == 'other'")?);
            let wanted = if matches!(work, Work::RejectMost) { others } else { 0 };
            follow(&mut ahead, &mut behind, "Type == 'other'", wanted, &mut time)?;
            time
        }
    })
}

fn messages(count: u64, mixed: bool) -> Vec<Vec<u8>> {
    let mut source = AccessLog::new(7);
    let make = |id: u64| {
        let mut bytes = message(id, source.next_line());
        if mixed && id.is_multiple_of(OTHER_EVERY) {
            // The type comes after 28 bytes of UUID and time, its tag and its length.
            bytes[30..35].copy_from_slice(b"other");
        }
        bytes
    };
    (0..count).map(make).collect()
}

fn append(queue: &Queue, messages: &[Vec<u8>]) -> anyhow::Result<()> {
    let mut batch = Batch::new();
    for message in messages {
        batch.push(message, Meta { canonical: true, ..Meta::default() })?;
        if batch.bytes() >= BATCH_BYTES {
            queue.append(&mut batch)?;
        }
    }
    queue.append(&mut batch)?.wait(LIMIT);
    Ok(())
}

/// A reader that passes what this matcher refuses by its type.
fn picky(queue: &Queue, matcher: &str) -> anyhow::Result<Reader> {
    let matcher = Arc::new(Matcher::parse(matcher)?);
    let mut reader = queue.reader(Position::default());
    reader.leave_out(move |msg_type| matcher.refuses_type(msg_type));
    Ok(reader)
}

/// Reads all; checks how many match.
fn read(mut reader: Reader, matcher: &str, expected: usize) -> anyhow::Result<Duration> {
    let matcher = Matcher::parse(matcher)?;
    let start = cpu_time();
    let (matched, _) = some(&mut reader, &matcher, usize::MAX, Position::new(u64::MAX, 0));
    let time = cpu_time() - start;
    anyhow::ensure!(matched == expected, "{matched} of {expected} matched");
    Ok(time)
}

/// Lets one reader follow another closely; adds up the time that the second takes.
fn follow(
    ahead: &mut Reader,
    behind: &mut Reader,
    matcher: &str,
    expected: usize,
    time: &mut Duration,
) -> anyhow::Result<()> {
    let (all, matcher) = (Matcher::parse("TRUE")?, Matcher::parse(matcher)?);
    let mut matched = 0;
    loop {
        let seen = some(ahead, &all, AHEAD, Position::new(u64::MAX, 0)).1;
        let start = cpu_time();
        matched += some(behind, &matcher, usize::MAX, ahead.position()).0;
        *time += cpu_time() - start;
        if seen == 0 {
            break;
        }
    }
    anyhow::ensure!(matched == expected, "{matched} of {expected} matched");
    Ok(())
}

/// Processor time of this thread: other work on the machine does not count.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// Reads at most `count` records up to a place; how many match and how many there were.
fn some(reader: &mut Reader, matcher: &Matcher, count: usize, to: Position) -> (usize, usize) {
    let (mut matched, mut seen) = (0, 0);
    while seen < count
        && reader.position() < to
        && let Some(record) = reader.next()
    {
        seen += 1;
        matched += usize::from(matcher.matches(&MessageView::new_canonical(black_box(record.message))));
    }
    (matched, seen)
}
