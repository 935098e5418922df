//! Keeps the books of all readers: saves their cursors, prunes the queues, and sees to it that none lags further behind
//! than its options allow.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use heka_plugin::{Log, Stop};

use crate::config::FullAction;
use crate::counters::PluginCounters;
use crate::gate::Gate;
use crate::log::Logger;
use crate::place::PublishedPlace;
use crate::queues::Queues;
use crate::relief::Relief;
use crate::runner::output::Complaint;
use crate::shutdown::Shutdown;
use crate::stops::{Skip, Stops};

/// Cursors are saved no more often than this.
const EVERY: Duration = Duration::from_millis(100);
/// What was dropped is logged no more often than this.
const DROP_LOG_EVERY: Duration = Duration::from_secs(60);

/// One reader's entry in the books.
pub struct Entry {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub place: Arc<PublishedPlace>,
    /// Largest distance from the end of the queues in bytes; 0 is no limit.
    pub limit_bytes: u64,
    /// What happens beyond it.
    pub full_action: FullAction,
    /// It was loaded while hekad runs: rather than hold inputs back it is ended.
    pub dynamic: bool,
    /// How it is asked to skip.
    pub stops: Stops,
    /// Its log.
    pub log: Arc<dyn Log>,
    /// Its counts.
    pub counters: Arc<PluginCounters>,
    /// When dropping was last logged, and how many bytes had been dropped then.
    pub drop_logged: Option<(Instant, u64)>,
    /// The plugin has ended and hekad goes on. What it has not read is kept for the next start, up to its limit.
    pub ended: bool,
    /// When its place is forgotten: a reload has removed it, and may yet be taken back.
    pub forget_at: Option<Instant>,
}

impl Entry {
    /// Tells what was dropped since that was told last, once a minute at most.
    fn log_drops(&mut self) {
        let bytes = self.counters.dropped.get();
        let is_due = self
            .drop_logged
            .map_or(bytes > 0, |(at, logged)| bytes > logged && at.elapsed() >= DROP_LOG_EVERY);
        if is_due {
            self.drop_logged = Some((Instant::now(), bytes));
            self.log.error("can't deliver matched message: Queue is full");
            self.log.error(&format!("dropped {bytes} bytes of queued messages so far"));
        }
    }
}

/// The keeper's parts.
pub struct Keeper {
    /// The queues.
    pub queues: Arc<Queues>,
    /// All readers. Those that end while hekad goes on are taken out by whoever ends them.
    pub entries: Arc<std::sync::Mutex<Vec<Entry>>>,
    /// Holds inputs back.
    pub gate: Arc<Gate>,
    /// Readers that started with too much before them.
    pub relief: Arc<Mutex<Relief>>,
    /// Ends hekad where that is what was configured.
    pub shutdown: Shutdown,
    /// The log.
    pub logger: Logger,
}

impl Keeper {
    /// Works until `stop` is requested, then saves a last time.
    pub fn run(self, stop: &Stop) {
        let mut complaint = Complaint::default();
        let mut failed = false;
        loop {
            let stopping = stop.wait(EVERY);
            self.save(&mut complaint);
            if stopping {
                return;
            }
            self.relieve();
            self.limit();
            if !failed && (self.queues.input.failed() || self.queues.filter.failed()) {
                // The queue has said why. Only a new start can go on, from what is durable.
                failed = true;
                self.logger.error("a queue cannot hold records any more, shutting down");
                self.shutdown.request(1);
            }
        }
    }

    /// Sees how those get on that started with too much before them.
    fn relieve(&self) {
        let mut relief = self.relief();
        if !relief.is_pending() {
            return;
        }
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let queues = &self.queues;
        relief.look(Instant::now(), &self.shutdown, &self.logger, |name| {
            let entry = entries.iter().find(|entry| entry.name == name);
            // One that is not there yet stands at its cursor.
            let place = entry.map_or_else(|| queues.start_of(name, false), |entry| entry.place.get());
            entry.is_none_or(|entry| !entry.ended).then(|| queues.whole_lag_bytes(name, place))
        });
    }

