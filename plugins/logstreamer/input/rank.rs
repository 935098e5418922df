//! What a file's name says about its place among the others: numbers for captures, and their order.

use std::cmp::Ordering;
use std::collections::HashMap;

/// `translation`: per capture name the numbers of its values, keys in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Translation(HashMap<String, HashMap<String, i64>>);

impl Translation {
    /// Takes the option's tables over.
    ///
    /// # Errors
    /// Heka's text: a table of one entry can only say what stands for a missing value.
    pub(super) fn new(tables: &HashMap<String, HashMap<String, i64>>) -> Result<Translation, String> {
        let mut names: Vec<_> = tables.iter().collect();
        names.sort_by_key(|(name, _)| name.as_str());
        let mut out = HashMap::new();
        for (name, table) in names {
            if table.len() == 1 && !table.contains_key("missing") {
                return Err(format!(
                    "A translation map with one entry ('{name}') must be specifying a 'missing' key."
                ));
            }
            let table = table.iter().map(|(value, number)| (value.to_lowercase(), *number)).collect();
            out.insert(name.clone(), table);
        }
        Ok(Translation(out))
    }

    /// The number of a capture's value; `None` for a value that a month, a day or a table of several entries does not know.
    fn number(&self, name: &str, value: &str) -> Option<i64> {
        let word = if value.is_empty() { "missing".to_owned() } else { value.to_lowercase() };
        match name {
            "MonthName" => return position(&MONTHS, &word).map(|index| index + 1),
            "DayName" => return position(&DAYS, &word),
            _ => {}
        }
        match self.0.get(name) {
            Some(table) if table.len() > 1 => table.get(&word).copied(),
            Some(table) if word == "missing" => Some(table.get("missing").copied().unwrap_or(-1)),
            _ if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(value.parse().unwrap_or(i64::MAX))
            }
            _ => Some(-1),
        }
    }
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Index of a name that is given in full or by its first three letters.
fn position(names: &[&str], word: &str) -> Option<i64> {
    let index = names.iter().position(|name| *name == word || name[..3] == *word)?;
    i64::try_from(index).ok()
}

/// The captures of one file name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Captures {
    texts: HashMap<String, String>,
    numbers: HashMap<String, i64>,
}

impl Captures {
    /// Takes the captures in the order of their groups; unnamed ones have the name "". The first value without a number
    /// ends it: later captures then count as not there, as in Heka.
    pub(super) fn new<'a>(
        groups: impl Iterator<Item = (&'a str, String)>,
        translation: &Translation,
    ) -> Captures {
        let mut captures = Captures::default();
        for (name, value) in groups {
            let number = if name.is_empty() { None } else { Some(translation.number(name, &value)) };
            captures.texts.insert(name.to_owned(), value);
            match number {
                None => {}
                Some(Some(number)) => {
                    captures.numbers.insert(name.to_owned(), number);
                }
                Some(None) => break,
            }
        }
        captures
    }

    /// The stream's name: for each part the text of the capture of that name, else the part itself.
    pub(super) fn stream_name(&self, differentiator: &[String]) -> String {
        differentiator.iter().map(|part| self.texts.get(part).map_or(part.as_str(), String::as_str)).collect()
    }

    fn number(&self, name: &str) -> i64 {
        self.numbers.get(name).copied().unwrap_or(0)
    }
}

/// Compares by `priority`, oldest first. A name with `^` in front counts downwards.
pub(super) fn by_priority(priority: &[String], a: &Captures, b: &Captures) -> Ordering {
    let compare = |part: &String| match part.strip_prefix('^') {
        Some(name) => b.number(name).cmp(&a.number(name)),
        None => a.number(part).cmp(&b.number(part)),
    };
    priority.iter().map(compare).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
#[path = "rank/tests.rs"]
mod tests;
