//! Reads a text character by character and counts lines.

use super::tree::Refusal;

/// A position in a text. The end of the text reads as NUL.
pub(super) struct Scanner<'a> {
    text: &'a str,
    position: usize,
    /// Bytes of the last character read; 0 at the end of the text.
    width: usize,
    line: u32,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, position: 0, width: 0, line: 1 }
    }

    /// The line of the position, from 1. A line end that was read belongs to the line before it, its position does not.
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// The byte position.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The text from a byte position to the current one.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.position).unwrap_or_default()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// The next character, which stays.
    pub(super) fn peek(&self) -> char {
        self.rest().chars().next().unwrap_or('\0')
    }

    /// Takes the next character.
    pub(super) fn next(&mut self) -> char {
        let Some(next) = self.rest().chars().next() else {
            self.width = 0;
            return '\0';
        };
        self.width = next.len_utf8();
        self.position += self.width;
        self.line += u32::from(next == '\n');
        next
    }

    /// Gives the last character back; once per [`Scanner::next`].
    pub(super) fn back(&mut self) {
        self.position -= self.width;
        self.line -= u32::from(self.width == 1 && self.peek() == '\n');
        self.width = 0;
    }

    /// Whether the last [`Scanner::next`] found the end of the text (and not a NUL in it).
    pub(super) fn at_end(&self) -> bool {
        self.width == 0 && self.is_done()
    }

    /// Whether nothing is left.
    pub(super) fn is_done(&self) -> bool {
        self.position >= self.text.len()
    }

    /// Skips what follows a `#`, up to the line end.
    pub(super) fn skip_comment(&mut self) {
        let length = self.rest().find(['\n', '\r', '\0']).unwrap_or(self.rest().len());
        self.position += length;
        self.width = 0;
    }

    /// A refusal that names the current line.
    pub(super) fn refusal(&self, text: &str) -> Refusal {
        Refusal { text: text.into(), line: Some(self.line), is_final: false }
    }

    /// The same for a character, which replaces the `{}` in `text`.
    pub(super) fn refusal_at(&self, character: char, text: &str) -> Refusal {
        let shown = if character == '\n' { "\\n".into() } else { String::from(character) };
        self.refusal(&text.replace("{}", &shown))
    }
}
