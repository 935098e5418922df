//! Sends dead letters again when that is asked for: a batch of them between two batches of the queue.

use heka_message::is_canonical;
use heka_plugin::{PluginError, SendError};
use heka_queue::{Batch, Record};

use super::OutputRunner;

impl OutputRunner {
    /// Sends a batch of dead letters again, if that is asked for and the batch is empty. Says whether there may be more.
    ///
    /// A letter is done with once the peer has it, or it was rejected again and is a new letter: not before, so that a process
    /// that dies meanwhile repeats some.
    pub(super) fn replay(&mut self) -> Result<bool, PluginError> {
        if !self.batch.is_empty() || !self.parts.dead.has_replay() {
            return Ok(false);
        }
        let skips = self.skips;
        let here = self.parts.intake.place();
        let (batch, encoding) = (&mut self.batch, &mut self.parts.encoding);
        let mut unencoded = Vec::new();
        let at = self.parts.dead.read_replay(|letter, record| {
            let canonical = is_canonical(letter.message);
            let record = Record { message: letter.message, canonical, signer: b"", ..*record };
            if let Err(why) = batch.add(&record, here, encoding) {
                unencoded.push((letter.message.to_vec(), record.loop_count, why));
            }
            !batch.is_full()
        });
        let count = (self.batch.len() + unencoded.len()) as u64;
        let mut letters = Batch::new();
        for (message, loop_count, why) in unencoded {
            let reason = format!("message not encoded: {why}");
            self.parts.dead.write(&message, loop_count, &reason, &mut letters);
        }
        let sent = self.keep(&mut letters) && self.deliver()? && self.skips == skips;
        if !sent || !self.holds_what_was_sent()? {
            self.batch.clear();
            self.parts.dead.rewind_replay();
            return Ok(false);
        }
        if let Err(why) = self.parts.dead.replayed(at, count) {
            self.parts.log.error(&format!("rejected messages will be sent once more: {why}"));
        }
        Ok(true)
    }

    /// Whether all that was sent or rejected so far is firm.
    fn holds_what_was_sent(&mut self) -> Result<bool, PluginError> {
        if !self.parts.dead.sync().map_err(PluginError::Run)? {
            return Ok(false);
        }
        match self.parts.output.flush() {
            Ok(()) => Ok(true),
            Err(SendError::Fatal(why)) => Err(PluginError::Run(why)),
            Err(error) => {
                let why = error.to_string();
                if self.flush_complaint.is_due(&why) {
                    self.parts.log.error(&why);
                }
                Ok(false)
            }
        }
    }
}
