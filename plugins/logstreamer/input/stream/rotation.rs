//! What happens at the end of a file.
//!
//! Rotation by renaming shows in the file's identity: its name stands for another file, and it is found under a new name.
//! Rotation by copying and truncating shows in its content: what was read is no longer there. Either is looked into only
//! after a fresh scan of the directory, so that no file in between is missed.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use heka_plugin::{PluginError, Receipt};

use super::super::locate::{Located, locate};
use super::super::log_file::{FileId, LogFile};
use super::super::os_error::os_error;
use super::super::set::Listing;
use super::place::{Begin, SCANS_TO_LOSE};
use super::successor::{Next, is_packed};
use super::{Stream, Surroundings, Turn};

/// Longest time that writers of a rotated file are waited for while the next file fills.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What is known about the end of the current file.
#[derive(Default)]
pub(super) struct Rotation {
    /// Since when there is nothing more to read.
    end_since: Option<Instant>,
    /// Since when there is a file to go on with.
    next_since: Option<Instant>,
    /// The scan at which the name was found to stand for another file, or the content to have changed.
    pub(super) noticed: Option<u64>,
    /// The file to go on with, opened before the current one is read for the last time.
    candidate: Option<Candidate>,
    /// Files that come before the current one, and that one.
    pub(super) seen: HashSet<FileId>,
    /// The current file was empty and the journal has been told.
    told_empty: bool,
    /// Which file of a scan holds the current one in compressed form.
    pub(super) packed: Option<(u64, Option<usize>)>,
}

struct Candidate {
    log: LogFile,
    scan: u64,
}

impl Rotation {
    /// Something was read.
    pub(super) fn moved(&mut self) {
        self.end_since = None;
        self.told_empty = false;
    }

    /// Whether there is nothing more to read for now.
    pub(super) fn is_at_end(&self) -> bool {
        self.end_since.is_some()
    }

    /// A file was opened.
    pub(super) fn entered(&mut self, files: &Listing, log: &LogFile) {
        *self = Rotation::default();
        self.remember(files, log);
    }

    /// Takes note of the files up to the current one.
    pub(super) fn remember(&mut self, files: &Listing, log: &LogFile) {
        let listed = files.paths.iter().zip(&files.ids);
        let before = if files.ids.contains(&log.id) {
            listed.take_while(|(_, id)| **id != log.id).map(|(_, id)| *id).collect()
        } else {
            listed.take_while(|(file, _)| **file != log.path).map(|(_, id)| *id).collect()
        };
        self.seen = before;
        self.seen.insert(log.id);
    }
}

impl Stream {
    /// Takes over the list of files that a scan found.
    pub(in super::super) fn set_files(&mut self, files: Listing) {
        self.files = files;
        if let Some(log) = &self.log
            && self.files.ids.contains(&log.id)
        {
            self.rotation.remember(&self.files, log);
        }
    }

    /// Whether these are the files it knows.
    pub(in super::super) fn lists(&self, files: &Listing) -> bool {
        self.files == *files
    }

    /// Whether the name of the current file stands for another one, or for none.
    pub(in super::super) fn was_renamed(&self) -> bool {
        self.rotation.noticed.is_some()
    }

    /// The scan of this number has found nothing to rely on.
    pub(in super::super) fn wait_for_scan_after(&mut self, scan: u64) {
        self.rotation.noticed = Some(scan);
    }

    /// There is nothing more in the file: is there another one to go on with?
    pub(super) fn at_end(&mut self, around: &Surroundings, log: LogFile) -> Result<Turn, PluginError> {
        let mut log = log;
        let since = *self.rotation.end_since.get_or_insert_with(Instant::now);
        let next = self.next_file(around, &mut log);
        let candidate = self.rotation.candidate.take();
        let turn = match next {
            Next::WantsScan => Turn::WantsScan,
            Next::None => {
                self.keep_still(around, &mut log, since)?;
                Turn::Idle
            }
            Next::File(path, id) => {
                self.rotation.next_since.get_or_insert_with(Instant::now);
                match candidate.filter(|candidate| candidate.log.id == id) {
                    Some(candidate) if around.scans == candidate.scan && self.is_newest(&path) => {
                        self.rotation.candidate = Some(candidate);
                        Turn::WantsScan
                    }
                    Some(candidate) => return self.change_over(around, log, candidate.log),
                    None if self.is_ready(around, &path, &log) => {
                        self.take_candidate(around, &path, id, &mut log)
                    }
                    None => Turn::Idle,
                }
            }
        };
        self.log = Some(log);
        Ok(turn)
    }

