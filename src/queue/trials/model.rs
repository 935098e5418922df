//! The queue against a model: a vector of messages, and an index into it per reader.

use super::{BASE, DIR, drain, id_of, message, options};
use crate::fs::{Fs, RealFs, SimulatedFs};
use crate::{Batch, Cursors, Meta, Position, Queue, Reader, SyncMode};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Clone)]
enum Action {
    Append { sizes: Vec<u16> },
    Sync,
    Read { reader: usize, count: u8 },
    Save,
    Prune,
    Seek { reader: usize },
    Reopen { cleanly: bool },
}

fn action() -> impl Strategy<Value = Action> {
    let size = prop_oneof![9 => 0u16..400, 1 => 0u16..6000];
    prop_oneof![
        6 => prop::collection::vec(size, 0..12).prop_map(|sizes| Action::Append { sizes }),
        2 => Just(Action::Sync),
        6 => (0usize..2, any::<u8>()).prop_map(|(reader, count)| Action::Read { reader, count }),
        2 => Just(Action::Save),
        2 => Just(Action::Prune),
        1 => (0usize..2).prop_map(|reader| Action::Seek { reader }),
        1 => any::<bool>().prop_map(|cleanly| Action::Reopen { cleanly }),
    ]
}

struct Trial {
    base: PathBuf,
    dir: PathBuf,
    fs: Arc<dyn Fs>,
    simulated: Option<SimulatedFs>,
    sync: SyncMode,
    queue: Option<Queue>,
    cursors: Cursors,
    readers: Vec<Reader>,
    sizes: Vec<usize>,
    /// How many each reader has read, and had when the cursors were last saved.
    read: [usize; 2],
    saved: [usize; 2],
    last_time_ns: u64,
}

impl Trial {
    fn new(
        base: &Path,
        dir: &Path,
        fs: Arc<dyn Fs>,
        simulated: Option<SimulatedFs>,
        sync: SyncMode,
    ) -> Trial {
        let cursors = Cursors::open(base, fs.clone(), sync).unwrap();
        let mut trial = Trial {
            base: base.to_owned(),
            dir: dir.to_owned(),
            fs,
            simulated,
            sync,
            queue: None,
            cursors,
            readers: Vec::new(),
            sizes: Vec::new(),
            read: [0; 2],
            saved: [0; 2],
            last_time_ns: 0,
        };
        trial.open();
        trial
    }

    fn queue(&self) -> &Queue {
        self.queue.as_ref().unwrap()
    }

    fn open(&mut self) {
        let options = options(self.fs.clone(), self.sync);
        let queue = Queue::open_without_commits(&self.dir, options).unwrap();
        self.readers =
            ["a", "b"].map(|name| queue.reader(self.cursors.get(name, "input").unwrap_or_default())).into();
        self.queue = Some(queue);
    }

    fn append(&mut self, sizes: &[u16]) {
        let mut batch = Batch::new();
        for &size in sizes {
            let id = self.sizes.len() as u64;
            let text = message(id, size.into());
            self.sizes.push(text.len());
            let signer: &[u8] = if id.is_multiple_of(3) { b"signer" } else { b"" };
            let meta = Meta { loop_count: id as u32 % 5, signer, canonical: id.is_multiple_of(2) };
            batch.push(&text, meta).unwrap();
        }
        let receipt = self.queue().append(&mut batch).unwrap();
        assert!(batch.is_empty() && batch.bytes() == 0);
        assert_eq!(receipt.next_sequence(), self.sizes.len() as u64);
        assert!(sizes.is_empty() || receipt.is_held() == (self.sync != SyncMode::Ack));
    }

    fn read(&mut self, reader: usize, count: u8) {
        for _ in 0..count {
            let before = self.readers[reader].position();
            let Some(record) = self.readers[reader].next() else {
                assert_eq!(self.read[reader], self.sizes.len(), "reader {reader} stopped early");
                return;
            };
            let id = self.read[reader];
            assert_eq!(record.sequence, id as u64);
            assert_eq!(id_of(record.message), id as u64);
            assert_eq!(record.message.len(), self.sizes[id]);
            assert_eq!(record.loop_count, id as u32 % 5);
            assert_eq!(record.signer.is_empty(), !id.is_multiple_of(3));
            assert_eq!(record.canonical, id.is_multiple_of(2));
            assert!(record.append_time_ns >= self.last_time_ns || reader == 1);
            let after = record.position;
            assert!(before < after);
            assert_eq!(after, self.readers[reader].position());
            self.read[reader] += 1;
        }
    }

