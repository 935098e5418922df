//! Numbers: C's `%.<precision>g` and `strtod`, with short ways for the numbers that are met most.

use crate::number::{LONGEST, format_g};

/// Integers below this have at most 15 digits and are exact in a double.
const EXACT: u64 = 1_000_000_000_000_000;

/// Powers of ten that are exact in a double.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Appends a finite number.
pub(super) fn put(out: &mut Vec<u8>, number: f64, precision: i32) {
    let size = number.abs();
    let whole = size as u64;
    // Not for -0, whose sign shows.
    let is_plain = size < POWERS[precision.clamp(0, 15) as usize] && whole as f64 == size;
    if is_plain && (whole != 0 || number.is_sign_positive()) {
        if number < 0.0 {
            out.push(b'-');
        }
        return put_whole(out, whole);
    }
    if let Some((digits, decimals)) = decimal(size, precision) {
        if number < 0.0 {
            out.push(b'-');
        }
        let scale = POWERS[decimals] as u64;
        put_whole(out, digits / scale);
        out.push(b'.');
        let start = out.len();
        // One more digit than there are decimals, to have the zeros in front; it gives way to the point.
        put_whole(out, digits % scale + scale);
        out.remove(start);
        return;
    }
    let mut text = [0; LONGEST];
    let length = format_g(number, precision, &mut text);
    out.extend_from_slice(&text[..length]);
}

/// The digits and decimals of a number that is the closest to a decimal fraction of a few digits. Those are what C gives
/// too, as so few digits never come out of rounding another number.
fn decimal(size: f64, precision: i32) -> Option<(u64, usize)> {
    const MOST_DECIMALS: usize = 6;
    // Smaller ones have an exponent; larger ones have too many digits.
    if !(1e-4..1e9).contains(&size) || precision > 15 {
        return None;
    }
    (1..=MOST_DECIMALS).find_map(|decimals| {
        let scaled = (size * POWERS[decimals]).round();
        let is_it = scaled / POWERS[decimals] == size && scaled < POWERS[precision as usize];
        is_it.then_some((scaled as u64, decimals))
    })
}

fn put_whole(out: &mut Vec<u8>, mut whole: u64) {
    let mut text = [0; 20];
    let mut start = text.len();
    loop {
        start -= 1;
        text[start] = b'0' + (whole % 10) as u8;
        whole /= 10;
        if whole == 0 {
            return out.extend_from_slice(&text[start..]);
        }
    }
}

/// The number at the start of a text that is followed by a NUL, and its length; 0 is no number.
///
/// # Safety
/// Behind the last byte of `text` is a NUL, as behind every string of Lua.
pub(super) unsafe fn parse(text: &[u8]) -> (f64, usize) {
    plain(text).unwrap_or_else(|| {
        let mut end = std::ptr::null_mut();
        // SAFETY: the text ends with a NUL.
        let number = unsafe { libc::strtod(text.as_ptr().cast(), &raw mut end) };
        (number, end as usize - text.as_ptr() as usize)
    })
}

/// Decimals of at most 15 digits without an exponent, which one division makes exact.
fn plain(text: &[u8]) -> Option<(f64, usize)> {
    let negative = text.first() == Some(&b'-');
    let mut at = usize::from(negative);
    let start = at;
    let mut digits = 0_u64;
    let mut point = None;
    loop {
        match text.get(at) {
            Some(digit @ b'0'..=b'9') => {
                digits = digits * 10 + u64::from(digit - b'0');
                if digits >= EXACT {
                    return None;
                }
            }
            Some(b'.') if point.is_none() && at > start => point = Some(at),
            // An exponent, hexadecimal digits or a name.
            Some(byte) if byte.is_ascii_alphabetic() => return None,
            _ => break,
        }
        at += 1;
    }
    if at == start {
        return None;
    }
    let decimals = point.map_or(0, |point| at - point - 1);
    let number = digits as f64 / POWERS.get(decimals)?;
    Some((if negative { -number } else { number }, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &std::ffi::CStr) -> (f64, usize) {
        // SAFETY: a C string ends with a NUL.
        unsafe { parse(text.to_bytes()) }
    }

    #[test]
    fn short_ways_agree_with_c() {
        for text in [
            c"0",
            c"-0",
            c"1",
            c"-17",
            c"007",
            c"1.5",
            c"5.",
            c"0.1",
            c"123456789.123456",
            c"0.000001",
            c"1.2.3",
            c"9007199254740993",
            c"1e5",
            c"1e",
            c"0x10",
            c"12abc",
            c"-",
            c"--1",
            c".5",
            c"",
            c"-x",
            c"3.14,",
        ] {
            let mut end = std::ptr::null_mut();
            // SAFETY: a C string.
            let number = unsafe { libc::strtod(text.as_ptr(), &raw mut end) };
            let length = end as usize - text.as_ptr() as usize;
            assert_eq!((parsed(text).0.to_bits(), parsed(text).1), (number.to_bits(), length), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_decimal_agrees_with_c(text in "-?[0-9]{1,17}(\\.[0-9]{0,17})?(e[+-]?[0-9]{1,3})?") {
            let text = std::ffi::CString::new(text).unwrap();
            let mut end = std::ptr::null_mut();
            // SAFETY: a C string.
            let number = unsafe { libc::strtod(text.as_ptr(), &raw mut end) };
            assert_eq!(parsed(&text).0.to_bits(), number.to_bits());
            assert_eq!(parsed(&text).1, end as usize - text.as_ptr() as usize);
        }

        #[test]
        fn any_number_is_written_as_c_does(bits: u64, small in -1_000_000_i64..1_000_000, precision in 1..=17) {
            for number in [f64::from_bits(bits), small as f64, small as f64 / 100.0, small as f64 / 1e6, small as f64 * 1e-7] {
                if number.is_finite() {
                    let mut out = Vec::new();
                    put(&mut out, number, precision);
                    let mut text = [0; LONGEST];
                    let length = format_g(number, precision, &mut text);
                    assert_eq!(out, &text[..length]);
                }
            }
        }
    }
}
