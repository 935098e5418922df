//! Go's regular expressions (RE2 syntax) on the `regex` crate.
//!
//! A pattern is parsed as Go's `regexp/syntax` does, errors included, and written anew for the `regex`
//! crate with nothing left to that crate's own reading: every flag, class and anchor is spelt out.
//!
//! Go sees an invalid UTF-8 byte as one character, U+FFFD. A pattern that can tell (one with a dot or a
//! negated class) is run on a copy of an invalid haystack in which each such byte is that character.

mod class;
mod emit;
mod escape;
mod literal;
mod node;
mod parse;
mod replaced;

use std::ops::Range;

use thiserror::Error;

use replaced::Replaced;

/// Why a pattern is not a regular expression, in the words of Go's `regexp/syntax`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("error parsing regexp: {reason}: `{part}`")]
pub struct RegexError {
    reason: &'static str,
    part: String,
}

impl RegexError {
    fn new(reason: &'static str, part: &str) -> RegexError {
        RegexError { reason, part: part.to_owned() }
    }
}

/// Most bytes that the `regex` crate may use for one compiled expression.
const MAX_COMPILED_SIZE: usize = 256 << 20;
/// Go nests up to 1000 deep; written anew a level may take a few groups.
const MAX_NESTING: u32 = 5000;

/// A compiled regular expression.
#[derive(Clone, Debug)]
pub struct Regex {
    text: String,
    regex: regex::bytes::Regex,
    names: Vec<String>,
    literal: literal::Literal,
    /// Whether U+FFFD, and with it an invalid byte, can be part of a match.
    sees_invalid: bool,
}

/// A match: the range of bytes in the haystack.
pub type Match = Range<usize>;

/// A match and its groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captures<'h> {
    haystack: &'h [u8],
    groups: Vec<Option<Range<usize>>>,
}

impl<'h> Captures<'h> {
    /// Where group `index` matched; group 0 is the whole match. `None` when the group took no part.
    pub fn range(&self, index: usize) -> Option<Range<usize>> {
        self.groups.get(index)?.clone()
    }

    /// What group `index` matched.
    pub fn get(&self, index: usize) -> Option<&'h [u8]> {
        self.haystack.get(self.range(index)?)
    }

    /// Number of groups, group 0 included.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }
}

impl Regex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When Go would refuse the pattern, with its text.
    pub fn new(pattern: &str) -> Result<Regex, RegexError> {
        let parsed = parse::parse(pattern)?;
        let regex = regex::bytes::RegexBuilder::new(&emit::emit(&parsed.root))
            .size_limit(MAX_COMPILED_SIZE)
            .nest_limit(MAX_NESTING)
            .build()
            .map_err(|_| RegexError::new("expression too large", pattern))?;
        Ok(Regex {
            text: pattern.to_owned(),
            regex,
            literal: literal::Literal::of(&parsed.root),
            sees_invalid: parsed.root.sees_invalid,
            names: parsed.names,
        })
    }

    /// The pattern.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern matches anywhere.
    #[inline]
    pub fn is_match(&self, haystack: &[u8]) -> bool {
        match self.replace_invalid(haystack) {
            None => self.regex.is_match(haystack),
            Some(replaced) => self.regex.is_match(&replaced.text),
        }
    }

    /// The leftmost match.
    pub fn find(&self, haystack: &[u8]) -> Option<Match> {
        self.find_at(haystack, 0)
    }

    /// The leftmost match that begins at `start` or later; what lies before still counts for anchors.
    /// None when `start` is past the end.
    pub fn find_at(&self, haystack: &[u8], start: usize) -> Option<Match> {
        if start > haystack.len() {
            return None;
        }
        match self.replace_invalid(haystack) {
            None => self.regex.find_at(haystack, start).map(|found| found.range()),
            Some(replaced) => {
                let found = self.regex.find_at(&replaced.text, replaced.position(start))?;
                Some(replaced.original(found.range()))
            }
        }
    }

    /// The leftmost match with its groups.
    pub fn captures<'h>(&self, haystack: &'h [u8]) -> Option<Captures<'h>> {
        self.captures_at(haystack, 0)
    }

    /// The leftmost match that begins at `start` or later, with its groups.
    pub fn captures_at<'h>(&self, haystack: &'h [u8], start: usize) -> Option<Captures<'h>> {
        if start > haystack.len() {
            return None;
        }
        let replaced = self.replace_invalid(haystack);
        let captures = match &replaced {
            None => self.regex.captures_at(haystack, start)?,
            Some(replaced) => self.regex.captures_at(&replaced.text, replaced.position(start))?,
        };
        let original =
            |range| replaced.as_ref().map_or_else(|| Range::clone(&range), |r| r.original(range.clone()));
        let groups = captures.iter().map(|group| group.map(|group| original(group.range()))).collect();
        Some(Captures { haystack, groups })
    }

    /// The names of the groups by index, as Go's `SubexpNames` lists them: the first, for the whole
    /// match, is empty, and so are those of groups without a name. Names may repeat.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Go's `LiteralPrefix`: text that every match begins with, and whether it is the whole expression.
    /// As in Go the latter is also said of a literal between `^` and `$`.
    pub fn literal_prefix(&self) -> (&str, bool) {
        (&self.literal.prefix, self.literal.complete)
    }

    /// The text that the pattern stands for, when it is nothing but that.
    pub(crate) fn whole_literal(&self) -> Option<&str> {
        (self.literal.complete && !self.literal.anchored).then_some(&self.literal.prefix)
    }

    #[inline]
    fn replace_invalid(&self, haystack: &[u8]) -> Option<Replaced> {
        if self.sees_invalid { Replaced::new(haystack) } else { None }
    }
}

#[cfg(test)]
mod tests;
