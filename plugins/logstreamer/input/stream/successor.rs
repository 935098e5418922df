//! Which file follows the current one, whatever the names have become.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use heka_plugin::Receipt;

use super::super::journal::hash;
use super::super::log_file::{FileId, LogFile, Read};
use super::super::os_error::os_error;
use super::super::set::Listing;
use super::{Stream, Surroundings, read_buffer};

/// The file that follows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// There is none.
    None,
    /// The one that had this name at the scan. By now the name may be another's.
    File(Arc<Path>, FileId),
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
                match self.files.paths.iter().position(|file| *file == log.path) {
                    Some(index) => match self.listed(index + 1) {
                        // The scan may be from the middle of a rotation: its names are as old as its files.
                        Some(_) if self.files.ids[index] != log.id => Next::WantsScan,
                        Some(next) => next,
                        None => Next::None,
                    },
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

    /// Finds the current file under its new name, or what comes after it if it is gone. Files are told by their identity at
    /// the scan: since then any number of renamings may have given the names to others.
    fn after_renaming(&mut self, around: &Surroundings, log: &mut LogFile) -> Next {
        let index = self.files.ids.iter().position(|id| *id == log.id);
        let Some(index) = index.or_else(|| self.packed_index(around.scans, log)) else {
            return self.first_unseen(log);
        };
        // Alone under its new name it is left under the old one, where its successor will appear.
        let Some(next) = self.listed(index + 1) else { return Next::None };
        let (path, id) = (&self.files.paths[index], self.files.ids[index]);
        if FileId::at(path).is_ok_and(|now| now == id) {
            log.path = path.clone();
            log.id = id;
            self.mark(log, 0, Receipt::resolved());
            self.rotation.remember(&self.files, log);
        }
        next
    }

    /// The file at this place of the last scan.
    fn listed(&self, index: usize) -> Option<Next> {
        let path = self.files.paths.get(index)?;
        Some(Next::File(path.clone(), self.files.ids[index]))
    }

    /// The file that holds the current one in compressed form; each scan is searched once.
    fn packed_index(&mut self, scan: u64, log: &LogFile) -> Option<usize> {
        match self.rotation.packed {
            Some((searched, index)) if searched == scan => index,
            _ => {
                let index = self.files.paths.iter().rposition(|file| is_packed(file, log));
                self.rotation.packed = Some((scan, index));
                index
            }
        }
    }

    /// The oldest of the newest files that were not there before.
    fn first_unseen(&self, log: &LogFile) -> Next {
        let Listing { paths, ids } = &self.files;
        let named = paths.iter().position(|file| *file == log.path);
        let end = named.map_or(paths.len(), |index| index + 1);
        // Inodes are used again, so a file under the current one's name is new whatever its number.
        let is_unseen = |index: &usize| {
            ids[*index] != log.id && (paths[*index] == log.path || !self.rotation.seen.contains(&ids[*index]))
        };
        let first = (0..end).rev().take_while(is_unseen).last();
        first.and_then(|index| self.listed(index)).unwrap_or(Next::None)
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
