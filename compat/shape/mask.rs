//! Regular expressions in Python's syntax.
//!
//! Look-around and back-references come from `fancy-regex`; what Python spells differently is rewritten first.

use fancy_regex::{Captures, Regex, RegexBuilder};

use crate::error::CaseError;

/// Steps after which a search is given up: far more than any mask needs, little enough to end.
const BACKTRACK_LIMIT: usize = 100_000_000;
/// Bytes of a compiled expression: counted repeats of 65 thousand occur.
const SIZE_LIMIT: usize = 512 << 20;

/// A pattern and what replaces its matches.
#[derive(Debug)]
pub struct Mask {
    pattern: String,
    regex: Regex,
    replacement: Vec<Part>,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(usize),
    Named(String),
}

impl Mask {
    /// Compiles a pattern, with `^` and `$` at line ends, and a replacement with `\1` and `\g<name>`.
    pub fn new(pattern: &str, replacement: &str) -> Result<Mask, CaseError> {
        let failed = |why: String| CaseError::Mask { pattern: pattern.to_owned(), why };
        let regex = RegexBuilder::new(&format!("(?m){}", translated(pattern)))
            .backtrack_limit(BACKTRACK_LIMIT)
            .delegate_size_limit(SIZE_LIMIT)
            .build()
            .map_err(|e| failed(e.to_string()))?;
        Ok(Mask { pattern: pattern.to_owned(), regex, replacement: parts(replacement) })
    }

    /// Replaces all matches. As in Python an empty match may follow right behind another match.
    pub fn apply(&self, text: &str) -> Result<String, CaseError> {
        let failed = |why: String| CaseError::Mask { pattern: self.pattern.clone(), why };
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        let mut from = 0;
        let mut last_empty_at = None;
        while from <= text.len() {
            let Some(found) = self.regex.captures_from_pos(text, from).map_err(|e| failed(e.to_string()))?
            else {
                break;
            };
            let (start, end) = found.get(0).map_or((from, from), |m| (m.start(), m.end()));
            if start == end && last_empty_at == Some(start) {
                from = next_char(text, from);
                last_empty_at = None;
                continue;
            }
            out.push_str(&text[copied..start]);
            self.expand(&found, &mut out);
            copied = end;
            from = end;
            last_empty_at = (start == end).then_some(end);
        }
        out.push_str(&text[copied..]);
        Ok(out)
    }

    fn expand(&self, found: &Captures<'_, str>, out: &mut String) {
        for part in &self.replacement {
            let group = match part {
                Part::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Part::Group(number) => found.get(*number),
                Part::Named(name) => found.name(name),
            };
            out.push_str(group.map_or("", |m| m.as_str()));
        }
    }
}

fn next_char(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(1, char::len_utf8)
}

/// Rewrites what differs: `\Z`, braces that are no repeat, `{,n}`, and `[`, `&`, `~` inside a class.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = after;
        match c {
            '\\' => {
                let escaped = after.chars().next().unwrap_or('\\');
                rest = after.get(escaped.len_utf8()..).unwrap_or("");
                match escaped {
                    'Z' if !in_class => out.push_str("\\z"),
                    // Quotes and the like may be escaped in Python without need.
                    escaped if escaped.is_ascii_punctuation() => {
                        out.push('\\');
                        out.push(escaped);
                    }
                    escaped if escaped.is_ascii_alphanumeric() => {
                        out.push('\\');
                        out.push(escaped);
                    }
                    escaped => out.push(escaped),
                }
            }
            '[' if in_class => out.push_str("\\["),
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            '[' => {
                in_class = true;
                out.push('[');
                if let Some(negated) = rest.strip_prefix('^') {
                    out.push('^');
                    rest = negated;
                }
                // A bracket right at the start is a member.
                if let Some(member) = rest.strip_prefix(']') {
                    out.push_str("\\]");
                    rest = member;
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '{' if !in_class => match repeat(after) {
                Some((low, high, length)) => {
                    out.push_str(&format!("{{{low}{high}}}"));
                    rest = &after[length..];
                }
                None => out.push_str("\\{"),
            },
            '}' if !in_class => out.push_str("\\}"),
            c => out.push(c),
        }
    }
    out
}

