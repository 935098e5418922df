//! Arrays, maps and structs as serde reads them.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::Pass;
use super::failure::Failure;
use super::go_name::Field;
use super::value::ValueDecoder;
use crate::config::value::{Here, folds_to};
use crate::config::{Entry, Table, Value};

/// The elements of an array.
pub(super) struct Elements<'a> {
    pub(super) values: std::slice::Iter<'a, Value>,
    pub(super) line: u32,
    pub(super) pass: &'a Pass,
    pub(super) strict: bool,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        let Some(value) = self.values.next() else {
            return Ok(None);
        };
        let decoder =
            ValueDecoder { value: Here::Value(value), line: self.line, pass: self.pass, strict: self.strict };
        seed.deserialize(decoder).map(Some)
    }
}

/// The entries of a table whose keys the options struct does not fix.
pub(super) struct Pairs<'a> {
    entries: std::slice::Iter<'a, Entry>,
    current: Option<&'a Entry>,
    pass: &'a Pass,
    strict: bool,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(table: &'a Table, of: &ValueDecoder<'a>) -> Pairs<'a> {
        Pairs { entries: table.entries.iter(), current: None, pass: of.pass, strict: of.strict }
    }

    fn value<'de, S: DeserializeSeed<'de>>(&self, entry: &Entry, seed: S) -> Result<S::Value, Failure> {
        let decoder = ValueDecoder {
            value: Here::Value(&entry.value),
            line: entry.line,
            pass: self.pass,
            strict: self.strict,
        };
        seed.deserialize(decoder).map_err(|failure| failure.in_map(&entry.key, entry.line))
    }
}

impl<'de> MapAccess<'de> for Pairs<'_> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        self.current = self.entries.next();
        self.current.map(|entry| seed.deserialize(StrDeserializer::new(&entry.key))).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        match self.current {
            Some(entry) => self.value(entry, seed),
            None => Err(Failure::text("a value was asked for before its key".into())),
        }
    }
}

/// The entries of a table for a `Vec<(String, T)>`.
pub(super) struct PairsInSequence<'a>(pub(super) Pairs<'a>);

impl<'de> SeqAccess<'de> for PairsInSequence<'_> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        self.0.current = self.0.entries.next();
        match self.0.current {
            Some(entry) => seed.deserialize(PairDecoder { entry, pairs: &self.0 }).map(Some),
            None => Ok(None),
        }
    }
}

/// One entry of a table as a tuple of key and value. Whoever asks for anything else wanted an array.
struct PairDecoder<'a> {
    entry: &'a Entry,
    pairs: &'a Pairs<'a>,
}

impl<'de> Deserializer<'de> for PairDecoder<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Failure> {
        Err(Failure::found("slice", Value::Table(Table::default()).go_type()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Pair { decoder: self, given: 0 })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple_struct map struct enum identifier ignored_any
    }
}

struct Pair<'a> {
    decoder: PairDecoder<'a>,
    given: usize,
}

impl<'de> SeqAccess<'de> for Pair<'_> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        self.given += 1;
        match self.given {
            1 => seed.deserialize(StrDeserializer::new(&self.decoder.entry.key)).map(Some),
            2 => self.decoder.pairs.value(self.decoder.entry, seed).map(Some),
            _ => Ok(None),
        }
    }
}

/// The entries of a table that an options struct has fields for.
pub(super) struct Fields<'a> {
    owner: &'static str,
    fields: &'static [&'static str],
    table: &'a Table,
    rest: std::slice::Iter<'a, Entry>,
    current: Option<(&'a Entry, Field)>,
    pass: &'a Pass,
    strict: bool,
}

impl<'a> Fields<'a> {
    /// Notes unknown keys at once: one of this table comes before one of a table below.
    pub(super) fn new(
        owner: &'static str,
        fields: &'static [&'static str],
        table: &'a Table,
        pass: &'a Pass,
        strict: bool,
    ) -> Fields<'a> {
        let these = Fields { owner, fields, table, rest: table.entries.iter(), current: None, pass, strict };
        for entry in table.entries.iter().filter(|entry| strict && these.field_of(&entry.key).is_none()) {
            pass.saw_unknown(&entry.key, entry.line);
        }
        these
    }

    /// The field that takes an entry.
    fn field_of(&self, key: &str) -> Option<Field> {
        let mut fields = self.fields.iter().map(|&serde| Field { serde });
        let exact = fields.clone().find(|field| field.key() == key);
        exact.or_else(|| fields.find(|field| folds_to(field.key(), key)))
    }

    /// Whether a field takes this entry and not another one that is spelt more exactly.
    fn is_chosen(&self, entry: &Entry, field: Field) -> bool {
        self.table.option(field.key()).is_some_and(|chosen| chosen.key == entry.key)
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        while let Some(entry) = self.rest.next() {
            if let Some(field) = self.field_of(&entry.key)
                && self.is_chosen(entry, field)
            {
                self.current = Some((entry, field));
                return seed.deserialize(StrDeserializer::new(field.serde)).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        let Some((entry, field)) = self.current else {
            return Err(Failure::text("a value was asked for before its key".into()));
        };
        let decoder = ValueDecoder {
            value: Here::Value(&entry.value),
            line: entry.line,
            pass: self.pass,
            strict: self.strict && folds_to(&entry.key, &field.go()),
        };
        seed.deserialize(decoder)
            .map_err(|failure| failure.in_field(self.owner, field, &entry.key, entry.line))
    }
}
