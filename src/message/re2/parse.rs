//! Pattern to tree, refusing what Go refuses and with its words.

use super::RegexError;
use super::class;
use super::escape;
use super::node::{Kind, Look, MAX_REPEAT, Node, Repeat};

/// A parsed pattern.
pub(super) struct Parsed {
    pub(super) root: Node,
    /// Names of the groups by index, empty without one; index 0 is the whole match.
    pub(super) names: Vec<String>,
}

/// Flags that `(?flags)` sets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    /// `i`: in any letter case.
    pub(super) fold: bool,
    /// `m`: `^` and `$` at lines.
    multi_line: bool,
    /// `s`: the dot matches a newline.
    dot_newline: bool,
    /// `U`: the plain repetition is the short one.
    ungreedy: bool,
}

/// A bracket that is still open; the outermost one is the pattern itself.
#[derive(Default)]
struct Group {
    captures: bool,
    /// Flags to return to behind the group.
    outer: Flags,
    /// Finished alternatives.
    alternatives: Vec<Node>,
    /// What has been read of the current one.
    sequence: Vec<Node>,
}

struct Parser<'p> {
    pattern: &'p str,
    position: usize,
    flags: Flags,
    groups: Vec<Group>,
    /// The innermost open group.
    group: Group,
    names: Vec<String>,
    /// Where the repetition operator begins that was read last, if nothing came after it.
    repetition: Option<usize>,
}

/// Parses a pattern.
pub(super) fn parse(pattern: &str) -> Result<Parsed, RegexError> {
    let mut parser = Parser {
        pattern,
        position: 0,
        flags: Flags::default(),
        groups: Vec::new(),
        group: Group::default(),
        names: vec![String::new()],
        repetition: None,
    };
    while let Some(next) = parser.rest().chars().next() {
        let repetition = parser.item(next)?;
        parser.repetition = repetition;
    }
    let root = parser.close()?;
    if !parser.groups.is_empty() {
        return Err(RegexError::new("missing closing )", pattern));
    }
    Ok(Parsed { root, names: parser.names })
}

