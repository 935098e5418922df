//! Cuts a stream where a regular expression matches.

use heka_message::Regex;
use heka_plugin::splitter::SplitterPlugin;
use heka_plugin::{ConfigError, Context, Found, PluginDef, Splitter, registry};
use schemars::JsonSchema;
use serde::Deserialize;

/// The row of this plugin.
pub static DEF: PluginDef = registry::splitter::<RegexSplitter>();

/// Splits at what a regular expression matches.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "pipeline.RegexSplitterConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Regular expression (RE2) for what lies between records; it is removed. It may have one capture group, whose text
    /// is kept.
    pub delimiter: String,
    /// Whether the captured text ends the record before the delimiter or begins the one after it.
    #[serde(rename = "delimiter_eol|DelimiterEOL")]
    pub delimiter_eol: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { delimiter: "\n".into(), delimiter_eol: true }
    }
}

/// Cuts a stream where a regular expression matches. Without a capture group the match is removed; with one the record
/// ends behind the captured text, or (`delimiter_eol = false`) the next one begins with it.
pub struct RegexSplitter {
    delimiter: Regex,
    /// The delimiter is a text, not a pattern.
    literal: Option<memchr::memmem::Finder<'static>>,
    has_group: bool,
    eol: bool,
    /// Bytes at the start that the last match captured; no delimiter is looked for in them.
    carried: usize,
}

impl SplitterPlugin for RegexSplitter {
    type Config = Config;
    const NAME: &'static str = "RegexSplitter";

    fn open(config: Config, _: &Context) -> Result<RegexSplitter, ConfigError> {
        let delimiter = Regex::new(&config.delimiter).map_err(ConfigError::init)?;
        let groups = delimiter.names().len() - 1;
        if groups > 1 {
            let text = format!("regex must not contain more than one capture group: {}", config.delimiter);
            return Err(ConfigError::init(text));
        }
        let literal = is_literal(&config.delimiter)
            .then(|| memchr::memmem::Finder::new(config.delimiter.as_bytes()).into_owned());
        Ok(RegexSplitter {
            delimiter,
            literal,
            has_group: groups == 1,
            eol: config.delimiter_eol,
            carried: 0,
        })
    }
}

impl Splitter for RegexSplitter {
    fn find(&mut self, bytes: &[u8]) -> Found {
        if let Some(literal) = &self.literal {
            return match literal.find(bytes) {
                Some(at) => found(at, at + literal.needle().len()),
                None => Found::default(),
            };
        }
        if self.has_group { self.find_capture(bytes) } else { self.find_plain(bytes) }
    }
}

impl RegexSplitter {
    fn find_plain(&self, bytes: &[u8]) -> Found {
        let mut from = 0;
        while let Some(delimiter) = self.delimiter.find_at(bytes, from) {
            if !delimiter.is_empty() {
                return found(delimiter.start, delimiter.end);
            }
            // A delimiter of no bytes would cut for ever at the same place.
            from = delimiter.end + 1;
        }
        Found::default()
    }

    fn find_capture(&mut self, bytes: &[u8]) -> Found {
        let mut from = self.carried.min(bytes.len());
        let anchor = from;
        // The original searches as if the carried text were not there.
        while let Some(captures) = self.delimiter.captures_at(&bytes[anchor..], from - anchor) {
            let Some(whole) = captures.range(0).map(|range| range.start + anchor..range.end + anchor) else {
                break;
            };
            let group = captures.range(1).map(|range| range.start + anchor..range.end + anchor);
            let cut = match group {
                None => found(whole.start, whole.end),
                Some(group) if self.eol => found(group.end, whole.end),
                Some(group) => found(whole.start, group.start),
            };
            if cut.consumed == 0 || whole.is_empty() {
                from = whole.end.max(from + 1);
                continue;
            }
            self.carried = if self.eol { 0 } else { captures.range(1).map_or(0, |group| group.len()) };
            return cut;
        }
        Found::default()
    }
}

/// Whether an expression stands for itself: it has no character that means anything in one.
fn is_literal(expression: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"\n\r\t ;,:<>\"'=&#%@!~_-/".contains(&byte);
    !expression.is_empty() && expression.bytes().all(plain)
}

