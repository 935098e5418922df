//! The header values of a message, read in one pass.

use bstr::BStr;

use crate::wire::{BYTES, Reader, VARINT};

/// What a message says besides its dynamic fields. Absent values are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    /// The raw UUID.
    pub uuid: Option<&'a [u8]>,
    /// Nanoseconds since 1970-01-01 UTC.
    pub timestamp: Option<i64>,
    /// The message's `Type`.
    pub msg_type: Option<&'a BStr>,
    /// The message's `Logger`.
    pub logger: Option<&'a BStr>,
    /// The severity, 0 to 7.
    pub severity: Option<i32>,
    /// The payload.
    pub payload: Option<&'a BStr>,
    /// Version of the sender's environment.
    pub env_version: Option<&'a BStr>,
    /// Process id of the sender.
    pub pid: Option<i32>,
    /// Host of the sender.
    pub hostname: Option<&'a BStr>,
}

impl<'a> Headers<'a> {
    /// Reads the headers in `bytes`; what lies behind damage is left out. In canonical bytes the dynamic
    /// fields end the headers.
    pub(super) fn read(bytes: &'a [u8], canonical: bool) -> Headers<'a> {
        let mut headers = Headers::default();
        let mut reader = Reader::new(bytes);
        while headers.read_one(&mut reader, canonical).is_some() {}
        headers
    }

    /// Reads one field; `None` at the end.
    fn read_one(&mut self, reader: &mut Reader<'a>, canonical: bool) -> Option<()> {
        if reader.is_empty() {
            return None;
        }
        let tag = reader.tag().ok()?;
        match (tag.number, tag.wire_type) {
            (1, BYTES) => self.uuid = Some(reader.delimited().ok()?),
            (2, VARINT) => self.timestamp = Some(reader.varint().ok()? as i64),
            (3, BYTES) => self.msg_type = Some(BStr::new(reader.delimited().ok()?)),
            (4, BYTES) => self.logger = Some(BStr::new(reader.delimited().ok()?)),
            (5, VARINT) => self.severity = Some(reader.varint().ok()? as i32),
            (6, BYTES) => self.payload = Some(BStr::new(reader.delimited().ok()?)),
            (7, BYTES) => self.env_version = Some(BStr::new(reader.delimited().ok()?)),
            (8, VARINT) => self.pid = Some(reader.varint().ok()? as i32),
            (9, BYTES) => self.hostname = Some(BStr::new(reader.delimited().ok()?)),
            (10, BYTES) if canonical => return None,
            (10, BYTES) => drop(reader.delimited().ok()?),
            (1..=10, _) => return None,
            _ => drop(reader.unknown(&tag).ok()?),
        }
        Some(())
    }

    /// The text or bytes with this wire number.
    pub(super) fn delimited(&self, number: u8) -> Option<&'a [u8]> {
        let text = match number {
            1 => return self.uuid,
            3 => self.msg_type,
            4 => self.logger,
            6 => self.payload,
            7 => self.env_version,
            9 => self.hostname,
            _ => None,
        };
        text.map(|text| text as &[u8])
    }

    /// The number with this wire number, as its varint reads.
    pub(super) fn varint(&self, number: u8) -> Option<u64> {
        match number {
            2 => self.timestamp.map(|value| value as u64),
            5 => self.severity.map(|value| value as u64),
            8 => self.pid.map(|value| value as u64),
            _ => None,
        }
    }
}
