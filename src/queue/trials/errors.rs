//! Every call to the disk fails once, in every way, in a short life of a queue.

use super::{BASE, DIR, batch_of, drain, logged, open, options, read_all};
use crate::fs::SimulatedFs;
use crate::fs::simulated::{Fault, Random};
use crate::{Cursors, Options, Position, Queue, ReceiptState, SyncMode};
use std::path::Path;
use std::sync::Arc;

const FAULTS: [Fault; 7] = [
    Fault::Error(libc::ENOSPC),
    Fault::Error(libc::EIO),
    Fault::Error(libc::EMFILE),
    Fault::Error(libc::EINTR),
    Fault::Short,
    Fault::Torn(libc::ENOSPC),
    Fault::Torn(libc::EIO),
];

fn retry<T, E: std::fmt::Debug>(mut call: impl FnMut() -> Result<T, E>) -> T {
    for _ in 0..3 {
        if let Ok(value) = call() {
            return value;
        }
    }
    call().unwrap()
}

/// Opens, fills three segments, reads, saves, prunes, closes and opens again. Each call that fails is repeated.
fn life(fs: &SimulatedFs, sync: SyncMode) -> Vec<u64> {
    let disk = Arc::new(fs.clone());
    let cursors = retry(|| Cursors::open(Path::new(BASE), disk.clone(), sync));
    let queue = retry(|| Queue::open_without_commits(Path::new(DIR), options(disk.clone(), sync)));
    let mut reader = queue.reader(Position::default());
    let mut read = Vec::new();
    for round in 0..6 {
        let mut batch = batch_of(round * 10..round * 10 + 10, 120);
        let receipt = retry(|| queue.append(&mut batch));
        if round % 2 == 1 {
            assert!(queue.sync() || queue.sync());
            assert!(receipt.is_held());
        }
        // A read that fails is stalled, and goes on.
        for _ in 0..2 {
            read.extend(drain(&mut reader));
        }
        cursors.set("out", "input", reader.position());
        let saved = retry(|| cursors.save_if_changed());
        queue.prune(reader.position(), &saved);
    }
    assert!(queue.sync() || queue.sync());
    assert!(queue.close());
    drop((reader, queue));
    let cursors = retry(|| Cursors::open(Path::new(BASE), disk.clone(), sync));
    assert_eq!(cursors.get("out", "input").map(|position| position.offset > 0), Some(true));
    let queue = retry(|| Queue::open_without_commits(Path::new(DIR), options(disk.clone(), sync)));
    assert_eq!(queue.stats().next_sequence, 60);
    let mut batch = batch_of([60], 120);
    retry(|| queue.append(&mut batch));
    let mut reader = queue.reader(cursors.get("out", "input").unwrap());
    for _ in 0..2 {
        read.extend(drain(&mut reader));
    }
    read
}

#[test]
fn any_call_may_fail_once() {
    for sync in [SyncMode::Ack, SyncMode::Interval, SyncMode::None] {
        let fs = SimulatedFs::new();
        assert_eq!(life(&fs, sync), (0..61).collect::<Vec<_>>());
        let calls = fs.calls();
        assert!(calls > 40, "{calls}");
        for call in 0..calls {
            for fault in FAULTS {
                let fs = SimulatedFs::new();
                fs.fail_call(call, fault);
                let read = std::panic::catch_unwind(|| life(&fs, sync));
                let read = read.unwrap_or_else(|_| panic!("{sync:?}, {fault:?} at call {call}: see above"));
                assert_eq!(read, (0..61).collect::<Vec<_>>(), "{sync:?}, {fault:?} at call {call}");
            }
        }
    }
}

