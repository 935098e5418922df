//! Every bit of a 64 KiB segment flipped: only the record that was hit is lost, counted once and logged once.
//!
//! One bit of each byte as a rule; `HEKA_QUEUE_FLIPS=all` flips each of the 524,288.

use super::{DIR, batch_of, logged, options};
use crate::fs::SimulatedFs;
use crate::record::good_at;
use crate::{Options, Position, Queue, SyncMode};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const SIZE: usize = 64 << 10;
/// Sizes of messages. The first two give frames of 64 and 128 bytes: a flipped length may then end where another frame
/// begins.
const MESSAGES: [usize; 7] = [27, 91, 27, 200, 1500, 90, 333];

/// A segment of 64 KiB, closed or not, and where each record lies in it.
fn segment(cleanly: bool) -> (SimulatedFs, PathBuf, Vec<Range<usize>>) {
    let fs = SimulatedFs::new();
    let options =
        Options { segment_size_bytes: 2 * SIZE as u64, ..options(Arc::new(fs.clone()), SyncMode::Ack) };
    let queue = Queue::open_without_commits(Path::new(DIR), options).unwrap();
    let mut id = 0;
    while queue.stats().bytes < SIZE as u64 {
        // Ten of each size in a row.
        let size = MESSAGES[(id / 10) as usize % MESSAGES.len()];
        queue.append(&mut batch_of([id], size)).unwrap();
        id += 1;
    }
    queue.sync();
    if cleanly {
        queue.close();
    }
    let fs = fs.after_kill();
    let path = Path::new(DIR).join("00000001.log");
    let mut ranges = Vec::new();
    fs.damage(&path, |bytes| {
        let mut at = 0;
        while let Some(frame) = good_at(bytes, at) {
            ranges.push(at..at + frame.end);
            at += frame.end;
        }
    });
    (fs, path, ranges)
}

/// Flips one bit, opens, reads, goes on.
fn flip(fs: &SimulatedFs, path: &Path, ranges: &[Range<usize>], at: usize, bit: usize) {
    let hit = ranges.partition_point(|range| range.end <= at);
    let fs = fs.after_kill();
    fs.damage(path, |bytes| bytes[at] ^= 1 << bit);
    let case = format!("record {hit} at {:?}, byte {at}, bit {bit}", ranges[hit]);
    let (options, lines) = logged(options(Arc::new(fs), SyncMode::Ack));
    let queue = Queue::open_without_commits(Path::new(DIR), options).unwrap();
    let mut reader = queue.reader(Position::default());
    for expected in (0..ranges.len()).filter(|id| *id != hit) {
        let record = reader.next().unwrap_or_else(|| panic!("{case}: record {expected} is missing"));
        assert_eq!(record.sequence, expected as u64, "{case}");
    }
    assert!(reader.next().is_none(), "{case}: one record too many");
    queue.append(&mut batch_of([1], 60)).unwrap();
    assert!(reader.next().is_some(), "{case}: the queue does not go on");
    let stats = queue.stats();
    let counted = stats.bad_records + u64::from(stats.cut_bytes > 0);
    let lines = lines.lock().unwrap();
    assert_eq!((counted, lines.len()), (1, 1), "{case}: {lines:?}");
}

fn flip_all(cleanly: bool) {
    let (fs, path, ranges) = segment(cleanly);
    let bytes = ranges.last().unwrap().end;
    assert!(bytes >= SIZE);
    let all = std::env::var("HEKA_QUEUE_FLIPS").is_ok_and(|flips| flips == "all");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let flips = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (fs, path, ranges, flips) = (fs.after_kill(), &path, &ranges, &flips);
            scope.spawn(move || {
                for at in (thread..SIZE).step_by(threads) {
                    for bit in (0..8).filter(|bit| all || *bit == at / 3 % 8) {
                        flip(&fs, path, ranges, at, bit);
                        flips.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    println!("{flips:?} flips in {} records, closed {cleanly}: each lost the record it hit", ranges.len());
}

#[test]
fn a_flipped_bit_of_a_closed_segment_loses_only_the_record_it_hits() {
    flip_all(true);
}

#[test]
fn a_flipped_bit_of_an_open_segment_loses_only_the_record_it_hits() {
    flip_all(false);
}
