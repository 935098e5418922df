//! Which file follows the current one, whatever the names have become.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use heka_plugin::Receipt;

use super::super::journal::hash;
use super::super::log_file::{FileId, LogFile, Read};
use super::super::os_error::os_error;
use super::{Stream, Surroundings, read_buffer};

/// The file that follows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// There is none.
    None,
    /// This one.
    File(Arc<Path>),
    /// A scan of the directory is needed to know.
    WantsScan,
}

impl Stream {
    /// The file after the current one.
    pub(super) fn next_file(&mut self, around: &Surroundings, log: &mut LogFile) -> Next {
        match FileId::at(&log.path) {
            Ok(id) if id == log.id => {
                self.rotation.noticed = None;
                self.complaints.clear("stat");
                match self.files.iter().position(|file| *file == log.path) {
                    Some(index) => self.files.get(index + 1).cloned().map_or(Next::None, Next::File),
                    None => self.first_unseen(log),
                }
            }
            Ok(_) => {
                let noticed = *self.rotation.noticed.get_or_insert(around.scans);
                match if around.scans == noticed { Next::None } else { self.after_renaming(around, log) } {
                    Next::None => Next::WantsScan,
                    next => next,
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let noticed = *self.rotation.noticed.get_or_insert(around.scans);
                if around.scans == noticed { Next::None } else { self.after_renaming(around, log) }
            }
            Err(error) => {
                self.complaints.tell(around.inlet, "stat", os_error("stat", &log.path, &error));
                Next::None
            }
        }
    }

    /// Finds the current file under its new name, or what comes after it if it is gone.
    fn after_renaming(&mut self, around: &Surroundings, log: &mut LogFile) -> Next {
        let own = |file: &Arc<Path>| FileId::at(file).is_ok_and(|id| id == log.id);
        let index = self.files.iter().position(own);
        let Some(index) = index.or_else(|| self.packed_index(around.scans, log)) else {
            return self.first_unseen(log);
        };
        // Alone under its new name it is left under the old one, where its successor will appear.
        let Some(next) = self.files.get(index + 1).cloned() else { return Next::None };
        if let Ok(id) = FileId::at(&self.files[index]) {
            log.path = self.files[index].clone();
            log.id = id;
            self.mark(log, 0, Receipt::resolved());
            self.rotation.remember(&self.files, log);
        }
        Next::File(next)
    }

    /// The file that holds the current one in compressed form; each scan is searched once.
    fn packed_index(&mut self, scan: u64, log: &LogFile) -> Option<usize> {
        match self.rotation.packed {
            Some((searched, index)) if searched == scan => index,
            _ => {
                let index = self.files.iter().rposition(|file| is_packed(file, log));
                self.rotation.packed = Some((scan, index));
                index
            }
        }
    }

    /// The oldest of the newest files that were not there before.
    fn first_unseen(&self, log: &LogFile) -> Next {
        let named = self.files.iter().position(|file| *file == log.path);
        let files = named.map_or(&self.files[..], |index| &self.files[..=index]);
        let known = files.iter().rev().filter_map(|file| Some((file, FileId::at(file).ok()?)));
        // Inodes are used again, so a file under the current one's name is new whatever its number.
        let unseen = known.take_while(|(file, id)| {
            *id != log.id && (**file == log.path || !self.rotation.seen.contains(id))
        });
        unseen.last().map_or(Next::None, |(file, _)| Next::File(file.clone()))
    }
}

/// Whether `file` is the current file, compressed: a gzip file of the same text.
pub(super) fn is_packed(file: &Arc<Path>, log: &LogFile) -> bool {
    if log.end() == 0 || log.is_gzip() {
        return false;
    }
    let found = LogFile::open_at(file, log.end(), &hash(log.window.last()));
    let Ok(Some(mut found)) = found else { return false };
    found.is_gzip() && matches!(found.read(&mut read_buffer()), Ok(Read::End))
}
