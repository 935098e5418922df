//! Power cuts and kills at any call, over several lives of a queue.
//!
//! Each message has a number; numbers ascend in the order of appending, and a message that was not held when the
//! power went is sent again with the same number, as an input does.

use super::{BASE, DIR, for_each_seed, id_of, message, options};
use crate::fs::SimulatedFs;
use crate::fs::simulated::{Fault, Random};
use crate::{Batch, Cursors, Meta, Position, Queue, QueueError, Reader, Receipt, SyncMode};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// What the world outside knows.
#[derive(Debug, Default)]
struct World {
    /// All numbers below were acknowledged.
    held: u64,
    /// The next number to send.
    next: u64,
    /// What the reader dealt with, in order, over all lives.
    read: Vec<u64>,
    /// The reader's saved place, and those that were to be saved since.
    saved: Position,
    saving: Vec<Position>,
    /// Numbers that a power cut may have taken, as they were not synced.
    unsynced: Vec<Range<u64>>,
}

struct Life {
    sync: SyncMode,
    cuts_power: bool,
    queue: Queue,
    cursors: Cursors,
    reader: Reader,
    receipts: Vec<(u64, Receipt)>,
}

/// Opens as the engine does: cursors first.
fn open(fs: &SimulatedFs, sync: SyncMode, cuts_power: bool) -> Result<Life, QueueError> {
    let disk = Arc::new(fs.clone());
    let cursors = Cursors::open(Path::new(BASE), disk.clone(), sync)?;
    let first_segment = cursors.highest_segment("input").map_or(1, |highest| highest + 1);
    let options = crate::Options { first_segment, ..options(disk, sync) };
    let queue = Queue::open_without_commits(Path::new(DIR), options)?;
    let reader = queue.reader(cursors.get("out", "input").unwrap_or_default());
    Ok(Life { sync, cuts_power, queue, cursors, reader, receipts: Vec::new() })
}

impl World {
    /// A saved cursor is durable: what is found is the one saved last, or the one that was being saved.
    fn check_cursor(&mut self, life: &Life, seed: u64) {
        let found = life.cursors.get("out", "input").unwrap_or_default();
        let Self { saved, saving, .. } = &*self;
        assert!(
            found == *saved || saving.contains(&found),
            "seed {seed}: cursor {found}, but saved was {saved} and being saved {saving:?}"
        );
        self.saved = found;
        self.saving.clear();
    }
}

impl Life {
    fn step(&mut self, world: &mut World, random: &mut Random) {
        match random.below(10) {
            0..4 => self.append(world, random),
            4..6 => {
                if self.queue.sync() && self.sync == SyncMode::Interval && self.cuts_power {
                    world.held = world.next;
                }
            }
            6..8 => {
                for _ in 0..random.below(20) {
                    self.read_one(world);
                }
            }
            _ => {
                let place = self.reader.position();
                world.saving.push(place);
                self.cursors.set("out", "input", place);
                if let Ok(saved) = self.cursors.save_if_changed() {
                    world.saved = place;
                    world.saving.clear();
                    self.queue.prune(self.reader.position(), &saved);
                }
            }
        }
        for (next, receipt) in &self.receipts {
            // With an interval a receipt says nothing about the disk: what was synced counts.
            if receipt.is_held() && (self.sync != SyncMode::Interval || !self.cuts_power) {
                world.held = world.held.max(*next);
            }
        }
        self.receipts.retain(|(_, receipt)| !receipt.is_held());
    }

    fn append(&mut self, world: &mut World, random: &mut Random) {
        let mut batch = Batch::new();
        let count = 1 + random.below(6);
        let largest = if random.chance(10) { 6000 } else { 300 };
        for id in world.next..world.next + count {
            batch.push(&message(id, random.below(largest) as usize), Meta::default()).unwrap();
        }
        if let Ok(receipt) = self.queue.append(&mut batch) {
            world.next += count;
            self.receipts.push((world.next, receipt));
        }
    }

