//! Access to the disk, behind a trait so that tests can fail, tear and lose any of it.
//!
//! [`RealFs`] is the operating system's, [`SimulatedFs`] lives in memory.

mod map;
mod real;
pub mod simulated;

pub use map::Map;
pub use real::RealFs;
pub use simulated::SimulatedFs;

use std::any::Any;
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The calls that a queue makes on folders and names. Any of them may fail with `Interrupted`.
pub trait Fs: Debug + Send + Sync {
    /// Creates a folder and those above it.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Names and sizes in bytes of the regular files in a folder, in any order.
    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>>;
    /// The whole of a (small) file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Creates a file that must not exist, for writing and reading.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Opens an existing file for writing and reading.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Opens an existing file for reading only and maps it.
    fn map(&self, path: &Path) -> io::Result<Map>;
    /// Replaces `to` by `from` at once.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn unlink(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn fsync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Claims a folder for one queue in this process, until the claim is dropped; `None` if it is claimed.
    fn claim(&self, dir: &Path) -> io::Result<Option<Claim>>;
}

/// An open file.
pub trait File: Debug + Send + Sync {
    /// Writes at an offset; may write less than asked for.
    fn pwrite(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Makes content and size durable.
    fn fdatasync(&self) -> io::Result<()>;
    /// Reserves space up to `len` bytes, which then read as zeros. Where the file system cannot, extends the file.
    fn fallocate(&self, len: u64) -> io::Result<()>;
    /// Cuts or extends to `len` bytes.
    fn truncate(&self, len: u64) -> io::Result<()>;
}

/// Holds a folder for one queue. Released when dropped.
pub struct Claim(#[allow(dead_code, reason = "held for its Drop")] Box<dyn Any + Send + Sync>);

impl Claim {
    /// Wraps a guard that releases the claim when dropped.
    pub fn new(guard: impl Any + Send + Sync) -> Claim {
        Claim(Box::new(guard))
    }
}

impl Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Claim")
    }
}

/// Repeats a call for as long as a signal interrupts it.
pub(crate) fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Writes all of `bytes`, in as many calls as it takes.
pub(crate) fn write_all_at(file: &dyn File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = uninterrupted(|| file.pwrite(bytes, offset))?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(written..).unwrap_or_default();
        offset += written as u64;
    }
    Ok(())
}
