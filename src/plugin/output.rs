//! Outputs hand encoded records to the outside.

use std::time::Duration;

use heka_message::MessageView;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::report::ReportRow;
use crate::{ConfigError, Context, Stop};

/// One message on its way out, borrowed from the queue.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The message.
    pub message: MessageView<'a>,
    /// What the encoder made of it, framed if `use_framing`; empty for a plugin without encoder.
    pub bytes: &'a [u8],
    /// How many times the message, or one that caused it, was injected by filters.
    pub loop_count: u32,
}

/// Why a batch was not delivered; the engine decides what follows.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Nothing, an unknown part, or what [`Output::delivered`] says was taken. The rest of the batch is sent again after a
    /// delay. An empty text is not logged: the output has told it elsewhere.
    #[error("{0}")]
    Retry(String),
    /// The record at this index can never be delivered, and goes to the dead letters; those before it were. The rest is sent
    /// again.
    #[error("{why}")]
    Reject {
        /// Index into the batch.
        index: usize,
        /// The text to log; empty if it is told elsewhere.
        why: String,
    },
    /// The records met different fates: one for each of the batch, in its order. Those that are to come again do so after a
    /// delay, without the others.
    #[error("{why}")]
    Mixed {
        /// What became of each record.
        fates: Vec<Fate>,
        /// The text to log; empty if it is told elsewhere.
        why: String,
    },
    /// The output cannot go on. `can_exit` and the restart rules apply; the batch stays queued.
    #[error("{0}")]
    Fatal(String),
}

/// What became of a record of a batch that was delivered in part: see [`SendError::Mixed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The peer has it.
    Delivered,
    /// It was not taken, and is sent again.
    Again,
    /// It can never be delivered, for this reason. It goes to the dead letters.
    Rejected(String),
}

/// How an output wants its batches, and how it is patient: see [`Output::pace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// A batch is sent when it has so many records, at least 1, ...
    pub batch_records: usize,
    /// ... or so many encoded bytes (the last record may go beyond), ...
    pub batch_bytes: usize,
    /// ... or when its oldest record has waited so long for others. Zero: whatever there is is sent at once.
    pub linger: Duration,
    /// The first pause before a batch is sent again; it doubles ...
    pub retry_min: Duration,
    /// ... up to this.
    pub retry_max: Duration,
}

impl Pace {
    /// What most outputs have.
    pub const USUAL: Pace = Pace {
        batch_records: 2000,
        batch_bytes: 256 * 1024,
        linger: Duration::ZERO,
        retry_min: Duration::from_millis(10),
        retry_max: Duration::from_secs(1),
    };
}

/// An output's own defaults of common options.
#[derive(Clone, Copy, Debug)]
pub struct OutputDefaults {
    /// `message_matcher`; `None`: it must be given.
    pub message_matcher: Option<&'static str>,
    /// `encoder`: a section's name.
    pub encoder: Option<&'static str>,
    /// `ticker_interval` in seconds; 0 is none.
    pub ticker_interval_s: u64,
    /// `use_framing` when not given and the encoder is ProtobufEncoder.
    pub frames_protobuf: bool,
    /// `use_framing` when not given, whatever the encoder.
    pub frames_always: bool,
    /// `use_buffering` when not given.
    pub use_buffering: bool,
    /// Whether a `ticker_interval` may be given at all.
    pub may_tick: bool,
    /// `can_exit` when not given.
    pub can_exit: bool,
    /// Whether a failed run is started again by `[retries]`.
    pub restarts: bool,
    /// Whether it has files to reopen on SIGHUP.
    pub reloads: bool,
    /// Whether [`Record::message`] is wanted in [`Output::send`]. Without it the message is empty there, which spares a
    /// copy.
    pub reads_message: bool,
    /// Whether what [`Output::send`] took, but for what is [`Output::in_flight`], outlives this process: it was handed to a
    /// file or pipe of the system, or the peer has acknowledged it. What only lies in the buffer of a connection does not.
    pub outlives_process: bool,
    /// Whether [`Output::send`] never rejects a record. Else a copy of each message of a batch is kept beside its bytes, for
    /// the dead letters.
    pub never_rejects: bool,
    /// How an encoder's failure begins on stderr. Heka passes over it in silence for most outputs; for those (`None`) the
    /// failure is an information line.
    pub encode_error: Option<&'static str>,
}

