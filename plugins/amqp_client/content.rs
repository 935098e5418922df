//! Messages: properties and body, which follow their method in frames of their own.

use super::method::Incoming;
use super::wire::{Malformed, Reader, Writer};

/// The class of messages.
const BASIC: u16 = 60;

/// Which properties follow, the first being the highest bit.
const CONTENT_TYPE: u16 = 1 << 15;
const CONTENT_ENCODING: u16 = 1 << 14;
const HEADERS: u16 = 1 << 13;
const DELIVERY_MODE: u16 = 1 << 12;
const PRIORITY: u16 = 1 << 11;
/// Correlation id, reply to, expiration and message id.
const NAMES: [u16; 4] = [1 << 10, 1 << 9, 1 << 8, 1 << 7];
const TIMESTAMP: u16 = 1 << 6;
const KIND: u16 = 1 << 5;

/// The properties that we send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Properties<'a> {
    /// MIME type.
    pub(crate) content_type: &'a str,
    /// The property `type`; "" is none.
    pub(crate) kind: &'a str,
    /// Delivery mode 2, not 1.
    pub(crate) persistent: bool,
    /// Seconds since the epoch.
    pub(crate) timestamp_s: u64,
}

impl Properties<'_> {
    /// Writes the payload of a header frame.
    pub(super) fn write(&self, body_size: usize, out: &mut Vec<u8>) {
        let mut flags = CONTENT_TYPE | DELIVERY_MODE | TIMESTAMP;
        if !self.kind.is_empty() {
            flags |= KIND;
        }
        let mut writer = Writer(out);
        writer.short(BASIC).short(0).long_long(body_size as u64).short(flags);
        writer.short_string(self.content_type).octet(if self.persistent { 2 } else { 1 });
        writer.long_long(self.timestamp_s);
        if !self.kind.is_empty() {
            writer.short_string(self.kind);
        }
    }
}

/// A message that came in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// What it came with.
    pub(crate) method: Incoming,
    /// The property `type`; "" if none.
    pub(crate) kind: String,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Puts messages together.
#[derive(Default)]
pub(super) struct Collector {
    begun: Option<Content>,
    /// Bytes of the body that are to come.
    left: u64,
}

impl Collector {
    /// A message follows.
    pub(super) fn begin(&mut self, method: Incoming) {
        self.begun = Some(Content { method, kind: String::new(), body: Vec::new() });
    }

    /// Takes a header frame; gives the message if it has no body.
    ///
    /// # Errors
    /// It is none, or no message was announced.
    pub(super) fn header(&mut self, payload: &[u8]) -> Result<Option<Content>, Malformed> {
        let begun = self.begun.as_mut().ok_or(Malformed)?;
        let mut reader = Reader(payload);
        reader.long()?;
        self.left = reader.long_long()?;
        begun.kind = kind(&mut reader)?;
        Ok(if self.left == 0 { self.begun.take() } else { None })
    }

    /// Takes a body frame; gives the message if it is complete.
    ///
    /// # Errors
    /// There is more than was announced.
    pub(super) fn body(&mut self, payload: &[u8]) -> Result<Option<Content>, Malformed> {
        let begun = self.begun.as_mut().ok_or(Malformed)?;
        self.left = self.left.checked_sub(payload.len() as u64).ok_or(Malformed)?;
        begun.body.extend_from_slice(payload);
        Ok(if self.left == 0 { self.begun.take() } else { None })
    }
}

/// The property `type`.
fn kind(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    let flags = reader.short()?;
    let mut more = flags;
    while more & 1 == 1 {
        more = reader.short()?;
    }
    let has = |flag: u16| flags & flag != 0;
    for flag in [CONTENT_TYPE, CONTENT_ENCODING] {
        if has(flag) {
            reader.short_string()?;
        }
    }
    if has(HEADERS) {
        reader.long_string()?;
    }
    for flag in [DELIVERY_MODE, PRIORITY] {
        if has(flag) {
            reader.octet()?;
        }
    }
    for flag in NAMES {
        if has(flag) {
            reader.short_string()?;
        }
    }
    if has(TIMESTAMP) {
        reader.long_long()?;
    }
    if has(KIND) { reader.short_string() } else { Ok(String::new()) }
}
