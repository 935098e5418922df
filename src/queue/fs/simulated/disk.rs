//! What is on the disk, and what a power cut leaves of it.

use super::Fault;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// Written whole or not at all, in bytes.
const SECTOR: usize = 512;

#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    pub(super) inodes: Vec<Inode>,
    /// As a process sees them.
    pub(super) names: BTreeMap<PathBuf, usize>,
    /// As they are on the disk.
    pub(super) durable_names: BTreeMap<PathBuf, usize>,
    /// What has happened to names since their folder was synced.
    pub(super) name_changes: Vec<NameChange>,
    pub(super) dirs: BTreeSet<PathBuf>,
    pub(super) claimed: BTreeSet<PathBuf>,
    pub(super) calls: u64,
    pub(super) syncs: u64,
    pub(super) faults: BTreeMap<u64, Fault>,
    pub(super) off: bool,
    pub(super) capacity: Option<u64>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    /// As a process sees it.
    pub(super) bytes: Vec<u8>,
    /// As it is on the disk.
    pub(super) durable: Vec<u8>,
    /// Sectors that may differ.
    pub(super) dirty: BTreeSet<usize>,
}

#[derive(Debug, Clone)]
pub(super) enum NameChange {
    Create(PathBuf, usize),
    Rename(PathBuf, PathBuf, usize),
    Unlink(PathBuf),
}

fn not_found() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOENT)
}

impl Disk {
    pub(super) fn next_call(&mut self) -> io::Result<Option<Fault>> {
        let fault = self.faults.get(&self.calls).copied();
        self.calls += 1;
        self.off |= fault == Some(Fault::PowerOff);
        if self.off {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        match fault {
            Some(Fault::Error(errno)) => Err(io::Error::from_raw_os_error(errno)),
            fault => Ok(fault),
        }
    }

    pub(super) fn revive(&mut self) {
        self.claimed.clear();
        self.faults.clear();
        self.off = false;
    }

    pub(super) fn inode(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(not_found)
    }

    pub(super) fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }

    /// Whether a file may grow by so many bytes.
    pub(super) fn check_space(&self, more: usize) -> io::Result<()> {
        let used: usize = self.names.values().map(|&inode| self.inodes[inode].bytes.len()).sum();
        match self.capacity {
            Some(capacity) if (used + more) as u64 > capacity => {
                Err(io::Error::from_raw_os_error(libc::ENOSPC))
            }
            _ => Ok(()),
        }
    }
}

impl NameChange {
    pub(super) fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            NameChange::Create(path, inode) => {
                names.insert(path.clone(), *inode);
            }
            NameChange::Rename(from, to, inode) => {
                if names.get(from) == Some(inode) {
                    names.remove(from);
                }
                names.insert(to.clone(), *inode);
            }
            NameChange::Unlink(path) => {
                names.remove(path);
            }
        }
    }

    pub(super) fn is_in(&self, dir: &Path) -> bool {
        let (NameChange::Create(path, _) | NameChange::Rename(path, ..) | NameChange::Unlink(path)) = self;
        path.parent() == Some(dir)
    }
}

impl Inode {
    pub(super) fn resize(&mut self, len: usize) {
        let old = self.bytes.len();
        self.bytes.resize(len, 0);
        // Bytes that were cut off must not come back when the file grows again.
        self.dirty.extend(len / SECTOR..old.max(len).div_ceil(SECTOR));
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.bytes.len() < end {
            self.resize(end);
        }
        self.bytes[offset..end].copy_from_slice(bytes);
        self.dirty.extend(offset / SECTOR..end.div_ceil(SECTOR));
    }

    /// The part of a sector that the disk has room for.
    fn range_of(&self, sector: usize) -> std::ops::Range<usize> {
        let end = ((sector + 1) * SECTOR).min(self.bytes.len()).min(self.durable.len());
        (sector * SECTOR).min(end)..end
    }

    fn copy_sector(&mut self, sector: usize) {
        let range = self.range_of(sector);
        self.durable[range.clone()].copy_from_slice(&self.bytes[range]);
    }

    pub(super) fn sync(&mut self) {
        self.durable.resize(self.bytes.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            self.copy_sector(sector);
        }
    }

    /// Loses what is not synced, but for the size and the sectors that `keep` says stay.
    pub(super) fn lose_power(&mut self, keep: &mut impl FnMut() -> bool) {
        if self.durable.len() != self.bytes.len() && keep() {
            self.durable.resize(self.bytes.len(), 0);
        }
        for sector in std::mem::take(&mut self.dirty) {
            let range = self.range_of(sector);
            if self.durable[range.clone()] != self.bytes[range] && keep() {
                self.copy_sector(sector);
            }
        }
        self.bytes = self.durable.clone();
    }
}