impl OutputDefaults {
    /// What most outputs have.
    pub const USUAL: OutputDefaults = OutputDefaults {
        message_matcher: None,
        encoder: None,
        ticker_interval_s: 0,
        frames_protobuf: false,
        frames_always: false,
        use_buffering: false,
        may_tick: true,
        can_exit: false,
        restarts: false,
        reloads: false,
        reads_message: false,
        outlives_process: false,
        never_rejects: false,
        encode_error: None,
    };
}

/// A filter's own defaults of common options.
#[derive(Clone, Copy, Debug)]
pub struct FilterDefaults {
    /// `message_matcher`; `None`: it must be given.
    pub message_matcher: Option<&'static str>,
    /// `ticker_interval` in seconds; 0 is none.
    pub ticker_interval_s: u64,
    /// `can_exit` when not given.
    pub can_exit: bool,
    /// Whether a failed run is started again by `[retries]`.
    pub restarts: bool,
}

impl FilterDefaults {
    /// What most filters have.
    pub const USUAL: FilterDefaults =
        FilterDefaults { message_matcher: None, ticker_interval_s: 0, can_exit: false, restarts: false };
}

/// The last step of the pipeline: hands encoded records to the outside.
///
/// The engine owns the loop: it reads the queues, encodes, batches, backs off, moves the cursor, counts, and stops. An
/// output only delivers.
pub trait Output: Send {
    /// `Ok` means that as far as its protocol can tell the peer has every record: the cursor may pass them once
    /// [`Output::flush`] agrees too. A wait inside must end early when `stop` is requested.
    ///
    /// # Errors
    /// See [`SendError`].
    fn send(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError>;

    /// After a [`SendError::Retry`]: how many records at the front of the batch the peer has all the same. They are not sent
    /// again.
    fn delivered(&self) -> usize {
        0
    }

    /// How it wants its batches. Asked once, before the first.
    fn pace(&self) -> Pace {
        Pace::USUAL
    }

    /// How many of the last batches for which [`Output::send`] was `Ok` may still die with this process. Asked after each
    /// when [`OutputDefaults::outlives_process`], so it must not wait. What
    /// [`Output::flush`] leaves in flight stays behind the cursor.
    fn in_flight(&mut self) -> usize {
        0
    }

    /// Makes durable what was sent (a file is synced). Called before cursors that pass it are saved, at most every
    /// 100 ms, and at the end.
    ///
    /// # Errors
    /// The cursor stays where it is.
    fn flush(&mut self) -> Result<(), SendError> {
        Ok(())
    }

    /// Called every `ticker_interval` seconds. `now_ns` is nanoseconds since the epoch.
    ///
    /// # Errors
    /// The output ends on [`SendError::Fatal`]; anything else is logged.
    fn tick(&mut self, now_ns: i64) -> Result<(), SendError> {
        let _ = now_ns;
        Ok(())
    }

    /// When the output wants [`Output::tick`]-independent attention (rotation, a flush timer): called between batches and
    /// at least once a second.
    ///
    /// # Errors
    /// As for [`Output::tick`].
    fn idle(&mut self, now_ns: i64) -> Result<(), SendError> {
        let _ = now_ns;
        Ok(())
    }

    /// SIGHUP: reopen files. Called when [`OutputDefaults::reloads`].
    ///
    /// # Errors
    /// The output ends on [`SendError::Fatal`].
    fn reload(&mut self) -> Result<(), SendError> {
        Ok(())
    }

    /// Called once at the end.
    fn stop(&mut self) {}

    /// Rows for the report.
    fn report(&self) -> Vec<ReportRow> {
        Vec::new()
    }
}

/// The constructor side of an output.
pub trait OutputPlugin: Output + Sized + 'static {
    /// The options of its section.
    type Config: DeserializeOwned + JsonSchema;
    /// Its `type` in hekad.toml.
    const NAME: &'static str;
    /// Its own defaults of common options.
    const DEFAULTS: OutputDefaults = OutputDefaults::USUAL;
    /// Refuses to start without an encoder, with this text.
    const NEEDS_ENCODER: Option<&'static str> = None;

    /// Makes the instance at load time; what fails here keeps hekad from starting.
    ///
    /// # Errors
    /// An option's value cannot be used, or what must exist does not.
    fn open(config: Self::Config, context: &Context) -> Result<Self, ConfigError>;
}
