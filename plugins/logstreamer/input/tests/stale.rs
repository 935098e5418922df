//! Renaming that goes on between a scan and its use: an input may be held up there for any time.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::super::journal::Journal;
use super::super::set::{LogstreamSet, SetOptions};
use super::super::stream::{Begin, Stream, Surroundings, Turn, read_buffer};
use super::rig::{TestInlet, World};

/// A stream whose every turn and scan is asked for.
struct ByHand {
    dir: tempfile::TempDir,
    world: Arc<World>,
    inlet: TestInlet,
    set: LogstreamSet,
    stream: Stream,
    scans: u64,
    /// The files beside the newest one.
    rotated: usize,
    /// What the newest file holds.
    written: usize,
}

impl ByHand {
    fn new() -> ByHand {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.log"), "0\n").unwrap();
        let options = SetOptions {
            log_directory: dir.path().display().to_string(),
            file_match: r"a\.log\.?(?P<Seq>\d*)".into(),
            priority: vec!["^Seq".into()],
            differentiator: vec!["a".into()],
            ..SetOptions::default()
        };
        let set = LogstreamSet::new(&options).unwrap();
        let world = Arc::new(World::default());
        world.held.store(u64::MAX, Ordering::SeqCst);
        let inlet = TestInlet(world.clone());
        let deliverer = heka_plugin::Inlet::deliverer(&inlet, "1").unwrap();
        let journal = Journal::new(&dir.path().join("journals"), "a");
        let files = set.scan(&Default::default()).listings().remove("a").unwrap();
        let stream = Stream::new("a".into(), files, journal, Begin::Oldest, deliverer);
        ByHand { dir, world, inlet, set, stream, scans: 0, rotated: 0, written: 0 }
    }

    fn rotate(&mut self) {
        self.rename_old(1);
        self.rename_newest();
    }

    fn path(&self, number: usize) -> PathBuf {
        let name = if number == 0 { "a.log".into() } else { format!("a.log.{number}") };
        self.dir.path().join(name)
    }

    /// The first part of a rotation: the files from this one on have their new names.
    fn rename_old(&self, from: usize) {
        for number in (from..=self.rotated).rev() {
            fs::rename(self.path(number), self.path(number + 1)).unwrap();
        }
    }

    /// The last part.
    fn rename_newest(&mut self) {
        fs::rename(self.path(0), self.path(1)).unwrap();
        self.rotated += 1;
        self.written += 1;
        fs::write(self.path(0), format!("{}\n", self.written)).unwrap();
    }

    fn turn(&mut self) -> Turn {
        let around = Surroundings {
            inlet: &self.inlet,
            max_record_size: 1000,
            check_interval: Duration::from_millis(1),
            scans: self.scans,
        };
        self.stream.turn(&around, &mut read_buffer()).unwrap()
    }

    fn scan(&mut self) {
        let files = self.set.scan(&Default::default()).listings().remove("a").unwrap();
        self.scans += 1;
        self.stream.set_files(files);
    }

    /// Turns and scans, with `before_turn` before each turn, until so many rotations are done and the last file was read.
    fn finish(&mut self, rotations: usize, mut before_turn: impl FnMut(&mut ByHand)) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            before_turn(self);
            match self.turn() {
                Turn::WantsScan => self.scan(),
                Turn::Idle => std::thread::sleep(Duration::from_millis(1)),
                Turn::Busy => {}
            }
            let is_read = self.world.payloads().last() == Some(&format!("{}\n", self.written));
            if is_read && self.written >= rotations {
                return;
            }
            assert!(Instant::now() < end, "only {:?} of {}", self.world.payloads(), self.written);
        }
    }

    fn check(&self) {
        let expected: Vec<String> = (0..=self.written).map(|number| format!("{number}\n")).collect();
        assert_eq!(self.world.payloads(), expected);
    }
}

#[test]
fn no_file_is_skipped_when_an_old_scan_is_used() {
    for late in 1..6 {
        let mut by_hand = ByHand::new();
        while by_hand.turn() != Turn::Idle {}
        by_hand.rotate();
        assert_eq!(by_hand.turn(), Turn::WantsScan);
        by_hand.scan();
        // Here it was held up.
        for _ in 0..late {
            by_hand.rotate();
        }
        by_hand.finish(1, |_| ());
        by_hand.check();
    }
}

#[test]
fn no_file_is_skipped_whenever_it_is_rotated() {
    for seed in 0..200_u64 {
        let mut by_hand = ByHand::new();
        let mut bits = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        by_hand.finish(12, |by_hand| {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            if by_hand.rotated < 12 && bits.is_multiple_of(3) {
                (0..1 + bits / 3 % 4).for_each(|_| by_hand.rotate());
            }
        });
        by_hand.check();
    }
}

#[test]
fn a_new_file_with_the_number_of_a_deleted_one_is_not_skipped() {
    let mut by_hand = ByHand::new();
    by_hand.rotate();
    by_hand.rotate();
    by_hand.finish(2, |_| ());
    while by_hand.turn() != Turn::Idle {}
    // The old files go; most file systems give their numbers to the next ones.
    let remove = |by_hand: &ByHand, number| fs::remove_file(by_hand.path(number)).unwrap();
    remove(&by_hand, 1);
    remove(&by_hand, 2);
    by_hand.rotated = 0;
    by_hand.rotate();
    by_hand.rotate();
    by_hand.rotate();
    // The one that is being read goes, too.
    remove(&by_hand, 3);
    by_hand.finish(5, |_| ());
    by_hand.check();
}

#[test]
fn no_file_is_skipped_after_a_scan_in_the_middle_of_a_rotation() {
    let mut by_hand = ByHand::new();
    while by_hand.turn() != Turn::Idle {}
    by_hand.rotate();
    by_hand.rotate();
    assert_eq!(by_hand.turn(), Turn::WantsScan);
    by_hand.rename_old(2);
    by_hand.scan();
    by_hand.turn();
    fs::rename(by_hand.path(1), by_hand.path(2)).unwrap();
    by_hand.rename_newest();
    by_hand.finish(3, |_| ());
    by_hand.check();
}
