//! A disk in memory that can fail any call, tear writes and lose power.
//!
//! It knows what was synced from what was not. A power cut keeps any of the unsynced sectors and names, whatever
//! the order they were written in, but a sector is kept whole or not at all. All choices come from a seed.

use super::{Claim, File, Fs, Map};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Written whole or not at all, in bytes.
const SECTOR: usize = 512;

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

#[derive(Debug, Clone, Default)]
struct Disk {
    inodes: Vec<Inode>,
    /// As a process sees them.
    names: BTreeMap<PathBuf, usize>,
    /// As they are on the disk.
    durable_names: BTreeMap<PathBuf, usize>,
    /// What has happened to names since their folder was synced.
    name_changes: Vec<NameChange>,
    dirs: BTreeSet<PathBuf>,
    claimed: BTreeSet<PathBuf>,
    calls: u64,
    syncs: u64,
    faults: BTreeMap<u64, Fault>,
    off: bool,
    capacity: Option<u64>,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    /// As a process sees it.
    bytes: Vec<u8>,
    /// As it is on the disk.
    durable: Vec<u8>,
    /// Sectors that may differ.
    dirty: BTreeSet<usize>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Create(PathBuf, usize),
    Rename(PathBuf, PathBuf, usize),
    Unlink(PathBuf),
}

#[derive(Debug)]
struct SimulatedFile {
    disk: Arc<Mutex<Disk>>,
    inode: usize,
}

struct ClaimedFolder {
    disk: Arc<Mutex<Disk>>,
    dir: PathBuf,
}

impl Drop for ClaimedFolder {
    fn drop(&mut self) {
        lock(&self.disk).claimed.remove(&self.dir);
    }
}

/// A small generator of reproducible choices (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The same seed gives the same choices.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 if that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.bits() % limit.max(1)
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
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
        let mut disk = lock(&self.disk).clone();
        // Some cuts keep most, some nearly nothing.
        let keep = random.below(101);
        for inode in &mut disk.inodes {
            inode.lose_power(keep, random);
        }
        let mut names = std::mem::take(&mut disk.durable_names);
        for change in std::mem::take(&mut disk.name_changes) {
            if random.chance(keep) {
                change.apply(&mut names);
            }
        }
        disk.durable_names = names.clone();
        disk.names = names;
        disk.revive();
        SimulatedFs { disk: Arc::new(Mutex::new(disk)) }
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

    /// Counts the call and lets its fault happen. `Some` is a write that is to do half.
    fn call(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let mut disk = lock(&self.disk);
        match disk.next_call()? {
            Some(Fault::Torn(errno)) => Err(io::Error::from_raw_os_error(errno)),
            _ => Ok(disk),
        }
    }
}

fn lock(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_found() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOENT)
}

