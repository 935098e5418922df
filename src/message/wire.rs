//! The protobuf wire format as the original's decoder and encoder treat it.
//!
//! Facts that differ from other protobuf libraries: a varint may be of any length (bits above the 64th
//! are dropped), a field number is cut to 32 bits, and a packed list is read value by value, so that
//! its last value may reach past the list's end.

use crate::error::DecodeError;

/// Wire type of a varint.
pub(crate) const VARINT: u8 = 0;
/// Wire type of eight little-endian bytes.
pub(crate) const FIXED64: u8 = 1;
/// Wire type of a length and so many bytes.
pub(crate) const BYTES: u8 = 2;

/// A field's number and wire type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tag {
    /// Field number, cut to 32 bits.
    pub number: i32,
    /// 0 to 7.
    pub wire_type: u8,
    /// Where the tag begins.
    start: usize,
    /// Whether the tag took the fewest possible bytes.
    pub minimal: bool,
}

impl Tag {
    /// Fails unless the tag has the wire type that `field` must have.
    pub(crate) fn expect(&self, wire_type: u8, field: &'static str) -> Result<(), DecodeError> {
        if self.wire_type == wire_type { Ok(()) } else { Err(self.wrong_type(field)) }
    }

    /// The error for a wire type that `field` cannot have.
    pub(crate) fn wrong_type(&self, field: &'static str) -> DecodeError {
        DecodeError::WrongWireType { wire_type: self.wire_type, field }
    }
}

/// Reads wire values from the front of a byte slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, position: 0 }
    }

    /// A reader of `bytes` that begins at `position`, as [`Reader::position`] gave it.
    #[inline]
    pub(crate) fn at(bytes: &'a [u8], position: usize) -> Reader<'a> {
        Reader { bytes, position }
    }

    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.position >= self.bytes.len()
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        match self.bytes.get(self.position) {
            Some(&byte) if byte < 0x80 => {
                self.position += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        let mut shift = 0;
        loop {
            let byte = *self.bytes.get(self.position).ok_or(DecodeError::UnexpectedEof)?;
            self.position += 1;
            if shift < 64 {
                value |= u64::from(byte & 0x7f) << shift;
                shift += 7;
            }
            if byte < 0x80 {
                return Ok(value);
            }
        }
    }

    #[inline]
    pub(crate) fn skip_varint(&mut self) -> Result<(), DecodeError> {
        // A timestamp takes nine bytes: find its last one, the first without the top bit, in one step.
        if let Some(&word) = self.bytes.get(self.position..).and_then(|rest| rest.first_chunk::<8>()) {
            let ends = !u64::from_le_bytes(word) & 0x8080_8080_8080_8080;
            if ends != 0 {
                self.position += ends.trailing_zeros() as usize / 8 + 1;
                return Ok(());
            }
            self.position += 8;
        }
        self.long_varint().map(drop)
    }

    #[inline]
    pub(crate) fn tag(&mut self) -> Result<Tag, DecodeError> {
        let start = self.position;
        let wire = self.varint()?;
        Ok(Tag {
            number: (wire >> 3) as i32,
            wire_type: (wire & 7) as u8,
            start,
            minimal: self.position - start == varint_len(wire),
        })
    }

    /// A length and so many bytes.
    #[inline]
    pub(crate) fn delimited(&mut self) -> Result<&'a [u8], DecodeError> {
        let (start, end) = self.extent()?;
        self.position = end;
        Ok(&self.bytes[start..end])
    }

    /// Reads a length; the range that it spans, which lies within the bytes.
    #[inline]
    fn extent(&mut self) -> Result<(usize, usize), DecodeError> {
        let length = usize::try_from(self.varint()?).map_err(|_| DecodeError::UnexpectedEof)?;
        let start = self.position;
        let end = start.checked_add(length).filter(|&end| end <= self.bytes.len());
        Ok((start, end.ok_or(DecodeError::UnexpectedEof)?))
    }

    #[inline]
    pub(crate) fn fixed64(&mut self) -> Result<u64, DecodeError> {
        let chunk = self.bytes.get(self.position..).and_then(|rest| rest.first_chunk::<8>());
        let chunk = chunk.ok_or(DecodeError::UnexpectedEof)?;
        self.position += 8;
        Ok(u64::from_le_bytes(*chunk))
    }

    pub(crate) fn fixed32(&mut self) -> Result<u32, DecodeError> {
        let chunk = self.bytes.get(self.position..).and_then(|rest| rest.first_chunk::<4>());
        let chunk = chunk.ok_or(DecodeError::UnexpectedEof)?;
        self.position += 4;
        Ok(u32::from_le_bytes(*chunk))
    }

    /// Reads a packed list with `read`, value by value until its end is reached or passed; whether it
    /// was reached, not passed.
    #[inline]
    pub(crate) fn packed(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<bool, DecodeError> {
        let (_, end) = self.extent()?;
        while self.position < end {
            read(self)?;
        }
        Ok(self.position == end)
    }

    /// Reads the length of a packed list; the position where the list ends.
    #[inline]
    pub(crate) fn packed_end(&mut self) -> Result<usize, DecodeError> {
        Ok(self.extent()?.1)
    }

    /// Passes over the field whose tag was just read; its bytes, tag included.
    pub(crate) fn unknown(&mut self, tag: &Tag) -> Result<&'a [u8], DecodeError> {
        self.position = tag.start;
        let mut open_groups = 0_usize;
        loop {
            match (self.varint()? & 7) as u8 {
                VARINT => self.skip_varint()?,
                FIXED64 => self.advance(8),
                BYTES => {
                    let (_, end) = self.extent()?;
                    self.position = end;
                }
                3 => open_groups += 1,
                4 => open_groups = open_groups.saturating_sub(1),
                5 => self.advance(4),
                illegal => return Err(DecodeError::IllegalWireType(illegal)),
            }
            if open_groups == 0 {
                break;
            }
        }
        self.bytes.get(tag.start..self.position).ok_or(DecodeError::UnexpectedEof)
    }

    /// Moves on without looking; the next read or the caller notices when this passes the end.
    fn advance(&mut self, bytes: usize) {
        self.position = self.position.saturating_add(bytes);
    }
}