    fn keep_still(
        &mut self,
        around: &Surroundings,
        log: &mut LogFile,
        since: Instant,
    ) -> Result<(), PluginError> {
        if log.end() == 0 && !self.rotation.told_empty {
            self.rotation.told_empty = true;
            self.mark(log, 0, Receipt::resolved());
        }
        if since.elapsed() >= around.check_interval { self.deliver_rest(log) } else { Ok(()) }
    }

    fn is_newest(&self, path: &Arc<Path>) -> bool {
        self.files.paths.last() == Some(path)
    }

    /// Whether nobody writes to the current file any more, as far as one can tell, and there is something in the next.
    fn is_ready(&self, around: &Surroundings, path: &Arc<Path>, log: &LogFile) -> bool {
        let Ok(next) = fs::metadata(path) else { return true };
        let newest = self.is_newest(path);
        if newest && next.len() == 0 {
            return false;
        }
        let is_quiet = |time: std::io::Result<SystemTime>| {
            time.ok().and_then(|time| time.elapsed().ok()).is_none_or(|age| age >= around.check_interval)
        };
        let waited = self.rotation.next_since.is_some_and(|since| since.elapsed() >= LONGEST_WAIT);
        let current = log.metadata().and_then(|meta| meta.modified());
        waited || (is_quiet(current) && (newest || is_quiet(next.modified())))
    }

    /// Opens the next file. The current one is read once more before the change.
    fn take_candidate(
        &mut self,
        around: &Surroundings,
        path: &Arc<Path>,
        id: FileId,
        log: &mut LogFile,
    ) -> Turn {
        match LogFile::open(path) {
            // Renamed since the scan.
            Ok(next) if next.id != id => Turn::WantsScan,
            Ok(next) if is_packed(path, log) => {
                log.path = next.path;
                log.id = next.id;
                self.mark(log, 0, Receipt::resolved());
                self.rotation.remember(&self.files, log);
                Turn::Busy
            }
            Ok(next) => {
                self.complaints.clear("open");
                self.rotation.candidate = Some(Candidate { log: next, scan: around.scans });
                Turn::Busy
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Turn::WantsScan,
            Err(error) => {
                self.complaints.tell(around.inlet, "open", os_error("open", path, &error));
                Turn::Idle
            }
        }
    }

    fn change_over(
        &mut self,
        around: &Surroundings,
        log: LogFile,
        next: LogFile,
    ) -> Result<Turn, PluginError> {
        let mut log = log;
        if log.is_cut_short() {
            around.inlet.log_error(&format!("read {}: unexpected EOF", log.path.display()));
        }
        let closed = self.close_record(&mut log);
        match closed {
            Ok(()) => self.enter(next),
            Err(_) => self.log = Some(log),
        }
        closed.map(|()| Turn::Busy)
    }

    /// The file does not hold any more what was read from it. If a copy does, what was not read yet is there.
    pub(super) fn rewritten(&mut self, around: &Surroundings, log: LogFile) -> Result<Turn, PluginError> {
        let mut log = log;
        let scans = around.scans - *self.rotation.noticed.get_or_insert(around.scans);
        if self.done > 0
            && scans > 0
            && let Located::Found(copy) = locate(&self.files.paths, &self.position(&log))
        {
            self.enter_marked(copy);
            return Ok(Turn::Busy);
        }
        if scans < SCANS_TO_LOSE {
            self.log = Some(log);
            return Ok(Turn::WantsScan);
        }
        let closed = self.close_record(&mut log);
        if closed.is_ok() {
            log.restart();
            self.done = 0;
            self.enter(log);
        } else {
            self.begin = Begin::again(self.position(&log), log.id);
        }
        closed.map(|()| Turn::Busy)
    }
}
