//! Text to tokens, oddities of the original included.
//!
//! - Whatever the original's lexer cannot finish (an unknown identifier, an open string, a regular
//!   expression that does not compile) reads as the end of the text. Where an expression is complete
//!   that is accepted and the rest is ignored.
//! - A newline is the end of the text as well.
//! - After `=`, `!`, `|` and `&` an unexpected second character takes the operator's place, so that
//!   `!(TRUE)` reads as `(TRUE)`.

use super::compare::{Pattern, Relation};
use super::program::{FieldSelector, NumberVariable, TextVariable};

/// A token with its value.
#[derive(Debug)]
pub(super) enum Token {
    /// End of the text, or of what can be understood of it.
    End,
    Open,
    Close,
    And,
    Or,
    Relation(Relation),
    /// `=~`, or when negated `!~`.
    Match {
        negated: bool,
    },
    Uuid,
    TextVariable(TextVariable),
    NumberVariable(NumberVariable),
    Field(FieldSelector),
    Text(String),
    Number(f64),
    Pattern(Pattern),
    Truth(bool),
    Nil,
    /// A character that begins no token.
    Unknown,
}

/// What the original's reader returns at the end of the text and for a newline.
const END: char = '\0';

/// Reads tokens from a matcher's text.
pub(super) struct Lexer<'t> {
    text: &'t str,
    /// Bytes read so far.
    pub(super) position: usize,
    /// The character read ahead; a blank when there is none.
    ahead: char,
    /// Text of the last token that has one.
    pub(super) last_token: String,
    /// Lines to log.
    pub(super) warnings: Vec<String>,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Lexer<'t> {
        Lexer { text, position: 0, ahead: ' ', last_token: String::new(), warnings: Vec::new() }
    }

    fn read(&mut self) -> char {
        match self.text[self.position..].chars().next() {
            None => END,
            Some(found) => {
                self.position += found.len_utf8();
                if found == '\n' { END } else { found }
            }
        }
    }

    /// The next token. Once it is [`Token::End`] there is no point in reading on.
    pub(super) fn next(&mut self) -> Token {
        let mut first = std::mem::replace(&mut self.ahead, ' ');
        while matches!(first, ' ' | '\t') {
            first = self.read();
        }
        match first {
            'A'..='Z' => self.identifier(first),
            '0'..='9' | '.' => self.number(first),
            '\'' | '"' => self.string(first),
            '/' => self.regexp(),
            '<' | '>' => self.order(first),
            '=' | '!' | '|' | '&' => {
                let second = self.read();
                match (first, second) {
                    ('=', '=') => Token::Relation(Relation::Equal),
                    ('!', '=') => Token::Relation(Relation::NotEqual),
                    ('=', '~') => Token::Match { negated: false },
                    ('!', '~') => Token::Match { negated: true },
                    ('|', '|') => Token::Or,
                    ('&', '&') => Token::And,
                    _ => single(second),
                }
            }
            _ => single(first),
        }
    }

    fn order(&mut self, first: char) -> Token {
        let second = self.read();
        let or_equal = second == '=';
        if !or_equal {
            self.ahead = second;
        }
        Token::Relation(match (first, or_equal) {
            ('<', false) => Relation::Less,
            ('<', true) => Relation::LessOrEqual,
            (_, false) => Relation::Greater,
            (_, true) => Relation::GreaterOrEqual,
        })
    }

    /// Reads into `last_token` while `more` holds; the character that ended it.
    fn word(&mut self, first: char, more: impl Fn(char) -> bool) -> char {
        self.last_token.clear();
        self.last_token.push(first);
        loop {
            let next = self.read();
            if !more(next) {
                return next;
            }
            self.last_token.push(next);
        }
    }

    fn identifier(&mut self, first: char) -> Token {
        let next = self.word(first, |letter| letter.is_ascii_alphabetic());
        if self.last_token == "Fields" {
            return if next == '[' { self.field().map_or(Token::End, Token::Field) } else { Token::End };
        }
        self.ahead = next;
        match self.last_token.as_str() {
            "Uuid" => Token::Uuid,
            "Type" => Token::TextVariable(TextVariable::Type),
            "Logger" => Token::TextVariable(TextVariable::Logger),
            "Payload" => Token::TextVariable(TextVariable::Payload),
            "EnvVersion" => Token::TextVariable(TextVariable::EnvVersion),
            "Hostname" => Token::TextVariable(TextVariable::Hostname),
            "Timestamp" => Token::NumberVariable(NumberVariable::Timestamp),
            "Severity" => Token::NumberVariable(NumberVariable::Severity),
            "Pid" => Token::NumberVariable(NumberVariable::Pid),
            "TRUE" => Token::Truth(true),
            "FALSE" => Token::Truth(false),
            "NIL" => Token::Nil,
            _ => Token::End,
        }
    }

    /// What follows `Fields[`: a name and up to two indexes, each in brackets.
    fn field(&mut self) -> Option<FieldSelector> {
        let mut parts = [String::new(), String::new(), String::new()];
        for (index, part) in parts.iter_mut().enumerate() {
            loop {
                match self.read() {
                    END => return None,
                    ']' => break,
                    digit if index > 0 && !digit.is_ascii_digit() => return None,
                    other => part.push(other),
                }
            }
            if part.is_empty() {
                return None;
            }
            self.ahead = self.read();
            if self.ahead != '[' || index == 2 {
                break;
            }
            self.ahead = ' ';
        }
        let [name, field_index, value_index] = parts;
        let number = |digits: String| match digits.as_str() {
            "" => Some(0),
            digits => digits.parse::<i64>().ok().and_then(|number| usize::try_from(number).ok()),
        };
        Some(FieldSelector {
            name: name.into_bytes().into(),
            field_index: number(field_index)?,
            value_index: number(value_index)?,
        })
    }

    fn number(&mut self, first: char) -> Token {
        self.ahead = self.word(first, |next| matches!(next, '0'..='9' | '.' | 'e' | '+' | '-'));
        match self.last_token.parse::<f64>() {
            Ok(number) if number.is_finite() => Token::Number(number),
            _ => {
                self.warnings.push(format!("error converting {}", self.last_token));
                Token::Number(0.0)
            }
        }
    }

    /// Reads up to `end` into `last_token`; false when the text ends first. Of the pairs that begin with
    /// a backslash only the escaped end loses it.
    fn quoted(&mut self, end: char) -> bool {
        self.last_token.clear();
        loop {
            match self.read() {
                END => return false,
                '\\' => {
                    let escaped = self.read();
                    if escaped != end {
                        self.last_token.push('\\');
                    }
                    self.last_token.push(escaped);
                }
                found if found == end => return true,
                other => self.last_token.push(other),
            }
        }
    }

    fn string(&mut self, quote: char) -> Token {
        if self.quoted(quote) { Token::Text(self.last_token.clone()) } else { Token::End }
    }

    fn regexp(&mut self) -> Token {
        if !self.quoted('/') {
            return Token::End;
        }
        match Pattern::compile(&self.last_token) {
            Ok(pattern) => Token::Pattern(pattern),
            Err(_) => {
                self.warnings.push(format!("invalid regexp {}", self.last_token));
                Token::End
            }
        }
    }
}

fn single(found: char) -> Token {
    match found {
        '(' => Token::Open,
        ')' => Token::Close,
        END => Token::End,
        _ => Token::Unknown,
    }
}