fn found(end: usize, consumed: usize) -> Found {
    Found { consumed, record: Some(0..end), problem: None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::split_all::{rest_and_records, split, split_pieces};

    fn splitter(delimiter: &str, delimiter_eol: bool) -> RegexSplitter {
        let config = Config { delimiter: delimiter.into(), delimiter_eol };
        RegexSplitter::open(config, &Context::for_test("s")).unwrap()
    }

    #[test]
    fn without_a_group_the_delimiter_is_removed() {
        let text = b"one\ntwo\nthree\r\nfour;five;six\n  seven  \nLAST F tail\n";
        for (delimiter, records) in [
            ("\n", &["one", "two", "three\r", "four;five;six", "  seven  ", "LAST F tail"][..]),
            ("\\n", &["one", "two", "three\r", "four;five;six", "  seven  ", "LAST F tail"]),
            ("[;\n]", &["one", "two", "three\r", "four", "five", "six", "  seven  ", "LAST F tail"]),
            (";five;", &["one\ntwo\nthree\r\nfour"]),
            ("(?i)F", &["one\ntwo\nthree\r\n", "our;", "ive;six\n  seven  \nLAST "]),
            ("\\r?\n", &["one", "two", "three", "four;five;six", "  seven  ", "LAST F tail"]),
        ] {
            assert_eq!(split(&mut splitter(delimiter, true), text), records, "{delimiter:?}");
        }
    }

    #[test]
    fn a_group_is_kept_before_or_behind_the_cut() {
        assert_eq!(split(&mut splitter("--(X)-", true), b"a--X-b--X-c"), ["a--X", "b--X"]);
        assert_eq!(split(&mut splitter("--(X)-", false), b"a--X-b--X-c--X-"), ["a", "X-b", "X-c"]);
        assert_eq!(split(&mut splitter("--(X)-|;", true), b"a;b--X-c;"), ["a", "b--X", "c"]);
        assert_eq!(split(&mut splitter("--(X)-|;", false), b"a;b--X-c;"), ["a", "b", "X-c"]);
    }

    #[test]
    fn a_carried_group_is_no_delimiter_even_when_it_comes_in_pieces() {
        let pieces: [&[u8]; 4] = [b"a\n>", b"b\n", b">c\n", b">"];
        assert_eq!(split_pieces(&mut splitter("\n(>)", false), &pieces), ["a", ">b", ">c"]);
        assert_eq!(split_pieces(&mut splitter("(>)", false), &[b">a>b", b">c"]), [">a", ">b"]);
    }

    #[test]
    fn empty_records_neither_stall_nor_end_anything() {
        let text = b"one\ntwo\n\nthree\nfour\n\n\nfive\n";
        let records = ["one", "two", "three", "four", "five"];
        assert_eq!(split(&mut splitter("\n", true), text), records);
        assert_eq!(split(&mut splitter("\\n", true), text), records);
    }

    #[test]
    fn a_delimiter_that_may_be_empty_cuts_only_where_it_is_not() {
        assert_eq!(split(&mut splitter("x*", true), b"abxxcdx"), ["ab", "cd"]);
        assert_eq!(split(&mut splitter("(x*)", true), b"abxxcdx"), ["abxx", "cdx"]);
        assert_eq!(split(&mut splitter("", true), b"ab"), [""; 0]);
    }

    #[test]
    fn refused_expressions() {
        let text = |delimiter: &str| {
            let config = Config { delimiter: delimiter.into(), delimiter_eol: true };
            RegexSplitter::open(config, &Context::for_test("s")).err().unwrap().to_string()
        };
        assert_eq!(text("(a)(b)"), "regex must not contain more than one capture group: (a)(b)");
        assert_eq!(text("("), "error parsing regexp: missing closing ): `(`");
    }

    proptest! {
        #[test]
        fn only_delimiters_are_lost(text in "[a\n;]{0,40}", eol: bool) {
            for delimiter in ["\n", ";|\n", "\n+"] {
                let (rest, records) = rest_and_records(&mut splitter(delimiter, eol), text.as_bytes());
                let kept: Vec<u8> = records.concat().into_iter().chain(rest).filter(|b| !b"\n;".contains(b)).collect();
                let given: Vec<u8> = text.bytes().filter(|b| !b"\n;".contains(b)).collect();
                prop_assert_eq!(kept, given);
            }
        }

        #[test]
        fn nothing_is_lost_around_a_group_that_is_the_whole_delimiter(text in "[ab\n]{0,40}", eol: bool) {
            let (rest, records) = rest_and_records(&mut splitter("(\n+)", eol), text.as_bytes());
            let whole: Vec<u8> = records.concat().into_iter().chain(rest).collect();
            prop_assert_eq!(whole, text.into_bytes());
        }
    }
}
