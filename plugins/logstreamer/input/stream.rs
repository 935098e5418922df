//! One stream: reads its files in order and delivers what is in them.
//!
//! | file | holds |
//! |---|---|
//! | this | reading and delivering |
//! | `place` | where reading begins, and begins again after an error |
//! | `rotation` | what happens at the end of a file: rotated, truncated, replaced |
//! | `successor` | which file follows |
//! | `save` | the journal |

mod place;
mod rotation;
mod save;
mod successor;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heka_plugin::{Deliverer, Inlet, PluginError, Pushed, Receipt};

pub(super) use self::place::Begin;
use self::rotation::Rotation;
use super::complaints::Complaints;
use super::journal::{CONTEXT_SIZE, Journal, Position, hash};
use super::log_file::{LogFile, Read};
use super::marks::{Mark, Marks};
use super::os_error::os_error;
use super::set::Listing;

/// Largest read in bytes. All streams take turns of one read.
pub(super) const READ_SIZE: usize = 256 << 10;

/// Bytes of a read when each read is a record: the buffer that Heka's NullSplitter begins with.
const WHOLE_READ_SIZE: usize = 64 << 10;

/// A buffer for [`Stream::turn`].
pub(super) fn read_buffer() -> Vec<u8> {
    vec![0; CONTEXT_SIZE + READ_SIZE]
}

/// What a stream sees of its input.
pub(super) struct Surroundings<'a> {
    pub(super) inlet: &'a dyn Inlet,
    /// MAX_RECORD_SIZE.
    pub(super) max_record_size: usize,
    /// Time between looks at a file that has ended.
    pub(super) check_interval: Duration,
    /// Counts the scans of the directory.
    pub(super) scans: u64,
}

/// What a turn led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// There may be more right now.
    Busy,
    /// There is nothing to do until the next look.
    Idle,
    /// Nothing can be done before the directory was scanned again.
    WantsScan,
}

/// A stream.
pub(super) struct Stream {
    name: String,
    files: Listing,
    deliverer: Box<dyn Deliverer>,
    /// One read is one record.
    whole_reads: bool,
    /// Where to begin; of meaning while no file is open.
    begin: Begin,
    log: Option<LogFile>,
    /// The scan at which the position to begin at was first missed.
    missed_since: Option<u64>,
    /// Offset in the file at which the deliverer began to count.
    base: u64,
    /// Offset in the file up to which all is delivered or dropped.
    done: u64,
    rotation: Rotation,
    marks: Marks,
    journal: Journal,
    last_save: Option<Instant>,
    save_failed: bool,
    complaints: Complaints,
    /// Whether the deliverer gives an unfinished record at the end; `None`: not tried yet.
    delivers_rest: Option<bool>,
    /// When to look at it next.
    pub(super) next_look: Instant,
    /// Scans in succession that did not help: the stream wanted another one. With the number of the last such scan.
    pub(super) vain_scans: (u32, u64),
}