impl<'p> Parser<'p> {
    fn rest(&self) -> &'p str {
        &self.pattern[self.position..]
    }

    fn push(&mut self, node: Node) {
        self.group.sequence.push(node);
    }

    fn look(&mut self, look: Look, length: usize) {
        self.position += length;
        // Between two invalid bytes there is no word boundary, as between any two other characters.
        self.push(Node::leaf(Kind::Look(look), look == Look::NoWordBoundary));
    }

    /// Reads one item; where it begins if it is a repetition operator.
    fn item(&mut self, next: char) -> Result<Option<usize>, RegexError> {
        let start = self.position;
        match next {
            '(' => self.open()?,
            ')' => self.close_group()?,
            '|' => {
                self.position += 1;
                self.end_alternative()?;
            }
            '^' => self.look(if self.flags.multi_line { Look::BeginLine } else { Look::BeginText }, 1),
            '$' => self.look(if self.flags.multi_line { Look::EndLine } else { Look::EndText }, 1),
            '.' => {
                self.position += 1;
                self.push(Node::leaf(Kind::Any { newline: self.flags.dot_newline }, true));
            }
            '[' => {
                let (node, length) = class::bracket(self.rest(), self.flags.fold)?;
                self.position += length;
                self.push(node);
            }
            '*' | '+' | '?' => {
                let (min, max) = match next {
                    '*' => (0, None),
                    '+' => (1, None),
                    _ => (0, Some(1)),
                };
                self.position += 1;
                self.repeat(start, min, max, false)?;
                return Ok(Some(start));
            }
            '{' => match counts(self.rest()) {
                Some((min, max, length)) => {
                    self.position += length;
                    if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || max < min) {
                        return Err(self.error("invalid repeat count", start));
                    }
                    self.repeat(start, min, max, true)?;
                    return Ok(Some(start));
                }
                None => self.literal(next),
            },
            '\\' => self.escape()?,
            _ => self.literal(next),
        }
        Ok(None)
    }

    /// The error about what was read since `start`.
    fn error(&self, reason: &'static str, start: usize) -> RegexError {
        RegexError::new(reason, &self.pattern[start..self.position])
    }

    fn literal(&mut self, literal: char) {
        self.position += literal.len_utf8();
        self.push(class::literal(literal, self.flags.fold));
    }

    fn repeat(&mut self, start: usize, min: u32, max: Option<u32>, counted: bool) -> Result<(), RegexError> {
        let lazy = self.rest().starts_with('?');
        self.position += usize::from(lazy);
        if let Some(before) = self.repetition {
            return Err(self.error("invalid nested repetition operator", before));
        }
        let Some(node) = self.group.sequence.pop() else {
            return Err(self.error("missing argument to repetition operator", start));
        };
        let repeat = Repeat { min, max, greedy: lazy == self.flags.ungreedy, counted };
        match Node::repeat(node, repeat, self.pattern)? {
            Some(node) => self.push(node),
            None => return Err(self.error("invalid repeat count", start)),
        }
        Ok(())
    }

    fn end_alternative(&mut self) -> Result<(), RegexError> {
        let sequence = std::mem::take(&mut self.group.sequence);
        self.group.alternatives.push(Node::concat(sequence, self.pattern)?);
        Ok(())
    }

    /// Ends the innermost group, the pattern itself included.
    fn close(&mut self) -> Result<Node, RegexError> {
        self.end_alternative()?;
        Node::alternate(std::mem::take(&mut self.group.alternatives), self.pattern)
    }

    fn close_group(&mut self) -> Result<(), RegexError> {
        self.position += 1;
        let node = self.close()?;
        let Some(outer) = self.groups.pop() else {
            return Err(RegexError::new("unexpected )", self.pattern));
        };
        let group = std::mem::replace(&mut self.group, outer);
        self.flags = group.outer;
        self.push(if group.captures { Node::capture(node, self.pattern)? } else { node });
        Ok(())
    }

    fn open_group(&mut self, captures: bool) {
        let group = Group { captures, outer: self.flags, ..Group::default() };
        self.groups.push(std::mem::replace(&mut self.group, group));
    }

    fn open(&mut self) -> Result<(), RegexError> {
        let rest = self.rest();
        if !rest.starts_with("(?") {
            self.position += 1;
            self.names.push(String::new());
            self.open_group(true);
            return Ok(());
        }
        let named = rest.starts_with("(?P<") && rest.len() > 4;
        // `(?<name>`, which newer Go knows too; `(?<=` and `(?<!` stay what they are, unsupported.
        let short =
            rest.starts_with("(?<") && rest[3..].starts_with(|c: char| c == '_' || c.is_ascii_alphanumeric());
        if !named && !short {
            return self.flags();
        }
        let Some(end) = rest.find('>') else {
            return Err(RegexError::new("invalid named capture", rest));
        };
        let name = &rest[if named { 4 } else { 3 }..end];
        self.position += end + 1;
        if name.is_empty() || !name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
            return Err(RegexError::new("invalid named capture", &rest[..=end]));
        }
        self.names.push(name.to_owned());
        self.open_group(true);
        Ok(())
    }

    /// `(?flags)`, which holds for the rest of the group, or `(?flags:`, which opens one.
    fn flags(&mut self) -> Result<(), RegexError> {
        let start = self.position;
        let mut flags = self.flags;
        let (mut on, mut complete) = (true, true);
        self.position += 2;
        while let Some(next) = self.rest().chars().next() {
            self.position += next.len_utf8();
            match next {
                'i' => flags.fold = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_newline = on,
                'U' => flags.ungreedy = on,
                '-' if on => {
                    on = false;
                    complete = false;
                    continue;
                }
                ':' | ')' if complete => {
                    if next == ':' {
                        self.open_group(false);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            complete = true;
        }
        Err(self.error("invalid or unsupported Perl syntax", start))
    }

    fn escape(&mut self) -> Result<(), RegexError> {
        let rest = self.rest();
        match rest.as_bytes().get(1) {
            Some(b'A') => self.look(Look::BeginText, 2),
            Some(b'z') => self.look(Look::EndText, 2),
            Some(b'b') => self.look(Look::WordBoundary, 2),
            Some(b'B') => self.look(Look::NoWordBoundary, 2),
            Some(b'C') => return Err(RegexError::new("invalid escape sequence", &rest[..2])),
            Some(b'Q') => {
                let quoted = rest.find("\\E").unwrap_or(rest.len());
                self.position += 2;
                for literal in rest[2..quoted].chars() {
                    self.literal(literal);
                }
                self.position = (self.position + 2).min(self.pattern.len());
            }
            _ => {
                if let Some((node, length)) = class::escape(rest, self.flags.fold)? {
                    self.position += length;
                    self.push(node);
                } else {
                    let (code, length) = escape::character(rest)?;
                    self.position += length;
                    self.push(match char::from_u32(code) {
                        Some(literal) => class::literal(literal, self.flags.fold),
                        None => Node::leaf(Kind::Never, false),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Reads `{min}`, `{min,}` or `{min,max}`: the counts and the length. `None` when it is anything else;
/// the brace is plain text then.
fn counts(text: &str) -> Option<(u32, Option<u32>, usize)> {
    let end = text.find('}')?;
    let (min, max) = match text[1..end].split_once(',') {
        Some((min, "")) => (count(min)?, None),
        Some((min, max)) => (count(min)?, Some(count(max)?)),
        None => (count(&text[1..end])?, Some(count(&text[1..end])?)),
    };
    Some((min, max, end + 1))
}

/// Reads a decimal number without surplus zeros; one that is too large only has to stay so.
fn count(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some(digits.parse().unwrap_or(u32::MAX))
}
