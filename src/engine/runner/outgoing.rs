//! The batch that an output is about to be handed.

use std::ops::Range;

use heka_message::MessageView;
use heka_plugin::{Encode, Encoder, Record};

use super::intake::view;
use crate::place::Place;

/// A batch is full at so many bytes ...
const FULL_BYTES: usize = 256 * 1024;
/// ... or so many records.
const FULL_RECORDS: usize = 2000;

struct Item {
    bytes: Range<usize>,
    message: Range<usize>,
    canonical: bool,
    loop_count: u32,
    /// Behind the message.
    place: Place,
}

/// How a message becomes the bytes of a record.
pub struct Encoding {
    /// The encoder, if the output has one.
    pub encoder: Option<Box<dyn Encoder>>,
    /// `use_framing`
    pub framing: bool,
    /// Largest framed message in bytes.
    pub max_message_size: usize,
    /// Keep the message beside the bytes.
    pub keep_message: bool,
}

/// Encoded records, in queue order. Its memory is kept from batch to batch.
#[derive(Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    messages: Vec<u8>,
    unframed: Vec<u8>,
    items: Vec<Item>,
}

impl Outgoing {
    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether the batch should be sent before more is added.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_BYTES || self.items.len() >= FULL_RECORDS
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.messages.clear();
        self.items.clear();
    }

    /// Drops the first `count` records; tells the place behind the last of them.
    pub fn drop_first(&mut self, count: usize) -> Option<Place> {
        let last = self.items.drain(..count.min(self.items.len())).next_back();
        if self.items.is_empty() {
            self.clear();
        }
        last.map(|item| item.place)
    }

    /// Encodes a message and adds it.
    ///
    /// # Errors
    /// The message cannot be encoded or framed; the text says why. The batch is as before.
    pub fn add(
        &mut self,
        record: &heka_queue::Record<'_>,
        place: Place,
        encoding: &mut Encoding,
    ) -> Result<(), String> {
        let message = view(record);
        let start = self.bytes.len();
        if let Some(encoder) = &mut encoding.encoder {
            let target = if encoding.framing {
                self.unframed.clear();
                &mut self.unframed
            } else {
                &mut self.bytes
            };
            match encoder.encode(message, target) {
                Ok(Encode::Done) => {}
                Ok(Encode::Skip) => {
                    self.bytes.truncate(start);
                    return Ok(());
                }
                Err(error) => {
                    self.bytes.truncate(start);
                    return Err(error.0);
                }
            }
            if encoding.framing {
                heka_message::write_frame(&self.unframed, encoding.max_message_size, &mut self.bytes)
                    .map_err(|error| error.to_string())?;
            }
        }
        let kept = self.messages.len();
        if encoding.keep_message {
            self.messages.extend_from_slice(message.bytes());
        }
        self.items.push(Item {
            bytes: start..self.bytes.len(),
            message: kept..self.messages.len(),
            canonical: record.canonical,
            loop_count: record.loop_count,
            place,
        });
        Ok(())
    }

    /// The records.
    pub fn records(&self) -> Vec<Record<'_>> {
        let record = |item: &Item| {
            let bytes = &self.messages[item.message.clone()];
            Record {
                message: if item.canonical {
                    MessageView::new_canonical(bytes)
                } else {
                    MessageView::new(bytes)
                },
                bytes: &self.bytes[item.bytes.clone()],
                loop_count: item.loop_count,
            }
        };
        self.items.iter().map(record).collect()
    }
}
