//! Floating point numbers as `strconv.FormatFloat` and `encoding/json` write them.

use std::io::Write;

/// Appends `value` in Go's `%v` form: the shortest digits that read back as the same number, with an exponent of at least
/// two digits if it is below -4 or above 5 (`1e+06`, `1e-05`). Infinities are `+Inf` and `-Inf`.
pub fn write_float_g(value: f64, out: &mut Vec<u8>) {
    write_shortest(value, -4, 6, out);
}

/// Appends `value` with the shortest digits and never an exponent (`FormatFloat(v, 'f', -1, 64)`).
pub fn write_float_f(value: f64, out: &mut Vec<u8>) {
    write_shortest(value, i32::MIN, i32::MAX, out);
}

/// Appends `value` as `encoding/json` does: an exponent only below 1e-6 and from 1e21 on, of one digit where one is
/// enough (`1e-7`). Returns false, and appends nothing, for what JSON cannot say: NaN and the infinities.
pub fn write_float_json(value: f64, out: &mut Vec<u8>) -> bool {
    if !value.is_finite() {
        return false;
    }
    let start = out.len();
    write_shortest(value, -6, 21, out);
    // Go drops the leading zero of a negative exponent of one digit.
    let end = out.len();
    if end - start >= 4 && out[end - 4] == b'e' && out[end - 3] == b'-' && out[end - 2] == b'0' {
        out.swap(end - 2, end - 1);
        out.pop();
    }
    true
}

/// Appends `value` with `decimals` digits after the point, as `%0.2f` does: rounded by the exact binary value.
pub fn write_fixed(value: f64, decimals: usize, out: &mut Vec<u8>) {
    if !write_special(value, out) {
        // Writing to a vector cannot fail.
        let _ = write!(out, "{value:.decimals$}");
    }
}

fn write_special(value: f64, out: &mut Vec<u8>) -> bool {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else {
        return false;
    }
    true
}