    fn save(&mut self) {
        for (name, reader) in ["a", "b"].iter().zip(&self.readers) {
            self.cursors.set(name, "input", reader.position());
        }
        self.cursors.save_if_changed().unwrap();
        self.saved = self.read;
    }

    fn prune(&mut self) {
        let durable = self.cursors.save_if_changed().unwrap();
        let tail = self.queue().tail();
        // Even when asked for too much, what a saved cursor needs stays.
        let before = if durable.lowest("input").is_some() { tail } else { Position::default() };
        let segments = self.queue().stats().segments;
        let pruned = self.queue().prune(before, &durable);
        assert_eq!(self.queue().stats().segments, segments - pruned as u64);
        let lowest = durable.lowest("input").unwrap_or_default();
        assert!(self.queue().stats().segments <= 2 || self.queue().oldest().segment <= lowest.segment.max(1));
    }

    fn reopen(&mut self, cleanly: bool) {
        let queue = self.queue.take().unwrap();
        if cleanly {
            self.save();
            assert!(queue.close());
        }
        // A queue on a real disk can only be left cleanly by its own process.
        if let (false, Some(simulated)) = (cleanly, &self.simulated) {
            let next = simulated.after_kill();
            self.fs = Arc::new(next.clone());
            self.simulated = Some(next);
        }
        self.readers.clear();
        drop(queue);
        self.cursors = Cursors::open(&self.base, self.fs.clone(), self.sync).unwrap();
        self.read = self.saved;
        self.open();
        assert_eq!(self.queue().stats().next_sequence, self.sizes.len() as u64);
    }

    fn run(&mut self, action: &Action) {
        match action {
            Action::Append { sizes } => self.append(sizes),
            Action::Sync => assert!(self.queue().sync()),
            Action::Read { reader, count } => self.read(*reader, *count),
            Action::Save => self.save(),
            Action::Prune => self.prune(),
            Action::Seek { reader } => {
                let position = self.readers[*reader].position();
                self.readers[*reader].seek(position);
            }
            Action::Reopen { cleanly } => self.reopen(*cleanly),
        }
        for reader in &self.readers {
            let queue = self.queue();
            assert_eq!(reader.lag_bytes(), queue.bytes_between(reader.position(), queue.tail()));
        }
    }

    fn finish(&mut self) {
        for reader in 0..2 {
            let (from, to) = (self.read[reader] as u64, self.sizes.len() as u64);
            assert_eq!(drain(&mut self.readers[reader]), (from..to).collect::<Vec<_>>());
            assert_eq!(self.readers[reader].lag_bytes(), 0);
        }
        let stats = self.queue().stats();
        assert_eq!((stats.bad_records, stats.cut_bytes, stats.lost_records), (0, 0, 0));
    }
}

fn sync_mode() -> impl Strategy<Value = SyncMode> {
    prop_oneof![Just(SyncMode::Ack), Just(SyncMode::Interval), Just(SyncMode::None)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn does_what_the_model_does(actions in prop::collection::vec(action(), 1..64), sync in sync_mode()) {
        let fs = SimulatedFs::new();
        let mut trial = Trial::new(Path::new(BASE), Path::new(DIR), Arc::new(fs.clone()), Some(fs), sync);
        for action in &actions {
            trial.run(action);
        }
        trial.finish();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn does_what_the_model_does_on_a_real_disk(actions in prop::collection::vec(action(), 1..64), sync in sync_mode()) {
        let base = tempfile::tempdir().unwrap();
        let mut trial = Trial::new(base.path(), &base.path().join("input"), Arc::new(RealFs), None, sync);
        for action in &actions {
            trial.run(action);
        }
        trial.finish();
    }
}
