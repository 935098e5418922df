//! A message read in place: lazily, borrowed, without allocation.

mod canonical;
mod field;
mod header;

pub use field::{FieldView, Values};
pub use header::Headers;

use bstr::BStr;

use crate::error::DecodeError;
use crate::message::Message;
use crate::wire::{BYTES, Reader, VARINT};

/// Wire number of the dynamic fields.
const FIELDS: u8 = 10;

/// A message's protobuf bytes, read as asked.
///
/// The bytes may be anything: a lookup in malformed ones sees what lies before the damage. In bytes that
/// [`crate::validate`] accepts, every lookup agrees with the decoded [`Message`].
#[derive(Clone, Copy, Debug)]
pub struct MessageView<'a> {
    bytes: &'a [u8],
    canonical: bool,
}

impl<'a> MessageView<'a> {
    /// A view of any bytes; a lookup reads them to the end, since the last of several values counts.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> MessageView<'a> {
        MessageView { bytes, canonical: false }
    }

    /// A view of bytes for which [`crate::is_canonical`] holds, so that a lookup may stop early. Other
    /// bytes do no harm but give wrong answers.
    #[inline]
    pub fn new_canonical(bytes: &'a [u8]) -> MessageView<'a> {
        MessageView { bytes, canonical: true }
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The raw UUID.
    #[inline]
    pub fn uuid(&self) -> Option<&'a [u8]> {
        self.delimited(1)
    }

    /// Nanoseconds since 1970-01-01 UTC.
    #[inline]
    pub fn timestamp(&self) -> Option<i64> {
        self.varint(2).map(|value| value as i64)
    }

    /// The message's `Type`.
    #[inline]
    pub fn msg_type(&self) -> Option<&'a BStr> {
        self.delimited(3).map(BStr::new)
    }

    /// The message's `Logger`.
    #[inline]
    pub fn logger(&self) -> Option<&'a BStr> {
        self.delimited(4).map(BStr::new)
    }

    /// The severity as set; [`crate::DEFAULT_SEVERITY`] applies when it is not.
    #[inline]
    pub fn severity(&self) -> Option<i32> {
        self.varint(5).map(|value| value as i32)
    }

    /// The payload.
    #[inline]
    pub fn payload(&self) -> Option<&'a BStr> {
        self.delimited(6).map(BStr::new)
    }

    /// Version of the sender's environment.
    #[inline]
    pub fn env_version(&self) -> Option<&'a BStr> {
        self.delimited(7).map(BStr::new)
    }

    /// Process id of the sender.
    #[inline]
    pub fn pid(&self) -> Option<i32> {
        self.varint(8).map(|value| value as i32)
    }

    /// Host of the sender.
    #[inline]
    pub fn hostname(&self) -> Option<&'a BStr> {
        self.delimited(9).map(BStr::new)
    }

    /// All header values, read in one pass.
    pub fn headers(&self) -> Headers<'a> {
        Headers::read(self.bytes, self.canonical)
    }

    /// The dynamic fields, in order.
    #[inline]
    pub fn fields(&self) -> Fields<'a> {
        let position = if self.canonical { canonical::seek(self.bytes, FIELDS).0 } else { 0 };
        Fields { bytes: self.bytes, position, canonical: self.canonical }
    }

    /// The dynamic field of this name; of several the one at `index`, from 0.
    pub fn field(&self, name: &[u8], index: usize) -> Option<FieldView<'a>> {
        self.fields().filter(|field| *field.name() == *BStr::new(name)).nth(index)
    }

    /// The owned message.
    ///
    /// # Errors
    /// As [`crate::validate`].
    pub fn to_message(&self) -> Result<Message, DecodeError> {
        Message::decode(self.bytes)
    }

    #[inline]
    pub(crate) fn delimited(&self, number: u8) -> Option<&'a [u8]> {
        if !self.canonical {
            return self.delimited_anywhere(number);
        }
        let (position, found) = canonical::seek(self.bytes, number);
        if found { Some(canonical::delimited(self.bytes, position + 1)?.0) } else { None }
    }

    #[inline(never)]
    fn delimited_anywhere(&self, number: u8) -> Option<&'a [u8]> {
        self.headers().delimited(number)
    }

    #[inline(never)]
    fn varint_anywhere(&self, number: u8) -> Option<u64> {
        self.headers().varint(number)
    }

    #[inline]
    fn varint(&self, number: u8) -> Option<u64> {
        if !self.canonical {
            return self.varint_anywhere(number);
        }
        let (position, found) = canonical::seek(self.bytes, number);
        if !found {
            return None;
        }
        Reader::at(self.bytes, position + 1).varint().ok()
    }
}

/// Iterator over a message's dynamic fields.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    position: usize,
    canonical: bool,
}

impl<'a> Iterator for Fields<'a> {
    type Item = FieldView<'a>;

    #[inline]
    fn next(&mut self) -> Option<FieldView<'a>> {
        if self.canonical {
            if *self.bytes.get(self.position)? != FIELDS << 3 | BYTES {
                return None;
            }
            let (field, end) = canonical::delimited(self.bytes, self.position + 1)?;
            self.position = end;
            return Some(FieldView::new(field, true));
        }
        self.next_anywhere()
    }
}

impl<'a> Fields<'a> {
    fn next_anywhere(&mut self) -> Option<FieldView<'a>> {
        let mut reader = Reader::at(self.bytes, self.position);
        let found = loop {
            if reader.is_empty() {
                break None;
            }
            let Ok(tag) = reader.tag() else { break None };
            let read = match (tag.number, tag.wire_type) {
                (10, BYTES) => match reader.delimited() {
                    Ok(field) => break Some(FieldView::new(field, false)),
                    Err(error) => Err(error),
                },
                (1 | 3 | 4 | 6 | 7 | 9, BYTES) => reader.delimited().map(drop),
                (2 | 5 | 8, VARINT) => reader.skip_varint(),
                (1..=10, _) => break None,
                _ => reader.unknown(&tag).map(drop),
            };
            if read.is_err() {
                break None;
            }
        };
        self.position = if found.is_some() { reader.position() } else { self.bytes.len() };
        found
    }
}
