//! UUIDs as text.

/// Bytes of a UUID.
pub const UUID_SIZE: usize = 16;

/// Writes the lower-case dashed text of a UUID and returns it; the empty string unless `bytes` are
/// exactly [`UUID_SIZE`] long, as everywhere in Heka.
pub fn uuid_text<'a>(bytes: &[u8], text: &'a mut [u8; 36]) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if bytes.len() != UUID_SIZE {
        return "";
    }
    let mut at = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text[at] = b'-';
            at += 1;
        }
        text[at] = DIGITS[usize::from(byte >> 4)];
        text[at + 1] = DIGITS[usize::from(byte & 15)];
        at += 2;
    }
    std::str::from_utf8(text).unwrap_or_default()
}

/// The 16 bytes of a UUID's text, in either letter case: dashed (8-4-4-4-12), in braces, with a
/// `urn:uuid:` in front, or 32 digits without dashes.
pub fn parse_uuid(text: &[u8]) -> Option<[u8; UUID_SIZE]> {
    let text = match text {
        [prefix @ .., b'}'] if prefix.first() == Some(&b'{') => &prefix[1..],
        _ if text.len() == 45 && text[..9].eq_ignore_ascii_case(b"urn:uuid:") => &text[9..],
        _ => text,
    };
    let mut digits = text.iter();
    let mut uuid = [0; UUID_SIZE];
    for (index, byte) in uuid.iter_mut().enumerate() {
        if text.len() == 36 && matches!(index, 4 | 6 | 8 | 10) && digits.next() != Some(&b'-') {
            return None;
        }
        *byte = hex(*digits.next()?)? << 4 | hex(*digits.next()?)?;
    }
    digits.next().is_none().then_some(uuid)
}

fn hex(digit: u8) -> Option<u8> {
    Some(match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: [u8; 16] = *b"0123456789abcdef";
    const TEXT: &str = "30313233-3435-3637-3839-616263646566";

    #[test]
    fn text_is_dashed_and_lower_case() {
        assert_eq!(uuid_text(&UUID, &mut [0; 36]), TEXT);
        assert_eq!(uuid_text(&[0xff; 16], &mut [0; 36]), "ffffffff-ffff-ffff-ffff-ffffffffffff");
    }

    #[test]
    fn any_other_length_has_no_text() {
        for length in [0, 1, 15, 17, 36] {
            assert_eq!(uuid_text(&vec![1; length], &mut [0; 36]), "");
        }
    }

    #[test]
    fn every_accepted_spelling_parses() {
        let spellings = [
            TEXT.to_string(),
            TEXT.to_uppercase(),
            TEXT.replace('-', ""),
            format!("{{{TEXT}}}"),
            format!("urn:uuid:{TEXT}"),
        ];
        for text in spellings {
            assert_eq!(parse_uuid(text.as_bytes()), Some(UUID), "{text}");
        }
    }

    #[test]
    fn other_text_does_not_parse() {
        let wrong = [
            "",
            "{}",
            "3031323334353637383961626364656",
            "303132333435363738396162636465667",
            "30313233-3435-3637-3839-61626364656g",
            "303132333-435-3637-3839-616263646566",
            "30313233-3435-3637-3839-6162636465666",
        ];
        for text in wrong {
            assert_eq!(parse_uuid(text.as_bytes()), None, "{text}");
        }
    }
}
