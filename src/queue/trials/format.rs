//! What others rely on: options, limits, and what a folder looks like.

use super::{DIR, LONG, batch_of, open, options, read_all};
use crate::fs::SimulatedFs;
use crate::{Batch, Meta, Options, Position, Queue, QueueError, ReceiptState, SyncMode};
use std::path::Path;
use std::sync::Arc;

#[test]
fn a_folder_is_opened_once() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("input");
    let queue = Queue::open(&dir, Options::default()).unwrap();
    let error = Queue::open(&base.path().join("./input"), Options::default()).unwrap_err();
    assert!(matches!(error, QueueError::InUse { .. }), "{error}");
    let reader = queue.reader(Position::default());
    drop(queue);
    drop(reader);
    Queue::open(&dir, Options::default()).unwrap();
}

#[test]
fn a_batch_larger_than_a_segment_gets_its_own() {
    let base = tempfile::tempdir().unwrap();
    let queue = Queue::open(base.path(), Options { segment_size_bytes: 4096, ..Options::default() }).unwrap();
    queue.append(&mut batch_of(0..3, 100)).unwrap();
    queue.append(&mut batch_of(3..6, 100_000)).unwrap();
    queue.append(&mut batch_of(6..9, 100)).unwrap();
    assert_eq!(read_all(&queue), (0..9).collect::<Vec<_>>());
    queue.close();
    let mut names: Vec<_> = base.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["00000001.log", "00000002.log", "00000003.log"]);
}

#[test]
fn a_closed_segment_has_its_records_and_nothing_else() {
    let fs = SimulatedFs::new();
    let queue = open(&fs, SyncMode::Ack);
    queue.append(&mut batch_of(0..3, 100)).unwrap();
    let tail = queue.tail();
    let path = Path::new(DIR).join("00000001.log");
    fs.damage(&path, |bytes| {
        assert_eq!(bytes.len(), 4097, "the size of a segment and the byte that says open")
    });
    assert!(queue.close());
    fs.damage(&path, |bytes| assert_eq!(bytes.len() as u64, tail.offset));
    assert!(matches!(queue.append(&mut batch_of([3], 1)), Err(crate::AppendError::Closed { .. })));
    assert_eq!(read_all(&queue), [0, 1, 2], "readers may go on");
}

#[test]
fn bad_options_are_refused() {
    for size in [0, 4095, (2 << 30) + 1] {
        let fs = Arc::new(SimulatedFs::new());
        let options = Options { segment_size_bytes: size, ..options(fs, SyncMode::None) };
        let error = Queue::open(Path::new(DIR), options).unwrap_err();
        assert!(error.to_string().contains("segment_size_bytes"), "{error}");
    }
}

#[test]
fn an_empty_batch_stands_for_all_before_it() {
    let fs = SimulatedFs::new();
    let queue = open(&fs, SyncMode::Ack);
    assert!(queue.append(&mut Batch::new()).unwrap().is_held());
    queue.append(&mut batch_of(0..3, 100)).unwrap();
    let receipt = queue.append(&mut Batch::new()).unwrap();
    assert!(!receipt.is_held());
    queue.sync();
    assert_eq!(receipt.wait(LONG), ReceiptState::Held);
    assert_eq!(queue.tail().segment, 1);
}

#[test]
fn a_first_segment_is_not_below_a_cursor() {
    let fs = Arc::new(SimulatedFs::new());
    let options = Options { first_segment: 7, ..options(fs, SyncMode::Ack) };
    let queue = Queue::open_without_commits(Path::new(DIR), options).unwrap();
    assert_eq!(queue.tail(), Position::new(7, 0));
    let mut batch = Batch::new();
    batch.push(b"", Meta::default()).unwrap();
    queue.append(&mut batch).unwrap();
    assert_eq!(queue.oldest(), Position::new(7, 0));
    assert_eq!(queue.bytes_between(Position::default(), queue.tail()), queue.stats().bytes);
}
