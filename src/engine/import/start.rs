//! Taking over all that an old hekad left, at a start of hekad or by `hekad import`.

use std::collections::BTreeSet;
use std::path::Path;

use heka_queue::Cursors;

use super::imported::queue_name;
use super::places::{Places, by_folder};
use super::take_over::{ImportError, TakeOver, Taken, segments};
use crate::filter_state::{StateFile, file_name};
use crate::log::Logger;
use crate::progress::Progress;

/// What became of one old folder.
#[derive(Debug)]
pub struct Report {
    /// Its name in `output_queue`.
    pub folder: String,
    /// The filter or output that it belongs to; `None`: the configuration has none of that name.
    pub reader: Option<String>,
    /// What was taken over; `None` if the folder was left as it is.
    pub taken: Option<Result<Taken, ImportError>>,
}

/// Takes over the old folders of `readers`, the names of all filters and outputs of the configuration. Nobody else may use
/// the `base_dir` meanwhile: the caller holds its lock. Folders of other readers stay.
pub fn import<'a>(
    base_dir: &Path,
    readers: impl IntoIterator<Item = &'a str> + Clone,
    cursors: &Cursors,
    segment_size_bytes: u64,
    logger: &Logger,
) -> Vec<Report> {
    let places = Places::of(base_dir);
    let take_over = TakeOver { places: &places, segment_size_bytes };
    for reader in readers.clone() {
        match take_over.recover(reader) {
            Ok(false) => {}
            Ok(true) => say(logger, reader, "an import that was broken off is done"),
            Err(error) => complain(logger, reader, &format!("an import that was broken off: {error}")),
        }
    }
    let folders = match places.old_folders() {
        Ok(folders) => folders,
        Err(error) => {
            logger.error(&format!("{}: {error}; nothing is imported", places.old_queues().display()));
            return Vec::new();
        }
    };
    let owners = by_folder(readers.clone());
    let mut reports = Vec::new();
    for folder in folders {
        let reader = owners.get(&folder).copied();
        let taken = reader.map(|reader| {
            let first = first_segment(&places, reader, cursors)?;
            take_over.folder(reader, first)
        });
        let report = Report { folder, reader: reader.map(str::to_owned), taken };
        report.log(logger);
        reports.push(report);
    }
    orphans(&places, readers, logger);
    reports
}

impl Report {
    /// The report as a log line.
    fn log(&self, logger: &Logger) {
        match (&self.reader, &self.taken) {
            (Some(reader), Some(Ok(taken))) => {
                if let Some(doubt) = &taken.doubt {
                    complain(logger, reader, &format!("output_queue/{}: {doubt}", self.folder));
                }
                say(logger, reader, &self.to_string());
            }
            (Some(reader), Some(Err(_))) => complain(logger, reader, &self.to_string()),
            _ => logger.info(&self.to_string()),
        }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let folder = &self.folder;
        match &self.taken {
            None => write!(
                f,
                "output_queue/{folder} is left as it is: no filter or output of that name is configured"
            ),
            Some(Err(error)) => {
                write!(f, "output_queue/{folder} is not imported and left as it is: {error}")
            }
            Some(Ok(taken)) => {
                let left = &taken.undelivered;
                write!(
                    f,
                    "imported output_queue/{folder}: {} messages ({} bytes) to deliver",
                    left.records, left.bytes
                )?;
                if left.damage.bytes > 0 {
                    write!(
                        f,
                        ", {} damaged bytes in {} places skipped",
                        left.damage.bytes, left.damage.stretches
                    )?;
                }
                write!(f, "; the old folder is now {}", taken.backup.display())
            }
        }
    }
}

/// The first number of a segment that no place of the reader was ever in.
fn first_segment(places: &Places, reader: &str, cursors: &Cursors) -> Result<u64, ImportError> {
    let base_dir = places.base_dir();
    let queued = segments(&places.queue(reader))?.last().map(|(number, _)| *number);
    let noted = Progress::look(base_dir, reader);
    let of_state = StateFile::new(base_dir, reader, false).place();
    let cursor = cursors.get(reader, &queue_name(reader)).map(|at| at.segment);
    let of_places = [noted, of_state].into_iter().flatten().map(|place| place.imported.segment);
    Ok(of_places.chain(queued).chain(cursor).max().map_or(1, |highest| highest + 1))
}

/// Names what was imported for readers that are no more.
fn orphans<'a>(places: &Places, readers: impl IntoIterator<Item = &'a str>, logger: &Logger) {
    let known: BTreeSet<String> = readers.into_iter().map(file_name).collect();
    for queue in places.queues().iter().filter(|queue| !known.contains(*queue)) {
        let path = places.imported().join(queue);
        logger.info(&format!(
            "{} waits for a filter or output that is not configured any more; it is left as it is",
            path.display()
        ));
    }
}

fn say(logger: &Logger, reader: &str, text: &str) {
    logger.source("Plugin", reader).info(text);
}

fn complain(logger: &Logger, reader: &str, text: &str) {
    logger.source("Plugin", reader).error(text);
}

#[cfg(test)]
mod tests;
