//! The data of a parsed configuration file.

/// A value of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string. Bytes that are no UTF-8 were replaced when the file was read.
    String(String),
    /// An integer.
    Integer(i64),
    /// A number with a decimal point.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A date with time, as written.
    Datetime(String),
    /// An array.
    Array(Vec<Value>),
    /// A sub-table.
    Table(Table),
}

impl Value {
    /// The name of the Go type that Heka's parser gives such a value; it appears in error texts.
    pub fn go_type(&self) -> &'static str {
        match self {
            Value::String(_) => "string",
            Value::Integer(_) => "int64",
            Value::Float(_) => "float64",
            Value::Bool(_) => "bool",
            Value::Datetime(_) => "time.Time",
            Value::Array(_) => "[]interface {}",
            Value::Table(_) => "map[string]interface {}",
        }
    }
}

/// A key with its value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key as written.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Line in its file, from 1; 0 if unknown.
    pub line: u32,
}

/// A table: keys in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The entries; no key occurs twice.
    pub entries: Vec<Entry>,
    /// Line of the header, from 1; 0 if unknown.
    pub line: u32,
}

impl Table {
    /// The value of a key, spelt exactly so.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The entry that Heka takes for an option: the exact key, else one that differs only in letter case.
    pub fn option(&self, key: &str) -> Option<&Entry> {
        let exact = self.entries.iter().find(|entry| entry.key == key);
        exact.or_else(|| self.entries.iter().find(|entry| folds_to(&entry.key, key)))
    }

    /// Adds or replaces a key.
    pub fn set(&mut self, key: &str, value: Value) {
        match self.entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.value = value,
            None => self.entries.push(Entry { key: key.into(), value, line: 0 }),
        }
    }
}

/// Whether two keys are equal without regard to letter case.
pub(crate) fn folds_to(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

/// Names by which [`Value`] and [`Table`] ask the decoder for themselves.
pub(super) const VALUE: &str = "$heka::Value";
pub(super) const TABLE: &str = "$heka::Table";

/// A borrowed value: the outermost table of a decoding is not wrapped in a [`Value`].
#[derive(Clone, Copy)]
pub(super) enum Here<'a> {
    /// A table.
    Table(&'a Table),
    /// Any value.
    Value(&'a Value),
}

impl<'a> Here<'a> {
    pub(super) fn table(self) -> Option<&'a Table> {
        match self {
            Here::Table(table) | Here::Value(Value::Table(table)) => Some(table),
            Here::Value(_) => None,
        }
    }

    pub(super) fn go_type(self) -> &'static str {
        match self {
            Here::Table(_) => "map[string]interface {}",
            Here::Value(value) => value.go_type(),
        }
    }

    pub(super) fn to_value(self) -> Value {
        match self {
            Here::Table(table) => Value::Table(table.clone()),
            Here::Value(value) => value.clone(),
        }
    }
}
