//! A queue's segments are Heka streams: any reader of those reads them, also while the queue is open.

#![allow(clippy::unwrap_used, reason = "a test may")]

use heka_message::{find_frame, unframe};
use heka_queue::{Batch, Meta, Options, Queue, SyncMode};
use std::path::Path;

const MAX_MESSAGE_SIZE: usize = 64 << 10;

fn messages() -> Vec<Vec<u8>> {
    (0..200usize).map(|id| (0..id * 7 % 600).map(|at| (at * id) as u8).collect()).collect()
}

fn fill(queue: &Queue) {
    let mut batch = Batch::new();
    for (id, message) in messages().iter().enumerate() {
        let signer: &[u8] = if id % 2 == 0 { b"ops" } else { b"" };
        batch.push(message, Meta { loop_count: id as u32 % 3, signer, canonical: true }).unwrap();
        if id % 10 == 9 {
            queue.append(&mut batch).unwrap();
        }
    }
}

/// All messages that a reader of Heka streams finds in the files of a folder.
fn read_streams(dir: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = dir.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut messages = Vec::new();
    for path in paths {
        let bytes = std::fs::read(path).unwrap();
        let mut at = 0;
        loop {
            let found = find_frame(&bytes[at..], MAX_MESSAGE_SIZE);
            assert!(found.problems.is_empty(), "{:?}", found.problems);
            let Some(record) = found.record else { break };
            messages.push(unframe(&bytes[at..][record]).unwrap().message.to_vec());
            at += found.consumed;
        }
        assert!(bytes[at..].iter().all(|&byte| byte == 0), "only padding is no frame");
    }
    messages
}

#[test]
fn an_open_and_a_closed_queue_are_streams() {
    let base = tempfile::tempdir().unwrap();
    let options = Options { segment_size_bytes: 16 << 10, sync: SyncMode::None, ..Options::default() };
    let queue = Queue::open(base.path(), options).unwrap();
    fill(&queue);
    assert!(queue.stats().segments > 2);
    assert_eq!(read_streams(base.path()), messages());
    assert!(queue.close());
    assert_eq!(read_streams(base.path()), messages());
}
