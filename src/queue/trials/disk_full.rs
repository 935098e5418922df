//! A full disk holds appends back and loses nothing.

use super::{DIR, batch_of, open, options, read_all};
use crate::fs::SimulatedFs;
use crate::{AppendError, Cursors, Queue, SyncMode};
use std::path::Path;
use std::sync::Arc;

#[test]
fn appends_go_on_when_space_returns() {
    for sync in [SyncMode::Ack, SyncMode::None] {
        let fs = SimulatedFs::new();
        fs.set_capacity(Some(20_000));
        let queue = open(&fs, sync);
        let mut appended = 0;
        let mut batch = loop {
            let mut batch = batch_of([appended], 300);
            match queue.append(&mut batch) {
                Ok(_) => appended += 1,
                Err(AppendError::Full { .. }) => break batch,
                Err(error) => panic!("{error}"),
            }
        };
        assert!(appended > 40, "the disk holds more than {appended} records");
        let files = fs.paths();
        for _ in 0..100 {
            assert!(matches!(queue.append(&mut batch), Err(AppendError::Full { .. })));
        }
        assert_eq!(fs.paths(), files, "attempts leave no files behind");
        assert_eq!(batch.len(), 1, "the batch is kept");
        assert_eq!(read_all(&queue), (0..appended).collect::<Vec<_>>(), "readers go on");
        assert!(queue.sync());

        fs.set_capacity(None);
        let receipt = queue.append(&mut batch).unwrap();
        assert!(queue.sync() && receipt.is_held());
        assert_eq!(read_all(&queue), (0..=appended).collect::<Vec<_>>());
        let reopened = open(&fs.after_kill(), sync);
        assert_eq!(read_all(&reopened), (0..=appended).collect::<Vec<_>>());
    }
}

#[test]
fn pruning_makes_room() {
    let fs = SimulatedFs::new();
    fs.set_capacity(Some(20_000));
    let queue = open(&fs, SyncMode::Ack);
    let cursors = Cursors::open(Path::new("/base"), Arc::new(fs.clone()), SyncMode::Ack).unwrap();
    cursors.set("out", "input", queue.tail());
    cursors.save_if_changed().unwrap();
    let mut reader = queue.reader(queue.oldest());
    let mut read = 0;
    for id in 0..1000 {
        let mut batch = batch_of([id], 300);
        while queue.append(&mut batch).is_err() {
            assert!(queue.sync());
            while let Some(record) = reader.next() {
                assert_eq!(record.sequence, read);
                read += 1;
            }
            cursors.set("out", "input", reader.position());
            let saved = cursors.save_if_changed();
            // There may be no space for the cursors either: what they need was there before.
            let saved = saved.unwrap_or_else(|_| panic!("no space for the cursors at record {id}"));
            assert!(queue.prune(reader.position(), &saved) > 0, "nothing to prune at record {id}");
        }
    }
    assert!(read > 900);
}

#[test]
fn a_nearly_full_disk_gets_a_small_segment() {
    let fs = SimulatedFs::new();
    let options =
        crate::Options { segment_size_bytes: 1 << 20, ..options(Arc::new(fs.clone()), SyncMode::Ack) };
    fs.set_capacity(Some(100_000));
    let queue = Queue::open_without_commits(Path::new(DIR), options).unwrap();
    queue.append(&mut batch_of(0..10, 300)).unwrap();
    assert_eq!(read_all(&queue), (0..10).collect::<Vec<_>>());
}
