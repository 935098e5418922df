//! Inputs bring bytes in.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::report::ReportRow;
use crate::{ChildInput, ConfigError, Context, Pack, PluginError, Receipt, RunningInput, Stop};

/// An input's own defaults of common options.
#[derive(Clone, Copy, Debug)]
pub struct InputDefaults {
    /// `splitter`: a section's name.
    pub splitter: &'static str,
    /// `decoder`: a section's name, "" for none.
    pub decoder: &'static str,
    /// `ticker_interval` in seconds; 0 is none.
    pub ticker_interval_s: u64,
    /// `can_exit` when not given.
    pub can_exit: bool,
    /// Whether a failed run is started again by `[retries]`.
    pub restarts: bool,
    /// It takes what filters send it, so it is stopped after them.
    pub outlasts_filters: bool,
}

impl InputDefaults {
    /// What most inputs have.
    pub const USUAL: InputDefaults = InputDefaults {
        splitter: "NullSplitter",
        decoder: "",
        ticker_interval_s: 0,
        can_exit: false,
        restarts: false,
        outlasts_filters: false,
    };
}

/// What became of pushed bytes.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// Bytes of the stream, counted from the deliverer's start (or last [`Deliverer::reset`]), that lie in records which
    /// are done with: delivered, refused or dropped. What lies behind is the beginning of an unfinished record.
    pub done: u64,
    /// Records found by this call.
    pub records: u64,
    /// Resolves once the queue holds all of them.
    pub receipt: Receipt,
}

/// Called on each record's pack before its decoder, to set Type, Hostname, Logger, ... Not used with `use_message_bytes`.
pub type Decorator = Box<dyn FnMut(&mut Pack) + Send>;

/// One stream's way into the queue: its own splitter and its own decoder.
pub trait Deliverer: Send {
    /// Sets what is applied to each record's message before it is decoded.
    fn set_decorator(&mut self, decorator: Decorator);

    /// For files: the tail of a record that was too long, and so dropped or cut, is no record of its own. (Elsewhere it
    /// is.) The deliverer itself logs over-long records.
    fn swallow_long_tails(&mut self);

    /// Brings the next bytes of the stream. Splits, decodes and queues all complete records; keeps the rest. Blocks while
    /// the queue holds inputs back.
    ///
    /// # Errors
    /// The queue takes nothing more because hekad stops; nothing of this call may be taken as delivered.
    fn push(&mut self, bytes: &[u8]) -> Result<Pushed, PluginError>;

    /// The stream has ended. An unfinished record is delivered if `deliver_incomplete_final`, else forgotten.
    ///
    /// # Errors
    /// As for [`Deliverer::push`].
    fn finish(&mut self) -> Result<Pushed, PluginError>;

    /// The stream goes on elsewhere (the next file of a rotated set): an unfinished record is delivered as it is, whatever
    /// `deliver_incomplete_final` says, rather than joined with what follows.
    ///
    /// # Errors
    /// As for [`Deliverer::push`].
    fn finish_record(&mut self) -> Result<Pushed, PluginError>;

    /// Splits one closed blob of bytes (a datagram, a broker's message): nothing is carried over from or to other calls.
    ///
    /// # Errors
    /// `no records`, or as for [`Deliverer::push`].
    fn push_blob(&mut self, bytes: &[u8]) -> Result<Pushed, PluginError>;

    /// Brings a whole stream at once and ends it. With a splitter of whole reads all of it is one record, however long it
    /// is; with others this is a [`Deliverer::push`] and a [`Deliverer::finish`]. Nothing of it is kept.
    ///
    /// # Errors
    /// As for [`Deliverer::push`].
    fn push_whole(&mut self, bytes: &[u8]) -> Result<Pushed, PluginError> {
        let pushed = self.push(bytes)?;
        let finished = self.finish()?;
        self.reset();
        Ok(Pushed { records: pushed.records + finished.records, ..finished })
    }

    /// Queues a message as it is, without splitter and decoder.
    ///
    /// # Errors
    /// As for [`Deliverer::push`].
    fn inject(&mut self, pack: &mut Pack) -> Result<Receipt, PluginError>;

