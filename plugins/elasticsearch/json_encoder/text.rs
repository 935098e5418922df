//! JSON strings the way Heka's Elasticsearch encoders write them.

/// Bytes that a JSON string cannot show as they are: control characters, `"`, `\`, and the first bytes of what may or may
/// not be UTF-8.
static NEEDS_CARE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte < 0x20 || byte >= 0x80 || byte == b'"' as usize || byte == b'\\' as usize;
        byte += 1;
    }
    table
};

/// Appends `text` in double quotes. `"`, `\` and control characters become `\u00xx`, whatever shorter forms JSON has; a byte
/// that is no UTF-8 becomes U+FFFD; all else stands as it is.
#[inline]
pub(crate) fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

/// Appends `text` as [`write_string`] does, without the quotes.
#[inline]
pub(crate) fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        write_careful(text, out);
    }
}

/// Whether all bytes can stand as they are.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    if let Some(last) = text.last_chunk::<16>() {
        // The last sixteen bytes may be looked at twice; that is cheaper than looking at fewer of them.
        return text.as_chunks::<16>().0.iter().all(chunk_is_plain) && chunk_is_plain(last);
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        return word_is_plain(*first) && word_is_plain(*last);
    }
    text.iter().all(|&byte| !NEEDS_CARE[usize::from(byte)])
}

/// In a form that becomes vector instructions.
#[inline]
fn chunk_is_plain(chunk: &[u8; 16]) -> bool {
    !chunk
        .iter()
        .fold(false, |care, &byte| care | !(0x20..0x80).contains(&byte) | (byte == b'"') | (byte == b'\\'))
}

/// Eight bytes at once: in each sum below the highest bit of a byte says that the byte is wanted.
#[inline]
fn word_is_plain(word: [u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let word = u64::from_le_bytes(word);
    let zero_in = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = zero_in(word ^ (ONES * b'"' as u64));
    let backslash = zero_in(word ^ (ONES * b'\\' as u64));
    (word | control | quote | backslash) & HIGH == 0
}

/// How many bytes at the start can stand as they are.
fn plain_len(text: &[u8]) -> usize {
    let chunks = text.as_chunks::<16>().0.iter().take_while(|chunk| chunk_is_plain(chunk)).count() * 16;
    let rest = &text[chunks..];
    chunks + rest.iter().position(|&byte| NEEDS_CARE[usize::from(byte)]).unwrap_or(rest.len())
}

/// Appends text that has bytes which need care.
fn write_careful(mut text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    loop {
        let plain = plain_len(text);
        out.extend_from_slice(&text[..plain]);
        text = &text[plain..];
        let Some(&first) = text.first() else { return };
        if first < 0x80 {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(first >> 4)], HEX[usize::from(first & 15)]]);
            text = &text[1..];
        } else {
            text = write_wide(text, out);
        }
    }
}

/// Appends the characters beyond ASCII that `text` begins with; gives what follows.
fn write_wide<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let len = text.iter().take_while(|&&byte| byte >= 0x80).count();
    let (wide, rest) = text.split_at(len);
    match std::str::from_utf8(wide) {
        Ok(_) => out.extend_from_slice(wide),
        Err(_) => write_broken(wide, out),
    }
    rest
}

/// One U+FFFD for each byte that is no part of a character.
#[cold]
fn write_broken(mut wide: &[u8], out: &mut Vec<u8>) {
    while !wide.is_empty() {
        let (character, size) = bstr::decode_utf8(wide);
        let size = if character.is_some() { size } else { 1 };
        out.extend_from_slice(if character.is_some() { &wide[..size] } else { "\u{fffd}".as_bytes() });
        wide = &wide[size..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(text: &[u8]) -> String {
        let mut out = Vec::new();
        write_string(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_escaped_and_how() {
        assert_eq!(json(b"a\"b\\c/d"), r#""a\u0022b\u005cc/d""#);
        assert_eq!(
            json("naïve ☃ 😀 \u{2028} <tag> & 'q' \x7f \0\x01\x1f \t\r\n end".as_bytes()),
            "\"naïve ☃ 😀 \u{2028} <tag> & 'q' \x7f \\u0000\\u0001\\u001f \\u0009\\u000d\\u000a end\""
        );
        assert_eq!(json(b"x\xff\xfe\xc3(\xe2\x82y"), "\"x\u{fffd}\u{fffd}\u{fffd}(\u{fffd}\u{fffd}y\"");
        assert_eq!(json(b""), "\"\"");
        assert_eq!(
            json(b"sixteen plain ones and a\nnewline behind"),
            r#""sixteen plain ones and a\u000anewline behind""#
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_a_json_reader(text: String) {
            let read: String = serde_json::from_str(&json(text.as_bytes())).unwrap();
            prop_assert_eq!(read, text);
        }

        #[test]
        fn any_bytes_give_valid_json(text: Vec<u8>) {
            let read: String = serde_json::from_str(&json(&text)).unwrap();
            let lost = read.chars().filter(|&c| c == '\u{fffd}').count();
            prop_assert!(lost <= text.len());
        }
    }
}
