//! Trials of the whole queue: against a model, a failing disk, power cuts, damage and many threads.
//!
//! Seeded trials print their seed when they fail; `HEKA_QUEUE_SEED=n` runs that one alone, and
//! `HEKA_QUEUE_CASES=n` changes how many are run.

mod damage;
mod disk_full;
mod errors;
mod exhaustive;
mod flips;
mod format;
mod model;
mod power;
mod threads;

use crate::fs::{Fs, SimulatedFs};
use crate::{Batch, Meta, Options, Position, Queue, Reader, SyncMode};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const DIR: &str = "/base/input";
const BASE: &str = "/base";
const LONG: Duration = Duration::from_secs(30);

/// Lines that a queue reported.
type Lines = Arc<Mutex<Vec<String>>>;

fn options(fs: Arc<dyn Fs>, sync: SyncMode) -> Options {
    Options { name: "input".to_owned(), segment_size_bytes: 4096, sync, fs, ..Options::default() }
}

fn logged(mut options: Options) -> (Options, Lines) {
    let lines = Lines::default();
    let sink = lines.clone();
    options.log = Arc::new(move |event| sink.lock().unwrap().push(event.to_string()));
    (options, lines)
}

/// A queue on a simulated disk that syncs only when told.
fn open(fs: &SimulatedFs, sync: SyncMode) -> Queue {
    Queue::open_without_commits(Path::new(DIR), options(Arc::new(fs.clone()), sync)).unwrap()
}

/// A message that tells its number and whether it is whole; `size` bytes or a little more.
fn message(id: u64, size: usize) -> Vec<u8> {
    let mut text = format!("{id:08} ").into_bytes();
    while text.len() < size {
        let at = text.len() as u64;
        // All byte values occur, frame separators too; zeros are rare, so that holes are not what messages look like.
        text.push((id.wrapping_mul(31) ^ at.wrapping_mul(at)) as u8);
    }
    text
}

/// The number that a message tells; panics if it is not whole.
fn id_of(text: &[u8]) -> u64 {
    let id = std::str::from_utf8(&text[..8]).unwrap().parse().unwrap();
    assert_eq!(text, message(id, text.len()), "message {id} is not whole");
    id
}

fn batch_of(ids: impl IntoIterator<Item = u64>, size: usize) -> Batch {
    let mut batch = Batch::new();
    for id in ids {
        batch.push(&message(id, size), Meta { canonical: true, ..Meta::default() }).unwrap();
    }
    batch
}

/// Numbers of all messages that can be read from here.
fn drain(reader: &mut Reader) -> Vec<u64> {
    let mut ids = Vec::new();
    while let Some(record) = reader.next() {
        ids.push(id_of(record.message));
    }
    ids
}

fn read_all(queue: &Queue) -> Vec<u64> {
    drain(&mut queue.reader(Position::default()))
}

/// Runs a trial for each seed of a range, or for the one in the environment.
fn for_each_seed(cases: u64, trial: impl Fn(u64) + std::panic::RefUnwindSafe) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("HEKA_QUEUE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("HEKA_QUEUE_CASES").unwrap_or(cases),
    };
    for seed in seeds {
        if let Err(panic) = std::panic::catch_unwind(|| trial(seed)) {
            eprintln!("failed with seed {seed}; repeat with HEKA_QUEUE_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
