//! Bytes as text, and text as lines.

use std::fmt::Write as _;

/// Text of any bytes: those that are no UTF-8 become `\xff`.
pub fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The lines of a text without their ends. Not only newlines end a line but all that Python's `splitlines` takes for
/// an end: carriage returns, vertical tabs, form feeds, file and record separators, NEL, U+2028 and U+2029.
pub fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_line_end) {
        lines.push(&rest[..at]);
        let end = &rest[at..];
        let width = match end.strip_prefix("\r\n") {
            Some(_) => 2,
            None => end.chars().next().map_or(1, char::len_utf8),
        };
        rest = &end[width..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_spelt_out() {
        assert_eq!(readable(b"a\xff\xe2\x98\xed\xa0\x80z\xc3\xa4"), "a\\xff\\xe2\\x98\\xed\\xa0\\x80z\u{e4}");
    }

    #[test]
    fn all_line_ends_count() {
        assert_eq!(split_lines("a\r\nb\rc\n\nd\x1ee\u{2028}"), ["a", "b", "c", "", "d", "e"]);
        assert_eq!(split_lines(""), [""; 0]);
        assert_eq!(split_lines("x"), ["x"]);
    }
}
