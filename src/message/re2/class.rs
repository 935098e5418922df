//! Character classes and single characters.

use std::fmt::Write;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::RegexError;
use super::escape;
use super::node::{Kind, Node};

/// What an invalid byte counts as.
const REPLACEMENT: u32 = char::REPLACEMENT_CHARACTER as u32;

/// A single character; with `fold` in any letter case.
pub(super) fn literal(literal: char, fold: bool) -> Node {
    let fold = fold && has_case(literal);
    Node::leaf(Kind::Literal { literal, fold }, u32::from(literal) == REPLACEMENT)
}

fn has_case(literal: char) -> bool {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(literal, literal)]);
    // Folding fails only without Unicode tables, and then nothing has a case.
    class.try_case_fold_simple().is_ok() && class.iter().map(ClassUnicodeRange::len).sum::<usize>() > 1
}

/// A class in the making, written for the `regex` crate.
#[derive(Default)]
struct Class {
    /// Items between the brackets.
    text: String,
    /// The one character that all items so far are.
    only: Option<u32>,
    /// Whether there is more than that.
    many: bool,
    sees_invalid: bool,
}

impl Class {
    fn range(&mut self, low: u32, high: u32) {
        self.many |= low != high || self.only.is_some_and(|only| only != low);
        self.only = Some(low);
        self.sees_invalid |= (low..=high).contains(&REPLACEMENT);
        // No text holds surrogates, and the `regex` crate cannot name them.
        let low = if (0xd800..0xe000).contains(&low) { 0xe000 } else { low };
        let high = if (0xd800..0xe000).contains(&high) { 0xd7ff } else { high };
        if low <= high {
            // Writing to a string does not fail.
            let _ = write!(self.text, "\\x{{{low:X}}}-\\x{{{high:X}}}");
        } else {
            self.many = true;
        }
    }

    fn group(&mut self, group: &Group) {
        self.many = true;
        self.sees_invalid |= group.negated || group.unicode;
        self.text.push_str(&group.text());
    }

    fn node(self, negated: bool, fold: bool) -> Node {
        if let (Some(only), false, false) = (self.only.and_then(char::from_u32), self.many, negated) {
            return literal(only, fold);
        }
        let sees_invalid = self.sees_invalid || negated;
        let flags = if fold { "(?i:" } else { "(?:" };
        let text = match (self.text.as_str(), negated) {
            ("", false) => return Node::leaf(Kind::Never, false),
            ("", true) => format!("{flags}[\\x{{0}}-\\x{{10FFFF}}])"),
            (items, false) => format!("{flags}[{items}])"),
            (items, true) => format!("{flags}[^{items}])"),
        };
        Node::leaf(Kind::Class(text), sees_invalid)
    }
}

/// A named set of characters.
struct Group {
    /// As the `regex` crate writes the items.
    items: String,
    negated: bool,
    unicode: bool,
}

impl Group {
    fn text(&self) -> String {
        format!("[{}{}]", if self.negated { "^" } else { "" }, self.items)
    }
}

/// Reads `\d`, `\pL` and their like at the front of `text`, which begins with a backslash: the class and
/// its length; `None` when it is another escape.
pub(super) fn escape(text: &str, fold: bool) -> Result<Option<(Node, usize)>, RegexError> {
    let Some((group, length)) = escaped_group(text)? else { return Ok(None) };
    let mut class = Class::default();
    class.group(&group);
    Ok(Some((class.node(false, fold), length)))
}

/// Reads a class at the front of `text`, which begins with a bracket: the class and its length.
pub(super) fn bracket(text: &str, fold: bool) -> Result<(Node, usize), RegexError> {
    let mut class = Class::default();
    let mut rest = &text[1..];
    let negated = rest.starts_with('^');
    rest = &rest[usize::from(negated)..];
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        let group = if rest.starts_with("[:") { posix_group(rest)? } else { escaped_group(rest)? };
        if let Some((group, length)) = group {
            class.group(&group);
            rest = &rest[length..];
            continue;
        }
        let begin = rest;
        let low = character(&mut rest, text)?;
        let mut high = low;
        if rest.len() > 1 && rest.starts_with('-') && !rest.starts_with("-]") {
            rest = &rest[1..];
            high = character(&mut rest, text)?;
            if high < low {
                return Err(RegexError::new(
                    "invalid character class range",
                    &begin[..begin.len() - rest.len()],
                ));
            }
        }
        class.range(low, high);
    }
    Ok((class.node(negated, fold), text.len() - rest.len() + 1))
}

