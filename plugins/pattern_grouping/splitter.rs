//! Cuts a stream into lines and joins those that belong together, such as stack traces.

use heka_message::Regex;
use heka_plugin::splitter::SplitterPlugin;
use heka_plugin::{ConfigError, Context, Found, PluginDef, Splitter, registry};
use schemars::JsonSchema;
use serde::Deserialize;

/// The row of this plugin.
pub static DEF: PluginDef = registry::splitter::<PatternGroupingSplitter>();

/// Joins lines that belong together by a pattern.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "pipeline.PatternGroupingSplitterConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Regular expression (RE2) for the end of a line. Records keep it.
    pub delimiter: String,
    /// Regular expression (RE2) that lines of a group match. Empty matches all lines.
    pub grouping: String,
    /// Most lines in a record; negative is no limit. With 0 nothing is ever found.
    pub max_lines: i64,
}

impl Default for Config {
    fn default() -> Config {
        Config { delimiter: "\n".into(), grouping: String::new(), max_lines: 99 }
    }
}

/// Cuts a stream into lines, delimiters included, and joins a line that matches `grouping` with the following ones that
/// do.
///
/// The second line is tested together with the first, so that it is joined unless the expression is anchored. A group
/// whose lines do not come in one piece is not joined.
pub struct PatternGroupingSplitter {
    delimiter: Regex,
    grouping: Regex,
    /// `None`: no limit.
    max_lines: Option<u64>,
}

impl SplitterPlugin for PatternGroupingSplitter {
    type Config = Config;
    const NAME: &'static str = "PatternGroupingSplitter";

    fn open(config: Config, _: &Context) -> Result<PatternGroupingSplitter, ConfigError> {
        Ok(PatternGroupingSplitter {
            delimiter: Regex::new(&config.delimiter).map_err(ConfigError::init)?,
            grouping: Regex::new(&config.grouping).map_err(ConfigError::init)?,
            max_lines: u64::try_from(config.max_lines).ok(),
        })
    }
}

impl Splitter for PatternGroupingSplitter {
    fn find(&mut self, bytes: &[u8]) -> Found {
        let mut lines = 0;
        let mut next = 0;
        let mut delimiters = std::iter::from_fn(|| {
            if self.max_lines.is_some_and(|most| lines >= most) {
                return None;
            }
            lines += 1;
            let delimiter = self.next_delimiter(bytes, next)?;
            next = delimiter.end;
            Some(delimiter)
        });
        let Some(first) = delimiters.next() else { return Found::default() };
        let mut end = first.end;
        if self.grouping.is_match(&bytes[..first.end]) {
            let mut line_start = 0;
            for delimiter in delimiters {
                if !self.grouping.is_match(&bytes[line_start..delimiter.start]) {
                    break;
                }
                end = delimiter.end;
                line_start = delimiter.end;
            }
        }
        Found { consumed: end, record: Some(0..end), problem: None }
    }
}

impl PatternGroupingSplitter {
    /// The next delimiter that has any bytes: one without would give a record without.
    fn next_delimiter(&self, bytes: &[u8], mut from: usize) -> Option<heka_message::Match> {
        loop {
            let delimiter = self.delimiter.find_at(bytes, from)?;
            if !delimiter.is_empty() {
                return Some(delimiter);
            }
            from = delimiter.end + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::split_all::{rest_and_records, split};

    fn splitter(delimiter: &str, grouping: &str, max_lines: i64) -> PatternGroupingSplitter {
        let config = Config { delimiter: delimiter.into(), grouping: grouping.into(), max_lines };
        PatternGroupingSplitter::open(config, &Context::for_test("s")).unwrap()
    }

    const TEXT: &[u8] =
        b"plain 1\nboom Exception\n\tat a\n\tat b\nCaused by: e\n\tat f\nplain 2\nplain 3\nend\nnext\n";

    #[test]
    fn lines_of_a_group_are_joined() {
        for (grouping, max_lines, records) in [
            (
                "^(\\s|Caused)|Exception",
                99,
                &[
                    "plain 1\n",
                    "boom Exception\n\tat a\n\tat b\nCaused by: e\n\tat f\n",
                    "plain 2\n",
                    "plain 3\n",
                    "end\n",
                    "next\n",
                ][..],
            ),
            (
                "^\\s|Exception",
                2,
                &[
                    "plain 1\n",
                    "boom Exception\n\tat a\n",
                    "\tat b\nCaused by: e\n",
                    "\tat f\nplain 2\n",
                    "plain 3\n",
                    "end\n",
                    "next\n",
                ],
            ),
            (
                "^\\s|Exception",
                -1,
                &[
                    "plain 1\n",
                    "boom Exception\n\tat a\n\tat b\n",
                    "Caused by: e\n",
                    "\tat f\nplain 2\n",
                    "plain 3\n",
                    "end\n",
                    "next\n",
                ],
            ),
            ("", 99, &[std::str::from_utf8(TEXT).unwrap()]),
            ("", 0, &[]),
        ] {
            assert_eq!(
                split(&mut splitter("\n", grouping, max_lines), TEXT),
                records,
                "{grouping} {max_lines}"
            );
        }
        assert_eq!(
            split(&mut splitter("\n", "^X", 99), b"a\nXb\nc\nXd\nXe\nf\ng\n"),
            ["a\n", "Xb\nc\nXd\nXe\n", "f\n", "g\n"]
        );
        assert_eq!(split(&mut splitter(";", "x", 99), b"p;x1;x2;y;z"), ["p;", "x1;x2;", "y;"]);
    }

    #[test]
    fn an_expression_that_fits_one_line_only_does_not_stall() {
        assert_eq!(split(&mut splitter("\n", "^a\n$", 99), b"a\na\nb\n"), ["a\n", "a\n", "b\n"]);
    }

    #[test]
    fn refused_expressions() {
        let open = |delimiter: &str, grouping: &str| {
            let config = Config { delimiter: delimiter.into(), grouping: grouping.into(), max_lines: 99 };
            PatternGroupingSplitter::open(config, &Context::for_test("s")).err().unwrap().to_string()
        };
        assert_eq!(open("\n", "["), "error parsing regexp: missing closing ]: `[`");
        assert_eq!(open("(", ""), "error parsing regexp: missing closing ): `(`");
    }

    proptest! {
        #[test]
        fn no_byte_is_lost(text in "[aX\n]{0,60}", max_lines in -1_i64..5) {
            for grouping in ["", "^X", "X", "^a\n$"] {
                let (rest, records) = rest_and_records(&mut splitter("\n", grouping, max_lines), text.as_bytes());
                let whole: Vec<u8> = records.concat().into_iter().chain(rest).collect();
                prop_assert_eq!(whole, text.as_bytes());
            }
        }
    }
}
