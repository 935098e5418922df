//! Numbers from text, by the rules and with the error texts of `strconv`.

use super::quote::quoted;

/// Why a text is no number; `Display` gives Go's text (`strconv.ParseInt: parsing "x": invalid syntax`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("strconv.{function}: parsing {text}: {why}")]
pub struct NumberError {
    function: &'static str,
    text: String,
    why: &'static str,
}

const SYNTAX: &str = "invalid syntax";
const RANGE: &str = "value out of range";

fn failed(function: &'static str, text: &[u8], why: &'static str) -> NumberError {
    NumberError { function, text: quoted(text), why }
}

/// `strconv.ParseInt(text, 10, 32)`: an optional sign and decimal digits.
///
/// # Errors
/// Anything else, or a value outside of 32 bits.
pub fn parse_int32(text: &[u8]) -> Result<i32, NumberError> {
    let fail = |why| failed("ParseInt", text, why);
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(fail(SYNTAX));
    }
    let mut value = 0_i64;
    for digit in digits {
        value = value.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
    }
    i32::try_from(if negative { -value } else { value }).map_err(|_| fail(RANGE))
}

/// `strconv.ParseUint(text, 10, 64)`: decimal digits and nothing else.
///
/// # Errors
/// Anything else, or a value outside of 64 bits.
pub fn parse_uint64(text: &[u8]) -> Result<u64, NumberError> {
    parse_digits(text, text, 10, u64::MAX)
}

/// `strconv.ParseUint(text, 0, 32)`: decimal, `0x` hexadecimal, `0b` binary, `0o` or `0` octal; underscores between
/// digits.
///
/// # Errors
/// Anything else, or a value outside of 32 bits.
pub fn parse_uint32_any_base(text: &[u8]) -> Result<u32, NumberError> {
    let (base, digits) = match text {
        [b'0', b'x' | b'X', digits @ ..] => (16, digits),
        [b'0', b'b' | b'B', digits @ ..] => (2, digits),
        [b'0', b'o' | b'O', digits @ ..] => (8, digits),
        [b'0', digits @ ..] if !digits.is_empty() => (8, digits),
        digits => (10, digits),
    };
    let prefixed = digits.len() != text.len();
    let value = if digits.contains(&b'_') {
        if !underscores_are_between_digits(digits, prefixed) {
            return Err(failed("ParseUint", text, SYNTAX));
        }
        let digits: Vec<u8> = digits.iter().copied().filter(|&byte| byte != b'_').collect();
        parse_digits(&digits, text, base, u32::MAX.into())?
    } else {
        parse_digits(digits, text, base, u32::MAX.into())?
    };
    // The limit above makes it fit.
    Ok(u32::try_from(value).unwrap_or(u32::MAX))
}

fn underscores_are_between_digits(digits: &[u8], prefixed: bool) -> bool {
    let mut before_is_digit = prefixed;
    for &byte in digits {
        if byte == b'_' && !before_is_digit {
            return false;
        }
        before_is_digit = byte != b'_';
    }
    before_is_digit
}

fn parse_digits(digits: &[u8], text: &[u8], base: u32, largest: u64) -> Result<u64, NumberError> {
    let fail = |why| failed("ParseUint", text, why);
    if digits.is_empty() {
        return Err(fail(SYNTAX));
    }
    let mut value = Some(0_u64);
    for &byte in digits {
        let digit = char::from(byte).to_digit(base).ok_or_else(|| fail(SYNTAX))?;
        value = value.and_then(|v| v.checked_mul(base.into())?.checked_add(digit.into()));
    }
    value.filter(|&value| value <= largest).ok_or_else(|| fail(RANGE))
}

/// `strconv.ParseFloat(text, 64)`: decimal numbers with point and exponent, `inf`, `infinity` (with a sign if wanted) and
/// `nan` in any case. Hexadecimal mantissas are not read.
///
/// # Errors
/// Anything else, or a number too large for a double.
pub fn parse_float(text: &[u8]) -> Result<f64, NumberError> {
    let fail = |why| failed("ParseFloat", text, why);
    let parsed = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
    let Some(value) = parsed else { return Err(fail(SYNTAX)) };
    let says_special = text.iter().any(|byte| matches!(byte, b'n' | b'N'));
    if value.is_nan() && text.len() != 3 {
        return Err(fail(SYNTAX));
    }
    if value.is_infinite() && !says_special { Err(fail(RANGE)) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_32_bits() {
        for (text, value) in [("0", 0), ("-5", -5), ("+7", 7), ("007", 7), ("2147483647", i32::MAX)] {
            assert_eq!(parse_int32(text.as_bytes()), Ok(value));
        }
        for (text, error) in [
            ("", r#"strconv.ParseInt: parsing "": invalid syntax"#),
            ("high", r#"strconv.ParseInt: parsing "high": invalid syntax"#),
            ("4.0", r#"strconv.ParseInt: parsing "4.0": invalid syntax"#),
            ("2147483648", r#"strconv.ParseInt: parsing "2147483648": value out of range"#),
            (
                "-99999999999999999999999",
                r#"strconv.ParseInt: parsing "-99999999999999999999999": value out of range"#,
            ),
        ] {
            assert_eq!(parse_int32(text.as_bytes()).unwrap_err().to_string(), error);
        }
        assert_eq!(parse_int32(b"-2147483648"), Ok(i32::MIN));
    }

    #[test]
    fn unsigned_integers_of_any_base() {
        for (text, value) in [
            ("5", 5),
            ("0", 0),
            ("010", 8),
            ("0o17", 15),
            ("0x55547f80", 0x5554_7f80),
            ("0B11", 3),
            ("1_000", 1000),
            ("0x_f", 15),
            ("4294967295", u32::MAX),
        ] {
            assert_eq!(parse_uint32_any_base(text.as_bytes()), Ok(value), "{text}");
        }
        for text in ["", "08", "0x", "-1", "+1", "1e3", "1__0", "_1", "1_", "4294967296", "1.5", " 1"] {
            assert!(parse_uint32_any_base(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(parse_uint64(b"18446744073709551615"), Ok(u64::MAX));
        assert_eq!(
            parse_uint64(b"18446744073709551616").unwrap_err().to_string(),
            r#"strconv.ParseUint: parsing "18446744073709551616": value out of range"#
        );
    }

    #[test]
    fn floats() {
        for (text, value) in
            [("1", 1.0), ("1e3", 1000.0), ("-.5", -0.5), ("+Inf", f64::INFINITY), ("-inf", f64::NEG_INFINITY)]
        {
            assert_eq!(parse_float(text.as_bytes()), Ok(value));
        }
        assert!(parse_float(b"NaN").unwrap().is_nan());
        for text in ["", "x", "1.2.3", "1e400", "-nan", "0x", " 1", "1 "] {
            assert!(parse_float(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(
            parse_float(b"1e400").unwrap_err().to_string(),
            r#"strconv.ParseFloat: parsing "1e400": value out of range"#
        );
    }
}
