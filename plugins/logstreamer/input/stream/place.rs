//! Where a stream begins.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use heka_plugin::Receipt;

use super::super::journal::Position;
use super::super::locate::{Located, locate, untouched};
use super::super::log_file::{FileId, LogFile};
use super::super::os_error::os_error;
use super::{Stream, Surroundings, Turn};

/// Scans in which a position is looked for before it is given up.
pub(super) const SCANS_TO_LOSE: u64 = 2;

/// Where to begin.
#[derive(Clone, Debug)]
pub(in super::super) enum Begin {
    /// With the oldest file.
    Oldest,
    /// At the end of the newest file.
    Tail,
    /// At a position that was saved at a time, in this file if it is known.
    At(Position, SystemTime, Option<FileId>),
}

impl Begin {
    /// At a position reached in this run.
    pub(super) fn again(position: Position, id: FileId) -> Begin {
        Begin::At(position, SystemTime::now(), Some(id))
    }
}

impl Stream {
    /// Opens the file to begin with.
    pub(super) fn open(&mut self, around: &Surroundings) -> Turn {
        let Some(oldest) = self.files.paths.first().cloned() else { return Turn::WantsScan };
        if let Begin::At(position, _, Some(id)) = &mut self.begin
            && let Some(renamed) =
                self.files.paths.iter().find(|file| FileId::at(file).is_ok_and(|found| found == *id))
        {
            position.file = renamed.clone();
        }
        let opened = match &self.begin {
            Begin::Oldest => self.open_listed(0),
            Begin::Tail => open(self.files.paths.last().unwrap_or(&oldest), LogFile::open_at_end),
            Begin::At(position, saved, _) if position.seek == 0 => {
                self.open_listed(untouched(&self.files.paths, &position.file, *saved))
            }
            Begin::At(position, ..) => match locate(&self.files.paths, position) {
                Located::Found(log) => Ok(log),
                Located::Nowhere => return self.give_up(around, &position.clone()),
                Located::Unreadable(why) => Err(Some(why)),
            },
        };
        match opened {
            Ok(log) => {
                self.complaints.clear("open");
                self.enter_marked(log);
                Turn::Busy
            }
            Err(Some(why)) => {
                self.complaints.tell(around.inlet, "open", why);
                Turn::Idle
            }
            Err(None) => Turn::WantsScan,
        }
    }

    /// Opens a file of the last scan. Should its name stand for another file by now, a scan has to tell which comes first.
    fn open_listed(&self, index: usize) -> Result<LogFile, Option<String>> {
        let log = open(&self.files.paths[index], LogFile::open)?;
        if log.id == self.files.ids[index] { Ok(log) } else { Err(None) }
    }

    /// A position is in no file. It may be that files were just being renamed: only after further scans is it lost.
    fn give_up(&mut self, around: &Surroundings, position: &Position) -> Turn {
        let since = *self.missed_since.get_or_insert(around.scans);
        if around.scans < since + SCANS_TO_LOSE {
            return Turn::WantsScan;
        }
        let (name, seek, file) = (&self.name, position.seek, position.file.display());
        around.inlet.log_info(&format!("the position of '{name}', byte {seek} of {file}, is in no file"));
        self.begin = Begin::Oldest;
        Turn::Busy
    }

    /// Goes on in `log` and has the journal say so, even before anything is delivered from there. At the beginning of a
    /// file it does not: should the file be rotated while hekad is down, such a journal would lead to its successor.
    pub(super) fn enter_marked(&mut self, log: LogFile) {
        self.missed_since = None;
        self.done = log.end();
        if self.done > 0 {
            self.mark(&log, 0, Receipt::resolved());
        }
        self.enter(log);
    }
}

/// Opens a file. The error is `None` when it is gone, which a scan will show.
fn open(
    path: &Arc<Path>,
    how: impl Fn(&Arc<Path>) -> std::io::Result<LogFile>,
) -> Result<LogFile, Option<String>> {
    how(path).map_err(|error| (error.kind() != ErrorKind::NotFound).then(|| os_error("open", path, &error)))
}
