//! What a value is compared with.

use std::cmp::Ordering;

use memchr::memmem;

use crate::re2::{Regex, RegexError};

/// A relational operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Relation {
    #[inline]
    pub(super) fn texts(self, left: &[u8], right: &[u8]) -> bool {
        match self {
            Relation::Equal => left == right,
            Relation::NotEqual => left != right,
            _ => self.ordered(left, right),
        }
    }

    #[inline(never)]
    fn ordered(self, left: &[u8], right: &[u8]) -> bool {
        self.holds(Some(left.cmp(right)))
    }

    #[inline]
    pub(super) fn numbers(self, left: f64, right: f64) -> bool {
        self.holds(left.partial_cmp(&right))
    }

    fn holds(self, ordering: Option<Ordering>) -> bool {
        match (self, ordering) {
            (Relation::NotEqual, ordering) => ordering != Some(Ordering::Equal),
            (_, None) => false,
            (Relation::Equal, Some(ordering)) => ordering.is_eq(),
            (Relation::Greater, Some(ordering)) => ordering.is_gt(),
            (Relation::GreaterOrEqual, Some(ordering)) => ordering.is_ge(),
            (Relation::Less, Some(ordering)) => ordering.is_lt(),
            (Relation::LessOrEqual, Some(ordering)) => ordering.is_le(),
        }
    }
}

/// A regular expression, or the plain test that does its work.
#[derive(Debug)]
pub(super) enum Pattern {
    /// `/^literal/`
    Prefix(Box<[u8]>),
    /// `/literal$/`
    Suffix(Box<[u8]>),
    /// `/literal/`
    Contains(Box<memmem::Finder<'static>>),
    /// Anything else.
    Regex(Box<Regex>),
}

impl Pattern {
    /// Compiles what stands between the slashes. As in the original `^` before a literal makes a prefix
    /// test and `$` behind one a suffix test, whatever flags the literal carries.
    pub(super) fn compile(text: &str) -> Result<Pattern, RegexError> {
        if let Some(literal) = text.strip_prefix('^').and_then(literal) {
            return Ok(Pattern::Prefix(literal));
        }
        if let Some(literal) = text.strip_suffix('$').and_then(literal) {
            return Ok(Pattern::Suffix(literal));
        }
        let regex = Regex::new(text)?;
        match regex.whole_literal() {
            Some(literal) => {
                Ok(Pattern::Contains(Box::new(memmem::Finder::new(literal.as_bytes()).into_owned())))
            }
            None => Ok(Pattern::Regex(Box::new(regex))),
        }
    }

    #[inline]
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        match self {
            Pattern::Prefix(literal) => text.starts_with(literal),
            Pattern::Suffix(literal) => text.ends_with(literal),
            Pattern::Contains(finder) => finder.find(text).is_some(),
            Pattern::Regex(regex) => regex.is_match(text),
        }
    }
}

fn literal(pattern: &str) -> Option<Box<[u8]>> {
    let regex = Regex::new(pattern).ok()?;
    match regex.literal_prefix() {
        (literal, true) => Some(literal.as_bytes().into()),
        (_, false) => None,
    }
}
