//! An output's dead letters in the hands of its thread. The store is opened when the first letter comes or something is
//! asked for, so an output that rejects nothing has none.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heka_plugin::Log;
use heka_queue::{Batch, LogFn, Meta, Position, QueueError, Reader, silent};

use super::store::Bound;
use super::{Folder, Letter, Request, Store};

/// How often it is looked whether something is asked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// An output's dead letters.
pub struct DeadLetters {
    folder: Folder,
    bound: Bound,
    log: Arc<dyn Log>,
    events: LogFn,
    store: Option<Store>,
    /// Letters were added since the last sync.
    unsynced: bool,
    looked: Option<Instant>,
    replay: Option<Replay>,
}

/// Letters that are to be sent again.
struct Replay {
    /// Where it goes on.
    reader: Reader,
    /// Where it ends.
    until: Position,
    /// How many were sent again.
    sent: u64,
}

impl DeadLetters {
    /// Those of `output`. With `max_bytes` 0 none are kept. `events` is told of damage to what is kept.
    pub fn new(base_dir: &Path, output: &str, bound: Bound, log: Arc<dyn Log>, events: LogFn) -> DeadLetters {
        DeadLetters {
            folder: Folder::of(base_dir, output),
            bound,
            log,
            events,
            store: None,
            unsynced: false,
            looked: None,
            replay: None,
        }
    }

    /// Keeps none.
    pub fn off(log: Arc<dyn Log>) -> DeadLetters {
        let bound = Bound { max_bytes: 0, sync: heka_queue::SyncMode::None };
        DeadLetters::new(Path::new(""), "", bound, log, silent())
    }

    /// Whether letters are kept at all.
    pub fn are_kept(&self) -> bool {
        self.bound.max_bytes > 0
    }

    /// Adds a letter to a batch for [`DeadLetters::keep`]. One that no queue can hold is told and left out.
    pub fn write(&self, message: &[u8], loop_count: u32, reason: &str, letters: &mut Batch) {
        let letter = Letter { message, output: &self.folder.output, reason };
        let added = letters.begin_record(Meta { loop_count, ..Meta::default() }).and_then(|mut record| {
            letter.write(record.buffer());
            record.finish()
        });
        if let Err(error) = added {
            self.log.error(&format!("a rejected message is lost, no queue can hold it: {error}"));
        }
    }

    /// Keeps letters. They outlive the process when this returns.
    ///
    /// # Errors
    /// The disk does not take them: they are still in the batch. The text says why.
    pub fn keep(&mut self, letters: &mut Batch) -> Result<(), String> {
        let store = self.opened().map_err(|error| format!("rejected messages cannot be kept: {error}"))?;
        store.append(letters).map_err(|error| format!("rejected messages cannot be kept: {error}"))?;
        let lost = store.keep_bound();
        self.unsynced = true;
        if lost > 0 {
            let max = self.bound.max_bytes;
            self.log.error(&format!(
                "rejected messages take more than {max} bytes: the oldest {lost} bytes of them are given up"
            ));
        }
        Ok(())
    }

    /// Makes the letters durable; says whether they are. `Err`: they never will be.
    ///
    /// # Errors
    /// The disk has failed.
    pub fn sync(&mut self) -> Result<bool, String> {
        let Some(store) = self.store.as_ref().filter(|_| self.unsynced) else { return Ok(true) };
        self.unsynced = !store.sync();
        if store.failed() {
            return Err("rejected messages cannot be kept any more".into());
        }
        Ok(!self.unsynced)
    }

    /// Whether letters can never be kept again: [`DeadLetters::sync`] tells why.
    pub fn has_failed(&self) -> bool {
        self.store.as_ref().is_some_and(Store::failed)
    }

    /// Whether letters are to be sent again now. Looks once a second what is asked for.
    pub fn has_replay(&mut self) -> bool {
        if self.replay.is_none() && self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            self.looked = Some(Instant::now());
            if let Err(why) = self.look() {
                self.log.error(&format!("what is asked of its rejected messages cannot be done now: {why}"));
            }
        }
        self.replay.is_some()
    }

    fn look(&mut self) -> Result<(), String> {
        if !self.folder.exists() {
            return Ok(());
        }
        let text = |error: std::io::Error| error.to_string();
        match Request::take(&self.folder).map_err(text)? {
            None => {}
            Some(Request::Forget(until)) => {
                self.opened().and_then(|store| store.set_done(until)).map_err(|error| error.to_string())?;
                Request::finish(&self.folder).map_err(text)?;
                self.log.info("rejected messages were given up, as was asked");
            }
            Some(Request::Replay(until)) => {
                let reader = self.opened().map_err(|error| error.to_string())?.reader();
                self.log.info("sends rejected messages again, as was asked");
                self.replay = Some(Replay { reader, until, sent: 0 });
            }
        }
        Ok(())
    }

    /// Hands letters that are to be sent again to `each` until it says that it has enough. Returns the place behind them for
    /// [`DeadLetters::replayed`].
    pub fn read_replay(
        &mut self,
        mut each: impl FnMut(&Letter<'_>, &heka_queue::Record<'_>) -> bool,
    ) -> Position {
        let Some(Replay { reader, until, .. }) = &mut self.replay else { return Position::default() };
        while reader.position() < *until
            && let Some(record) = reader.next()
        {
            // Something else than a letter is treated as a message: it may be one.
            let unknown = Letter { message: record.message, output: "", reason: "" };
            if !each(&Letter::read(record.message).unwrap_or(unknown), &record) {
                break;
            }
        }
        reader.position()
    }

    /// All letters before `at` were sent again, `count` since the last time.
    ///
    /// # Errors
    /// That cannot be noted: they will be sent once more.
    pub fn replayed(&mut self, at: Position, count: u64) -> Result<(), String> {
        let Some(replay) = &mut self.replay else { return Ok(()) };
        replay.sent += count;
        // At its end, or before letters that are damaged or gone.
        let has_more = replay.reader.has_more() || replay.reader.is_stalled();
        let is_over = replay.reader.position() >= replay.until || !has_more;
        let sent = replay.sent;
        if let Some(store) = &self.store {
            store.set_done(at).map_err(|error| error.to_string())?;
        }
        if is_over {
            self.replay = None;
            self.looked = None;
            Request::finish(&self.folder).map_err(|error| error.to_string())?;
            self.log.info(&format!("has sent {sent} rejected messages again"));
        }
        Ok(())
    }

    /// What was read since the last [`DeadLetters::replayed`] was not sent, and is read again.
    pub fn rewind_replay(&mut self) {
        if let (Some(replay), Some(store)) = (&mut self.replay, &self.store) {
            replay.reader.seek(store.done());
        }
    }

    fn opened(&mut self) -> Result<&Store, QueueError> {
        let store = match self.store.take() {
            Some(store) => store,
            None => Store::open(&self.folder, self.bound, self.events.clone())?,
        };
        Ok(self.store.insert(store))
    }
}
