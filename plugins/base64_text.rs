//! Base64 into a byte buffer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Appends bytes as base64 with padding.
pub(crate) fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    // The room is exactly what base64 takes.
    let written = STANDARD.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"a", "YQ=="),
            (b"a0", "YTA="),
            (b"raw", "cmF3"),
            (b"\xff\xfe\0\x01", "//4AAQ=="),
        ] {
            let mut out = b">".to_vec();
            write_base64(bytes, &mut out);
            assert_eq!(out, format!(">{text}").as_bytes());
        }
    }
}
