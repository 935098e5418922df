//! Reading a journal's JSON with the rules and error texts of Go's `encoding/json`.

use std::fmt::Write;

/// Go's text for JSON that ends too early.
pub(super) const CUT_SHORT: &str = "unexpected end of JSON input";

/// Deepest nesting that is read.
const MAX_DEPTH: u32 = 1000;

/// The values of a journal; a missing one is zero.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) seek: i64,
    pub(super) file_name: String,
    pub(super) last_hash: String,
}

/// Reads a journal. Unknown keys are skipped, known ones may be in any letter case, of several the last counts.
///
/// # Errors
/// Go's text.
pub(super) fn read(text: &[u8]) -> Result<Entry, String> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.skip_blanks();
    if let Some(byte) = reader.peek() {
        return Err(unexpected(byte, "after top-level value"));
    }
    let fields = match value {
        Json::Object(fields) => fields,
        Json::Null => return Ok(Entry::default()),
        other => return Err(mismatch(&other, "Go value of type logstreamer.LogstreamLocation")),
    };
    let mut entry = Entry::default();
    let mut problem = None;
    for (key, value) in fields {
        let result = match key.to_ascii_lowercase().as_str() {
            "seek" => set_seek(&mut entry.seek, value),
            "file_name" => set_text(&mut entry.file_name, value, "file_name"),
            "last_hash" => set_text(&mut entry.last_hash, value, "last_hash"),
            _ => Ok(()),
        };
        problem = problem.or(result.err());
    }
    problem.map_or(Ok(entry), Err)
}

fn set_seek(to: &mut i64, value: Json) -> Result<(), String> {
    let field = "Go struct field LogstreamLocation.seek of type int64";
    match value {
        Json::Null => Ok(()),
        Json::Number(digits) => match digits.parse() {
            Ok(number) => {
                *to = number;
                Ok(())
            }
            Err(_) => Err(format!("json: cannot unmarshal number {digits} into {field}")),
        },
        other => Err(mismatch(&other, field)),
    }
}

fn set_text(to: &mut String, value: Json, key: &str) -> Result<(), String> {
    match value {
        Json::Null => Ok(()),
        Json::Text(text) => {
            *to = text;
            Ok(())
        }
        other => Err(mismatch(&other, &format!("Go struct field LogstreamLocation.{key} of type string"))),
    }
}

fn mismatch(value: &Json, into: &str) -> String {
    let kind = match value {
        Json::Null => "null",
        Json::Bool => "bool",
        Json::Number(_) => "number",
        Json::Text(_) => "string",
        Json::Array => "array",
        Json::Object(_) => "object",
    };
    format!("json: cannot unmarshal {kind} into {into}")
}

/// `invalid character 'x' <where>`.
fn unexpected(byte: u8, place: &str) -> String {
    let mut shown = String::new();
    match byte {
        b'\'' => shown.push_str("\\'"),
        b'"' => shown.push('"'),
        b'\\' => shown.push_str("\\\\"),
        b'\n' => shown.push_str("\\n"),
        b'\r' => shown.push_str("\\r"),
        b'\t' => shown.push_str("\\t"),
        0x20..0x7f => shown.push(char::from(byte)),
        // Go shows a byte as the character of that number.
        0xa1..=0xff if byte != 0xad => shown.push(char::from(byte)),
        _ => drop(write!(shown, "\\x{byte:02x}")),
    }
    format!("invalid character '{shown}' {place}")
}

enum Json {
    Null,
    Bool,
    Number(String),
    Text(String),
    Array,
    Object(Vec<(String, Json)>),
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Result<u8, String> {
        let byte = self.peek().ok_or(CUT_SHORT)?;
        self.at += 1;
        Ok(byte)
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn next_word(&mut self) -> Result<u8, String> {
        self.skip_blanks();
        self.next()
    }

    fn value(&mut self, depth: u32) -> Result<Json, String> {
        if depth > MAX_DEPTH {
            return Err("exceeded max depth".into());
        }
        match self.next_word()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => Ok(Json::Text(self.string()?)),
            byte @ (b'-' | b'0'..=b'9') => self.number(byte),
            b't' => self.literal("true", Json::Bool),
            b'f' => self.literal("false", Json::Bool),
            b'n' => self.literal("null", Json::Null),
            byte => Err(unexpected(byte, "looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: u32) -> Result<Json, String> {
        let mut fields = Vec::new();
        loop {
            match self.next_word()? {
                b'"' => {}
                b'}' if fields.is_empty() => return Ok(Json::Object(fields)),
                byte => return Err(unexpected(byte, "looking for beginning of object key string")),
            }
            let key = self.string()?;
            match self.next_word()? {
                b':' => {}
                byte => return Err(unexpected(byte, "after object key")),
            }
            fields.push((key, self.value(depth + 1)?));
            match self.next_word()? {
                b',' => {}
                b'}' => return Ok(Json::Object(fields)),
                byte => return Err(unexpected(byte, "after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: u32) -> Result<Json, String> {
        self.skip_blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array);
        }
        loop {
            self.value(depth + 1)?;
            match self.next_word()? {
                b',' => {}
                b']' => return Ok(Json::Array),
                byte => return Err(unexpected(byte, "after array element")),
            }
        }
    }

    fn literal(&mut self, word: &str, value: Json) -> Result<Json, String> {
        for expected in word.chars().skip(1) {
            let byte = self.next()?;
            if char::from(byte) != expected {
                return Err(unexpected(byte, &format!("in literal {word} (expecting '{expected}')")));
            }
        }
        Ok(value)
    }

    fn number(&mut self, first: u8) -> Result<Json, String> {
        let start = self.at - 1;
        let first = if first == b'-' { self.next()? } else { first };
        match first {
            b'0' => {}
            b'1'..=b'9' => self.skip_digits(),
            byte => return Err(unexpected(byte, "in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(Json::Number(String::from_utf8_lossy(&self.text[start..self.at]).into_owned()))
    }

    fn skip_digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn digits(&mut self, place: &str) -> Result<(), String> {
        match self.next()? {
            b'0'..=b'9' => {
                self.skip_digits();
                Ok(())
            }
            byte => Err(unexpected(byte, place)),
        }
    }

    /// The rest of a string whose quote has been read. Bytes that are no UTF-8 become U+FFFD.
    fn string(&mut self) -> Result<String, String> {
        let mut out = Vec::new();
        loop {
            match self.next()? {
                b'"' => return Ok(String::from_utf8_lossy(&out).into_owned()),
                b'\\' => {
                    let mut encoded = [0; 4];
                    out.extend_from_slice(self.escape()?.encode_utf8(&mut encoded).as_bytes());
                }
                byte @ 0..0x20 => return Err(unexpected(byte, "in string literal")),
                byte => out.push(byte),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        Ok(match self.next()? {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'u' => return self.unicode(),
            byte => return Err(unexpected(byte, "in string escape code")),
        })
    }

    fn unicode(&mut self) -> Result<char, String> {
        let first = self.hex4()?;
        if let 0xd800..0xdc00 = first
            && self.text[self.at..].starts_with(b"\\u")
        {
            let back = self.at;
            self.at += 2;
            let second = self.hex4()?;
            if let 0xdc00..0xe000 = second {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..4 {
            let byte = self.next()?;
            let digit = char::from(byte).to_digit(16);
            code =
                code * 16 + digit.ok_or_else(|| unexpected(byte, "in \\u hexadecimal character escape"))?;
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests;
