//! One value as a serde deserializer.

use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, EnumAccess, Error as _, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::Pass;
use super::access::{Elements, Fields, Pairs, PairsInSequence};
use super::failure::Failure;
use crate::config::value::{Here, TABLE, VALUE};
use crate::config::{Value, handover};

/// Decodes one value.
pub(super) struct ValueDecoder<'a> {
    /// The value.
    pub(super) value: Here<'a>,
    /// Where it stands.
    pub(super) line: u32,
    /// The whole decoding.
    pub(super) pass: &'a Pass,
    /// Whether unknown keys count below here.
    pub(super) strict: bool,
}

impl<'a> ValueDecoder<'a> {
    fn found<T>(&self, expected: &str) -> Result<T, Failure> {
        Err(Failure::found(expected, self.value.go_type()))
    }

    fn string(&self) -> Result<&'a str, Failure> {
        match self.value {
            Here::Value(Value::String(text)) => Ok(text),
            _ => self.found("string"),
        }
    }

    fn integer(&self, least: i128, most: i128) -> Result<i64, Failure> {
        match self.value {
            Here::Value(Value::Integer(number)) if (least..=most).contains(&i128::from(*number)) => {
                Ok(*number)
            }
            Here::Value(Value::Integer(number)) => {
                Err(Failure::text(format!("Integer '{number}' is out of the range of {least} to {most}.")))
            }
            _ => self.found("integer"),
        }
    }

    fn float(&self) -> Result<f64, Failure> {
        match self.value {
            Here::Value(Value::Float(number)) => Ok(*number),
            _ => self.found("float"),
        }
    }

    fn elements(&self, values: &'a [Value]) -> Elements<'a> {
        Elements { values: values.iter(), line: self.line, pass: self.pass, strict: self.strict }
    }
}

macro_rules! integers {
    ($($method:ident $type:ty;)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
                #[allow(clippy::cast_lossless)]
                let number = self.integer(<$type>::MIN as i128, <$type>::MAX as i128)?;
                visitor.visit_i64(number)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for ValueDecoder<'_> {
    type Error = Failure;

    integers! {
        deserialize_i8 i8;
        deserialize_i16 i16;
        deserialize_i32 i32;
        deserialize_i64 i64;
        deserialize_u8 u8;
        deserialize_u16 u16;
        deserialize_u32 u32;
        deserialize_u64 u64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            Here::Value(Value::String(text) | Value::Datetime(text)) => visitor.visit_str(text),
            Here::Value(Value::Integer(number)) => visitor.visit_i64(*number),
            Here::Value(Value::Float(number)) => visitor.visit_f64(*number),
            Here::Value(Value::Bool(truth)) => visitor.visit_bool(*truth),
            Here::Value(Value::Array(values)) => visitor.visit_seq(self.elements(values)),
            Here::Value(Value::Table(_)) | Here::Table(_) => self.deserialize_map(visitor),
        }
    }

    /// The original says "integer" where a bool is wanted, and configuration checks rely on the text.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            Here::Value(Value::Bool(truth)) => visitor.visit_bool(*truth),
            _ => self.found("integer"),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(self.string()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(self.string()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(self.string()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_bytes(self.string()?.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_bytes(self.string()?.as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_some(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    /// Values and tables that a struct takes as they are go around serde, which has no word for lines and dates.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match name {
            VALUE => handover::give(self.value.to_value(), || visitor.visit_unit()),
            TABLE => match self.value.table() {
                Some(table) => handover::give(Value::Table(table.clone()), || visitor.visit_unit()),
                None => self.found("map"),
            },
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            Here::Value(Value::Array(values)) => visitor.visit_seq(self.elements(values)),
            _ => match self.value.table() {
                Some(table) => visitor.visit_seq(PairsInSequence(Pairs::new(table, &self))),
                None => self.found("slice"),
            },
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            Here::Value(Value::Array(values)) => visitor.visit_seq(self.elements(values)),
            _ => self.found("slice"),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        size: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_tuple(size, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value.table() {
            Some(table) => visitor.visit_map(Pairs::new(table, &self)),
            None => self.found("map"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match self.value.table() {
            Some(table) => visitor.visit_map(Fields::new(name, fields, table, self.pass, self.strict)),
            None => Err(Failure::text(format!(
                "Type mismatch for {name}. Expected map but found '{}'.",
                self.value.go_type()
            ))),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_enum(Variant(self.string()?))
    }

    forward_to_deserialize_any! { i128 u128 unit unit_struct identifier }
}

/// A string as a variant without data.
struct Variant<'a>(&'a str);

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<S: serde::de::DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Failure> {
        Ok((seed.deserialize(StrDeserializer::<Failure>::new(self.0))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        Ok(())
    }

    fn newtype_variant_seed<S: serde::de::DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Failure> {
        Err(Failure::custom("the option takes a plain string"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Failure> {
        Err(Failure::custom("the option takes a plain string"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Failure> {
        Err(Failure::custom("the option takes a plain string"))
    }
}
