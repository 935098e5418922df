//! The strftime dialect of `cactus/gostrftime`, which Heka uses for file names, index names and prefixes.
//!
//! It differs from C's: names are English; `%C` is the whole year; `%f` is microseconds; `%P` is lower and `%p` upper
//! case; `%v` is ` 3-May-2014`; the minutes of a negative `%z` carry a sign of their own (`-03-30`); what it does not know
//! (`%L`, `%N`, `%U`, a percent sign at the end) is copied as it stands.

use super::clock::{Civil, DAYS, MONTHS};
use super::digits::{number, padded, two, two_blank};

/// A format, taken apart once.
#[derive(Clone, Debug)]
pub struct Strftime {
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq)]
enum Item {
    Literal(Vec<u8>),
    Code(u8),
}

const CODES: &[u8] = b"AaBbhCDdeFfHIjklMmnPpRrSsTtvwYyZz";

impl Strftime {
    /// Reads a format; every text is one.
    pub fn new(format: &str) -> Strftime {
        let mut items = Vec::new();
        let mut literal = Vec::new();
        let mut bytes = format.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'%' {
                literal.push(byte);
                continue;
            }
            match bytes.next() {
                Some(code) if CODES.contains(&code) => {
                    if !literal.is_empty() {
                        items.push(Item::Literal(std::mem::take(&mut literal)));
                    }
                    items.push(Item::Code(code));
                }
                Some(b'%') => literal.push(b'%'),
                unknown => {
                    literal.push(b'%');
                    literal.extend(unknown);
                }
            }
        }
        if !literal.is_empty() {
            items.push(Item::Literal(literal));
        }
        Strftime { items }
    }

    /// Whether the text differs within a second.
    pub fn shows_fractions(&self) -> bool {
        self.items.contains(&Item::Code(b'f'))
    }

    /// Whether the format has no code at all: the text is always the same.
    pub fn is_constant(&self) -> bool {
        !self.items.iter().any(|item| matches!(item, Item::Code(_)))
    }

    /// Appends the time in this format.
    pub fn write(&self, time: &Civil, out: &mut Vec<u8>) {
        for item in &self.items {
            match item {
                Item::Literal(text) => out.extend_from_slice(text),
                Item::Code(code) => write_code(*code, time, out),
            }
        }
    }
}

fn write_code(code: u8, time: &Civil, out: &mut Vec<u8>) {
    match code {
        b'A' => out.extend_from_slice(day_name(time).as_bytes()),
        b'a' => out.extend_from_slice(&day_name(time).as_bytes()[..3]),
        b'B' => out.extend_from_slice(month_name(time).as_bytes()),
        b'b' | b'h' => out.extend_from_slice(&month_name(time).as_bytes()[..3]),
        b'C' | b'Y' => number(time.year, out),
        b'D' => write_codes(b"m/d/y", time, out),
        b'd' => two(time.day, out),
        b'e' => two_blank(time.day, out),
        b'F' => write_codes(b"Y-m-d", time, out),
        b'f' => padded(i64::from(time.nanos / 1000), 6, out),
        b'H' => two(time.hour, out),
        b'I' => two(hour_of_12(time), out),
        b'j' => padded(time.year_day.into(), 3, out),
        b'k' => two_blank(time.hour, out),
        b'l' => two_blank(hour_of_12(time), out),
        b'M' => two(time.minute, out),
        b'm' => two(time.month, out),
        b'n' => out.push(b'\n'),
        b'P' => out.extend_from_slice(if time.hour < 12 { b"am" } else { b"pm" }),
        b'p' => out.extend_from_slice(if time.hour < 12 { b"AM" } else { b"PM" }),
        b'R' => write_codes(b"H:M", time, out),
        b'r' => write_codes(b"I:M:S p", time, out),
        b'S' => two(time.second, out),
        b's' => number(time.unix_s, out),
        b'T' => write_codes(b"H:M:S", time, out),
        b't' => out.push(b'\t'),
        b'v' => write_codes(b"e-b-Y", time, out),
        b'w' => number(time.weekday.into(), out),
        b'y' => padded(time.year.rem_euclid(100), 2, out),
        b'Z' => out.extend_from_slice(time.zone_name.as_bytes()),
        b'z' => write_offset(time.offset_s, out),
        other => out.push(other),
    }
}

