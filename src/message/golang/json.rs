//! Strings as `encoding/json` writes them.

/// Appends `text` as a JSON string the way Go's encoder does: besides what JSON demands it escapes `<`, `>` and `&`
/// (`\u003c`) and the line separators U+2028 and U+2029; a byte that is no UTF-8 becomes `\ufffd`.
pub fn write_json_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain = 0;
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        let (size, escape) = if byte < 0x80 { (1, needs_escape(byte)) } else { wide(&text[at..]) };
        if escape {
            out.extend_from_slice(&text[plain..at]);
            write_escape(&text[at..at + size], out);
            plain = at + size;
        }
        at += size;
    }
    out.extend_from_slice(&text[plain..]);
    out.push(b'"');
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&')
}

fn wide(text: &[u8]) -> (usize, bool) {
    match bstr::decode_utf8(text) {
        (None, _) => (1, true),
        (Some(character), size) => (size, matches!(character, '\u{2028}' | '\u{2029}')),
    }
}

fn write_escape(character: &[u8], out: &mut Vec<u8>) {
    match character {
        [b'"' | b'\\'] => out.extend_from_slice(&[b'\\', character[0]]),
        b"\n" => out.extend_from_slice(b"\\n"),
        b"\r" => out.extend_from_slice(b"\\r"),
        b"\t" => out.extend_from_slice(b"\\t"),
        [byte @ 0..0x80] => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
        }
        [_] => out.extend_from_slice(b"\\ufffd"),
        // Of the wider characters only the two separators come here.
        [.., last] => out.extend_from_slice(if *last == 0xa8 { b"\\u2028" } else { b"\\u2029" }),
        [] => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(text: &[u8]) -> String {
        let mut out = Vec::new();
        write_json_string(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_escaped_and_how() {
        assert_eq!(json(b"plain /\x7f"), "\"plain /\x7f\"");
        assert_eq!(json(b"\"\\\n\r\t\x00\x1f\x08"), r#""\"\\\n\r\t\u0000\u001f\u0008""#);
        assert_eq!(json(b"<a>&'"), r#""\u003ca\u003e\u0026'""#);
        assert_eq!(json("é\u{2028}\u{2029}\u{2030}".as_bytes()), "\"é\\u2028\\u2029\u{2030}\"");
        assert_eq!(json(b"x\xff\xc3("), r#""x\ufffd\ufffd(""#);
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_a_json_reader(text: String) {
            let value: serde_json::Value = serde_json::from_str(&json(text.as_bytes())).unwrap();
            prop_assert_eq!(value, serde_json::Value::String(text));
        }

        #[test]
        fn any_bytes_give_json(text: Vec<u8>) {
            prop_assert!(serde_json::from_str::<String>(&json(&text)).is_ok());
        }
    }
}
