//! Values in protobuf's text form, as Go's protobuf library prints them.

/// Appends `text` in double quotes with C escapes: `\n`, `\r`, `\t`, `\"`, `\\`, and three octal digits for every other
/// byte outside printable ASCII.
pub fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x20..0x7f => out.push(byte),
            _ => {
                out.extend_from_slice(&[b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)])
            }
        }
    }
    out.push(b'"');
}

/// Appends a double: `inf`, `-inf`, `nan`, else as [`super::write_float_g`].
pub fn write_double(value: f64, out: &mut Vec<u8>) {
    if value.is_nan() {
        out.extend_from_slice(b"nan");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
    } else {
        super::write_float_g(value, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_doubles() {
        let mut out = Vec::new();
        write_string("a\"\\\n\r\t\0\x7fé".as_bytes(), &mut out);
        assert_eq!(out, br#""a\"\\\n\r\t\000\177\303\251""#);
        for (value, text) in
            [(1e6, "1e+06"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf"), (f64::NAN, "nan")]
        {
            out.clear();
            write_double(value, &mut out);
            assert_eq!(out, text.as_bytes());
        }
    }
}
