//! The calls, each of which may fail.

use super::disk::{Disk, Inode, NameChange};
use super::{Fault, SimulatedFs, lock};
use crate::fs::{Claim, File, Fs, Map};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

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

impl SimulatedFs {
    /// Counts the call and lets its fault happen. `Some` is a write that is to do half.
    fn call(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let mut disk = lock(&self.disk);
        match disk.next_call()? {
            Some(Fault::Torn(errno)) => Err(io::Error::from_raw_os_error(errno)),
            _ => Ok(disk),
        }
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