impl Disk {
    fn next_call(&mut self) -> io::Result<Option<Fault>> {
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

    fn revive(&mut self) {
        self.claimed.clear();
        self.faults.clear();
        self.off = false;
    }

    fn inode(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(not_found)
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }

    /// Whether a file may grow by so many bytes.
    fn check_space(&self, more: usize) -> io::Result<()> {
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
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
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

    fn is_in(&self, dir: &Path) -> bool {
        let (NameChange::Create(path, _) | NameChange::Rename(path, ..) | NameChange::Unlink(path)) = self;
        path.parent() == Some(dir)
    }
}

impl Inode {
    fn resize(&mut self, len: usize) {
        let old = self.bytes.len();
        self.bytes.resize(len, 0);
        // Bytes that were cut off must not come back when the file grows again.
        self.dirty.extend(len / SECTOR..old.max(len).div_ceil(SECTOR));
    }

    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.bytes.len() < end {
            self.resize(end);
        }
        self.bytes[offset..end].copy_from_slice(bytes);
        self.dirty.extend(offset / SECTOR..end.div_ceil(SECTOR));
    }

    fn copy_sector(&mut self, sector: usize) {
        let end = ((sector + 1) * SECTOR).min(self.bytes.len()).min(self.durable.len());
        if sector * SECTOR < end {
            let range = sector * SECTOR..end;
            self.durable[range.clone()].copy_from_slice(&self.bytes[range]);
        }
    }

    fn sync(&mut self) {
        self.durable.resize(self.bytes.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            self.copy_sector(sector);
        }
    }

    fn lose_power(&mut self, keep: u64, random: &mut Random) {
        if random.chance(keep) {
            self.durable.resize(self.bytes.len(), 0);
        }
        for sector in std::mem::take(&mut self.dirty) {
            if random.chance(keep) {
                self.copy_sector(sector);
            }
        }
        self.bytes = self.durable.clone();
    }
}

impl Fs for SimulatedFs {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.call()?.dirs.insert(dir.to_owned());
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>> {
        let disk = self.call()?;
        let in_dir = disk.names.iter().filter(|(path, _)| path.parent() == Some(dir));
        Ok(in_dir
            .filter_map(|(path, &inode)| {
                Some((path.file_name()?.to_str()?.to_owned(), disk.inodes[inode].bytes.len() as u64))
            })
            .collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let disk = self.call()?;
        Ok(disk.inodes[disk.inode(path)?].bytes.clone())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut disk = self.call()?;
        if disk.names.contains_key(path) {
            return Err(io::Error::from_raw_os_error(libc::EEXIST));
        }
        let inode = disk.inodes.len();
        disk.inodes.push(Inode::default());
        disk.change_name(NameChange::Create(path.to_owned(), inode));
        Ok(Arc::new(SimulatedFile { disk: self.disk.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let inode = self.call()?.inode(path)?;
        Ok(Arc::new(SimulatedFile { disk: self.disk.clone(), inode }))
    }

    fn map(&self, path: &Path) -> io::Result<Map> {
        let disk = self.call()?;
        Ok(Map::of_bytes(disk.inodes[disk.inode(path)?].bytes.clone()))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.call()?;
        let inode = disk.inode(from)?;
        disk.change_name(NameChange::Rename(from.to_owned(), to.to_owned(), inode));
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.call()?;
        disk.inode(path)?;
        disk.change_name(NameChange::Unlink(path.to_owned()));
        Ok(())
    }

    fn fsync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.call()?;
        for change in std::mem::take(&mut disk.name_changes) {
            if change.is_in(dir) {
                change.apply(&mut disk.durable_names);
            } else {
                disk.name_changes.push(change);
            }
        }
        Ok(())
    }

    fn claim(&self, dir: &Path) -> io::Result<Option<Claim>> {
        let new = self.call()?.claimed.insert(dir.to_owned());
        Ok(new.then(|| Claim::new(ClaimedFolder { disk: self.disk.clone(), dir: dir.to_owned() })))
    }
}

impl File for SimulatedFile {
    fn pwrite(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut disk = lock(&self.disk);
        let offset = offset as usize;
        let (bytes, error) = match disk.next_call()? {
            Some(Fault::Short) => (&bytes[..bytes.len().div_ceil(2)], None),
            Some(Fault::Torn(errno)) => {
                (&bytes[..bytes.len() / 2], Some(io::Error::from_raw_os_error(errno)))
            }
            _ => (bytes, None),
        };
        let old_len = disk.inodes[self.inode].bytes.len();
        disk.check_space((offset + bytes.len()).saturating_sub(old_len))?;
        disk.inodes[self.inode].write(bytes, offset);
        error.map_or(Ok(bytes.len()), Err)
    }

    fn fdatasync(&self) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        disk.syncs += 1;
        match disk.next_call() {
            Ok(Some(Fault::Torn(errno))) => Err(io::Error::from_raw_os_error(errno)),
            Ok(_) => {
                disk.inodes[self.inode].sync();
                return Ok(());
            }
            Err(error) => Err(error),
        }
        .inspect_err(|error: &io::Error| {
            // As Linux does: pages that could not be written count as clean, and a later sync says nothing of them.
            if error.kind() != io::ErrorKind::Interrupted && !disk.off {
                disk.inodes[self.inode].dirty.clear();
            }
        })
    }

    fn fallocate(&self, len: u64) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        if let Some(Fault::Torn(errno)) = disk.next_call()? {
            return Err(io::Error::from_raw_os_error(errno));
        }
        let (len, old_len) = (len as usize, disk.inodes[self.inode].bytes.len());
        if len > old_len {
            disk.check_space(len - old_len)?;
            disk.inodes[self.inode].resize(len);
        }
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        if let Some(Fault::Torn(errno)) = disk.next_call()? {
            return Err(io::Error::from_raw_os_error(errno));
        }
        disk.inodes[self.inode].resize(len as usize);
        Ok(())
    }
}