    fn read_one(&mut self, world: &mut World) -> bool {
        let Some(record) = self.reader.next() else { return false };
        world.read.push(id_of(record.message));
        true
    }
}

/// Nothing acknowledged is missing, and what is read for the first time comes in order. Not so the order after a
/// failed sync and a power cut: copies fill the gaps that were left, and come after what followed the gaps.
fn check(world: &World, seed: u64, in_order: bool) {
    // What was read and lost before it was acknowledged may be ahead of what was sent since.
    let numbers = world.read.iter().max().map_or(0, |&id| id + 1).max(world.next);
    let mut seen = vec![false; numbers as usize];
    let mut greatest = None;
    for &id in &world.read {
        let first = !std::mem::replace(&mut seen[id as usize], true);
        assert!(!in_order || !first || greatest < Some(id), "seed {seed}: {id} comes after {greatest:?}");
        greatest = greatest.max(Some(id));
    }
    let missing: Vec<_> = (0..world.held)
        .filter(|id| !seen[*id as usize] && !world.unsynced.iter().any(|range| range.contains(id)))
        .collect();
    assert!(missing.is_empty(), "seed {seed}: acknowledged but lost: {missing:?}");
}

fn live(seed: u64, sync: SyncMode, cut_power: bool, faults: bool) {
    let mut random = Random::new(seed);
    let mut fs = SimulatedFs::new();
    let mut world = World::default();
    let lives = 2 + random.below(4);
    for _ in 0..lives {
        // Late enough to get some work done, or right in the recovery.
        let limit = if random.chance(30) { 12 } else { 200 };
        fs.fail_call(fs.calls() + random.below(limit), Fault::PowerOff);
        // A sync or write that fails on the way makes it harder.
        if faults && random.chance(50) {
            let errno = if random.chance(50) { libc::EIO } else { libc::ENOSPC };
            let fault = if random.chance(50) { Fault::Error(errno) } else { Fault::Torn(errno) };
            fs.fail_call(fs.calls() + 5 + random.below(60), fault);
        }
        if let Ok(mut life) = open(&fs, sync, cut_power) {
            world.check_cursor(&life, seed);
            // A life may also end between two calls.
            for _ in 0..random.below(120) {
                life.step(&mut world, &mut random);
            }
        }
        fs = if cut_power { fs.after_power_cut(&mut random) } else { fs.after_kill() };
        // The reader has forgotten what it did after its cursor was saved; the input sends again from its position.
        // In the interval mode it has none: each message is new.
        if sync == SyncMode::Interval && cut_power {
            world.unsynced.push(world.held..world.next);
            world.held = world.next;
        }
        world.next = world.held;
    }
    let mut life =
        open(&fs, sync, cut_power).unwrap_or_else(|error| panic!("seed {seed}: does not open: {error}"));
    world.check_cursor(&life, seed);
    life.append(&mut world, &mut random);
    world.held = world.next;
    while life.read_one(&mut world) {}
    let before = world.read.len();
    life.append(&mut world, &mut random);
    assert!(life.queue.sync());
    world.held = world.next;
    while life.read_one(&mut world) {}
    assert!(world.read.len() > before, "seed {seed}: new records are not read");
    check(&world, seed, !faults);
}

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    for_each_seed(1000, |seed| live(seed, SyncMode::Ack, true, false));
}

#[test]
fn a_power_cut_after_errors_loses_nothing_that_was_acknowledged() {
    for_each_seed(500, |seed| live(seed, SyncMode::Ack, true, true));
}

/// Interval mode: what was synced survives; what was appended since may be lost.
#[test]
fn a_power_cut_loses_at_most_what_was_appended_since_the_last_sync() {
    for_each_seed(1000, |seed| live(seed, SyncMode::Interval, true, false));
    for_each_seed(300, |seed| live(seed, SyncMode::Interval, true, true));
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    for sync in [SyncMode::Ack, SyncMode::Interval, SyncMode::None] {
        for_each_seed(200, |seed| live(seed, sync, false, false));
    }
    for_each_seed(200, |seed| live(seed, SyncMode::Ack, false, true));
}