impl Stream {
    /// A stream that has not begun. `begin` is where.
    pub(super) fn new(
        name: String,
        files: Listing,
        journal: Journal,
        begin: Begin,
        deliverer: Box<dyn Deliverer>,
    ) -> Stream {
        Stream {
            name,
            files,
            whole_reads: deliverer.takes_whole_reads(),
            deliverer,
            begin,
            log: None,
            missed_since: None,
            base: 0,
            done: 0,
            rotation: Rotation::default(),
            marks: Marks::default(),
            journal,
            last_save: None,
            save_failed: false,
            complaints: Complaints::default(),
            delivers_rest: None,
            next_look: Instant::now(),
            vain_scans: (0, 0),
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The file that is being read, and how much of it is done with.
    pub(super) fn place(&self) -> Option<(&Arc<Path>, u64)> {
        self.log.as_ref().map(|log| (&log.path, self.done))
    }

    /// Reads and delivers once.
    ///
    /// # Errors
    /// The queue takes nothing more.
    pub(super) fn turn(&mut self, around: &Surroundings, buffer: &mut [u8]) -> Result<Turn, PluginError> {
        let Some(mut log) = self.log.take() else {
            return Ok(self.open(around));
        };
        let size = if self.whole_reads { WHOLE_READ_SIZE.min(around.max_record_size) } else { READ_SIZE };
        match log.read(&mut buffer[..CONTEXT_SIZE + size]) {
            Ok(Read::Bytes(range)) => {
                let delivered = self.deliver(&mut log, &buffer[range]);
                self.log = Some(log);
                self.complaints.clear("read");
                self.rotation.moved();
                delivered.map(|()| Turn::Busy)
            }
            Ok(Read::End) => self.at_end(around, log),
            Ok(Read::Rewritten) => self.rewritten(around, log),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                around.inlet.log_error(&os_error("read", &log.path, &error));
                self.log = Some(log);
                Ok(Turn::Busy)
            }
            Err(error) => {
                self.complaints.tell(around.inlet, "read", os_error("read", &log.path, &error));
                self.begin = Begin::again(self.position(&log), log.id);
                Ok(Turn::Idle)
            }
        }
    }

    /// Pushes bytes that were read.
    fn deliver(&mut self, log: &mut LogFile, bytes: &[u8]) -> Result<(), PluginError> {
        let pushed = self.deliverer.push(bytes)?;
        let read = log.end() + bytes.len() as u64;
        let done = (self.base + pushed.done).clamp(self.done, read);
        log.window.advance(bytes, done);
        let moved = done > self.done;
        self.done = done;
        if moved || pushed.records > 0 {
            self.mark(log, pushed.records, pushed.receipt);
        }
        Ok(())
    }

    /// Notes for a successor that the queue has what lies before the present position.
    fn take_note(&mut self, log: &LogFile) {
        let position = self.position(log);
        // Without a note a successor reads more of it again, and the next one may work.
        let _ = self.journal.take_note(position);
    }

    /// Remembers the present position, to be journalled once the receipt says so.
    fn mark(&mut self, log: &LogFile, records: u64, receipt: Receipt) {
        let before = log.window.before(self.done).to_vec();
        self.marks.push(Mark { file: log.path.clone(), seek: self.done, before, records, receipt });
        self.take_note(log);
    }

    fn position(&self, log: &LogFile) -> Position {
        Position { file: log.path.clone(), seek: self.done, hash: hash(log.window.before(self.done)) }
    }

    /// Goes on in `log`, where everything before is done with.
    fn enter(&mut self, log: LogFile) {
        self.deliverer.reset();
        self.base = log.end();
        self.done = log.end();
        self.rotation.entered(&self.files, &log);
        self.log = Some(log);
    }

    /// Nothing will be added to an unfinished record: delivers it as it is, so that it is not joined with what comes next.
    fn close_record(&mut self, log: &mut LogFile) -> Result<(), PluginError> {
        if log.end() > self.done {
            let pushed = self.deliverer.finish_record()?;
            self.rest_is_done(log, pushed);
        }
        Ok(())
    }

    fn rest_is_done(&mut self, log: &mut LogFile, pushed: Pushed) {
        self.done = log.end();
        log.window.advance(&[], self.done);
        self.mark(log, pushed.records, pushed.receipt);
        self.deliverer.reset();
        self.base = self.done;
    }

    /// The file has ended and keeps still. With `deliver_incomplete_final` that makes its last bytes a record.
    fn deliver_rest(&mut self, log: &mut LogFile) -> Result<(), PluginError> {
        if self.delivers_rest == Some(false) || log.end() == self.done {
            return Ok(());
        }
        let pushed = self.deliverer.finish()?;
        self.delivers_rest = Some(pushed.records > 0);
        if pushed.records > 0 {
            self.rest_is_done(log, pushed);
            return Ok(());
        }
        // The deliverer has forgotten it; it is still to be completed.
        self.deliverer.reset();
        self.base = self.done;
        let rest = log.window.from(self.done).to_vec();
        log.window.rewind(self.done);
        self.deliver(log, &rest)
    }
}
