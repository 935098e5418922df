//! A disk that fails on command: a small library, preloaded into a daemon, that makes its system calls fail.
//!
//! It is written in C and compiled with the machine's `cc` when a test begins.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::TestkitError;
use crate::scratch::Scratch;

const SHIM: &str = include_str!("faulty_disk/shim.c");
/// As in the shim: rules, bytes of a rule, and of the text in it.
const RULES: usize = 16;
const RULE_SIZE: usize = 256;
const TEXT_SIZE: usize = 236;

/// A kind of system call; each stands for its 64-bit and vector forms too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Call {
    /// `open`, `openat`
    Open = 0,
    /// `write`, `pwrite`
    Write = 1,
    /// `fallocate`
    Fallocate = 2,
    /// `fdatasync`, `fsync`
    Sync = 3,
    /// `rename`; the path is the new one
    Rename = 4,
    /// `unlink`
    Unlink = 5,
    /// `ftruncate`
    Truncate = 6,
    /// `accept`; its path is `socket:[...]`
    Accept = 7,
    /// `socket`; its path is empty
    Socket = 8,
    /// `read`, `pread`
    Read = 9,
}

/// Errors by the names that Linux gives them.
pub mod errno {
    /// Interrupted by a signal.
    pub const EINTR: i32 = 4;
    /// Input/output error.
    pub const EIO: i32 = 5;
    /// Too many open files.
    pub const EMFILE: i32 = 24;
    /// No space left on device.
    pub const ENOSPC: i32 = 28;
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Which call.
    pub call: Call,
    /// With which error; 0: it is only late.
    pub error: i32,
    /// How often; `None`: until it is lifted.
    pub times: Option<u32>,
    /// How late it is, in milliseconds.
    pub delay_ms: u32,
}

impl Fault {
    /// The call fails until that is lifted.
    pub fn always(call: Call, error: i32) -> Fault {
        Fault { call, error, times: None, delay_ms: 0 }
    }

    /// The call fails so often and then works again.
    pub fn times(call: Call, error: i32, times: u32) -> Fault {
        Fault { call, error, times: Some(times), delay_ms: 0 }
    }
}

/// The rules of one daemon's disk.
#[derive(Debug)]
pub struct FaultyDisk {
    library: PathBuf,
    path: PathBuf,
    rules: File,
    used: usize,
}

/// A rule that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule(usize);

impl FaultyDisk {
    /// Compiles the library into the scratch folder; no rule is in force.
    pub fn new(scratch: &Scratch) -> Result<FaultyDisk, TestkitError> {
        let source = scratch.write("faulty_disk.c", SHIM)?;
        let library = scratch.join("faulty_disk.so");
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl");
        let output = cc.output().map_err(TestkitError::io("run cc"))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(TestkitError::io("compile the library that fails calls")(io::Error::other(text)));
        }
        let path = scratch.join("faulty_disk.rules");
        let failed = |source| TestkitError::Io { what: format!("make {}", path.display()), source };
        fs::write(&path, [0; RULES * RULE_SIZE]).map_err(failed)?;
        let rules = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        Ok(FaultyDisk { library, path, rules, used: 0 })
    }

    /// Has a program started with the library.
    pub fn preload(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("HEKA_FAULTS", &self.path);
    }

    /// From now on calls on paths that contain `text` fail so. At most 16 rules can be given.
    pub fn inject(&mut self, text: &str, fault: Fault) -> Result<Rule, TestkitError> {
        let rule = Rule(self.used);
        let mut bytes = [0; RULE_SIZE];
        if self.used == RULES || text.len() >= TEXT_SIZE {
            return Err(TestkitError::io("give a rule")(io::ErrorKind::InvalidInput.into()));
        }
        self.used += 1;
        let left = fault.times.map_or(-1, |times| i32::try_from(times).unwrap_or(i32::MAX));
        for (index, number) in [0, fault.call as i32, fault.error].into_iter().enumerate() {
            bytes[4 * index..4 * index + 4].copy_from_slice(&number.to_ne_bytes());
        }
        bytes[12..16].copy_from_slice(&fault.delay_ms.to_ne_bytes());
        bytes[20..20 + text.len()].copy_from_slice(text.as_bytes());
        self.write(rule, 0, &bytes)?;
        // Last, for it puts the rest in force.
        self.write(rule, 0, &left.to_ne_bytes())?;
        Ok(rule)
    }

    /// The rule is no longer in force.
    pub fn lift(&self, rule: Rule) -> Result<(), TestkitError> {
        self.write(rule, 0, &0i32.to_ne_bytes())
    }

    /// How many calls it has struck.
    pub fn hits(&self, rule: Rule) -> u32 {
        let mut bytes = [0; 4];
        let read = self.rules.read_exact_at(&mut bytes, offset(rule, 16));
        read.map_or(0, |()| u32::from_ne_bytes(bytes))
    }

    fn write(&self, rule: Rule, at: usize, bytes: &[u8]) -> Result<(), TestkitError> {
        self.rules.write_all_at(bytes, offset(rule, at)).map_err(TestkitError::io("write a rule"))
    }
}

fn offset(Rule(number): Rule, at: usize) -> u64 {
    (number * RULE_SIZE + at) as u64
}

/// A small file system in memory, unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts one of so many bytes on a folder of the scratch folder; `None` without the right to (tests of others run as
    /// root).
    pub fn mount(scratch: &Scratch, name: &str, bytes: u64) -> Option<SmallDisk> {
        let path = scratch.join(name);
        fs::create_dir_all(&path).ok()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "none"]).arg(&path);
        mount.output().ok()?.status.success().then_some(SmallDisk { path })
    }

    /// Changes its size.
    pub fn resize(&self, bytes: u64) -> Result<(), TestkitError> {
        self.remount(&format!("size={bytes}"))
    }

    /// Nothing can be written to it any more.
    pub fn set_read_only(&self) -> Result<(), TestkitError> {
        self.remount("ro")
    }

    fn remount(&self, option: &str) -> Result<(), TestkitError> {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{option}")]).arg(&self.path);
        let status = mount.status().map_err(TestkitError::io("run mount"))?;
        if status.success() {
            return Ok(());
        }
        Err(TestkitError::io("change a small disk")(io::Error::other(status.to_string())))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, for a daemon that is still being killed.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_fail_as_they_are_told() {
        let scratch = Scratch::new().unwrap();
        let mut disk = FaultyDisk::new(&scratch).unwrap();
        let write = |disk: &FaultyDisk, name: &str| {
            let mut dd = Command::new("dd");
            dd.args(["if=/dev/zero", "bs=1", "count=1"]).arg(format!("of={}", scratch.join(name).display()));
            disk.preload(&mut dd);
            let output = dd.output().unwrap();
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        assert!(write(&disk, "a").0);
        let rule = disk.inject("/a", Fault::times(Call::Write, errno::ENOSPC, 1)).unwrap();
        assert!(write(&disk, "b").0, "another path");
        let (worked, text) = write(&disk, "a");
        assert!(!worked && text.contains("No space left"), "{text}");
        assert_eq!(disk.hits(rule), 1);
        assert!(write(&disk, "a").0, "it was to fail once");
        let rule = disk.inject("/b", Fault::always(Call::Open, errno::EMFILE)).unwrap();
        assert!(!write(&disk, "b").0 && !write(&disk, "b").0);
        disk.lift(rule).unwrap();
        assert!(write(&disk, "b").0);
    }
}
