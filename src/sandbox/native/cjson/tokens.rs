//! The pieces of a JSON text.

use super::number;

/// A piece of the text, without what it stands for: that is pushed at once or a number.
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where it starts, or where an error is.
    pub(super) at: usize,
}

pub(super) enum Kind {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Colon,
    Comma,
    /// Text between quotes, from here to there, with or without escapes.
    String {
        start: usize,
        end: usize,
        is_escaped: bool,
    },
    Number(f64),
    Boolean(bool),
    Null,
    End,
    Error(&'static str),
}

impl Kind {
    /// Its name in errors.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Kind::ObjectBegin => "T_OBJ_BEGIN",
            Kind::ObjectEnd => "T_OBJ_END",
            Kind::ArrayBegin => "T_ARR_BEGIN",
            Kind::ArrayEnd => "T_ARR_END",
            Kind::Colon => "T_COLON",
            Kind::Comma => "T_COMMA",
            Kind::String { .. } => "T_STRING",
            Kind::Number(_) => "T_NUMBER",
            Kind::Boolean(_) => "T_BOOLEAN",
            Kind::Null => "T_NULL",
            Kind::End => "T_END",
            Kind::Error(why) => why,
        }
    }
}

const INVALID_TOKEN: Kind = Kind::Error("invalid token");
const INVALID_NUMBER: Kind = Kind::Error("invalid number");

/// Goes through a text.
pub(super) struct Tokens<'a> {
    /// A string of Lua: a NUL follows.
    text: &'a [u8],
    at: usize,
    /// Whether numbers are taken that JSON does not have.
    odd_numbers: bool,
}

impl<'a> Tokens<'a> {
    /// Starts with the first token of a string of Lua.
    ///
    /// # Safety
    /// A NUL follows the text, as every string of Lua.
    pub(super) unsafe fn new(text: &'a [u8], odd_numbers: bool) -> Tokens<'a> {
        Tokens { text, at: 0, odd_numbers }
    }

    /// How many bytes were gone through.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// The text of a string token as it stands.
    pub(super) fn text(&self, start: usize, end: usize) -> &'a [u8] {
        &self.text[start..end]
    }

    /// Appends the text of a string token with what its escapes stand for.
    pub(super) fn put_unescaped(&self, start: usize, end: usize, out: &mut Vec<u8>) {
        let mut at = start;
        while at < end {
            match self.text[at] {
                b'\\' => {
                    // Checked when the token was found.
                    let Ok((character, length)) = self.escape(at) else { return };
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    at += length;
                }
                byte => {
                    out.push(byte);
                    at += 1;
                }
            }
        }
    }

    /// The byte at a place; 0 at and beyond the end, as a NUL ends the text too.
    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    /// The next token.
    #[inline]
    pub(super) fn next(&mut self) -> Token {
        while matches!(self.byte(self.at), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        let at = self.at;
        let (kind, length) = match self.byte(at) {
            b'{' => (Kind::ObjectBegin, 1),
            b'}' => (Kind::ObjectEnd, 1),
            b'[' => (Kind::ArrayBegin, 1),
            b']' => (Kind::ArrayEnd, 1),
            b':' => (Kind::Colon, 1),
            b',' => (Kind::Comma, 1),
            0 => (Kind::End, 0),
            b'"' => return self.string(at),
            b'-' | b'0'..=b'9' if !self.odd_numbers && self.is_odd_number() => (INVALID_NUMBER, 0),
            b'-' | b'0'..=b'9' => self.number(),
            b't' | b'f' | b'n' | b'N' | b'i' | b'I' | b'+' => self.word(),
            _ => (INVALID_TOKEN, 0),
        };
        self.at += length;
        Token { kind, at }
    }

    fn word(&self) -> (Kind, usize) {
        let rest = &self.text[self.at..];
        if rest.starts_with(b"true") {
            (Kind::Boolean(true), 4)
        } else if rest.starts_with(b"false") {
            (Kind::Boolean(false), 5)
        } else if rest.starts_with(b"null") {
            (Kind::Null, 4)
        } else if self.odd_numbers && self.is_odd_number() {
            self.number()
        } else {
            (INVALID_TOKEN, 0)
        }
    }

    fn number(&self) -> (Kind, usize) {
        // SAFETY: it is the rest of a string of Lua.
        match unsafe { number::parse(&self.text[self.at..]) } {
            (_, 0) => (INVALID_NUMBER, 0),
            (number, length) => (Kind::Number(number), length),
        }
    }

    /// Whether this is a number that JSON does not have: a plus, hexadecimal, leading zeros, infinity or not a number.
    fn is_odd_number(&self) -> bool {
        if self.byte(self.at) == b'+' {
            return true;
        }
        let start = self.at + usize::from(self.byte(self.at) == b'-');
        match self.byte(start) {
            b'0' => matches!(self.byte(start + 1), b'x' | b'X' | b'0'..=b'9'),
            _ => self.text[start..]
                .get(..3)
                .is_some_and(|name| name.eq_ignore_ascii_case(b"inf") || name.eq_ignore_ascii_case(b"nan")),
        }
    }

    /// Finds the end of a string and checks its escapes.
    fn string(&mut self, at: usize) -> Token {
        let start = at + 1;
        let mut end = start;
        let mut is_escaped = false;
        loop {
            let rest = self.text.get(end..).unwrap_or_default();
            end += rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0)).count();
            match self.byte(end) {
                b'"' => break,
                b'\\' => {
                    is_escaped = true;
                    match self.escape(end) {
                        Ok((_, length)) => end += length,
                        Err(why) => return Token { kind: Kind::Error(why), at: end },
                    }
                }
                _ => return Token { kind: Kind::Error("unexpected end of string"), at: end },
            }
        }
        self.at = end + 1;
        Token { kind: Kind::String { start, end, is_escaped }, at }
    }

    /// The character that an escape at `at` stands for, and the escape's length.
    fn escape(&self, at: usize) -> Result<(char, usize), &'static str> {
        let plain = match self.byte(at + 1) {
            b'u' => return self.unicode(at).ok_or("invalid unicode escape code"),
            byte @ (b'"' | b'\\' | b'/') => byte.into(),
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            _ => return Err("invalid escape code"),
        };
        Ok((plain, 2))
    }

    fn unicode(&self, at: usize) -> Option<(char, usize)> {
        let unit = self.hex4(at + 2)?;
        if !(0xd800..0xe000).contains(&unit) {
            return Some((char::from_u32(unit)?, 6));
        }
        if unit >= 0xdc00 || self.byte(at + 6) != b'\\' || self.byte(at + 7) != b'u' {
            return None;
        }
        let low = self.hex4(at + 8).filter(|low| (0xdc00..0xe000).contains(low))?;
        Some((char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?, 12))
    }

    fn hex4(&self, at: usize) -> Option<u32> {
        (at..at + 4).try_fold(0, |unit, at| Some(unit << 4 | char::from(self.byte(at)).to_digit(16)?))
    }
}
