//! Texts in quotes.

/// Appends a text in quotes. Bytes beyond ASCII are left as they are.
pub(super) fn put_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut start = 0;
    for (at, &byte) in text.iter().enumerate() {
        let escape = ESCAPES[usize::from(byte)];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&text[start..at]);
        start = at + 1;
        if escape == b'u' {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        } else {
            out.extend_from_slice(&[b'\\', escape]);
        }
    }
    out.extend_from_slice(&text[start..]);
    out.push(b'"');
}

/// What follows a backslash for a byte, `u` for its number; 0 is a byte that stands for itself.
static ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        escapes[byte] = b'u';
        byte += 1;
    }
    escapes[0x7f] = b'u';
    let short = [
        (b'"', b'"'),
        (b'\\', b'\\'),
        (b'/', b'/'),
        (8, b'b'),
        (9, b't'),
        (10, b'n'),
        (12, b'f'),
        (13, b'r'),
    ];
    let mut at = 0;
    while at < short.len() {
        escapes[short[at].0 as usize] = short[at].1;
        at += 1;
    }
    escapes
};
