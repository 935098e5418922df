//! Decimal digits into a byte buffer.

/// Appends `value` with at least two digits.
pub(super) fn two(value: u32, out: &mut Vec<u8>) {
    if value > 99 {
        number(i64::from(value), out);
    } else {
        // Both are below ten, so the casts lose nothing.
        out.extend_from_slice(&[b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
    }
}

/// Appends `value` with at least two characters, the first of them a blank if the value is below ten.
pub(super) fn two_blank(value: u32, out: &mut Vec<u8>) {
    if value < 10 {
        out.extend_from_slice(&[b' ', b'0' + value as u8]);
    } else {
        two(value, out);
    }
}

/// Appends `value` with at least `width` digits, a minus sign before them not counted.
pub(super) fn padded(value: i64, width: usize, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value.unsigned_abs()).as_bytes();
    out.extend(std::iter::repeat_n(b'0', width.saturating_sub(digits.len())));
    out.extend_from_slice(digits);
}

/// Appends an integer.
pub(super) fn number(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn padding() {
        assert_eq!(text(|o| two(7, o)), "07");
        assert_eq!(text(|o| two(123, o)), "123");
        assert_eq!(text(|o| two_blank(7, o)), " 7");
        assert_eq!(text(|o| padded(-5, 4, o)), "-0005");
        assert_eq!(text(|o| padded(12345, 4, o)), "12345");
    }
}