    /// Brings a message that the input made itself; the decoder, if there is one, sees it before it is queued.
    ///
    /// # Errors
    /// As for [`Deliverer::push`].
    fn deliver(&mut self, pack: &mut Pack) -> Result<Receipt, PluginError> {
        self.inject(pack)
    }

    /// Forgets an unfinished record; counting in [`Pushed::done`] starts at 0 again.
    fn reset(&mut self);

    /// Bytes of the unfinished record that is kept.
    fn pending(&self) -> usize;

    /// Whether one read is one record (NullSplitter).
    fn takes_whole_reads(&self) -> bool;
}

/// The way into the queue for messages that an input makes itself, past splitter and decoder.
pub trait PackInjector: Send {
    /// Takes a message. It is queued at the latest by the next [`PackInjector::flush`].
    ///
    /// # Errors
    /// The queue takes nothing more because hekad stops.
    fn inject(&mut self, pack: &mut Pack) -> Result<(), PluginError>;

    /// Queues what was taken.
    ///
    /// # Errors
    /// As for [`PackInjector::inject`].
    fn flush(&mut self) -> Result<Receipt, PluginError>;
}

/// An injector that goes through a stream's deliverer.
struct ThroughDeliverer {
    deliverer: Box<dyn Deliverer>,
    last: Receipt,
}

impl PackInjector for ThroughDeliverer {
    fn inject(&mut self, pack: &mut Pack) -> Result<(), PluginError> {
        self.last = self.deliverer.inject(pack)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<Receipt, PluginError> {
        Ok(self.last.clone())
    }
}

/// What an input sees of the daemon.
pub trait Inlet: Send + Sync {
    /// A deliverer for a new stream. `token` tells streams apart in names (`<input>-<decoder>-<token>`); "" for an input
    /// with a single stream.
    ///
    /// # Errors
    /// The splitter or decoder cannot be made; the text is Heka's.
    fn deliverer(&self, token: &str) -> Result<Box<dyn Deliverer>, String>;
    /// An injector for messages that the input makes itself.
    ///
    /// # Errors
    /// As for [`Inlet::deliverer`].
    fn injector(&self) -> Result<Box<dyn PackInjector>, String> {
        Ok(Box::new(ThroughDeliverer { deliverer: self.deliverer("")?, last: Receipt::resolved() }))
    }
    /// Leaves rows for the report. An input that has some does so now and then, as it cannot be asked while it runs.
    fn leave_report(&self, rows: Vec<ReportRow>) {
        let _ = rows;
    }
    /// Starts another input beside this one. It is no section of the configuration and is not in reports.
    ///
    /// # Errors
    /// It cannot be started; the text is Heka's.
    fn start_child(&self, child: ChildInput) -> Result<Box<dyn RunningInput>, String> {
        Err(format!("'{}' cannot be started here", child.name))
    }
    /// Seconds between ticks; 0 is none.
    fn ticker_interval_s(&self) -> u64;
    /// Logs `Input 'X': ...`.
    fn log_info(&self, text: &str);
    /// Logs `Input 'X' error: ...`.
    fn log_error(&self, text: &str);
}

/// Brings bytes into the pipeline; runs on its own thread.
pub trait Input: Send {
    /// Runs until the source ends or `stop` is requested. Before it returns after a stop it saves its position.
    ///
    /// # Errors
    /// The run failed; restart rules and `can_exit` decide what follows.
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError>;

    /// Rows for the report.
    fn report(&self) -> Vec<ReportRow> {
        Vec::new()
    }
}

/// The constructor side of an input.
pub trait InputPlugin: Input + Sized + 'static {
    /// The options of its section.
    type Config: DeserializeOwned + JsonSchema;
    /// Its `type` in hekad.toml.
    const NAME: &'static str;
    /// Its own defaults of common options.
    const DEFAULTS: InputDefaults = InputDefaults::USUAL;

    /// Makes the instance at load time; what fails here keeps hekad from starting.
    ///
    /// # Errors
    /// An option's value cannot be used, or what must exist does not.
    fn open(config: Self::Config, context: &Context) -> Result<Self, ConfigError>;
}
