//! All that hekad tells of itself, for plugins. They get it before the pipeline is there.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use heka_plugin::telemetry::Snapshot;
use heka_plugin::{Pack, Stop, Tap, Telemetry, Verdict};

use super::report::{Report, memstat};
use super::{metrics, snapshot, tap::QueueTap, verdict};
use crate::pipeline::Shared;
use crate::runner::append::Appender;
use crate::runner::inject::own_message;
use crate::threads::Task;

/// How long plugins are waited for; of those that are busy for longer a report shows what they told last.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where hekad can be asked about itself.
pub struct Board {
    /// `None` before the pipeline runs and once it has stopped.
    open: Mutex<Option<Open>>,
    reports: AtomicU64,
    reporting: AtomicBool,
    /// Itself: a report is made on a thread of its own.
    this: Weak<Board>,
}

#[derive(Clone)]
struct Open {
    shared: Shared,
    started_ms: u64,
    stop: Stop,
}

impl Board {
    /// A board that knows nothing yet.
    pub fn new() -> Arc<Board> {
        Arc::new_cyclic(|this| Board {
            open: Mutex::new(None),
            reports: AtomicU64::new(0),
            reporting: AtomicBool::new(false),
            this: this.clone(),
        })
    }

    /// From here on the pipeline can be asked about.
    pub(crate) fn open(&self, shared: Shared) {
        let open = Open { shared, started_ms: snapshot::now_ms(), stop: Stop::new() };
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(open);
    }

    /// From here on nothing is told.
    pub(crate) fn close(&self) {
        if let Some(open) = self.open.lock().unwrap_or_else(PoisonError::into_inner).take() {
            open.stop.request();
        }
    }

    fn now_open(&self) -> Option<Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Telemetry for Board {
    fn snapshot(&self) -> Option<Snapshot> {
        let open = self.now_open()?;
        Some(snapshot::take(&open.shared, open.started_ms, self.reports.load(Ordering::Relaxed)))
    }

    fn metrics(&self) -> String {
        self.snapshot().map(|figures| metrics::text(&figures)).unwrap_or_default()
    }

    fn health(&self) -> Verdict {
        // Before and after its run hekad is no less healthy.
        self.snapshot().map(|figures| verdict::health(&figures)).unwrap_or_default()
    }

    fn ready(&self) -> Verdict {
        self.snapshot().map_or_else(verdict::absent, |figures| verdict::ready(&figures))
    }

    fn request_report(&self) {
        let Some(open) = self.now_open() else { return };
        if self.reporting.swap(true, Ordering::AcqRel) {
            return;
        }
        self.reports.fetch_add(1, Ordering::Relaxed);
        let board = self.this.clone();
        let logger = open.shared.logger.clone();
        // It cannot be made here: the plugin that asks is one of those that are asked.
        let started = Task::start("report", move || {
            queue_report(&open);
            if let Some(board) = board.upgrade() {
                board.reporting.store(false, Ordering::Release);
            }
        });
        if let Err(error) = started {
            self.reporting.store(false, Ordering::Release);
            logger.error(&format!("no report: {error}"));
        }
    }

    fn tap(&self) -> Option<Box<dyn Tap>> {
        let open = self.now_open()?;
        Some(Box::new(QueueTap::new(&open.shared.queues)))
    }
}

/// Queues the two messages that a report is made of.
fn queue_report(open: &Open) {
    let shared = &open.shared;
    let report = Report::gather(shared, Instant::now() + PATIENCE);
    let mut all = own_message(&shared.globals);
    all.msg_type = Some("heka.all-report".into());
    all.logger = Some("hekad".into());
    all.payload = Some(report.json().into());
    let mut memory = own_message(&shared.globals);
    memory.msg_type = Some("heka.memstat".into());
    memory.logger = Some("hekad".into());
    memory.fields = memstat(&super::process::read());
    let log = shared.logger.source("Plugin", "hekad");
    let mut appender = Appender::new(shared.queues.filter.clone(), None, open.stop.clone(), log);
    for message in [all, memory] {
        if appender.add(&mut Pack::of(message), 1).is_err() {
            return;
        }
    }
    // Not queued: hekad stops.
    let _stopped = appender.append();
}
