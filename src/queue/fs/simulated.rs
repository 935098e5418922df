//! A disk in memory that can fail any call, tear writes and lose power.
//!
//! It knows what was synced from what was not. A power cut keeps any of the unsynced sectors and names, whatever
//! the order they were written in, but a sector is kept whole or not at all. All choices come from a seed.

mod calls;
mod disk;
mod random;

use disk::Disk;
pub use random::Random;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A disk in memory. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimulatedFs {
    disk: Arc<Mutex<Disk>>,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails with this `errno` and does nothing, but that a failed sync forgets what it should have synced.
    Error(i32),
    /// A write does half of its work and says so. Other calls are not harmed.
    Short,
    /// A write does half of its work and fails with this `errno`; other calls fail as with [`Fault::Error`].
    Torn(i32),
    /// The power goes: this call and all after it fail.
    PowerOff,
}

impl SimulatedFs {
    /// An empty disk without limit.
    pub fn new() -> SimulatedFs {
        SimulatedFs::default()
    }

    /// Number of calls so far. Calls are counted from 0.
    pub fn calls(&self) -> u64 {
        lock(&self.disk).calls
    }

    /// Number of `fdatasync` calls so far.
    pub fn syncs(&self) -> u64 {
        lock(&self.disk).syncs
    }

    /// Makes a call fail: the one with this number.
    pub fn fail_call(&self, call: u64, fault: Fault) {
        lock(&self.disk).faults.insert(call, fault);
    }

    /// Limits the size of all files together, in bytes.
    pub fn set_capacity(&self, capacity: Option<u64>) {
        lock(&self.disk).capacity = capacity;
    }

    /// The disk as the next process finds it after this one was killed: nothing is lost that was written.
    pub fn after_kill(&self) -> SimulatedFs {
        let mut disk = lock(&self.disk).clone();
        disk.revive();
        SimulatedFs { disk: Arc::new(Mutex::new(disk)) }
    }

    /// The disk after a power cut: what was synced, and any part of the rest.
    pub fn after_power_cut(&self, random: &mut Random) -> SimulatedFs {
        // Some cuts keep most, some nearly nothing.
        let keep = random.below(101);
        self.after_power_cut_that_keeps(|| random.chance(keep))
    }

    /// The same; `keep` is asked for each unsynced size, sector and name whether it is kept, where that matters.
    pub fn after_power_cut_that_keeps(&self, mut keep: impl FnMut() -> bool) -> SimulatedFs {
        let mut disk = lock(&self.disk).clone();
        for inode in &mut disk.inodes {
            inode.lose_power(&mut keep);
        }
        let mut names = std::mem::take(&mut disk.durable_names);
        for change in std::mem::take(&mut disk.name_changes) {
            if keep() {
                change.apply(&mut names);
            }
        }
        disk.durable_names = names.clone();
        disk.names = names;
        disk.revive();
        SimulatedFs { disk: Arc::new(Mutex::new(disk)) }
    }

    /// Every disk that a power cut may leave, one after the other, up to `most`; says how many there were.
    pub fn for_each_power_cut(&self, most: u64, mut each: impl FnMut(SimulatedFs)) -> u64 {
        let mut answers: Vec<bool> = Vec::new();
        for count in 1..=most {
            let mut asked = 0;
            each(self.after_power_cut_that_keeps(|| {
                if asked == answers.len() {
                    answers.push(false);
                }
                asked += 1;
                answers[asked - 1]
            }));
            // The next answers, as if counting in binary with the last as the lowest digit.
            answers.truncate(asked);
            while answers.last() == Some(&true) {
                answers.pop();
            }
            match answers.last_mut() {
                Some(last) => *last = true,
                None => return count,
            }
        }
        most
    }

    /// Changes a file behind everyone's back, as damage does.
    pub fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut disk = lock(&self.disk);
        if let Some(&inode) = disk.names.get(path) {
            change(&mut disk.inodes[inode].bytes);
            disk.inodes[inode].durable = disk.inodes[inode].bytes.clone();
        }
    }

    /// Paths of all files.
    pub fn paths(&self) -> Vec<PathBuf> {
        lock(&self.disk).names.keys().cloned().collect()
    }
}

fn lock(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}
