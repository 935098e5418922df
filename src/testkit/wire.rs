//! Protobuf's wire format, just enough to look into a message.

use std::fmt;

/// A field's number and value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number in the schema.
    pub number: u64,
    /// Its value.
    pub value: Value<'a>,
}

/// A value as the wire types tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64([u8; 8]),
    /// Wire type 2: text, bytes, a message or packed numbers.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32([u8; 4]),
}

/// The bytes are no protobuf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// They end inside a field.
    Truncated,
    /// A group, or a wire type that does not exist.
    WireType(u8),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Truncated => f.write_str("truncated field"),
            WireError::WireType(kind) => write!(f, "wire type {kind}"),
        }
    }
}

/// Takes a varint from the front. Bits above the 64th are dropped.
pub fn take_varint(bytes: &mut &[u8]) -> Result<u64, WireError> {
    let mut number = 0u64;
    let mut shift = 0;
    loop {
        let (first, rest) = bytes.split_first().ok_or(WireError::Truncated)?;
        *bytes = rest;
        if shift < 64 {
            number |= u64::from(first & 0x7f) << shift;
        }
        if first & 0x80 == 0 {
            return Ok(number);
        }
        shift += 7;
    }
}

/// Takes `N` bytes from the front.
pub fn take_array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], WireError> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(WireError::Truncated)?;
    *bytes = rest;
    Ok(*head)
}

/// Walks over the fields of a message; it ends after the first error.
pub fn fields(bytes: &[u8]) -> Fields<'_> {
    Fields { rest: bytes }
}

/// The iterator of [`fields`].
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<Field<'a>, WireError> {
        let key = take_varint(&mut self.rest)?;
        let value = match key & 7 {
            0 => Value::Varint(take_varint(&mut self.rest)?),
            1 => Value::Fixed64(take_array(&mut self.rest)?),
            2 => {
                let size = take_varint(&mut self.rest)?;
                let size = usize::try_from(size).map_err(|_| WireError::Truncated)?;
                let (head, rest) = self.rest.split_at_checked(size).ok_or(WireError::Truncated)?;
                self.rest = rest;
                Value::Bytes(head)
            }
            5 => Value::Fixed32(take_array(&mut self.rest)?),
            kind => return Err(WireError::WireType(kind as u8)),
        };
        Ok(Field { number: key >> 3, value })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// The bytes of the last field of this number, when it is a text, bytes or a message.
pub fn bytes_of(message: &[u8], number: u64) -> Option<&[u8]> {
    let found = fields(message).filter_map(Result::ok).filter(|f| f.number == number).last()?;
    match found.value {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// The last value of this number, when it is a varint.
pub fn varint_of(message: &[u8], number: u64) -> Option<u64> {
    let found = fields(message).filter_map(Result::ok).filter(|f| f.number == number).last()?;
    match found.value {
        Value::Varint(number) => Some(number),
        _ => None,
    }
}
