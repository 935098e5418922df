//! The running pipeline: which threads there are, what starts them and what ends them.

mod dock;
mod ending;
mod filters;
mod leave;
mod limits;
mod probe;
mod start;
mod stop;
mod swap;

use std::sync::{Arc, Mutex};
use std::time::Instant;

pub use self::dock::FilterDock;
pub(crate) use self::leave::Patience;
pub(crate) use self::swap::Swap;

use heka_plugin::{Globals, Stop};
use heka_queue::SyncMode;

use crate::admin::roster::{Listing, Roster};
use crate::dead_letters::store::Bound;
use crate::gate::Gate;
use crate::keeper::Entry;
use crate::loader::Catalog;
use crate::log::Logger;
use crate::queues::Queues;
use crate::relief::Relief;
use crate::runner::inlet::LiveDecoders;
use crate::shutdown::Shutdown;
use crate::stops::Stops;
use crate::threads::Task;

/// A filter or output: its thread, if it was started, and how to end it.
struct ReaderTask {
    name: String,
    task: Option<Task>,
    stops: Stops,
    /// Name of its encoder, if it has one.
    encoder_name: Option<String>,
    /// The encoder's stop is announced.
    announces_encoder: bool,
    /// It reopens files on SIGHUP.
    reloads: bool,
    /// How the names of filters begin that it loads.
    loads: Option<String>,
    /// Keeps it on the roster.
    _listing: Option<Listing>,
}

impl ReaderTask {
    /// Waits until it has ended, at most until `deadline`; says whether it has.
    fn wait(&self, deadline: Instant) -> bool {
        self.task.as_ref().is_none_or(|task| task.wait(deadline))
    }

    /// Whether it was started and has not ended.
    fn is_running(&self) -> bool {
        !self.wait(Instant::now())
    }

    /// One that was not started.
    fn named(name: &str) -> ReaderTask {
        ReaderTask {
            name: name.into(),
            task: None,
            stops: Stops::default(),
            encoder_name: None,
            announces_encoder: false,
            reloads: false,
            loads: None,
            _listing: None,
        }
    }
}

/// An input: its thread, if it was started, and how to end it.
struct InputTask {
    name: String,
    task: Option<Task>,
    stop: Stop,
    /// It is stopped after the filters.
    outlasts_filters: bool,
    /// Keeps it on the roster.
    _listing: Listing,
}

/// What all parts of a running pipeline share.
#[derive(Clone)]
pub struct Shared {
    /// The daemon's options.
    pub globals: Arc<Globals>,
    /// The log.
    pub logger: Logger,
    /// The queues.
    pub queues: Arc<Queues>,
    /// Ends hekad.
    pub shutdown: Shutdown,
    /// Holds inputs back.
    pub gate: Arc<Gate>,
    /// The keeper's books.
    pub entries: Arc<Mutex<Vec<Entry>>>,
    /// Readers that began with too much before them.
    pub relief: Arc<Mutex<Relief>>,
    /// Who runs.
    pub roster: Roster,
    /// Decoders that are alive.
    pub live_decoders: LiveDecoders,
    /// Splitters that are alive.
    pub live_splitters: LiveDecoders,
    /// Encoders, decoders, splitters.
    pub catalog: Arc<Catalog>,
    /// What a receipt promises.
    pub queue_sync: SyncMode,
    /// `[hekad] full_buffer_max_retries`
    pub full_buffer_max_retries: u32,
    /// How the dead letters of an output are kept.
    pub dead_letters: Bound,
    /// Lag limit in bytes of a reader without one of its own.
    pub queue_max_size_bytes: u64,
}

/// A running pipeline.
pub struct Pipeline {
    shared: Shared,
    inputs: Vec<InputTask>,
    filters: Vec<ReaderTask>,
    outputs: Vec<ReaderTask>,
    keeper: Option<(Task, Stop)>,
}

impl Pipeline {
    /// What its parts share.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }
}