/// Reads `3}`, `3,}`, `3,5}` or `,5}`; gives the low bound, the rest in Rust's spelling, and how long it was.
fn repeat(text: &str) -> Option<(String, String, usize)> {
    let end = text.find('}')?;
    let inner = &text[..end];
    let (low, high) = match inner.split_once(',') {
        Some((low, high)) => (low, Some(high)),
        None => (inner, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if !digits(low) || !digits(high.unwrap_or("")) || (low.is_empty() && high.is_none_or(str::is_empty)) {
        return None;
    }
    let low = if low.is_empty() { "0" } else { low };
    Some((low.to_owned(), high.map_or_else(String::new, |high| format!(",{high}")), end + 1))
}

fn parts(replacement: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = replacement;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else { break };
        rest = &rest[c.len_utf8()..];
        let group = match c {
            '1'..='9' => {
                // Two digits at most.
                let more = rest.chars().next().and_then(|d| d.to_digit(10));
                rest = &rest[usize::from(more.is_some())..];
                let first = c as usize - '0' as usize;
                Part::Group(more.map_or(first, |more| first * 10 + more as usize))
            }
            'g' if rest.starts_with('<') => {
                let end = rest.find('>').unwrap_or(rest.len());
                let name = rest.get(1..end).unwrap_or("").to_owned();
                rest = rest.get(end + 1..).unwrap_or("");
                name.parse().map_or(Part::Named(name), Part::Group)
            }
            other => {
                text.push(match other {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                });
                continue;
            }
        };
        parts.push(Part::Text(std::mem::take(&mut text)));
        parts.push(group);
    }
    text.push_str(rest);
    parts.push(Part::Text(text));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sub(pattern: &str, replacement: &str, text: &str) -> String {
        Mask::new(pattern, replacement).unwrap().apply(text).unwrap()
    }

    /// Results of Python 3.11's `re.sub(..., flags=re.M)`.
    #[test]
    fn the_results_are_pythons() {
        for (pattern, replacement, text, result) in [
            ("^(?!.*(rror)).*\\n", "", "a\nan error\nb\n", "an error\n"),
            ("x*", "-", "abxd", "-a-b--d-"),
            ("(\\d) (?==|\\Z)", "\\1\n", "1 =2 ", "1\n=2\n"),
            ("^(.*\n)\\1+", "\\1", "a\na\na\nb\n", "a\nb\n"),
            ("\\{\"S\": 7(, )?", "{", "{\"S\": 7, \"T\": 1}", "{\"T\": 1}"),
            ("{\"S", "<", "{\"S", "<"),
            ("[^\\s\"\\'\\[\\]:]*/([a-z]+)", "\\1", "see \"/x/y/abc\"", "see \"abc\""),
            ("(a)|(b)", "<\\2>", "ab", "<><b>"),
            (
                "(?s)goroutine .*?(?=^# |\\Z)",
                "...\n",
                "goroutine 1\nx\n# tool\ngoroutine 2\n",
                "...\n# tool\n...\n",
            ),
            ("(x{3})x+", "\\1...", "xxxxxx", "xxx..."),
            ("a{,2}b", "-", "aaab", "a-"),
            ("[[&]", "-", "a[&&b", "a---b"),
            ("(?P<n>a)", "\\g<n>\\g<1>0", "a", "aa0"),
            ("$", "!", "a\nb\n", "a!\nb!\n!"),
        ] {
            assert_eq!(sub(pattern, replacement, text), result, "{pattern}");
        }
    }

    #[test]
    fn long_repeats_end() {
        let long = "a".repeat(65_793);
        assert_eq!(sub("([a-z])\\1{60000,}", "\\1LONG", &long), "aLONG");
        assert_eq!(sub("(a{65793})(?!a)", "most", &long), "most");
        assert_eq!(sub("(a{65793})(?!a)", "most", &(long.clone() + "b")), "mostb");
        let lines = "Plugin says nothing\n".repeat(20_000);
        assert_eq!(sub("^(?!.*(rror|ailed|FATAL)).*\\n", "", &lines), "");
    }
}
