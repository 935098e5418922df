//! The batch that an output is about to be handed.

use std::ops::Range;

use heka_message::MessageView;
use heka_plugin::{Encode, Encoder, Fate, Pace, Record};

use super::intake::view;
use crate::place::Place;

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
pub struct Outgoing {
    pace: Pace,
    bytes: Vec<u8>,
    messages: Vec<u8>,
    unframed: Vec<u8>,
    items: Vec<Item>,
}

impl Outgoing {
    /// An empty one.
    pub fn new(pace: Pace) -> Outgoing {
        Outgoing { pace, bytes: vec![], messages: vec![], unframed: vec![], items: vec![] }
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether the batch should be sent before more is added.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= self.pace.batch_bytes || self.items.len() >= self.pace.batch_records
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

    /// Drops the first records as far as they are delivered or rejected; those without a fate stay. Tells the place behind
    /// the last record before the first that stays, if it is another than before.
    pub fn settle(&mut self, fates: &[Fate]) -> Option<Place> {
        let (mut index, mut place, mut stays) = (0, None, false);
        self.items.retain(|item| {
            let is_done = fates.get(index).is_some_and(|fate| *fate != Fate::Again);
            index += 1;
            stays |= !is_done;
            if !stays {
                place = Some(item.place);
            }
            !is_done
        });
        if self.items.is_empty() {
            self.clear();
        }
        place
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
        self.items.iter().map(|item| self.record_of(item)).collect()
    }

    /// One of the records.
    pub fn record(&self, index: usize) -> Option<Record<'_>> {
        self.items.get(index).map(|item| self.record_of(item))
    }

    fn record_of(&self, item: &Item) -> Record<'_> {
        let bytes = &self.messages[item.message.clone()];
        let message =
            if item.canonical { MessageView::new_canonical(bytes) } else { MessageView::new(bytes) };
        Record { message, bytes: &self.bytes[item.bytes.clone()], loop_count: item.loop_count }
    }
}