    fn save(&self, complaint: &mut Complaint) {
        for entry in self.entries.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            self.queues.set_cursor(&entry.name, entry.place.get());
        }
        if let Err(error) = self.queues.save() {
            let text = error.to_string();
            if complaint.is_due(&text) {
                self.logger.error(&text);
            }
        }
    }

    /// To be locked before the entries.
    fn relief(&self) -> MutexGuard<'_, Relief> {
        self.relief.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limit(&self) {
        let relief = self.relief();
        let mut hold = relief.is_pending();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain_mut(|entry| {
            entry.log_drops();
            if entry.forget_at.is_some_and(|at| at <= Instant::now()) {
                self.queues.forget(&entry.name);
                return false;
            }
            let place = entry.place.get();
            let lag = if entry.ended || entry.full_action == FullAction::Drop {
                // What was imported is not given up.
                self.queues.lag_bytes(place)
            } else {
                self.queues.whole_lag_bytes(&entry.name, place)
            };
            if entry.limit_bytes == 0 || lag < entry.limit_bytes || relief.waits_for(&entry.name) {
                return true;
            }
            if entry.ended {
                entry.log.error("it has ended and too much is queued for it: given up");
                self.queues.forget(&entry.name);
                return false;
            }
            match entry.full_action {
                FullAction::Block if entry.dynamic => entry.stops.ask_slow_one_to_end(&self.queues.events),
                FullAction::Block => hold = true,
                FullAction::Shutdown => {
                    if !self.shutdown.has_begun() {
                        entry.log.error("can't deliver matched message: Queue is full");
                        self.shutdown.request(1);
                    }
                }
                FullAction::Drop => {
                    // Counted when it is done: a reader whose peer hangs may take a while.
                    let skip = Skip { to: self.queues.tail(), bytes: lag };
                    entry.stops.ask_to_skip(skip, &self.queues.events);
                }
            }
            true
        });
        drop(entries);
        self.gate.set_closed(hold);
    }
}

#[cfg(test)]
mod tests {
    use heka_queue::{Batch, Meta, SyncMode};

    use super::*;
    use crate::queues::INPUT;

    struct Quiet;

    impl Log for Quiet {
        fn info(&self, _: &str) {}
        fn error(&self, _: &str) {}
        fn plain(&self, _: &[u8]) {}
    }

    /// A keeper with one reader that has a kilobyte before it and may lag a hundred bytes.
    fn keeper(dir: &std::path::Path, change: impl FnOnce(&mut Entry)) -> (Keeper, Stops) {
        let logger = Logger::default();
        let queues = Arc::new(Queues::open(dir, SyncMode::None, 1 << 20, &logger).unwrap());
        let start = queues.tail();
        queues.set_cursor("r", start);
        let mut batch = Batch::new();
        batch.push(&[0x32, 2, b'h', b'i'].repeat(250), Meta::default()).unwrap();
        queues.input.append(&mut batch).unwrap();
        let mut entry = Entry {
            name: "r".into(),
            place: Arc::new(PublishedPlace::new(start)),
            limit_bytes: 100,
            full_action: FullAction::Block,
            dynamic: false,
            stops: Stops::default(),
            log: Arc::new(Quiet),
            counters: Arc::default(),
            drop_logged: None,
            ended: false,
            forget_at: None,
        };
        change(&mut entry);
        let stops = entry.stops.clone();
        let (wake, _) = std::sync::mpsc::channel();
        let entries = Arc::new(std::sync::Mutex::new(vec![entry]));
        (
            Keeper {
                queues,
                entries,
                gate: Arc::default(),
                relief: Arc::default(),
                shutdown: Shutdown::new(wake),
                logger,
            },
            stops,
        )
    }

    fn is_held(keeper: &Keeper) -> bool {
        let stop = Stop::new();
        stop.request();
        !keeper.gate.pass(&stop)
    }

    #[test]
    fn a_reader_that_lags_holds_inputs_back() {
        let dir = tempfile::tempdir().unwrap();
        let (keeper, _) = keeper(dir.path(), |_| ());
        keeper.limit();
        assert!(is_held(&keeper));
    }

    #[test]
    fn what_is_queued_for_an_ended_reader_is_kept_up_to_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let (keeper, _) = keeper(dir.path(), |entry| {
            entry.ended = true;
            entry.limit_bytes = 1 << 20;
        });
        keeper.limit();
        assert!(keeper.queues.cursors.get("r", INPUT).is_some());
        keeper.entries.lock().unwrap()[0].limit_bytes = 100;
        keeper.limit();
        assert_eq!(keeper.queues.cursors.get("r", INPUT), None);
        assert!(keeper.entries.lock().unwrap().is_empty() && !is_held(&keeper));
    }

    #[test]
    fn a_loaded_filter_is_ended_rather_than_hold_inputs_back() {
        let dir = tempfile::tempdir().unwrap();
        let (keeper, stops) = keeper(dir.path(), |entry| entry.dynamic = true);
        keeper.limit();
        assert!(stops.is_too_slow() && stops.now.is_requested() && !is_held(&keeper));
    }
}
