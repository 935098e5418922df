//! The configuration language: TOML as Heka's parser of 2013 understood it.
//!
//! It differs from TOML 1.0 where users' files depend on it:
//!
//! - A table's name is anything but `[` and `]`, split at dots: `[tcp:5565]`, `[a/b c]`. Nothing is quoted or trimmed.
//! - A key is everything up to a blank, a line end or `=`: `Url|uri = "x"`. `a.b = 1` is one key.
//! - `'...'` may span lines and ends at the first `'` without a backslash before it. It is not raw: `\n`, `\"`, `\\` and the
//!   other escapes of `"..."` are replaced, any other backslash stays (`'\d'`).
//! - No exponents, no `+`, no dates but `YYYY-MM-DDTHH:MM:SSZ`; arrays hold values of one type.
//!
//! What this dialect refuses is tried as TOML 1.0; if that fails too, the dialect's own error is reported.

mod modern;
mod scanner;
mod strings;
mod tree;
mod values;

use heka_plugin::Table;

use self::scanner::Scanner;
use self::tree::{Refusal, Tree};

/// Sub-tables and arrays may nest so deep.
const MAX_DEPTH: usize = 100;

/// Why a text is no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct SyntaxError {
    /// `Near line N, key 'K': ...`
    pub text: String,
    /// The line, from 1.
    pub line: u32,
}

/// Parses the text of a configuration file.
///
/// # Errors
/// The text is neither in Heka's dialect nor TOML 1.0.
pub fn parse(text: &str) -> Result<Table, SyntaxError> {
    // The mark that some editors put in front would be part of the first key.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser =
        Parser { scanner: Scanner::new(text), tree: Tree::default(), key: String::new(), near: 0 };
    let refusal = match parser.document() {
        Ok(()) => return Ok(parser.tree.into_root()),
        Err(refusal) => refusal,
    };
    if !refusal.is_final
        && let Some(table) = modern::parse(text)
    {
        return Ok(table);
    }
    let place = parser.tree.path_of(&parser.key);
    let line = refusal.line.unwrap_or(parser.near).max(1);
    let text = match refusal.line {
        Some(line) => format!("Near line {}, key '{place}': Near line {line}: {}", parser.near, refusal.text),
        None => format!("Near line {}, key '{place}': {}", parser.near, refusal.text),
    };
    Err(SyntaxError { text, line })
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    tree: Tree,
    /// The key whose value is being read; empty between entries.
    key: String,
    /// The line that errors name: of the last header, key or comment.
    near: u32,
}

impl Parser<'_> {
    fn document(&mut self) -> Result<(), Refusal> {
        loop {
            match self.scanner.next() {
                ' ' | '\t' | '\n' | '\r' => {}
                '#' => self.comment(),
                '[' => self.header()?,
                '\0' if self.scanner.at_end() => return Ok(()),
                '\0' => return Err(self.scanner.refusal("Unexpected EOF.")),
                _ => {
                    self.scanner.back();
                    self.entry()?;
                }
            }
        }
    }

    fn comment(&mut self) {
        self.near = self.scanner.line();
        self.scanner.skip_comment();
    }

    fn header(&mut self) -> Result<(), Refusal> {
        let mut names = Vec::new();
        let mut line = None;
        loop {
            names.push(self.header_part()?);
            line.get_or_insert(self.scanner.line());
            if self.scanner.next() == ']' {
                break;
            }
        }
        self.near = line.unwrap_or(self.near);
        if names.len() > MAX_DEPTH {
            return Err(Refusal::of_structure("Tables are nested too deeply."));
        }
        self.tree.open_table(names, self.near)?;
        self.line_end()
    }

    /// One part of a table's name; what ends it is left.
    fn header_part(&mut self) -> Result<String, Refusal> {
        let mut name = String::new();
        match self.scanner.next() {
            ']' => {
                return Err(self.scanner.refusal("Unexpected end of table. (Tables cannot be empty.)"));
            }
            '.' => {
                return Err(self.scanner.refusal("Unexpected table separator. (Tables cannot be empty.)"));
            }
            '\0' if self.scanner.at_end() => return Err(self.scanner.refusal("Unexpected EOF.")),
            first => name.push(first),
        }
        loop {
            match self.scanner.peek() {
                '[' => return Err(self.scanner.refusal("Table names cannot contain '[' or ']'.")),
                ']' | '.' => return Ok(name),
                '\0' if self.scanner.is_done() => return Err(self.scanner.refusal("Unexpected EOF.")),
                _ => name.push(self.scanner.next()),
            }
        }
    }

    fn entry(&mut self) -> Result<(), Refusal> {
        if self.scanner.peek() == '=' {
            return Err(self.scanner.refusal("Unexpected key separator '='."));
        }
        let mut key = String::from(self.scanner.next());
        while !matches!(self.scanner.peek(), ' ' | '\t' | '\n' | '\r' | '=') {
            if self.scanner.is_done() {
                return Err(self.scanner.refusal("Unexpected EOF."));
            }
            key.push(self.scanner.next());
        }
        self.key = key;
        self.near = self.scanner.line();
        loop {
            match self.scanner.next() {
                ' ' | '\t' | '\n' | '\r' => {}
                '=' => break,
                other => {
                    return Err(self
                        .scanner
                        .refusal_at(other, "Expected key separator '=', but got '{}' instead."));
                }
            }
        }
        let value = values::value(&mut self.scanner, 0)?;
        self.tree.set(&self.key, value, self.near)?;
        self.key.clear();
        self.line_end()
    }

    /// After a header or an entry only a comment may follow on the line.
    fn line_end(&mut self) -> Result<(), Refusal> {
        loop {
            match self.scanner.next() {
                ' ' | '\t' => {}
                '\n' | '\r' => return Ok(()),
                '\0' if self.scanner.at_end() => return Ok(()),
                '#' => {
                    self.comment();
                    return Ok(());
                }
                other => {
                    let text = "Expected a top-level item to end with a new line, comment or EOF, but got '{}' instead.";
                    return Err(self.scanner.refusal_at(other, text));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