fn write_shortest(value: f64, exponent_below: i32, exponent_from: i32, out: &mut Vec<u8>) {
    // Most numbers in logs are small whole ones. Minus zero keeps its sign below.
    let whole = value as i32;
    if whole.unsigned_abs() < 1_000_000
        && f64::from(whole) == value
        && (whole != 0 || value.is_sign_positive())
    {
        out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
        return;
    }
    if write_special(value, out) {
        return;
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value == 0.0 {
        out.push(b'0');
        return;
    }
    let mut buffer = zmij::Buffer::new();
    let decimal = Decimal::parse(buffer.format_finite(value.abs()).as_bytes());
    if decimal.exponent < exponent_below || decimal.exponent >= exponent_from {
        decimal.write_with_exponent(out);
    } else {
        decimal.write_plain(out);
    }
}

/// `0.d1d2d3... * 10^(exponent + 1)`, that is, `d1.d2d3... * 10^exponent`.
struct Decimal {
    digits: [u8; 24],
    len: usize,
    exponent: i32,
}

impl Decimal {
    /// Reads what the shortest-digits printer gives: digits, perhaps a point, perhaps `e` and an exponent.
    fn parse(text: &[u8]) -> Decimal {
        let mut decimal = Decimal { digits: [0; 24], len: 0, exponent: 0 };
        let mut point = None;
        let mut zeros = 0_i32;
        let mut whole = 0_i32;
        let mut exponent = 0_i32;
        for (at, &byte) in text.iter().enumerate() {
            match byte {
                b'.' => point = Some(at),
                b'e' => {
                    let rest = std::str::from_utf8(&text[at + 1..]).unwrap_or("0");
                    exponent = rest.parse().unwrap_or(0);
                    break;
                }
                b'0' if decimal.len == 0 => zeros += i32::from(point.is_some()),
                digit => {
                    if decimal.len < decimal.digits.len() {
                        decimal.digits[decimal.len] = digit;
                        decimal.len += 1;
                    }
                    whole += i32::from(point.is_none());
                }
            }
        }
        while decimal.len > 1 && decimal.digits[decimal.len - 1] == b'0' {
            decimal.len -= 1;
        }
        decimal.exponent = exponent + if whole > 0 { whole - 1 } else { -1 - zeros };
        decimal
    }

    fn digits(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    fn write_with_exponent(&self, out: &mut Vec<u8>) {
        let digits = self.digits();
        out.extend_from_slice(&digits[..1]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(if self.exponent < 0 { b"e-" } else { b"e+" });
        super::digits::two(self.exponent.unsigned_abs(), out);
    }

    fn write_plain(&self, out: &mut Vec<u8>) {
        let digits = self.digits();
        if self.exponent < 0 {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(b'0', self.exponent.unsigned_abs() as usize - 1));
            out.extend_from_slice(digits);
            return;
        }
        let whole = self.exponent.unsigned_abs() as usize + 1;
        if digits.len() <= whole {
            out.extend_from_slice(digits);
            out.extend(std::iter::repeat_n(b'0', whole - digits.len()));
        } else {
            out.extend_from_slice(&digits[..whole]);
            out.push(b'.');
            out.extend_from_slice(&digits[whole..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn g(value: f64) -> String {
        let mut out = Vec::new();
        write_float_g(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn f(value: f64) -> String {
        let mut out = Vec::new();
        write_float_f(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn json(value: f64) -> Option<String> {
        let mut out = Vec::new();
        write_float_json(value, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn three_forms_of_the_same_numbers() {
        for (value, as_g, as_f, as_json) in [
            (0.0, "0", "0", "0"),
            (-0.0, "-0", "-0", "-0"),
            (1.5, "1.5", "1.5", "1.5"),
            (-42.0, "-42", "-42", "-42"),
            (100_000.0, "100000", "100000", "100000"),
            (999_999.0, "999999", "999999", "999999"),
            (1_000_000.0, "1e+06", "1000000", "1000000"),
            (-1_000_000.0, "-1e+06", "-1000000", "-1000000"),
            (1_234_567.0, "1.234567e+06", "1234567", "1234567"),
            (12_345_678.5, "1.23456785e+07", "12345678.5", "12345678.5"),
            (123_456_789.0, "1.23456789e+08", "123456789", "123456789"),
            (123_456.789, "123456.789", "123456.789", "123456.789"),
            (1e20, "1e+20", "100000000000000000000", "100000000000000000000"),
            (1e21, "1e+21", "1000000000000000000000", "1e+21"),
            (0.0001, "0.0001", "0.0001", "0.0001"),
            (0.00001, "1e-05", "0.00001", "0.00001"),
            (0.000_001_5, "1.5e-06", "0.0000015", "0.0000015"),
            (1.5e-7, "1.5e-07", "0.00000015", "1.5e-7"),
            (1e-10, "1e-10", "0.0000000001", "1e-10"),
            (
                1.797_693_134_862_315_7e308,
                "1.7976931348623157e+308",
                &(f(f64::MAX)),
                "1.7976931348623157e+308",
            ),
            (5e-324, "5e-324", &f(5e-324), "5e-324"),
            (0.1, "0.1", "0.1", "0.1"),
            (0.3, "0.3", "0.3", "0.3"),
            (0.1 + 0.2, "0.30000000000000004", "0.30000000000000004", "0.30000000000000004"),
        ] {
            assert_eq!(g(value), as_g);
            assert_eq!(f(value), as_f);
            assert_eq!(json(value).as_deref(), Some(as_json));
        }
    }

    #[test]
    fn what_is_no_number() {
        assert_eq!(g(f64::INFINITY), "+Inf");
        assert_eq!(f(f64::NEG_INFINITY), "-Inf");
        assert_eq!(g(f64::NAN), "NaN");
        assert_eq!(json(f64::NAN), None);
    }

    #[test]
    fn fixed_rounds_by_the_binary_value_and_ties_to_even() {
        let fixed = |value, decimals| {
            let mut out = Vec::new();
            write_fixed(value, decimals, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(fixed(0.125, 2), "0.12");
        assert_eq!(fixed(0.375, 2), "0.38");
        assert_eq!(fixed(2.5, 0), "2");
        assert_eq!(fixed(1.005, 2), "1.00");
        assert_eq!(fixed(-1.0, 2), "-1.00");
        assert_eq!(fixed(1e21, 6), "1000000000000000000000.000000");
        assert_eq!(fixed(f64::INFINITY, 2), "+Inf");
        assert_eq!(fixed(f64::NAN, 2), "NaN");
    }

    proptest! {
        #[test]
        fn every_form_reads_back_as_the_same_number(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(g(value).parse::<f64>().unwrap().to_bits(), bits);
            prop_assert_eq!(f(value).parse::<f64>().unwrap().to_bits(), bits);
            prop_assert_eq!(json(value).unwrap().parse::<f64>().unwrap().to_bits(), bits);
            prop_assert!(!f(value).contains('e'));
        }

        #[test]
        fn an_exponent_is_written_exactly_outside_its_range(mantissa in 1.0_f64..9.9, exponent in -300_i32..300) {
            let value: f64 = format!("{mantissa}e{exponent}").parse().unwrap();
            prop_assert_eq!(g(value).contains('e'), !(-4..6).contains(&exponent));
        }
    }
}
