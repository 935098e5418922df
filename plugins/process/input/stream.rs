//! One of a chain's two streams on its way into the queue.

use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use heka_message::Field;
use heka_plugin::{Deliverer, Globals, Inlet, PluginError};

use super::chain::Outcome;

/// So much is collected before it is delivered, where records are found in it.
const PARTS_BYTES: usize = 64 << 10;
/// Where the whole output of a run is one record: the largest.
const WHOLE_BYTES_MAX: usize = 64 << 20;
/// Output is held so long at most: a run that ends meanwhile can tell with it how.
const HOLD: Duration = Duration::from_millis(200);

/// A stream: its pipe while a run lasts, and its deliverer.
pub(super) struct Stream {
    deliverer: Box<dyn Deliverer>,
    pipe: Option<File>,
    held: Vec<u8>,
    held_since: Option<Instant>,
    /// How the last run ended that is known of.
    outcome: Arc<Mutex<Outcome>>,
    buffer: Vec<u8>,
}

impl Stream {
    /// The stream called `which` of the input `name`.
    ///
    /// # Errors
    /// The splitter or decoder cannot be made.
    pub(super) fn new(
        inlet: &dyn Inlet,
        name: &str,
        which: &str,
        globals: &Arc<Globals>,
    ) -> Result<Stream, PluginError> {
        let mut deliverer = inlet.deliverer(which).map_err(PluginError::Run)?;
        let outcome = Arc::new(Mutex::new(Outcome::default()));
        let (shown, globals) = (outcome.clone(), globals.clone());
        let source = format!("{name}.{which}");
        deliverer.set_decorator(Box::new(move |pack| {
            let message = pack.message_mut();
            message.msg_type = Some("ProcessInput".into());
            message.hostname = Some(globals.hostname.as_str().into());
            message.pid = Some(globals.pid);
            message.add_field(Field::string("ProcessInputName", "", source.as_str()));
            let fields = shown.lock().unwrap_or_else(PoisonError::into_inner).fields();
            fields.into_iter().for_each(|field| message.add_field(field));
        }));
        Ok(Stream {
            deliverer,
            pipe: None,
            held: Vec::new(),
            held_since: None,
            outcome,
            buffer: vec![0; PARTS_BYTES],
        })
    }

    /// A run begins.
    pub(super) fn begin(&mut self, pipe: Option<File>) {
        self.pipe = pipe;
    }

    /// What is read from, until it has ended.
    pub(super) fn pipe(&self) -> Option<&File> {
        self.pipe.as_ref()
    }

    /// Lets go of the pipe though it has not ended.
    pub(super) fn hang_up(&mut self) {
        self.pipe = None;
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// hekad stops.
    pub(super) fn read(&mut self, inlet: &dyn Inlet) -> Result<(), PluginError> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        match pipe.read(&mut self.buffer) {
            Ok(0) => self.pipe = None,
            Ok(size) => {
                self.held.extend_from_slice(&self.buffer[..size]);
                self.held_since.get_or_insert_with(Instant::now);
                self.limit(inlet)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                inlet.log_error(&format!("Stream Error [{}]", crate::addressing::reason(&error)));
                self.pipe = None;
            }
        }
        Ok(())
    }

    fn limit(&mut self, inlet: &dyn Inlet) -> Result<(), PluginError> {
        if !self.deliverer.takes_whole_reads() {
            return if self.held.len() >= PARTS_BYTES { self.deliver_held() } else { Ok(()) };
        }
        if self.held.len() >= WHOLE_BYTES_MAX {
            inlet.log_error(&format!(
                "the output of one run has more than {WHOLE_BYTES_MAX} bytes and is delivered in parts"
            ));
            self.deliverer.push_whole(&self.held)?;
            self.forget_held();
        }
        Ok(())
    }

    /// When what is held is to be delivered, whatever comes.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held_since.filter(|_| !self.deliverer.takes_whole_reads()).map(|since| since + HOLD)
    }

    /// Delivers the records in what is held.
    ///
    /// # Errors
    /// hekad stops.
    pub(super) fn deliver_held(&mut self) -> Result<(), PluginError> {
        self.deliverer.push(&self.held)?;
        self.forget_held();
        Ok(())
    }

    /// The run has ended: what is left of it is delivered, and nothing is carried over to the next run.
    ///
    /// # Errors
    /// hekad stops.
    pub(super) fn end(&mut self, outcome: &Outcome) -> Result<(), PluginError> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).clone_from(outcome);
        self.pipe = None;
        if !self.held.is_empty() || !self.deliverer.takes_whole_reads() {
            self.deliverer.push_whole(&self.held)?;
        }
        self.forget_held();
        Ok(())
    }

    fn forget_held(&mut self) {
        self.held_since = None;
        self.held.clear();
        // A run with a large output is no reason to keep its memory.
        self.held.shrink_to(PARTS_BYTES);
    }
}
