//! A dead letter is the message as it was, followed by protobuf fields that readers of messages do not know and pass over:
//! so every reader of Heka streams can read it as the message that it was.
//!
//! ```text
//! field 1000, bytes     the output's name
//! field 1001, bytes     why it was rejected
//! field 1002, fixed64   size of the two before, in bytes
//! ```
//!
//! The last one is found from the end, so the message itself may hold anything.

/// Tag of the output's name.
const OUTPUT: [u8; 2] = [0xC2, 0x3E];
/// Tag of the reason.
const REASON: [u8; 2] = [0xCA, 0x3E];
/// Tag of the size.
const SIZE: [u8; 2] = [0xD1, 0x3E];
/// A longer reason is cut, in bytes.
const REASON_MAX: usize = 4096;

/// A rejected message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter<'a> {
    /// The message, byte for byte.
    pub message: &'a [u8],
    /// Who rejected it.
    pub output: &'a str,
    /// Why; empty if that was not told.
    pub reason: &'a str,
}

impl<'a> Letter<'a> {
    /// Appends the letter to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.message);
        let start = out.len();
        bytes_field(OUTPUT, self.output, out);
        bytes_field(REASON, cut(self.reason), out);
        let size = (out.len() - start) as u64;
        out.extend_from_slice(&SIZE);
        out.extend_from_slice(&size.to_le_bytes());
    }

    /// Takes apart what [`Letter::write`] made; `None` if it is something else.
    pub fn read(bytes: &'a [u8]) -> Option<Letter<'a>> {
        let (rest, size) = bytes.split_last_chunk::<8>()?;
        let rest = rest.strip_suffix(&SIZE)?;
        let size = usize::try_from(u64::from_le_bytes(*size)).ok()?;
        let (message, fields) = rest.split_at_checked(rest.len().checked_sub(size)?)?;
        let (output, fields) = read_field(OUTPUT, fields)?;
        let (reason, fields) = read_field(REASON, fields)?;
        fields.is_empty().then_some(Letter { message, output, reason })
    }
}

/// The beginning of a reason, of whole characters.
fn cut(reason: &str) -> &str {
    reason.get(..reason.floor_char_boundary(REASON_MAX)).unwrap_or(reason)
}

fn bytes_field(tag: [u8; 2], text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&tag);
    let mut length = text.len();
    while length >= 0x80 {
        out.push((length & 0x7F) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(text.as_bytes());
}

fn read_field(tag: [u8; 2], bytes: &[u8]) -> Option<(&str, &[u8])> {
    let mut rest = bytes.strip_prefix(&tag)?;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let (&byte, after) = rest.split_first()?;
        length |= usize::from(byte & 0x7F).checked_shl(shift)?;
        (rest, shift) = (after, shift + 7);
        if byte < 0x80 {
            break;
        }
    }
    let (text, rest) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use heka_message::{Field, Message};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(
            message in proptest::collection::vec(any::<u8>(), 0..300),
            output in ".{0,200}",
            reason in ".{0,300}",
        ) {
            let letter = Letter { message: &message, output: &output, reason: &reason };
            let mut bytes = Vec::new();
            letter.write(&mut bytes);
            prop_assert_eq!(Letter::read(&bytes), Some(letter));
        }

        #[test]
        fn other_bytes_are_no_letter_and_no_trouble(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut ended = bytes.clone();
            ended.extend_from_slice(&SIZE);
            ended.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            prop_assert!(Letter::read(&bytes).is_none_or(|letter| letter.message.len() < bytes.len()));
            prop_assert!(Letter::read(&ended).is_none_or(|letter| letter.message.len() < ended.len()));
        }
    }

    #[test]
    fn a_letter_reads_as_the_message_that_it_was() {
        let mut message = Message { payload: Some("hello".into()), ..Message::default() };
        message.fields.push(Field::string("name", "", "value"));
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        let whole = Message::decode(&bytes).unwrap();
        let mut letter = Vec::new();
        Letter { message: &bytes, output: "es", reason: &"a lengthy reason ".repeat(20) }.write(&mut letter);
        let read = Message::decode(&letter).unwrap();
        assert_eq!(Message { unknown: whole.unknown.clone(), ..read }, whole);
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let mut bytes = Vec::new();
        Letter { message: b"", output: "o", reason: &"é".repeat(REASON_MAX) }.write(&mut bytes);
        assert_eq!(Letter::read(&bytes).unwrap().reason.len(), REASON_MAX);
        bytes.clear();
        Letter { message: b"", output: "o", reason: &format!("x{}", "é".repeat(REASON_MAX)) }
            .write(&mut bytes);
        assert_eq!(Letter::read(&bytes).unwrap().reason.len(), REASON_MAX - 1);
    }
}
