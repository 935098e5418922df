//! The owned message.

use bstr::{BStr, BString};

use crate::error::DecodeError;
use crate::field::Field;

/// Severity of a message that sets none.
pub const DEFAULT_SEVERITY: i32 = 7;

/// A Heka message. Strings are bytes: Heka never checks that they are UTF-8.
///
/// An absent value is not the same as an empty one on the wire, so all are options. The schema calls
/// `uuid` and `timestamp` required; as in the original nothing enforces it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// Identity; 16 bytes when well-formed.
    pub uuid: Option<BString>,
    /// Nanoseconds since 1970-01-01 UTC.
    pub timestamp: Option<i64>,
    /// What kind of message this is (`Type`).
    pub msg_type: Option<BString>,
    /// Where the message came from (`Logger`).
    pub logger: Option<BString>,
    /// Syslog severity, 0 (emergency) to 7 (debug); see [`DEFAULT_SEVERITY`].
    pub severity: Option<i32>,
    /// The text itself.
    pub payload: Option<BString>,
    /// Version of the sender's environment.
    pub env_version: Option<BString>,
    /// Process id of the sender.
    pub pid: Option<i32>,
    /// Host of the sender.
    pub hostname: Option<BString>,
    /// Dynamic fields, in order; names may repeat.
    pub fields: Vec<Field>,
    /// Wire bytes of fields that the schema does not know, written back behind the known ones.
    pub unknown: Vec<u8>,
}

impl Message {
    /// Decodes protobuf bytes.
    ///
    /// # Errors
    /// As [`crate::validate`].
    pub fn decode(bytes: &[u8]) -> Result<Message, DecodeError> {
        let mut message = Message::default();
        message.decode_into(bytes)?;
        Ok(message)
    }

    /// The first field of this name.
    pub fn field(&self, name: &[u8]) -> Option<&Field> {
        self.fields.iter().find(|field| *field.name() == *BStr::new(name))
    }

    /// Every field of this name, in order.
    pub fn fields_named<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| *field.name() == *BStr::new(name))
    }

    /// Appends a field.
    pub fn add_field(&mut self, field: Field) {
        self.fields.push(field);
    }

    /// The severity; [`DEFAULT_SEVERITY`] when absent.
    pub fn severity(&self) -> i32 {
        self.severity.unwrap_or(DEFAULT_SEVERITY)
    }

    /// Makes the message as new, keeping the allocations of its lists.
    pub fn clear(&mut self) {
        self.uuid = None;
        self.timestamp = None;
        self.msg_type = None;
        self.logger = None;
        self.severity = None;
        self.payload = None;
        self.env_version = None;
        self.pid = None;
        self.hostname = None;
        self.fields.clear();
        self.unknown.clear();
    }
}
