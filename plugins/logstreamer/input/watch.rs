//! Waking up when files change.
//!
//! The kernel is asked to tell of changes in the directories of the open files (inotify). That only shortens the wait: what
//! it does not tell, because a file system or a limit does not let it, is seen at the next regular look.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use heka_plugin::Stop;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

/// How often the thread that hears the stop looks whether it is still needed.
const THREAD_PAUSE: Duration = Duration::from_secs(10);

/// Waits for changes, for the stop, or for time to pass.
pub(super) struct Watch {
    stop: Stop,
    /// Without it every wait takes its time.
    eyes: Option<Eyes>,
}

struct Eyes {
    inotify: OwnedFd,
    /// Becomes readable at the stop.
    stopped: Arc<OwnedFd>,
    numbers: HashMap<PathBuf, i32>,
    directories: HashMap<i32, PathBuf>,
}

impl Watch {
    /// Watches nothing yet.
    pub(super) fn new(stop: &Stop) -> Watch {
        Watch { stop: stop.clone(), eyes: Eyes::new(stop).ok() }
    }

    /// Watches the directory of a file.
    pub(super) fn add(&mut self, file: &Path) {
        if let (Some(eyes), Some(directory)) = (&mut self.eyes, file.parent()) {
            eyes.add(directory);
        }
    }

    /// Waits; gives the files that something happened to, in any directory watched.
    pub(super) fn wait(&mut self, time: Duration) -> HashSet<PathBuf> {
        match &mut self.eyes {
            Some(eyes) => eyes.wait(time),
            None => {
                self.stop.wait(time);
                HashSet::new()
            }
        }
    }
}

impl Eyes {
    fn new(stop: &Stop) -> std::io::Result<Eyes> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let stopped = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let (stop, signal) = (stop.clone(), Arc::downgrade(&stopped));
        std::thread::Builder::new().name("logstreamer-stop".into()).spawn(move || pass_on(&stop, &signal))?;
        Ok(Eyes { inotify, stopped, numbers: HashMap::new(), directories: HashMap::new() })
    }

    fn add(&mut self, directory: &Path) {
        if self.numbers.contains_key(directory) {
            return;
        }
        let what = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
        if let Ok(number) = inotify::add_watch(&self.inotify, directory, what) {
            self.numbers.insert(directory.to_path_buf(), number);
            self.directories.insert(number, directory.to_path_buf());
        }
    }

    fn wait(&mut self, time: Duration) -> HashSet<PathBuf> {
        let mut sources =
            [PollFd::new(&self.inotify, PollFlags::IN), PollFd::new(&*self.stopped, PollFlags::IN)];
        // Rounded up, else the wait before the end of a pause becomes a loop.
        let time = Timespec::try_from(time + Duration::from_micros(50)).ok();
        match poll(&mut sources, time.as_ref()) {
            Ok(1..) => self.changed(),
            _ => HashSet::new(),
        }
    }

    /// Takes all that was told.
    fn changed(&mut self) -> HashSet<PathBuf> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        let (mut files, mut gone) = (HashSet::new(), Vec::new());
        while let Ok(event) = reader.next() {
            if event.events().contains(ReadFlags::IGNORED) {
                gone.push(event.wd());
            } else if let (Some(directory), Some(name)) =
                (self.directories.get(&event.wd()), event.file_name())
            {
                files.insert(directory.join(OsStr::from_bytes(name.to_bytes())));
            }
        }
        // The directory was deleted; another one may come in its place.
        for number in gone {
            if let Some(directory) = self.directories.remove(&number) {
                self.numbers.remove(&directory);
            }
        }
        files
    }
}

/// Turns the stop into something that can be polled.
fn pass_on(stop: &Stop, signal: &Weak<OwnedFd>) {
    while !stop.wait(THREAD_PAUSE) {
        if signal.strong_count() == 0 {
            return;
        }
    }
    if let Some(signal) = signal.upgrade() {
        // It cannot fail: the counter is at 0.
        let _ = rustix::io::write(&*signal, &1_u64.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn woken_by_a_change_and_by_the_stop() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.log");
        let stop = Stop::new();
        let mut watch = Watch::new(&stop);
        watch.add(&file);
        assert!(watch.wait(Duration::from_millis(5)).is_empty());
        std::fs::write(&file, "x").unwrap();
        std::fs::write(dir.path().join("b.log"), "x").unwrap();
        let files = watch.wait(Duration::from_secs(60));
        assert!(files.contains(&file) && files.len() == 2, "{files:?}");
        let start = Instant::now();
        stop.request();
        assert!(watch.wait(Duration::from_secs(60)).is_empty());
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_directory_that_was_deleted_is_watched_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sub/a.log");
        let mut watch = Watch::new(&Stop::new());
        for _ in 0..2 {
            std::fs::create_dir(file.parent().unwrap()).unwrap();
            watch.add(&file);
            std::fs::write(&file, "x").unwrap();
            assert!(watch.wait(Duration::from_secs(60)).contains(&file));
            std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
            watch.wait(Duration::from_secs(60));
        }
    }
}