/// Bytes that `value` takes as a varint, 1 to 10.
#[inline]
pub(crate) fn varint_len(value: u64) -> usize {
    (63 - (value | 1).leading_zeros() as usize) / 7 + 1
}

/// Appends a varint.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a one-byte tag and a varint.
#[inline]
pub(crate) fn put_number(out: &mut Vec<u8>, number: u8, value: u64) {
    out.push(number << 3 | VARINT);
    put_varint(out, value);
}

/// Appends a one-byte tag, a length and the bytes.
#[inline]
pub(crate) fn put_bytes(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | BYTES);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Length of what [`put_bytes`] appends for so many bytes.
#[inline]
pub(crate) fn delimited_len(bytes: usize) -> usize {
    1 + varint_len(bytes as u64) + bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_every_length_come_back() {
        for bits in 0..64 {
            for value in [1_u64 << bits, (1 << bits) - 1, u64::MAX >> bits] {
                let mut out = Vec::new();
                put_varint(&mut out, value);
                assert_eq!(out.len(), varint_len(value));
                assert_eq!(Reader::new(&out).varint(), Ok(value));
                let mut skipper = Reader::new(&out);
                assert_eq!(skipper.skip_varint(), Ok(()));
                assert!(skipper.is_empty());
            }
        }
    }

    #[test]
    fn an_overlong_varint_keeps_its_low_bits() {
        let mut bytes = vec![0x81; 30];
        bytes.push(0);
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.varint(), Ok(0x8102_0408_1020_4081));
        assert!(reader.is_empty());
    }

    #[test]
    fn a_skipped_varint_ends_where_a_read_one_does() {
        for length in 1..25 {
            let mut bytes = vec![0x80; length - 1];
            bytes.extend([1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
            let (mut read, mut skipped) = (Reader::new(&bytes), Reader::new(&bytes));
            assert!(read.varint().is_ok() && skipped.skip_varint().is_ok());
            assert_eq!(read.position(), skipped.position());
        }
        assert_eq!(Reader::new(&[0x80; 20]).skip_varint(), Err(DecodeError::UnexpectedEof));
    }

    #[test]
    fn deeply_nested_groups_do_not_recurse() {
        let bytes = vec![0x7b; 1 << 20];
        let mut reader = Reader::new(&bytes);
        let tag = reader.tag().unwrap();
        assert_eq!(reader.unknown(&tag), Err(DecodeError::UnexpectedEof));
    }
}
