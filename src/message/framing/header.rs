//! The protobuf header of a frame.

use crate::error::DecodeError;
use crate::wire::{BYTES, FIXED64, Reader, VARINT};

/// What a frame's header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header<'a> {
    /// Bytes of the message behind the header.
    pub message_length: Option<u32>,
    /// Number of the hash function of the signature; see [`super::HashFunction`].
    pub hmac_hash_function: Option<i32>,
    /// Who signed the message.
    pub hmac_signer: Option<&'a [u8]>,
    /// Which of the signer's keys was used.
    pub hmac_key_version: Option<u32>,
    /// The signature.
    pub hmac: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    /// Decodes a header's protobuf bytes.
    ///
    /// # Errors
    /// As for a message: bytes that end early, wrong and illegal wire types.
    pub fn decode(bytes: &'a [u8]) -> Result<Header<'a>, DecodeError> {
        match Header::decode_partly(bytes) {
            (header, None) => Ok(header),
            (_, Some(error)) => Err(error),
        }
    }

    /// Decodes as far as it goes: what came before the error, and the error.
    pub fn decode_partly(bytes: &'a [u8]) -> (Header<'a>, Option<DecodeError>) {
        let mut header = Header::default();
        let error = header.read(&mut Reader::new(bytes)).err();
        (header, error)
    }

    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), DecodeError> {
        while !reader.is_empty() {
            let tag = reader.tag()?;
            match tag.number {
                1 => {
                    tag.expect(VARINT, "MessageLength")?;
                    self.message_length = Some(reader.varint()? as u32);
                }
                3 => {
                    tag.expect(VARINT, "HmacHashFunction")?;
                    self.hmac_hash_function = Some(reader.varint()? as i32);
                }
                4 => {
                    tag.expect(BYTES, "HmacSigner")?;
                    self.hmac_signer = Some(reader.delimited()?);
                }
                5 => {
                    tag.expect(VARINT, "HmacKeyVersion")?;
                    self.hmac_key_version = Some(reader.varint()? as u32);
                }
                6 => {
                    tag.expect(BYTES, "Hmac")?;
                    self.hmac = Some(reader.delimited()?);
                }
                _ => drop(reader.unknown(&tag)?),
            }
        }
        Ok(())
    }

    /// All fields in a header's bytes as they come, known ones too.
    pub fn raw_fields(bytes: &[u8]) -> RawFields<'_> {
        RawFields { reader: Reader::new(bytes) }
    }
}

/// A field by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawField<'a> {
    /// Field number.
    pub number: u32,
    /// The value as the wire has it.
    pub value: RawValue<'a>,
}

/// A value as the wire has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawValue<'a> {
    /// A varint.
    Varint(u64),
    /// Eight bytes, read as a little-endian number.
    Fixed64(u64),
    /// Four bytes, read as a little-endian number.
    Fixed32(u32),
    /// A length and so many bytes.
    Bytes(&'a [u8]),
}

/// Iterator over the fields of a header; ends at the first damage, and passes over groups.
#[derive(Clone, Debug)]
pub struct RawFields<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for RawFields<'a> {
    type Item = RawField<'a>;

    fn next(&mut self) -> Option<RawField<'a>> {
        while !self.reader.is_empty() {
            let tag = self.reader.tag().ok()?;
            let value = match tag.wire_type {
                VARINT => self.reader.varint().ok().map(RawValue::Varint),
                FIXED64 => self.reader.fixed64().ok().map(RawValue::Fixed64),
                BYTES => self.reader.delimited().ok().map(RawValue::Bytes),
                5 => self.reader.fixed32().ok().map(RawValue::Fixed32),
                _ => {
                    self.reader.unknown(&tag).ok()?;
                    continue;
                }
            };
            if value.is_none() {
                self.reader = Reader::new(&[]);
            }
            return value.map(|value| RawField { number: tag.number as u32, value });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_are_skipped_yet_can_be_read() {
        let bytes =
            [0x08, 5, 0xc1, 0x3e, 1, 0, 0, 0, 0, 0, 0, 0, 0xcd, 0x3e, 2, 0, 0, 0, 0xd2, 0x3e, 1, b'x'];
        let header = Header::decode(&bytes).unwrap();
        assert_eq!(header, Header { message_length: Some(5), ..Header::default() });
        let fields: Vec<_> = Header::raw_fields(&bytes).map(|field| (field.number, field.value)).collect();
        let expected = [
            (1, RawValue::Varint(5)),
            (1000, RawValue::Fixed64(1)),
            (1001, RawValue::Fixed32(2)),
            (1002, RawValue::Bytes(b"x")),
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_broken_header_keeps_what_came_before() {
        let (header, error) = Header::decode_partly(&[0x08, 5, 0x22, 9, b'x']);
        assert_eq!((header.message_length, error), (Some(5), Some(DecodeError::UnexpectedEof)));
        let wrong = Header::decode(&[0x0a, 0]).unwrap_err();
        assert_eq!(wrong.to_string(), "proto: wrong wireType = 2 for field MessageLength");
        assert_eq!(Header::raw_fields(&[0x08, 5, 0x22, 9, b'x']).count(), 1);
    }
}
