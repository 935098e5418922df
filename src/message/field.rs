//! A message's dynamic field: a name and values of one type.

use bstr::{BStr, BString, ByteSlice};

/// Type of a field's values, as its number on the wire says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Text, though Heka never checks that it is UTF-8 (0, and the default of a field that names no type).
    #[default]
    String,
    /// Raw bytes (1).
    Bytes,
    /// Signed 64-bit integer (2).
    Integer,
    /// 64-bit floating point (3).
    Double,
    /// Truth value (4).
    Bool,
    /// A number that Heka gives no meaning; such a field has no values.
    Other(i32),
}

impl ValueType {
    /// The type with this number on the wire.
    pub const fn from_raw(raw: i32) -> ValueType {
        match raw {
            0 => ValueType::String,
            1 => ValueType::Bytes,
            2 => ValueType::Integer,
            3 => ValueType::Double,
            4 => ValueType::Bool,
            other => ValueType::Other(other),
        }
    }

    /// The type's number on the wire.
    pub const fn raw(self) -> i32 {
        match self {
            ValueType::String => 0,
            ValueType::Bytes => 1,
            ValueType::Integer => 2,
            ValueType::Double => 3,
            ValueType::Bool => 4,
            ValueType::Other(raw) => raw,
        }
    }

    /// The type's name in the schema (`STRING`, `BYTES`, ...); empty for an unknown number.
    pub const fn name(self) -> &'static str {
        match self {
            ValueType::String => "STRING",
            ValueType::Bytes => "BYTES",
            ValueType::Integer => "INTEGER",
            ValueType::Double => "DOUBLE",
            ValueType::Bool => "BOOL",
            ValueType::Other(_) => "",
        }
    }
}

/// One value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text, not necessarily UTF-8.
    String(&'a BStr),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// Signed integer.
    Integer(i64),
    /// Floating point number.
    Double(f64),
    /// Truth value.
    Bool(bool),
}

/// A named list of values. All lists are kept, whatever `value_type` says, so that a foreign message
/// passes through unchanged; [`Field::value`] reads the one that `value_type` names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Field {
    /// Name; "required" in the schema, yet never enforced.
    pub name: Option<BString>,
    /// Which of the lists below counts; absent means [`ValueType::String`].
    pub value_type: Option<ValueType>,
    /// What the values stand for, such as a unit (`ms`, `B`) or a format (`ipv4`, `json`).
    pub representation: Option<BString>,
    /// Values of a [`ValueType::String`] field.
    pub value_string: Vec<BString>,
    /// Values of a [`ValueType::Bytes`] field.
    pub value_bytes: Vec<BString>,
    /// Values of a [`ValueType::Integer`] field.
    pub value_integer: Vec<i64>,
    /// Values of a [`ValueType::Double`] field.
    pub value_double: Vec<f64>,
    /// Values of a [`ValueType::Bool`] field.
    pub value_bool: Vec<bool>,
    /// Wire bytes of fields that the schema does not know, written back behind the known ones.
    pub unknown: Vec<u8>,
}

impl Field {
    /// A field of no values yet. As Heka's own code does, it always carries its type and a
    /// representation, even an empty one.
    pub fn new(name: impl Into<BString>, value_type: ValueType, representation: impl Into<BString>) -> Field {
        Field {
            name: Some(name.into()),
            value_type: Some(value_type),
            representation: Some(representation.into()),
            ..Field::default()
        }
    }

    /// A field of one text.
    pub fn string(
        name: impl Into<BString>,
        representation: impl Into<BString>,
        value: impl Into<BString>,
    ) -> Field {
        let value_string = vec![value.into()];
        Field { value_string, ..Field::new(name, ValueType::String, representation) }
    }

    /// A field of one byte string.
    pub fn bytes(
        name: impl Into<BString>,
        representation: impl Into<BString>,
        value: impl Into<BString>,
    ) -> Field {
        let value_bytes = vec![value.into()];
        Field { value_bytes, ..Field::new(name, ValueType::Bytes, representation) }
    }

    /// A field of one integer.
    pub fn integer(name: impl Into<BString>, representation: impl Into<BString>, value: i64) -> Field {
        let value_integer = vec![value];
        Field { value_integer, ..Field::new(name, ValueType::Integer, representation) }
    }

    /// A field of one floating point number.
    pub fn double(name: impl Into<BString>, representation: impl Into<BString>, value: f64) -> Field {
        let value_double = vec![value];
        Field { value_double, ..Field::new(name, ValueType::Double, representation) }
    }

    /// A field of one truth value.
    pub fn boolean(name: impl Into<BString>, representation: impl Into<BString>, value: bool) -> Field {
        let value_bool = vec![value];
        Field { value_bool, ..Field::new(name, ValueType::Bool, representation) }
    }

    /// The name; empty when absent.
    pub fn name(&self) -> &BStr {
        self.name.as_ref().map_or(BStr::new(b""), |name| name.as_bstr())
    }

    /// The type of the values; [`ValueType::String`] when absent.
    pub fn value_type(&self) -> ValueType {
        self.value_type.unwrap_or_default()
    }

    /// The value at `index` (from 0) of the list that the type names.
    pub fn value(&self, index: usize) -> Option<Value<'_>> {
        match self.value_type() {
            ValueType::String => self.value_string.get(index).map(|text| Value::String(text.as_bstr())),
            ValueType::Bytes => self.value_bytes.get(index).map(|bytes| Value::Bytes(bytes)),
            ValueType::Integer => self.value_integer.get(index).map(|&number| Value::Integer(number)),
            ValueType::Double => self.value_double.get(index).map(|&number| Value::Double(number)),
            ValueType::Bool => self.value_bool.get(index).map(|&truth| Value::Bool(truth)),
            ValueType::Other(_) => None,
        }
    }

    /// How many values the list that the type names holds.
    pub fn value_count(&self) -> usize {
        match self.value_type() {
            ValueType::String => self.value_string.len(),
            ValueType::Bytes => self.value_bytes.len(),
            ValueType::Integer => self.value_integer.len(),
            ValueType::Double => self.value_double.len(),
            ValueType::Bool => self.value_bool.len(),
            ValueType::Other(_) => 0,
        }
    }

    /// The values of the list that the type names, in order.
    pub fn values(&self) -> impl Iterator<Item = Value<'_>> {
        (0..self.value_count()).filter_map(|index| self.value(index))
    }

    /// Makes the field as new, keeping its allocations.
    pub fn clear(&mut self) {
        let Field { name, value_type, representation, unknown, .. } = self;
        *name = None;
        *value_type = None;
        *representation = None;
        unknown.clear();
        self.value_string.clear();
        self.value_bytes.clear();
        self.value_integer.clear();
        self.value_double.clear();
        self.value_bool.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_numbers_come_back() {
        for raw in -3..9 {
            assert_eq!(ValueType::from_raw(raw).raw(), raw);
        }
    }

    #[test]
    fn a_value_comes_from_the_list_that_the_type_names() {
        let mut field = Field::integer("n", "count", 7);
        field.value_string.push("text".into());
        assert_eq!(field.value(0), Some(Value::Integer(7)));
        assert_eq!(field.value(1), None);
        field.value_type = None;
        assert_eq!(field.value(0), Some(Value::String("text".into())));
        field.value_type = Some(ValueType::Other(9));
        assert_eq!((field.value(0), field.value_count()), (None, 0));
    }
}