/// The records of a failed sync reach a new segment; each reader gets each once; a power cut takes none.
#[test]
fn a_failed_sync_is_never_believed() {
    for seed in 0..200 {
        let fs = SimulatedFs::new();
        let (options, lines) = logged(options(Arc::new(fs.clone()), SyncMode::Ack));
        let queue = Queue::open_without_commits(Path::new(DIR), options).unwrap();
        queue.append(&mut batch_of(0..10, 60)).unwrap();
        assert!(queue.sync());
        let mut early = queue.reader(Position::default());
        let receipt = queue.append(&mut batch_of(10..30, 60)).unwrap();
        assert_eq!(drain(&mut early).len(), 30);
        fs.fail_call(fs.calls(), Fault::Error(libc::EIO));
        assert!(queue.sync());
        assert!(receipt.is_held());
        assert_eq!(queue.stats().failed_syncs, 1);
        let text = lines.lock().unwrap().join("\n");
        assert!(text.contains("00000001.log: sync failed") && text.contains("written again after"), "{text}");

        queue.append(&mut batch_of(30..40, 60)).unwrap();
        assert_eq!(drain(&mut early), (30..40).collect::<Vec<_>>());
        assert_eq!(read_all(&queue), (0..40).collect::<Vec<_>>());
        assert!(queue.sync());

        let after = open(&fs.after_power_cut(&mut Random::new(seed)), SyncMode::Ack);
        assert_eq!(after.stats().next_sequence, 40, "seed {seed}");
        let mut ids = read_all(&after);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids, (0..40).collect::<Vec<_>>(), "seed {seed}");
    }
}

/// After a failed sync and a kill a reader does not get the copies of what it had read.
#[test]
fn copies_of_what_was_read_before_a_kill_are_not_read_again() {
    for read in [0, 10, 15, 29, 30] {
        let fs = SimulatedFs::new();
        let queue = open(&fs, SyncMode::Ack);
        queue.append(&mut batch_of(0..10, 60)).unwrap();
        assert!(queue.sync());
        queue.append(&mut batch_of(10..30, 60)).unwrap();
        let mut reader = queue.reader(Position::default());
        for _ in 0..read {
            reader.next().unwrap();
        }
        let place = reader.position();
        fs.fail_call(fs.calls(), Fault::Error(libc::EIO));
        assert!(queue.sync());
        queue.append(&mut batch_of(30..40, 60)).unwrap();
        let queue = open(&fs.after_kill(), SyncMode::Ack);
        assert_eq!(drain(&mut queue.reader(place)), (read..40).collect::<Vec<_>>(), "read before: {read}");
    }
}

#[test]
fn a_sync_that_fails_for_want_of_space_waits_for_it() {
    let fs = SimulatedFs::new();
    let queue = open(&fs, SyncMode::Ack);
    let receipt = queue.append(&mut batch_of(0..10, 60)).unwrap();
    fs.set_capacity(Some(5000));
    fs.fail_call(fs.calls(), Fault::Error(libc::ENOSPC));
    for _ in 0..10 {
        assert!(!queue.sync());
        assert_eq!(receipt.state(), ReceiptState::Pending);
        assert!(queue.append(&mut batch_of([10], 60)).is_err(), "nothing may overtake what is not safe");
    }
    fs.set_capacity(None);
    assert!(queue.sync());
    assert_eq!(receipt.state(), ReceiptState::Held);
    queue.append(&mut batch_of([10], 60)).unwrap();
    assert_eq!(read_all(&queue), (0..=10).collect::<Vec<_>>());
}

#[test]
fn a_disk_that_holds_nothing_fails_receipts_instead_of_lying() {
    let fs = SimulatedFs::new();
    let (options, lines) = logged(Options { ..options(Arc::new(fs.clone()), SyncMode::Ack) });
    let queue = Queue::open_without_commits(Path::new(DIR), options).unwrap();
    let receipt = queue.append(&mut batch_of(0..10, 60)).unwrap();
    for call in fs.calls()..fs.calls() + 1000 {
        fs.fail_call(call, Fault::Error(libc::EIO));
    }
    assert!(!queue.sync());
    assert_eq!(receipt.state(), ReceiptState::Failed);
    assert_eq!(receipt.wait(super::LONG), ReceiptState::Failed);
    assert!(queue.failed());
    assert!(queue.append(&mut batch_of([10], 60)).is_err());
    assert!(lines.lock().unwrap().iter().any(|line| line.contains("takes no more")));
}
