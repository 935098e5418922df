//! [`Pack`]: a message on its way from an input through its decoder to the queue.
//!
//! A message has two forms: the parsed [`Message`] and its protobuf bytes. A pack holds one of them or both, and
//! makes the other when it is asked for, so that bytes which nobody edits go through unchanged and are never parsed.

use bstr::BString;
use heka_message::{DecodeError, Message};

/// A message in one or both of its forms, and who signed it.
#[derive(Clone, Debug, Default)]
pub struct Pack {
    message: Message,
    /// Wire bytes: what a splitter with `use_message_bytes` found, or what a decoder encoded.
    bytes: Vec<u8>,
    /// `message` agrees with what the pack stands for.
    parsed: bool,
    /// `bytes` are the message's serialized form.
    trusted: bool,
    /// What is known of trusted bytes: whether fields come in ascending order, each header once.
    canonical: Option<bool>,
    /// Name of the verified signer, empty when the message is not signed.
    pub signer: BString,
}

impl Pack {
    /// An empty message.
    pub fn new() -> Pack {
        Pack { parsed: true, ..Pack::default() }
    }

    /// A pack around a parsed message.
    pub fn of(message: Message) -> Pack {
        Pack { message, parsed: true, ..Pack::default() }
    }

    /// Makes the pack an empty message again; keeps its memory.
    pub fn clear(&mut self) {
        self.message.clear();
        self.bytes.clear();
        self.parsed = true;
        self.trusted = false;
        self.signer.clear();
    }

    /// Takes over raw bytes that a decoder is to make sense of. Until then the message is empty.
    pub fn set_raw(&mut self, raw: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(raw);
        self.message.clear();
        self.parsed = true;
        self.trusted = false;
    }

    /// The bytes as last set, whether they are the message's form or not: what sandboxes read as `raw`.
    pub fn raw(&self) -> &[u8] {
        &self.bytes
    }

    /// Declares that the raw bytes are the message's serialized form. They are parsed when somebody asks.
    ///
    /// # Errors
    /// The bytes are no message; the pack is then as before.
    pub fn trust_raw(&mut self) -> Result<(), DecodeError> {
        self.canonical = Some(heka_message::scan(&self.bytes)?);
        self.parsed = false;
        self.trusted = true;
        Ok(())
    }

    /// Gives out the byte buffer, emptied, to encode a message into; [`Pack::trust_raw`] or
    /// [`Pack::trust_encoded`] follows.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        self.bytes.clear();
        self.parsed = false;
        self.trusted = false;
        &mut self.bytes
    }

    /// Like [`Pack::trust_raw`] for bytes that are known to be a message and need no check.
    pub fn trust_encoded(&mut self) {
        self.canonical = None;
        self.parsed = false;
        self.trusted = true;
    }

    /// Like [`Pack::trust_encoded`] for bytes whose fields are known to be in ascending order, each header once.
    pub fn trust_canonical(&mut self) {
        self.trust_encoded();
        self.canonical = Some(true);
    }

    /// Whether the serialized form has its fields in ascending order, each header once, so that readers may stop early.
    pub fn is_canonical(&mut self) -> bool {
        self.encoded();
        *self.canonical.get_or_insert_with(|| heka_message::is_canonical(&self.bytes))
    }

    /// Whether [`Pack::raw`] is the message's serialized form.
    pub fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// The message, to read.
    pub fn message(&mut self) -> &Message {
        self.parse();
        &self.message
    }

    /// The message, to edit. The bytes no longer count from here on.
    pub fn message_mut(&mut self) -> &mut Message {
        self.parse();
        self.trusted = false;
        &mut self.message
    }

    /// The serialized form: the trusted bytes as they are, else the message encoded by Heka's rules.
    pub fn encoded(&mut self) -> &[u8] {
        if !self.trusted {
            self.parse();
            self.bytes.clear();
            self.message.encode(&mut self.bytes);
            self.trusted = true;
            // Unknown fields are written last; whether they are in order nobody has looked.
            self.canonical = self.message.unknown.is_empty().then_some(true);
        }
        &self.bytes
    }

    fn parse(&mut self) {
        if !self.parsed {
            // Trusted bytes were checked when they were set, so decoding them does not fail; others are no message.
            if !self.trusted || self.message.decode_into(&self.bytes).is_err() {
                self.message.clear();
            }
            self.parsed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_bytes_go_through_unchanged_until_somebody_edits() {
        // Payload before type: not the order that Heka writes.
        let raw = b"\x32\x02hi\x1a\x01T";
        let mut pack = Pack::new();
        pack.set_raw(raw);
        pack.trust_raw().unwrap();
        assert_eq!(pack.message().payload.as_ref().unwrap(), "hi");
        assert_eq!(pack.encoded(), raw);
        pack.message_mut().pid = Some(1);
        assert_eq!(pack.encoded(), b"\x1a\x01T\x32\x02hi\x40\x01");
    }

    #[test]
    fn untrusted_bytes_are_not_the_message() {
        let mut pack = Pack::new();
        pack.set_raw(b"\x32\x02hi");
        assert_eq!(*pack.message(), Message::default());
        assert_eq!(pack.encoded(), b"");
    }
}
