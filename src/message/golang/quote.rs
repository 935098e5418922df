//! `strconv.Quote`: a Go string literal.

use std::sync::LazyLock;

use bstr::ByteSlice;

/// Appends `text` as a Go string literal with its double quotes: `"`, `\` and what cannot be printed are escaped, in
/// Go's ways (`\n`, `\x7f`, `\u2028`, `\U0001f9ff`, `\xff` for a byte that is no UTF-8).
pub fn write_quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain = 0;
    while let Some(found) = text[plain..].iter().position(|&byte| !is_plain(byte)) {
        let at = plain + found;
        out.extend_from_slice(&text[plain..at]);
        plain = at + write_special(&text[at..], out);
    }
    out.extend_from_slice(&text[plain..]);
    out.push(b'"');
}

/// `text` as a Go string literal.
pub fn quoted(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_quoted(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn is_plain(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\'
}

/// Appends the first character of `text`, which is not plain, and tells its length in bytes.
fn write_special(text: &[u8], out: &mut Vec<u8>) -> usize {
    let first = text[0];
    if first < 0x80 {
        write_ascii(first, out);
        return 1;
    }
    let (character, size) = bstr::decode_utf8(text);
    match character {
        None => {
            write_hex(b'x', u32::from(first), 2, out);
            return 1;
        }
        Some(character) if is_printable(character) => out.extend_from_slice(&text[..size]),
        Some(character) if u32::from(character) < 0x1_0000 => write_hex(b'u', character.into(), 4, out),
        Some(character) => write_hex(b'U', character.into(), 8, out),
    }
    size
}

fn write_ascii(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x07 => b'a',
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x0b => b'v',
        _ => return write_hex(b'x', byte.into(), 2, out),
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn write_hex(letter: u8, value: u32, digits: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'\\', letter]);
    for digit in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(value >> (4 * digit)) as usize & 0xf]);
    }
}

/// Go's `unicode.IsPrint` beyond ASCII: letters, marks, numbers, punctuation and symbols.
fn is_printable(character: char) -> bool {
    static RANGES: LazyLock<Vec<(char, char)>> = LazyLock::new(printable_ranges);
    let at = RANGES.partition_point(|&(_, last)| last < character);
    RANGES.get(at).is_some_and(|&(first, _)| first <= character)
}

fn printable_ranges() -> Vec<(char, char)> {
    // The pattern is constant; should it not parse, everything counts as printable.
    let parsed = regex_syntax::Parser::new().parse(r"[\p{L}\p{M}\p{N}\p{P}\p{S}]");
    match parsed.map(regex_syntax::hir::Hir::into_kind) {
        Ok(regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class))) => {
            class.ranges().iter().map(|range| (range.start(), range.end())).collect()
        }
        _ => vec![('\u{80}', char::MAX)],
    }
}

/// Quotes the way package `time` does in its error texts: no short forms, bytes beyond ASCII as `\xNN`.
pub(super) fn quoted_by_time(text: &[u8]) -> String {
    let mut out = vec![b'"'];
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x20..=0x7f => out.push(byte),
            _ => write_hex(b'x', byte.into(), 2, &mut out),
        }
    }
    out.push(b'"');
    out.to_str_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_escaped_and_how() {
        for (text, expected) in [
            (&b""[..], r#""""#),
            (b"plain / text", r#""plain / text""#),
            (b"a\"b\\c", r#""a\"b\\c""#),
            (b"\x07\x08\x0c\n\r\t\x0b", r#""\a\b\f\n\r\t\v""#),
            (b"\x00\x01\x7f", r#""\x00\x01\x7f""#),
            ("Höst ☃ 😀".as_bytes(), "\"Höst ☃ 😀\""),
            ("\u{2028}\u{a0}\u{200b}\u{feff}".as_bytes(), r#""\u2028\u00a0\u200b\ufeff""#),
            ("\u{e0001}".as_bytes(), r#""\U000e0001""#),
            (b"\xff\xc3(", r#""\xff\xc3(""#),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    proptest! {
        #[test]
        fn bytes_are_never_lost(text: Vec<u8>) {
            let quoted = quoted(&text);
            prop_assert!(quoted.len() >= text.len() + 2);
            prop_assert!(quoted.bytes().all(|byte| byte >= 0x20 && byte != 0x7f));
        }
    }
}
