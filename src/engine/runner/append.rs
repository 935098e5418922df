//! An input's end of the queue: batches records, waits at the gate, retries while the disk is full.

use std::sync::Arc;
use std::time::{Duration, Instant};

use heka_plugin::{Log, Pack, PluginError, Receipt, Stop};
use heka_queue::{AppendError, Batch, Meta, Queue};

use crate::counters::AppendCounters;
use crate::gate::{Gate, Refusals};
use crate::held::receipt;

/// A batch is handed to the queue at the latest when it has grown to this many bytes.
const BATCH_BYTES: usize = 128 * 1024;
/// Pause between attempts while the queue takes nothing.
const RETRY: Duration = Duration::from_millis(200);

/// Collects records and appends them to a queue.
pub struct Appender {
    queue: Queue,
    batch: Batch,
    gate: Option<Arc<Gate>>,
    stop: Stop,
    log: Arc<dyn Log>,
    last: Receipt,
    refusals: Arc<Refusals>,
    counters: Arc<AppendCounters>,
    /// Bytes of the messages in the batch.
    message_bytes: u64,
}

impl Appender {
    /// An appender to `queue`; `gate` is what holds it back, if anything.
    pub fn new(queue: Queue, gate: Option<Arc<Gate>>, stop: Stop, log: Arc<dyn Log>) -> Appender {
        let refusals = gate.as_ref().map(|gate| gate.refusals.clone()).unwrap_or_default();
        Appender {
            queue,
            batch: Batch::new(),
            gate,
            stop,
            log,
            last: Receipt::resolved(),
            refusals,
            counters: Arc::default(),
            message_bytes: 0,
        }
    }

    /// The same, which counts what it appends.
    pub fn counting(self, counters: Arc<AppendCounters>) -> Appender {
        Appender { counters, ..self }
    }

    /// Adds a message; appends the batch when it has become large.
    ///
    /// # Errors
    /// As for [`Appender::append`].
    pub fn add(&mut self, pack: &mut Pack, loop_count: u32) -> Result<(), PluginError> {
        let signer = std::mem::take(&mut pack.signer);
        let canonical = pack.is_canonical();
        let encoded = pack.encoded();
        let size = encoded.len() as u64;
        let pushed = self.batch.push(encoded, Meta { loop_count, signer: &signer, canonical });
        pack.signer = signer;
        match pushed {
            Ok(()) => self.message_bytes += size,
            // No queue could ever hold it; its neighbours are not affected.
            Err(error) => self.log.error(&format!("message dropped: {error}")),
        }
        if self.batch.bytes() >= BATCH_BYTES {
            self.append()?;
        }
        Ok(())
    }

    /// Hands the batch to the queue. Waits while the gate is closed or the disk is full.
    ///
    /// # Errors
    /// A stop was requested before the queue took the batch, or the queue is closed: nothing of it was queued.
    pub fn append(&mut self) -> Result<Receipt, PluginError> {
        if self.batch.is_empty() {
            return Ok(self.last.clone());
        }
        let mut refused = false;
        let (records, began) = (self.batch.len() as u64, Instant::now());
        loop {
            if let Some(gate) = &self.gate
                && !gate.pass(&self.stop)
            {
                return Err(PluginError::run("stopped while the queue held inputs back"));
            }
            match self.queue.append(&mut self.batch) {
                Ok(held) => {
                    if refused && self.refusals.end() {
                        self.log.info("the queue takes records again");
                    }
                    self.counters.messages.add(records);
                    self.counters.bytes.add(std::mem::take(&mut self.message_bytes));
                    self.counters.durations.add(began.elapsed());
                    self.last = receipt(held);
                    return Ok(self.last.clone());
                }
                Err(AppendError::Closed { .. }) => return Err(PluginError::run("the queue is closed")),
                Err(error) => {
                    if !refused && self.refusals.begin() {
                        self.log.error(&format!("the queue takes no records, waiting: {error}"));
                    }
                    refused = true;
                    if self.stop.wait(RETRY) {
                        return Err(PluginError::run(error));
                    }
                }
            }
        }
    }
}
