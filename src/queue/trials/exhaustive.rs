//! Every disk that a power cut can leave, after every call of every short trace.

use super::{BASE, DIR, batch_of, drain, options};
use crate::fs::SimulatedFs;
use crate::fs::simulated::Fault;
use crate::{Cursors, Position, Queue, QueueError, SyncMode};
use std::path::Path;
use std::sync::Arc;

/// Outcomes looked at for one cut; more than this are sampled from the first.
const MOST: u64 = 1 << 13;

/// A step of a trace.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A record that shares its sector with others.
    Small,
    /// A record over several sectors; three fill a segment.
    Large,
    Sync,
    /// Save the reader's cursor and prune.
    Save,
}

const STEPS: [Step; 4] = [Step::Small, Step::Large, Step::Sync, Step::Save];

/// Runs a trace until the power goes; returns how many records were acknowledged.
fn run(fs: &SimulatedFs, trace: &[Step]) -> Result<u64, QueueError> {
    let disk = Arc::new(fs.clone());
    let cursors = Cursors::open(Path::new(BASE), disk.clone(), SyncMode::Ack)?;
    let queue = Queue::open_without_commits(Path::new(DIR), options(disk, SyncMode::Ack))?;
    let mut reader = queue.reader(Position::default());
    let (mut next, mut held) = (0, 0);
    for step in trace {
        match step {
            Step::Small | Step::Large => {
                let size = if matches!(step, Step::Small) { 60 } else { 1400 };
                if queue.append(&mut batch_of([next], size)).is_ok() {
                    next += 1;
                }
            }
            Step::Sync => {
                if queue.sync() {
                    held = next;
                }
            }
            Step::Save => {
                drain(&mut reader);
                cursors.set("out", "input", reader.position());
                if let Ok(saved) = cursors.save_if_changed() {
                    queue.prune(reader.position(), &saved);
                }
            }
        }
    }
    // The next life begins where the power went: nothing is closed.
    std::mem::forget(queue);
    Ok(held)
}

/// What was acknowledged is there unless it was read and its cursor saved, in order, and the queue goes on.
fn check(fs: &SimulatedFs, held: u64, case: &str) {
    let disk = Arc::new(fs.clone());
    let cursors = Cursors::open(Path::new(BASE), disk.clone(), SyncMode::Ack);
    let cursors = cursors.unwrap_or_else(|error| panic!("{case}: {error}"));
    let first_segment = cursors.highest_segment("input").map_or(1, |highest| highest + 1);
    let options = crate::Options { first_segment, ..options(disk, SyncMode::Ack) };
    let queue = Queue::open_without_commits(Path::new(DIR), options);
    let queue = queue.unwrap_or_else(|error| panic!("{case}: {error}"));
    let place = cursors.get("out", "input");
    let ids = drain(&mut queue.reader(place.unwrap_or_default()));
    assert!(ids.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{case}: {ids:?}");
    let read_before = place.is_some();
    assert!(read_before || held == 0 || ids.first() == Some(&0), "{case}: {ids:?}");
    assert!(
        ids.last().map_or(0, |last| last + 1) >= held || (read_before && ids.is_empty()),
        "{case}: {ids:?}"
    );
    let mut reader = queue.reader(queue.tail());
    queue.append(&mut batch_of([100], 60)).unwrap();
    assert_eq!(drain(&mut reader), [100], "{case}");
    assert_eq!(queue.stats().bad_records, 0, "{case}");
}

fn all_traces(len: usize) {
    let (mut cuts, mut disks) = (0, 0);
    for number in 0..STEPS.len().pow(len as u32) {
        let trace: Vec<Step> =
            (0..len).map(|at| STEPS[number / STEPS.len().pow(at as u32) % STEPS.len()]).collect();
        let whole = SimulatedFs::new();
        run(&whole, &trace).unwrap();
        for call in 0..=whole.calls() {
            let fs = SimulatedFs::new();
            fs.fail_call(call, Fault::PowerOff);
            let held = run(&fs, &trace).unwrap_or(0);
            let case = format!("{trace:?}, power off at call {call}");
            cuts += 1;
            disks += fs.for_each_power_cut(MOST, |disk| check(&disk, held, &case));
        }
    }
    println!("{cuts} power cuts in all traces of {len} steps left {disks} disks");
}

/// Traces of four steps; of as many as `HEKA_QUEUE_TRACE` says, where somebody waits for it.
#[test]
fn every_outcome_of_every_short_trace_is_fine() {
    all_traces(std::env::var("HEKA_QUEUE_TRACE").ok().and_then(|len| len.parse().ok()).unwrap_or(4));
}
