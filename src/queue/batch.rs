//! Records encoded ahead of an append.

use crate::AppendError;
use crate::record::{self, MAX_MESSAGE_BYTES, MAX_SIGNER_BYTES};
use crate::segment::Noted;

/// Largest batch, in bytes. A batch lies in one segment, and offsets in a segment fit 32 bits.
pub const MAX_BATCH_BYTES: usize = 1 << 30;

/// What a record carries beside its message.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meta<'a> {
    /// How often the message has been injected by filters.
    pub loop_count: u32,
    /// Verified signer of the message; empty for none. At most [`MAX_SIGNER_BYTES`].
    pub signer: &'a [u8],
    /// The message's fields are in ascending order.
    pub canonical: bool,
}

/// Records that will be appended together: all of them become visible at once, or none.
///
/// Its memory is kept from one use to the next.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    records: Vec<Pending>,
    noted: Noted,
}

#[derive(Debug, Clone, Copy)]
struct Pending {
    start: usize,
    /// Over all that is known before the record has its place; kept so that a failed append can be repeated.
    crc: u32,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Adds a record.
    ///
    /// # Errors
    ///
    /// [`AppendError::TooLarge`] when the message, its signer or the batch is over its limit; the batch is as before.
    pub fn push(&mut self, message: &[u8], meta: Meta<'_>) -> Result<(), AppendError> {
        let mut record = self.begin_record(meta)?;
        record.buffer().extend_from_slice(message);
        record.finish()
    }

    /// Begins a record whose message is written straight into the batch. Dropped without
    /// [`RecordWriter::finish`] it leaves the batch as before.
    ///
    /// # Errors
    ///
    /// [`AppendError::TooLarge`] when the signer is over its limit.
    pub fn begin_record(&mut self, meta: Meta<'_>) -> Result<RecordWriter<'_>, AppendError> {
        check("signer", meta.signer.len(), MAX_SIGNER_BYTES)?;
        let start = self.bytes.len();
        record::push_header(&mut self.bytes, &meta);
        let message = self.bytes.len();
        Ok(RecordWriter { batch: self, start, message, finished: false })
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Size of the records with their headers, in bytes: what they will take on disk.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Drops all records.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
        self.noted.clear();
    }

    /// The types of the records.
    pub(crate) fn noted(&self) -> &Noted {
        &self.noted
    }

    /// Gives the records their places; returns the bytes to write.
    pub(crate) fn stamp(&mut self, first_sequence: u64, time_ns: u64) -> &[u8] {
        for (sequence, pending) in (first_sequence..).zip(&self.records) {
            record::stamp(&mut self.bytes[pending.start..], pending.crc, sequence, time_ns);
        }
        &self.bytes
    }
}

/// A record that is being written into a [`Batch`].
#[derive(Debug)]
pub struct RecordWriter<'a> {
    batch: &'a mut Batch,
    start: usize,
    message: usize,
    finished: bool,
}

impl RecordWriter<'_> {
    /// Append the message to this; what is in it already must stay (else the batch is dropped on `finish`).
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.batch.bytes
    }

    /// Size of the message so far, in bytes.
    pub fn message_len(&self) -> usize {
        self.batch.bytes.len().saturating_sub(self.message)
    }

    /// Adds the record to the batch.
    ///
    /// # Errors
    ///
    /// [`AppendError::TooLarge`] when the message or the batch is over its limit; the batch is as before.
    pub fn finish(mut self) -> Result<(), AppendError> {
        if self.batch.bytes.len() < self.message {
            // The caller broke the contract of `buffer`; what is left may be cut anywhere.
            self.batch.clear();
            self.finished = true;
            return Err(AppendError::TooLarge { what: "shortened batch", len: 0, limit: 0 });
        }
        check("message", self.message_len(), MAX_MESSAGE_BYTES)?;
        check("batch", self.batch.bytes.len(), MAX_BATCH_BYTES)?;
        let crc = record::finish_message(&mut self.batch.bytes[self.start..]);
        self.batch.records.push(Pending { start: self.start, crc });
        let (canonical, message) = record::message_of(&self.batch.bytes[self.start..]);
        self.batch.noted.add(message, canonical, self.batch.bytes.len());
        self.finished = true;
        Ok(())
    }
}

impl Drop for RecordWriter<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.batch.bytes.truncate(self.start);
        }
    }
}

fn check(what: &'static str, len: usize, limit: usize) -> Result<(), AppendError> {
    if len > limit {
        return Err(AppendError::TooLarge { what, len: len as u64, limit: limit as u64 });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_not_finished_leaves_no_trace() {
        let mut batch = Batch::new();
        batch.push(b"one", Meta::default()).unwrap();
        let bytes = batch.bytes();
        let mut record = batch.begin_record(Meta::default()).unwrap();
        record.buffer().extend_from_slice(b"half of it");
        assert_eq!(record.message_len(), 10);
        drop(record);
        assert_eq!((batch.len(), batch.bytes()), (1, bytes));
    }

    #[test]
    fn a_signer_that_is_too_long_is_refused() {
        let mut batch = Batch::new();
        let signer = [b's'; MAX_SIGNER_BYTES + 1];
        let error = batch.push(b"", Meta { signer: &signer, ..Meta::default() }).unwrap_err();
        assert!(matches!(error, AppendError::TooLarge { what: "signer", len: 201, limit: 200 }), "{error}");
        assert!(batch.is_empty() && batch.bytes() == 0);
    }

    #[test]
    fn a_message_that_is_too_long_is_refused() {
        let mut batch = Batch::new();
        let error = batch.push(&vec![0; MAX_MESSAGE_BYTES + 1], Meta::default()).unwrap_err();
        assert!(matches!(error, AppendError::TooLarge { what: "message", .. }), "{error}");
        assert!(batch.is_empty() && batch.bytes() == 0);
    }

    #[test]
    fn a_caller_that_cuts_the_buffer_gets_an_error() {
        let mut batch = Batch::new();
        batch.push(b"one", Meta::default()).unwrap();
        let mut record = batch.begin_record(Meta::default()).unwrap();
        record.buffer().clear();
        assert!(record.finish().is_err());
        assert!(batch.is_empty() && batch.bytes() == 0);
    }
}
