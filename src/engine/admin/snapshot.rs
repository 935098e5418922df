//! All figures at one moment. Nothing here waits for a plugin or the disk, but for a page of the queues' maps.

use std::sync::PoisonError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use heka_plugin::telemetry::{InputFigures, Problem, QueueFigures, ReaderFigures, Snapshot};
use heka_queue::{Position, Queue};

use super::process;
use super::roster::{ListedInput, ListedReader};
use crate::config::FullAction;
use crate::keeper::Entry;
use crate::pipeline::Shared;
use crate::place::Place;
use crate::queues::{FILTER, INPUT};

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Takes the figures.
pub(super) fn take(shared: &Shared, started_ms: u64, reports: u64) -> Snapshot {
    let queues = &shared.queues;
    let mut figures = Snapshot {
        time_ms: now_ms(),
        started_ms,
        version: env!("CARGO_PKG_VERSION"),
        hostname: shared.globals.hostname.clone(),
        stopping: shared.shutdown.has_begun(),
        inputs_held: shared.gate.is_closed(),
        queue_refuses: shared.gate.refusals.last(),
        reports,
        process: process::read(),
        queues: vec![queue(INPUT, &queues.input), queue(FILTER, &queues.filter)],
        inputs: shared.roster.inputs().iter().map(|input| self::input(input, shared)).collect(),
        readers: Vec::new(),
    };
    let listed = shared.roster.readers();
    // Looking into the queues comes last: a lag is never that of a record which came after the look at its counts.
    let entries = shared.entries.lock().unwrap_or_else(PoisonError::into_inner);
    let entry_of = |name: &str| entries.iter().find(|entry| entry.name == name);
    let read: Vec<_> =
        listed.iter().map(|listed| self::reader(listed, entry_of(&listed.name), shared)).collect();
    // The keeper waits for these, and a page of the map may have to come from the disk.
    drop(entries);
    let looked = |(figures, place): (ReaderFigures, Option<Place>)| {
        let Some(place) = place else { return figures };
        let (lag_records, oldest_unread_s) = unread(shared, place);
        ReaderFigures { lag_records, oldest_unread_s, ..figures }
    };
    figures.readers = read.into_iter().map(looked).collect();
    figures
}

fn queue(name: &'static str, queue: &Queue) -> QueueFigures {
    let stats = queue.stats();
    QueueFigures {
        name,
        records: stats.next_sequence,
        bytes: stats.bytes,
        segments: stats.segments,
        commits: stats.commits,
        failed_syncs: stats.failed_syncs,
        bad_records: stats.bad_records,
        lost_records: stats.lost_records,
        failed: queue.failed(),
    }
}

/// The later of two errors, and how many there were.
fn joined(one: (u64, Option<Problem>), other: (u64, Option<Problem>)) -> (u64, Option<Problem>) {
    let last = [one.1, other.1].into_iter().flatten().max_by_key(|problem| problem.time_ms);
    (one.0 + other.0, last)
}

fn input(listed: &ListedInput, shared: &Shared) -> InputFigures {
    let counters = &listed.counters;
    let (appended, decoded) = (&counters.appended, &counters.decoded);
    let (errors, problem) = joined(shared.logger.problems("Input", &listed.name), decoded.problems.get());
    InputFigures {
        name: listed.name.clone(),
        type_name: listed.type_name,
        running: counters.running.load(std::sync::atomic::Ordering::Relaxed),
        splitter: listed.splitter.clone(),
        decoder: listed.decoder.clone(),
        messages: appended.messages.get(),
        bytes: appended.bytes.get(),
        decoded: decoded.records.get(),
        decode_failures: decoded.failed.get(),
        restarts: counters.restarts.get(),
        errors,
        problem,
        append: appended.durations.get(),
        decode: decoded.durations.get(),
    }
}

/// A reader's figures but for those that take a look into the queues, and where that look is to begin.
fn reader(listed: &ListedReader, entry: Option<&Entry>, shared: &Shared) -> (ReaderFigures, Option<Place>) {
    let (errors, problem) = shared.logger.problems("Plugin", &listed.name);
    let figures = ReaderFigures {
        name: listed.name.clone(),
        type_name: listed.type_name,
        kind: listed.kind,
        dynamic: listed.dynamic,
        matcher: listed.matcher.text().into(),
        encoder: listed.encoder.clone(),
        injected: listed.injected.messages.get(),
        errors,
        problem,
        ..ReaderFigures::default()
    };
    let Some(entry) = entry else { return (figures, None) };
    let (place, counters) = (entry.place.get(), &entry.counters);
    let kept_bytes = shared.queues.whole_lag_bytes(&entry.name, place);
    let place = later(place, counters.done.get());
    let lag_bytes = shared.queues.whole_lag_bytes(&entry.name, place);
    let blocks = entry.full_action == FullAction::Block && !entry.dynamic && !entry.ended;
    let figures = ReaderFigures {
        running: !entry.ended,
        messages: counters.processed.get(),
        bytes: counters.bytes.get(),
        failures: counters.failed.get(),
        retries: counters.retries.get(),
        dropped_bytes: counters.dropped.get(),
        lag_bytes,
        limit_bytes: entry.limit_bytes,
        full_action: match entry.full_action {
            FullAction::Block => "block",
            FullAction::Drop => "drop",
            FullAction::Shutdown => "shutdown",
        },
        holds_inputs: blocks && entry.limit_bytes > 0 && kept_bytes >= entry.limit_bytes,
        busy_s: if entry.ended { 0.0 } else { counters.busy.time().as_secs_f64() },
        duration: counters.durations.get(),
        ..figures
    };
    (figures, Some(place))
}

/// The later of two places, in each queue.
fn later(one: Place, other: Place) -> Place {
    Place {
        input: one.input.max(other.input),
        filter: one.filter.max(other.filter),
        imported: one.imported.max(other.imported),
    }
}

/// How many records are behind a place, and how long the oldest of them has been there.
fn unread(shared: &Shared, place: Place) -> (u64, f64) {
    let now_ns = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let of = |queue: &Queue, position: Position| {
        if position >= queue.tail() {
            return (0, Duration::ZERO);
        }
        let mut reader = queue.reader(position);
        let Some(record) = reader.next() else { return (0, Duration::ZERO) };
        let (sequence, age_ns) = (record.sequence, now_ns.saturating_sub(u128::from(record.append_time_ns)));
        let age = Duration::from_nanos(u64::try_from(age_ns).unwrap_or(u64::MAX));
        (queue.stats().next_sequence.saturating_sub(sequence), age)
    };
    let (input, filter) = (of(&shared.queues.input, place.input), of(&shared.queues.filter, place.filter));
    (input.0 + filter.0, input.1.max(filter.1).as_secs_f64())
}
