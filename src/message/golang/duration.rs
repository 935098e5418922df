//! `time.ParseDuration`.

use super::quote::quoted_by_time;

/// Why a text is no duration; `Display` gives Go's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("time: {what}{text}")]
pub struct DurationError {
    what: String,
    text: String,
}

/// Nanoseconds of a text such as `1h30m`, `1.5s`, `-20ms` or `0`. Units: ns, us (µs), ms, s, m, h; every number but a
/// lone `0` needs one.
///
/// # Errors
/// The text is no duration, or does not fit into 64 bits.
pub fn parse_duration(text: &str) -> Result<i64, DurationError> {
    let fail = |what: &str| DurationError { what: what.into(), text: quoted_by_time(text.as_bytes()) };
    let invalid = || fail("invalid duration ");
    let (negative, mut rest) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_i128;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after {
            [b'.', after @ ..] => digits(after),
            after => (&[][..], after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let unit_len =
            after.iter().position(|byte| byte.is_ascii_digit() || *byte == b'.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_len);
        if unit.is_empty() {
            return Err(fail("missing unit in duration "));
        }
        let Some(unit_ns) = unit_ns(unit) else {
            return Err(fail(&format!("unknown unit {} in duration ", quoted_by_time(unit))));
        };
        let whole = decimal(whole).ok_or_else(invalid)?;
        total += whole.checked_mul(unit_ns).ok_or_else(invalid)? + fraction_ns(fraction, unit_ns);
        if total > 1 << 63 {
            return Err(invalid());
        }
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len()))
}

fn decimal(digits: &[u8]) -> Option<i128> {
    let digits = std::str::from_utf8(digits).ok()?;
    if digits.is_empty() { Some(0) } else { digits.parse::<u64>().ok().map(i128::from) }
}

/// The part of a unit that decimals say, cut to whole nanoseconds.
fn fraction_ns(digits: &[u8], unit_ns: i128) -> i128 {
    let (mut value, mut scale) = (0_i128, 1_i128);
    for digit in digits.iter().take(18) {
        value = value * 10 + i128::from(digit - b'0');
        scale *= 10;
    }
    value * unit_ns / scale
}

fn unit_ns(unit: &[u8]) -> Option<i128> {
    Some(match unit {
        b"ns" => 1,
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => 1_000,
        b"ms" => 1_000_000,
        b"s" => 1_000_000_000,
        b"m" => 60_000_000_000,
        b"h" => 3_600_000_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        const S: i64 = 1_000_000_000;
        for (text, ns) in [
            ("0", 0),
            ("-0", 0),
            ("5s", 5 * S),
            ("+5s", 5 * S),
            ("1h30m", 5400 * S),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("5.s", 5 * S),
            ("-2m3.4s", -(123 * S + 400_000_000)),
            ("250ms", 250_000_000),
            ("1us1µs1ns", 2001),
            ("0.3333333333333333333h", 1_199_999_999_999),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
        ] {
            assert_eq!(parse_duration(text), Ok(ns), "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (text, error) in [
            ("", r#"time: invalid duration """#),
            ("x", r#"time: invalid duration "x""#),
            ("-", r#"time: invalid duration "-""#),
            (".s", r#"time: invalid duration ".s""#),
            ("3", r#"time: missing unit in duration "3""#),
            ("1 s", r#"time: unknown unit " s" in duration "1 s""#),
            ("1d", r#"time: unknown unit "d" in duration "1d""#),
            ("9999999999h", r#"time: invalid duration "9999999999h""#),
        ] {
            assert_eq!(parse_duration(text).unwrap_err().to_string(), error);
        }
    }
}
