//! Keeps the books of all readers: saves their cursors, prunes the queues, and sees to it that none lags further behind
//! than its options allow.

use std::sync::Arc;
use std::time::{Duration, Instant};

use heka_plugin::{Log, Stop};

use crate::config::FullAction;
use crate::counters::PluginCounters;
use crate::gate::Gate;
use crate::log::Logger;
use crate::place::PublishedPlace;
use crate::queues::Queues;
use crate::runner::output::Complaint;
use crate::shutdown::Shutdown;
use crate::stops::Stops;

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
    /// How it is asked to skip.
    pub stops: Stops,
    /// Its log.
    pub log: Arc<dyn Log>,
    /// Its counts.
    pub counters: Arc<PluginCounters>,
    /// When dropping was last logged.
    pub drop_logged: Option<Instant>,
}

/// The keeper's parts.
pub struct Keeper {
    /// The queues.
    pub queues: Arc<Queues>,
    /// All readers. Those that end while hekad goes on are taken out by whoever ends them.
    pub entries: Arc<std::sync::Mutex<Vec<Entry>>>,
    /// Holds inputs back.
    pub gate: Arc<Gate>,
    /// Ends hekad where that is what was configured.
    pub shutdown: Shutdown,
    /// The log.
    pub logger: Logger,
}

impl Keeper {
    /// Works until `stop` is requested, then saves a last time.
    pub fn run(self, stop: &Stop) {
        let mut complaint = Complaint::default();
        loop {
            let stopping = stop.wait(EVERY);
            self.save(&mut complaint);
            if stopping {
                return;
            }
            self.limit();
        }
    }

    fn save(&self, complaint: &mut Complaint) {
        for entry in self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter() {
            self.queues.set_cursor(&entry.name, entry.place.get());
        }
        if let Err(error) = self.queues.save() {
            let text = error.to_string();
            if complaint.is_due(&text) {
                self.logger.error(&text);
            }
        }
    }

    fn limit(&self) {
        let mut hold = false;
        for entry in self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter_mut() {
            let lag = self.queues.lag_bytes(entry.place.get());
            if entry.limit_bytes == 0 || lag < entry.limit_bytes {
                continue;
            }
            match entry.full_action {
                FullAction::Block => hold = true,
                FullAction::Shutdown => {
                    if !self.shutdown.has_begun() {
                        entry.log.error("can't deliver matched message: Queue is full");
                        self.shutdown.request(1);
                    }
                }
                FullAction::Drop => {
                    entry.stops.ask_to_skip(self.queues.tail(), &self.queues.events);
                    entry.counters.dropped.add(lag);
                    if entry.drop_logged.is_none_or(|at| at.elapsed() >= DROP_LOG_EVERY) {
                        entry.drop_logged = Some(Instant::now());
                        entry.log.error("can't deliver matched message: Queue is full");
                        let bytes = entry.counters.dropped.get();
                        entry.log.error(&format!("dropped {bytes} bytes of queued messages so far"));
                    }
                }
            }
        }
        self.gate.set_closed(hold);
    }
}
