//! A dynamic field read in place.

use bstr::BStr;

use super::canonical;
use crate::field::{Value, ValueType};
use crate::wire::{BYTES, FIXED64, Reader, Tag, VARINT};

/// A dynamic field's protobuf bytes, read as asked.
#[derive(Clone, Copy, Debug)]
pub struct FieldView<'a> {
    bytes: &'a [u8],
    canonical: bool,
}

impl<'a> FieldView<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8], canonical: bool) -> FieldView<'a> {
        FieldView { bytes, canonical }
    }

    /// The field's protobuf bytes, without tag and length.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The name; empty when absent.
    #[inline]
    pub fn name(&self) -> &'a BStr {
        if self.canonical {
            let name = match self.bytes.first() {
                Some(0x0a) => canonical::delimited(self.bytes, 1).map(|(name, _)| name),
                _ => None,
            };
            return BStr::new(name.unwrap_or_default());
        }
        BStr::new(self.delimited(1).unwrap_or_default())
    }

    /// The type of the values; [`ValueType::String`] when absent.
    #[inline]
    pub fn value_type(&self) -> ValueType {
        let mut value_type = ValueType::String;
        let mut reader = Reader::new(self.bytes);
        while !reader.is_empty() {
            let Ok(tag) = reader.tag() else { break };
            if tag.number == 2 && tag.wire_type == VARINT {
                let Ok(raw) = reader.varint() else { break };
                value_type = ValueType::from_raw(raw as i32);
            } else if (self.canonical && tag.number > 2) || self.skip(&mut reader, &tag).is_none() {
                break;
            }
        }
        value_type
    }

    /// What the values stand for, such as a unit.
    pub fn representation(&self) -> Option<&'a BStr> {
        self.delimited(3).map(BStr::new)
    }

    /// The value at `index` (from 0) of the list that the type names.
    #[inline]
    pub fn value(&self, index: usize) -> Option<Value<'a>> {
        if self.canonical
            && index == 0
            && let Some(value) = canonical::first_value(self.bytes)
        {
            return Some(value);
        }
        self.values().nth(index)
    }

    /// How many values the list that the type names holds.
    pub fn value_count(&self) -> usize {
        self.values().count()
    }

    /// The values of the list that the type names, in order.
    #[inline]
    pub fn values(&self) -> Values<'a> {
        let value_type = self.value_type();
        Values { field: *self, reader: Reader::new(self.bytes), list_end: 0, value_type }
    }

    fn delimited(&self, number: i32) -> Option<&'a [u8]> {
        let mut found = None;
        let mut reader = Reader::new(self.bytes);
        while !reader.is_empty() {
            let Ok(tag) = reader.tag() else { break };
            if tag.number == number && tag.wire_type == BYTES {
                let Ok(bytes) = reader.delimited() else { break };
                found = Some(bytes);
            } else if (self.canonical && tag.number > number) || self.skip(&mut reader, &tag).is_none() {
                break;
            }
        }
        found
    }

    /// Passes over the value of a tag; `None` at damage.
    #[inline]
    fn skip(&self, reader: &mut Reader<'a>, tag: &Tag) -> Option<()> {
        match (tag.number, tag.wire_type) {
            (1 | 3..=5, BYTES) => drop(reader.delimited().ok()?),
            (6..=8, BYTES) if self.canonical => drop(reader.delimited().ok()?),
            (2 | 6 | 8, VARINT) => reader.skip_varint().ok()?,
            (6 | 8, BYTES) => drop(reader.packed(Reader::skip_varint).ok()?),
            (7, FIXED64) => drop(reader.fixed64().ok()?),
            (7, BYTES) => drop(reader.packed(|reader| reader.fixed64().map(drop)).ok()?),
            (1..=8, _) => return None,
            _ => drop(reader.unknown(tag).ok()?),
        }
        Some(())
    }
}

/// Iterator over a field's values.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    field: FieldView<'a>,
    reader: Reader<'a>,
    /// Where the packed list that is being read ends; at or before the reader when none is.
    list_end: usize,
    value_type: ValueType,
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        let list = match self.value_type {
            ValueType::String => 4,
            ValueType::Bytes => 5,
            ValueType::Integer => 6,
            ValueType::Double => 7,
            ValueType::Bool => 8,
            ValueType::Other(_) => return None,
        };
        let value = self.find(list);
        if value.is_none() {
            // The end, or damage: nothing behind it counts.
            self.reader = Reader::new(&[]);
            self.list_end = 0;
        }
        value
    }
}

impl<'a> Values<'a> {
    #[inline]
    fn find(&mut self, list: i32) -> Option<Value<'a>> {
        while self.reader.position() >= self.list_end {
            if self.reader.is_empty() {
                return None;
            }
            let tag = self.reader.tag().ok()?;
            if tag.number == list {
                match (list, tag.wire_type) {
                    (6..=8, BYTES) => {
                        self.list_end = self.reader.packed_end().ok()?;
                        continue;
                    }
                    (4 | 5, BYTES) | (6 | 8, VARINT) | (7, FIXED64) => return self.read(),
                    _ => return None,
                }
            }
            if self.field.canonical && tag.number > list {
                return None;
            }
            self.field.skip(&mut self.reader, &tag)?;
        }
        self.read()
    }

    #[inline]
    fn read(&mut self) -> Option<Value<'a>> {
        let reader = &mut self.reader;
        Some(match self.value_type {
            ValueType::String => Value::String(BStr::new(reader.delimited().ok()?)),
            ValueType::Bytes => Value::Bytes(reader.delimited().ok()?),
            ValueType::Integer => Value::Integer(reader.varint().ok()? as i64),
            ValueType::Double => Value::Double(f64::from_bits(reader.fixed64().ok()?)),
            ValueType::Bool => Value::Bool(reader.varint().ok()? != 0),
            ValueType::Other(_) => return None,
        })
    }
}
