//! What hekad can tell of itself, as a plugin that shows it sees it.

mod figures;

use std::fmt;
use std::ops::ControlFlow;

use heka_message::MessageView;

pub use figures::{
    Histogram, InputFigures, Problem, Process, QueueFigures, ReaderFigures, ReaderKind, Snapshot,
};

/// Whether all is well, and if not why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What is not; empty: all is well.
    pub wrong: Vec<String>,
}

impl Verdict {
    /// Nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.wrong.is_empty()
    }
}

impl fmt::Display for Verdict {
    /// `ok`, or a line for each thing that is wrong; ends with a newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_good() {
            return writeln!(f, "ok");
        }
        self.wrong.iter().try_for_each(|why| writeln!(f, "{why}"))
    }
}

/// A look into the queues from now on. It holds nothing back and keeps no place.
pub trait Tap: Send {
    /// Hands each message that was queued since the last call to `each`, until that breaks off or enough were looked at for
    /// one call. True: there is more.
    fn poll(&mut self, each: &mut dyn FnMut(MessageView<'_>) -> ControlFlow<()>) -> bool;

    /// Passes over what is queued and was not looked at yet; returns roughly how many messages that were.
    fn skip(&mut self) -> u64;
}

/// What a running hekad can tell. Nothing here waits for a plugin.
pub trait Telemetry: Send + Sync {
    /// All figures at this moment. `None` before hekad runs and once it has stopped.
    fn snapshot(&self) -> Option<Snapshot>;

    /// The figures in the text format of Prometheus.
    fn metrics(&self) -> String;

    /// Whether the process works: whoever finds it does not should start it anew.
    fn health(&self) -> Verdict;

    /// Whether messages are taken.
    fn ready(&self) -> Verdict;

    /// Has all plugins asked for their reports, and queues what they tell as messages `heka.all-report` and `heka.memstat`,
    /// in a while. A request that comes while one is worked on is the same one.
    fn request_report(&self);

    /// A tap. `None` when hekad does not run.
    fn tap(&self) -> Option<Box<dyn Tap>>;
}

/// Nothing is known: for tests of plugins.
pub(crate) struct NoTelemetry;

impl Telemetry for NoTelemetry {
    fn snapshot(&self) -> Option<Snapshot> {
        None
    }

    fn metrics(&self) -> String {
        String::new()
    }

    fn health(&self) -> Verdict {
        Verdict::default()
    }

    fn ready(&self) -> Verdict {
        Verdict::default()
    }

    fn request_report(&self) {}

    fn tap(&self) -> Option<Box<dyn Tap>> {
        None
    }
}
