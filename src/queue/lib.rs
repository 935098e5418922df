//! Heka's disk queue: a folder of append-only segments between two stages of the pipeline.
//!
//! The ideas, each in its module:
//!
//! * [`record`] — what a record looks like on disk: a valid Heka stream frame whose header also carries a
//!   CRC-32C, the sequence, the append time, the loop count and the signer.
//! * [`batch`] — records are encoded outside any lock; [`Queue::append`] numbers them and writes them at once.
//! * [`reader`] — records are handed out as slices of a read-only map that all readers of a segment share.
//! * [`commit`](SyncMode) — one thread per queue syncs the disk and resolves the [`Receipt`]s.
//! * [`cursors`] — where every reader stands, in one file that is replaced atomically.
//! * [`fs`] — all disk access goes through a small trait, so that tests can fail, tear and lose any of it.
//!
//! Invariants (tests name them):
//!
//! 1. A byte below a published end never changes, and no byte at or past it is ever looked at.
//! 2. A position is never used twice: after a restart records go to a new segment, so a cursor that ran ahead
//!    of what a power cut left never hides new records.
//! 3. In [`SyncMode::Ack`] a receipt resolves only after the record and the name of its segment are synced.
//! 4. A segment is unlinked only after cursors past it are durable and a later segment has a durable record.

#![deny(unsafe_code)]

pub mod batch;
mod commit;
mod core;
pub mod cursors;
mod error;
pub mod events;
pub mod fs;
pub mod inspect;
mod position;
mod queue;
pub mod reader;
mod receipt;
pub mod record;
mod recovery;
mod rescue;
mod segment;
#[cfg(test)]
mod trials;
mod writer;

pub use batch::{Batch, Meta, RecordWriter};
pub use cursors::{Cursors, Durable};
pub use error::{AppendError, Event, EventKind, LogFn, QueueError, silent};
pub use events::{EventCount, Listener};
pub use position::Position;
pub use queue::{Options, Queue, Stats, SyncMode};
pub use reader::Reader;
pub use receipt::{Receipt, ReceiptState};
pub use record::Record;
