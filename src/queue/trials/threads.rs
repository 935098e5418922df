//! Many threads on a real disk.

use super::{LONG, batch_of, id_of, read_all};
use crate::{Batch, EventCount, Meta, Options, Position, Queue, ReceiptState, SyncMode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn open(dir: &std::path::Path, sync: SyncMode) -> Queue {
    Queue::open(dir, Options { segment_size_bytes: 64 << 10, sync, ..Options::default() }).unwrap()
}

#[test]
fn several_writers_and_readers_agree() {
    const WRITERS: u64 = 4;
    const EACH: u64 = 5000;
    for sync in [SyncMode::Ack, SyncMode::Interval, SyncMode::None] {
        let base = tempfile::tempdir().unwrap();
        let queue = open(base.path(), sync);
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let queue = &queue;
                scope.spawn(move || {
                    let mut batch = Batch::new();
                    let mut receipts = Vec::new();
                    for id in 0..EACH {
                        let meta = Meta { loop_count: writer as u32, ..Meta::default() };
                        batch.push(&super::message(id, 40 + (id % 200) as usize), meta).unwrap();
                        if id % 17 == 0 {
                            receipts.push(queue.append(&mut batch).unwrap());
                        }
                    }
                    receipts.push(queue.append(&mut batch).unwrap());
                    for receipt in receipts {
                        assert_eq!(receipt.wait(LONG), ReceiptState::Held);
                    }
                });
            }
            for _ in 0..3 {
                let mut reader = queue.reader(Position::default());
                scope.spawn(move || {
                    let mut next = [0; WRITERS as usize];
                    let mut sequence = 0;
                    while sequence < WRITERS * EACH {
                        assert!(reader.wait(LONG, || false), "nothing more after {sequence}");
                        while let Some(record) = reader.next() {
                            assert_eq!(record.sequence, sequence);
                            assert_eq!(id_of(record.message), next[record.loop_count as usize]);
                            next[record.loop_count as usize] += 1;
                            sequence += 1;
                        }
                    }
                });
            }
        });
        assert_eq!(queue.stats().bad_records, 0);
        assert!(queue.close());
    }
}

#[test]
fn a_receipt_resolves_without_being_asked_to() {
    let base = tempfile::tempdir().unwrap();
    let queue = open(base.path(), SyncMode::Ack);
    for id in 0..20 {
        let receipt = queue.append(&mut batch_of([id], 100)).unwrap();
        assert_eq!(receipt.wait(LONG), ReceiptState::Held);
    }
    let commits = queue.stats().commits;
    assert!((1..=20).contains(&commits), "{commits}");
}

#[test]
fn a_slow_reader_does_not_hold_up_the_writer() {
    let base = tempfile::tempdir().unwrap();
    let queue = open(base.path(), SyncMode::Interval);
    let mut slow = queue.reader(Position::default());
    queue.append(&mut batch_of(0..1, 100)).unwrap();
    // The reader stands in the first record, and holds on to it.
    let held = slow.next().unwrap();
    for id in 1..10_000 {
        queue.append(&mut batch_of([id], 100)).unwrap();
    }
    assert_eq!(id_of(held.message), 0);
    assert_eq!(read_all(&queue).len(), 10_000);
    assert!(slow.lag_bytes() > 1_000_000);
    for id in 1..10_000 {
        assert_eq!(id_of(slow.next().unwrap().message), id);
    }
}

#[test]
fn a_reader_waits_for_either_of_two_queues_and_for_the_stop() {
    let base = tempfile::tempdir().unwrap();
    let events = Arc::new(EventCount::new());
    let open = |name: &str| {
        let options = Options { events: events.clone(), sync: SyncMode::None, ..Options::default() };
        Queue::open(&base.path().join(name), options).unwrap()
    };
    let (input, filter) = (open("input"), open("filter"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut readers = [input.reader(Position::default()), filter.reader(Position::default())];
            let mut seen = 0;
            loop {
                let more = events.wait_for(LONG, || {
                    let more = readers.iter_mut().any(|reader| reader.has_more());
                    (more || stop.load(Ordering::Acquire)).then_some(more)
                });
                if more != Some(true) {
                    return (more, seen);
                }
                for reader in &mut readers {
                    while reader.next().is_some() {
                        seen += 1;
                    }
                }
            }
        });
        for round in 0..100 {
            let queue = if round % 2 == 0 { &input } else { &filter };
            queue.append(&mut batch_of([round], 100)).unwrap();
        }
        stop.store(true, Ordering::Release);
        events.notify();
        let (more, seen) = reader.join().unwrap();
        assert_eq!(more, Some(false));
        assert_eq!(seen, 100);
    });
}
