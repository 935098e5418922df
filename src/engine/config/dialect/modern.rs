//! TOML 1.0, for what Heka's dialect refuses.

use std::ops::Range;

use heka_plugin::config::Entry;
use heka_plugin::{Table, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Parses a text as TOML 1.0; `None`: it is none.
pub(super) fn parse(text: &str) -> Option<Table> {
    let lines = Lines { starts: text.match_indices('\n').map(|(index, _)| index + 1).collect() };
    let root = DeTable::parse(text).ok()?;
    table(root.get_ref(), 1, &lines)
}

struct Lines {
    /// Where the second and later lines start.
    starts: Vec<usize>,
}

impl Lines {
    fn of(&self, span: &Range<usize>) -> u32 {
        let line = self.starts.partition_point(|&start| start <= span.start) + 1;
        u32::try_from(line).unwrap_or(u32::MAX)
    }
}

fn table(from: &DeTable<'_>, line: u32, lines: &Lines) -> Option<Table> {
    let mut pairs: Vec<_> = from.iter().collect();
    pairs.sort_by_key(|(key, _)| key.span().start);
    let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let line = lines.of(&key.span());
        let key: &std::borrow::Cow<'_, str> = key.get_ref();
        Some(Entry { key: key.to_string(), value: self::value(value, line, lines)?, line })
    };
    Some(Table { entries: pairs.into_iter().map(entry).collect::<Option<_>>()?, line })
}

fn value(from: &Spanned<DeValue<'_>>, line: u32, lines: &Lines) -> Option<Value> {
    Some(match from.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()?)
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().ok()?),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(date) => Value::Datetime(date.to_string()),
        DeValue::Array(values) => Value::Array(
            values
                .iter()
                .map(|element| value(element, lines.of(&element.span()), lines))
                .collect::<Option<_>>()?,
        ),
        DeValue::Table(sub) => Value::Table(table(sub, line, lines)?),
    })
}