/// Letters are codes, all else stands for itself.
fn write_codes(codes: &[u8], time: &Civil, out: &mut Vec<u8>) {
    for &code in codes {
        write_code(code, time, out);
    }
}

fn write_offset(offset_s: i32, out: &mut Vec<u8>) {
    let hours = offset_s / 3600;
    out.push(if hours < 0 { b'-' } else { b'+' });
    two(hours.unsigned_abs(), out);
    let minutes = offset_s % 3600 / 60;
    // Go pads to two characters, the sign being one of them.
    if minutes < 0 { number(minutes.into(), out) } else { two(minutes.unsigned_abs(), out) }
}

fn day_name(time: &Civil) -> &'static str {
    DAYS[time.weekday as usize % 7]
}

fn month_name(time: &Civil) -> &'static str {
    MONTHS[(time.month as usize + 11) % 12]
}

fn hour_of_12(time: &Civil) -> u32 {
    if time.hour.is_multiple_of(12) { 12 } else { time.hour % 12 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::zone::ZoneName;
    use super::*;

    fn text(format: &str, time: &Civil) -> String {
        let mut out = Vec::new();
        Strftime::new(format).write(time, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Saturday, 3 May 2014, 04:05:06.000789 in UTC.
    fn may() -> Civil {
        Civil::utc(1_399_089_906_000_789_000)
    }

    #[test]
    fn every_code() {
        for (format, expected) in [
            ("%A %a %B %b %h", "Saturday Sat May May May"),
            ("%C %Y %y", "2014 2014 14"),
            ("%D %F %v", "05/03/14 2014-05-03  3-May-2014"),
            ("%d|%e", "03| 3"),
            ("%f", "000789"),
            ("%H %k %I %l", "04  4 04  4"),
            ("%j %w", "123 6"),
            ("%M %m", "05 05"),
            ("%n%t", "\n\t"),
            ("%P %p", "am AM"),
            ("%R %T %r", "04:05 04:05:06 04:05:06 AM"),
            ("%S %s", "06 1399089906"),
            ("%Z %z", "UTC +0000"),
            ("100%% %L %N %U %E %q %", "100% %L %N %U %E %q %"),
            ("%Q-%-%Ü", "%Q-%-%Ü"),
        ] {
            assert_eq!(text(format, &may()), expected, "{format}");
        }
    }

    #[test]
    fn noon_and_midnight() {
        let day = 1_399_075_200;
        let at = |hours: i64| Civil::new(day + hours * 3600, 0, 0, ZoneName::default());
        assert_eq!(text("%I %l %p", &at(0)), "12 12 AM");
        assert_eq!(text("%I %l %P", &at(12)), "12 12 pm");
        assert_eq!(text("%I %l", &at(13)), "01  1");
    }

    #[test]
    fn offsets() {
        let at = |offset_s| text("%z", &Civil::new(0, 0, offset_s, ZoneName::default()));
        assert_eq!(at(19_800), "+0530");
        assert_eq!(at(-4 * 3600), "-0400");
        assert_eq!(at(-12_600), "-03-30");
        assert_eq!(at(-1800), "+00-30");
        assert_eq!(at(-300), "+00-5");
    }

    #[test]
    fn what_a_format_shows_is_known() {
        assert!(Strftime::new("idx%%").is_constant());
        assert!(!Strftime::new("%Y").is_constant());
        assert!(Strftime::new("%f").shows_fractions());
        assert!(!Strftime::new("%%f").shows_fractions());
    }

    proptest! {
        #[test]
        fn text_without_percent_signs_stands_for_itself(format in "[^%]*") {
            prop_assert_eq!(text(&format, &may()), format);
        }

        #[test]
        fn any_format_can_be_written(format: String, unix_ns: i64) {
            let mut out = Vec::new();
            Strftime::new(&format).write(&Civil::utc(unix_ns), &mut out);
            prop_assert!(std::str::from_utf8(&out).is_ok());
        }
    }
}