/// Reads one character of the class `whole`.
fn character(rest: &mut &str, whole: &str) -> Result<u32, RegexError> {
    let (code, length) = match rest.chars().next() {
        None => return Err(RegexError::new("missing closing ]", whole)),
        Some('\\') => escape::character(rest)?,
        Some(other) => (u32::from(other), other.len_utf8()),
    };
    *rest = &rest[length..];
    Ok(code)
}

fn escaped_group(text: &str) -> Result<Option<(Group, usize)>, RegexError> {
    let mut chars = text.chars();
    let (Some('\\'), Some(letter)) = (chars.next(), chars.next()) else { return Ok(None) };
    let items = match letter.to_ascii_lowercase() {
        'd' => "0-9",
        's' => r"\t\n\x0C\r ",
        'w' => "0-9A-Z_a-z",
        'p' => return unicode_group(text).map(Some),
        _ => return Ok(None),
    };
    let group = Group { items: items.to_owned(), negated: letter.is_ascii_uppercase(), unicode: false };
    Ok(Some((group, 2)))
}

/// `[:alpha:]` or `[:^alpha:]`; `None` when nothing closes it.
fn posix_group(text: &str) -> Result<Option<(Group, usize)>, RegexError> {
    let Some(end) = text[2..].find(":]") else { return Ok(None) };
    let (whole, name) = (&text[..end + 4], &text[2..end + 2]);
    let (negated, name) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
    let items = match name {
        "alnum" => "0-9A-Za-z",
        "alpha" => "A-Za-z",
        "ascii" => r"\x00-\x7F",
        "blank" => r"\t ",
        "cntrl" => r"\x00-\x1F\x7F",
        "digit" => "0-9",
        "graph" => r"\x21-\x7E",
        "lower" => "a-z",
        "print" => r"\x20-\x7E",
        "punct" => r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E",
        "space" => r"\x09-\x0D ",
        "upper" => "A-Z",
        "word" => "0-9A-Z_a-z",
        "xdigit" => "0-9A-Fa-f",
        _ => return Err(RegexError::new("invalid character class range", whole)),
    };
    Ok(Some((Group { items: items.to_owned(), negated, unicode: false }, whole.len())))
}

/// `\pL`, `\p{Greek}`, `\p{^Greek}` and the same with `\P`.
fn unicode_group(text: &str) -> Result<(Group, usize), RegexError> {
    let negated = text.starts_with("\\P");
    let error = |part| RegexError::new("invalid character class range", part);
    let (name, length) = match text[2..].chars().next() {
        None => return Err(error(text)),
        Some('{') => {
            let end = text.find('}').ok_or_else(|| error(text))?;
            (&text[3..end], end + 1)
        }
        Some(letter) => (&text[2..2 + letter.len_utf8()], 2 + letter.len_utf8()),
    };
    let (inverse, name) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
    let items = unicode_items(name).ok_or_else(|| error(&text[..length]))?;
    Ok((Group { items, negated: negated != inverse, unicode: true }, length))
}

/// The `regex` crate's words for a general category or a script.
fn unicode_items(name: &str) -> Option<String> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_- ".contains(&byte)) {
        return None;
    }
    if name == "Cs" {
        // No text holds surrogates.
        return Some(r"[^\x{0}-\x{10FFFF}]".to_owned());
    }
    ["gc", "sc"]
        .into_iter()
        .map(|property| format!("\\p{{{property}={name}}}"))
        .chain((name == "Any").then(|| r"\p{Any}".to_owned()))
        .find(|items| regex_syntax::Parser::new().parse(items).is_ok())
}
