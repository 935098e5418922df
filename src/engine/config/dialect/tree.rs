//! Puts entries and tables in their places and refuses those that are there already.

use std::collections::HashSet;

use heka_plugin::config::Entry;
use heka_plugin::{Table, Value};

/// Why the dialect refuses a text.
#[derive(Debug)]
pub(super) struct Refusal {
    /// What is wrong.
    pub(super) text: String,
    /// Where reading stopped, if reading is what failed.
    pub(super) line: Option<u32>,
    /// The text is not tried as TOML 1.0, which would give it another meaning.
    pub(super) is_final: bool,
}

impl Refusal {
    /// A refusal of something that could be read.
    pub(super) fn of_structure(text: impl Into<String>) -> Refusal {
        Refusal { text: text.into(), line: None, is_final: false }
    }
}

/// The tables read so far.
#[derive(Default)]
pub(super) struct Tree {
    root: Table,
    /// Path of the table that takes entries.
    context: Vec<String>,
    /// Tables that exist only because one below them was named. They may be named themselves once.
    implicit: HashSet<Vec<String>>,
}

impl Tree {
    pub(super) fn into_root(self) -> Table {
        self.root
    }

    /// The path of `key`, or of the current table if it is empty, as errors show it.
    pub(super) fn path_of(&self, key: &str) -> String {
        let keys = self.context.iter().map(String::as_str);
        let path: Vec<&str> = keys.chain((!key.is_empty()).then_some(key)).collect();
        path.join(".")
    }

    /// Begins the table of a header on `line`.
    pub(super) fn open_table(&mut self, mut path: Vec<String>, line: u32) -> Result<(), Refusal> {
        let Some(name) = path.pop() else { return Ok(()) };
        let mut place = &mut self.root;
        for (index, key) in path.iter().enumerate() {
            if place.get(key).is_none() {
                self.implicit.insert(path.iter().take(index + 1).cloned().collect());
                place.entries.push(Entry { key: key.clone(), value: Value::Table(empty(line)), line });
            }
            place = match place.entries.iter_mut().find(|entry| entry.key == *key) {
                Some(Entry { value: Value::Table(table), .. }) => table,
                _ => {
                    let taken = path.get(..=index).unwrap_or_default().join(".");
                    return Err(Refusal::of_structure(format!(
                        "Key '{taken}' was already created as a hash."
                    )));
                }
            };
        }
        self.context = path;
        self.set(&name, Value::Table(empty(line)), line)?;
        self.context.push(name);
        Ok(())
    }

    /// Sets a key of the current table. `line` is where the key stands.
    pub(super) fn set(&mut self, key: &str, value: Value, line: u32) -> Result<(), Refusal> {
        let path: Vec<String> = self.context.iter().cloned().chain([key.to_owned()]).collect();
        let was_implicit = self.implicit.remove(&path);
        let defined = || Refusal::of_structure(format!("Key '{}' has already been defined.", path.join(".")));
        let mut place = &mut self.root;
        for key in &self.context {
            place = match place.entries.iter_mut().find(|entry| entry.key == *key) {
                Some(Entry { value: Value::Table(table), .. }) => table,
                _ => return Err(defined()),
            };
        }
        match place.entries.iter_mut().find(|entry| entry.key == key) {
            None => place.entries.push(Entry { key: key.into(), value, line }),
            Some(entry) if was_implicit && matches!(value, Value::Table(_)) => {
                entry.line = line;
                if let Value::Table(table) = &mut entry.value {
                    table.line = line;
                }
            }
            Some(_) => return Err(defined()),
        }
        Ok(())
    }
}

fn empty(line: u32) -> Table {
    Table { entries: Vec::new(), line }
}
