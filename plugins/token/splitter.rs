//! Cuts a stream at every occurrence of one byte.

use heka_plugin::splitter::SplitterPlugin;
use heka_plugin::{ConfigError, Context, Found, PluginDef, Splitter, registry};
use schemars::JsonSchema;
use serde::Deserialize;

/// The row of this plugin.
pub static DEF: PluginDef = registry::splitter::<TokenSplitter>();

/// Splits at a character.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "pipeline.TokenSplitterConfig", default, deny_unknown_fields)]
pub struct Config {
    /// The byte that ends a record. The record keeps it.
    pub delimiter: String,
    /// How many delimiters end a record. 0 is 1.
    pub count: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { delimiter: "\n".into(), count: 1 }
    }
}

/// Cuts a stream at every occurrence of one byte, which stays at the end of the record.
pub struct TokenSplitter {
    delimiter: u8,
    count: u64,
}

impl SplitterPlugin for TokenSplitter {
    type Config = Config;
    const NAME: &'static str = "TokenSplitter";

    fn open(config: Config, _: &Context) -> Result<TokenSplitter, ConfigError> {
        let [delimiter] = config.delimiter.as_bytes() else {
            return Err(ConfigError::init("TokenSplitter delimiter must be a single character."));
        };
        Ok(TokenSplitter { delimiter: *delimiter, count: config.count.max(1) })
    }
}

impl Splitter for TokenSplitter {
    #[inline]
    fn find(&mut self, bytes: &[u8]) -> Found {
        let end = if self.count == 1 {
            memchr::memchr(self.delimiter, bytes)
        } else {
            let nth = usize::try_from(self.count - 1).unwrap_or(usize::MAX);
            memchr::memchr_iter(self.delimiter, bytes).nth(nth)
        };
        match end {
            Some(end) => Found { consumed: end + 1, record: Some(0..end + 1), problem: None },
            None => Found::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::split_all::{rest_and_records, split};

    fn splitter(delimiter: &str, count: u64) -> TokenSplitter {
        TokenSplitter::open(Config { delimiter: delimiter.into(), count }, &Context::for_test("s")).unwrap()
    }

    #[test]
    fn records_keep_their_delimiters() {
        let text = b"one\ntwo\n\nthree\r\nlast";
        for (delimiter, count, records) in [
            ("\n", 1, &["one\n", "two\n", "\n", "three\r\n"][..]),
            ("\n", 0, &["one\n", "two\n", "\n", "three\r\n"]),
            ("\n", 2, &["one\ntwo\n", "\nthree\r\n"]),
            ("\n", 3, &["one\ntwo\n\n"]),
            ("\n", 99, &[]),
            ("e", 1, &["one", "\ntwo\n\nthre", "e"]),
            ("\t", 1, &[]),
        ] {
            assert_eq!(split(&mut splitter(delimiter, count), text), records, "{delimiter:?} {count}");
        }
    }

    #[test]
    fn a_delimiter_is_one_byte() {
        for delimiter in ["", "ab", "é"] {
            let opened = TokenSplitter::open(
                Config { delimiter: delimiter.into(), count: 1 },
                &Context::for_test("s"),
            );
            let text = opened.err().map(|error| error.to_string());
            assert_eq!(text.as_deref(), Some("TokenSplitter delimiter must be a single character."));
        }
    }

    proptest! {
        #[test]
        fn no_byte_is_lost(text: Vec<u8>, delimiter in "[ab\n]", count in 0_u64..4) {
            let (rest, records) = rest_and_records(&mut splitter(&delimiter, count), &text);
            let whole: Vec<u8> = records.concat().into_iter().chain(rest).collect();
            prop_assert_eq!(whole, text);
        }
    }
}
