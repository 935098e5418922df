//! The figures. Counts are since the start of the process; times are seconds unless the name says otherwise.

use serde::Serialize;

/// All figures at one moment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Snapshot {
    /// When they were taken, in milliseconds since 1970.
    pub time_ms: u64,
    /// When the pipeline was started, in milliseconds since 1970.
    pub started_ms: u64,
    /// hekad's version.
    pub version: &'static str,
    /// The host name in hekad's own messages.
    pub hostname: String,
    /// hekad is stopping.
    pub stopping: bool,
    /// Inputs are held back because a reader lags too far behind.
    pub inputs_held: bool,
    /// The queues take nothing, as on a full disk.
    pub queue_refuses: bool,
    /// Reports were asked for so often.
    pub reports: u64,
    /// The process.
    pub process: Process,
    /// The two queues.
    pub queues: Vec<QueueFigures>,
    /// Inputs.
    pub inputs: Vec<InputFigures>,
    /// Filters and outputs: everything that reads the queues.
    pub readers: Vec<ReaderFigures>,
}

/// The process.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Process {
    /// Process id.
    pub pid: i32,
    /// Processor time in user and system mode.
    pub cpu_s: f64,
    /// Resident memory in bytes, mapped queue files included.
    pub resident_bytes: u64,
    /// Resident memory in bytes that is no file's.
    pub anonymous_bytes: u64,
    /// Virtual memory in bytes.
    pub virtual_bytes: u64,
    /// Start time, in seconds since 1970.
    pub start_s: f64,
    /// Threads.
    pub threads: u64,
    /// Open file descriptors.
    pub open_fds: u64,
    /// Largest number of open file descriptors.
    pub max_fds: u64,
}

/// A queue.
#[derive(Clone, Debug, Default, Serialize)]
pub struct QueueFigures {
    /// `input` or `filter`.
    pub name: &'static str,
    /// Records appended since the queue was made.
    pub records: u64,
    /// Bytes of records in live segments.
    pub bytes: u64,
    /// Live segments.
    pub segments: u64,
    /// Group commits.
    pub commits: u64,
    /// Syncs that failed.
    pub failed_syncs: u64,
    /// Bad stretches that readers passed over.
    pub bad_records: u64,
    /// Records that could not be saved.
    pub lost_records: u64,
    /// It takes nothing more until hekad is started anew.
    pub failed: bool,
}

/// An error that a plugin logged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// The text, perhaps cut.
    pub text: String,
}

/// How long calls took.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Histogram {
    /// For each bound, in seconds, how many calls took at most so long.
    pub buckets: Vec<(f64, u64)>,
    /// Calls that were timed.
    pub count: u64,
    /// How long they took together.
    pub sum_s: f64,
}

/// An input.
#[derive(Clone, Debug, Default, Serialize)]
pub struct InputFigures {
    /// Its section.
    pub name: String,
    /// Its type.
    pub type_name: &'static str,
    /// It runs.
    pub running: bool,
    /// Its splitter's section; "" if it has none.
    pub splitter: String,
    /// Its decoder's section; "" if it has none.
    pub decoder: String,
    /// Messages it queued.
    pub messages: u64,
    /// Bytes of these messages.
    pub bytes: u64,
    /// Records that its decoder was given.
    pub decoded: u64,
    /// Records that its decoder failed on.
    pub decode_failures: u64,
    /// How often it was started again.
    pub restarts: u64,
    /// Errors that it and what belongs to it logged.
    pub errors: u64,
    /// The last of them.
    pub problem: Option<Problem>,
    /// Time of one append to the queue, waiting included.
    pub append: Histogram,
    /// Time of decoding one record; one in `[hekad] sample_denominator` is timed.
    pub decode: Histogram,
}

/// What kind of reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReaderKind {
    /// A filter.
    Filter,
    /// An output.
    #[default]
    Output,
}

impl ReaderKind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            ReaderKind::Filter => "filter",
            ReaderKind::Output => "output",
        }
    }
}

/// A filter or output.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReaderFigures {
    /// Its section.
    pub name: String,
    /// Its type.
    pub type_name: &'static str,
    /// Which kind.
    pub kind: ReaderKind,
    /// It runs.
    pub running: bool,
    /// It was loaded while hekad runs.
    pub dynamic: bool,
    /// Its `message_matcher`.
    pub matcher: String,
    /// Its encoder's section; "" if it has none.
    pub encoder: String,
    /// Messages that its matcher let through.
    pub messages: u64,
    /// Bytes of these messages.
    pub bytes: u64,
    /// Messages that it could not handle.
    pub failures: u64,
    /// Messages that it injected.
    pub injected: u64,
    /// Batches that it had to send again.
    pub retries: u64,
    /// Bytes of queued messages that were given up because it lagged too far behind.
    pub dropped_bytes: u64,
    /// Errors that it logged.
    pub errors: u64,
    /// The last of them.
    pub problem: Option<Problem>,
    /// Bytes between its place and the end of the queues.
    pub lag_bytes: u64,
    /// Records between its place and the end of the queues, whether its matcher lets them through or not.
    pub lag_records: u64,
    /// How long ago the oldest record was queued that it has not read; 0: it has read all.
    pub oldest_unread_s: f64,
    /// Its limit of `lag_bytes`; 0: none.
    pub limit_bytes: u64,
    /// What happens at the limit: `block`, `drop` or `shutdown`.
    pub full_action: &'static str,
    /// It is at its limit and so holds inputs back.
    pub holds_inputs: bool,
    /// For how long it has been at one step (a batch of its peer, a batch of messages) without getting on; 0: it is at none.
    pub busy_s: f64,
    /// Time of one hand-over of a batch (outputs), or of one message (filters; one in `[hekad] sample_denominator` is timed).
    pub duration: Histogram,
}

impl ReaderFigures {
    /// It does not get on.
    pub fn is_stuck(&self) -> bool {
        self.running && self.busy_s >= 2.0
    }
}
