//! Numbers as text: the short form that payloads and preserved data use, and Lua's own.

use std::io::Write;

/// Above this the text is C's `%.17g`.
const LARGEST_PLAIN: f64 = i32::MAX as f64;
const DECIMALS: u32 = 8;
const SCALE: f64 = 1e8;

/// Longest text that [`format`] and [`format_g`] write.
pub(crate) const LONGEST: usize = 40;

/// Writes a number with at most eight decimals, halves to even. Returns the text's length.
pub(crate) fn format(number: f64, text: &mut [u8; LONGEST]) -> usize {
    if number.is_nan() {
        return put(text, format_args!("nan"));
    }
    if number.is_infinite() {
        return put(text, format_args!("{}", if number < 0.0 { "-inf" } else { "inf" }));
    }
    let size = number.abs();
    if size > LARGEST_PLAIN {
        return format_g(number, 17, text);
    }
    if size.fract() == 0.0 {
        return put(text, format_args!("{}", number as i64));
    }
    let mut whole = size as u64;
    let scaled = (size - whole as f64) * SCALE;
    let mut fraction = scaled as u64;
    let rest = scaled - fraction as f64;
    if rest > 0.5 || (rest == 0.5 && (fraction == 0 || fraction & 1 == 1)) {
        fraction += 1;
    }
    if fraction as f64 >= SCALE {
        fraction = 0;
        whole += 1;
    }
    if whole == 0 && fraction == 0 {
        return put(text, format_args!("0"));
    }
    let sign = if number < 0.0 { "-" } else { "" };
    if fraction == 0 {
        return put(text, format_args!("{sign}{whole}"));
    }
    let mut digits = DECIMALS as usize;
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        digits -= 1;
    }
    put(text, format_args!("{sign}{whole}.{fraction:0digits$}"))
}

/// Like [`format`], but spelt so that Lua reads it back: `0/0`, `1/0`, `-1/0`.
pub(crate) fn format_source(number: f64, text: &mut [u8; LONGEST]) -> usize {
    if number.is_finite() {
        return format(number, text);
    }
    let source = if number.is_nan() { "0/0" } else { ["1/0", "-1/0"][usize::from(number < 0.0)] };
    put(text, format_args!("{source}"))
}

/// C's `%.<precision>g`.
pub(crate) fn format_g(number: f64, precision: i32, text: &mut [u8; LONGEST]) -> usize {
    // SAFETY: the buffer's size is given, and the format takes an int and a double.
    let length =
        unsafe { libc::snprintf(text.as_mut_ptr().cast(), LONGEST, c"%.*g".as_ptr(), precision, number) };
    usize::try_from(length).unwrap_or(0).min(LONGEST - 1)
}

fn put(text: &mut [u8; LONGEST], what: std::fmt::Arguments<'_>) -> usize {
    let mut rest = &mut text[..];
    let before = rest.len();
    // The longest text is far shorter than the buffer, so this cannot fail.
    let _ = rest.write_fmt(what);
    before - rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(number: f64) -> String {
        let mut text = [0; LONGEST];
        let length = format(number, &mut text);
        String::from_utf8(text[..length].to_vec()).unwrap()
    }

    #[test]
    fn eight_decimals_halves_to_even() {
        let pairs = [
            (0.30000000000000004, "0.3"),
            (1.0 / 3.0, "0.33333333"),
            (-2.0 / 3.0, "-0.66666667"),
            (1e-8, "0.00000001"),
            (4.9e-9, "0"),
            (5e-9, "0.00000001"),
            (1.5e-8, "0.00000001"),
            (2.5e-8, "0.00000002"),
            (0.999999999, "1"),
            (99.999999996, "100"),
            (123456789.12345679, "123456789.12345679"),
            (0.123456785, "0.12345678"),
            (0.123456795, "0.1234568"),
            (100.5, "100.5"),
            (-0.5, "-0.5"),
            (-1e-300, "0"),
        ];
        for (number, text) in pairs {
            assert_eq!(short(number), text, "{number:?}");
        }
    }

    #[test]
    fn whole_and_large_numbers() {
        let pairs = [
            (0.0, "0"),
            (-0.0, "0"),
            (-7.0, "-7"),
            (2147483647.0, "2147483647"),
            (2147483648.0, "2147483648"),
            (2147483647.5, "2147483647.5"),
            (1e15, "1000000000000000"),
            (1428523950000000000.0, "1.42852395e+18"),
            (1e100, "1e+100"),
            (1e300, "1.0000000000000001e+300"),
            (9007199254740992.0, "9007199254740992"),
            (-4294967296.0, "-4294967296"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (number, text) in pairs {
            assert_eq!(short(number), text, "{number:?}");
        }
    }

    #[test]
    fn source_text_is_read_back() {
        let mut text = [0; LONGEST];
        for (number, source) in
            [(f64::NAN, "0/0"), (f64::INFINITY, "1/0"), (f64::NEG_INFINITY, "-1/0"), (0.5, "0.5")]
        {
            let length = format_source(number, &mut text);
            assert_eq!(&text[..length], source.as_bytes());
        }
    }
}
