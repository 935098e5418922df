//! Sends dead letters again when that is asked for: a batch of them between two batches of the queue.

use heka_message::is_canonical;
use heka_plugin::PluginError;
use heka_queue::{Batch, Position, Record};

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
        if self.replayed.is_none() {
            self.replayed = self.send_again()?;
        }
        let Some((at, count)) = self.replayed else { return Ok(false) };
        if !self.is_firm()? || self.parts.output.in_flight() > 0 {
            return Ok(false);
        }
        if let Err(why) = self.parts.dead.replayed(at, count) {
            // Only the note is tried again.
            self.replayed = Some((at, 0));
            let why = format!("that rejected messages were sent again cannot be noted: {why}");
            if self.note_complaint.is_due(&why) {
                self.parts.log.error(&why);
            }
            return Ok(false);
        }
        self.replayed = None;
        // A folder that cannot be read for a moment gives none.
        Ok(count > 0)
    }

    /// Sends a batch of dead letters. Returns the place behind them and how many they are; `None`: they were not sent.
    fn send_again(&mut self) -> Result<Option<(Position, u64)>, PluginError> {
        let skips = self.skips;
        let here = self.parts.intake.place();
        let most_bytes = self.pace.batch_bytes;
        let (batch, encoding) = (&mut self.batch, &mut self.parts.encoding);
        let (mut unencoded, mut unencoded_bytes) = (Vec::new(), 0);
        let at = self.parts.dead.read_replay(|letter, record| {
            let canonical = is_canonical(letter.message);
            let record = Record { message: letter.message, canonical, signer: b"", ..*record };
            if let Err(why) = batch.add(&record, here, encoding) {
                unencoded_bytes += letter.message.len();
                unencoded.push((letter.message.to_vec(), record.loop_count, why));
            }
            !batch.is_full() && unencoded_bytes < most_bytes
        });
        let count = (self.batch.len() + unencoded.len()) as u64;
        let mut letters = Batch::new();
        for (message, loop_count, why) in unencoded {
            let reason = format!("message not encoded: {why}");
            if self.parts.dead.are_kept() {
                self.parts.dead.write(&message, loop_count, &reason, &mut letters);
            }
        }
        let sent = self.keep(&mut letters) && self.deliver()? && self.skips == skips;
        if !sent {
            self.batch.clear();
            self.parts.dead.rewind_replay();
        }
        Ok(sent.then_some((at, count)))
    }
}
