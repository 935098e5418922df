//! Finding the elements of a layout.

use super::super::clock::{DAYS, MONTHS};

/// A part of a time that a layout shows by the reference time's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// `January`
    LongMonth,
    /// `Jan`
    ShortMonth,
    /// `1`
    Month,
    /// `01`
    ZeroMonth,
    /// `Monday`
    LongDay,
    /// `Mon`
    ShortDay,
    /// `2`
    Day,
    /// `_2`
    BlankDay,
    /// `02`
    ZeroDay,
    /// `__2`
    BlankYearDay,
    /// `002`
    ZeroYearDay,
    /// `15`
    Hour,
    /// `3`
    Hour12,
    /// `03`
    ZeroHour12,
    /// `4`
    Minute,
    /// `04`
    ZeroMinute,
    /// `5`
    Second,
    /// `05`
    ZeroSecond,
    /// `2006`
    LongYear,
    /// `06`
    Year,
    /// `PM`
    UpperPm,
    /// `pm`
    LowerPm,
    /// `MST`
    ZoneName,
    /// `-0700` and its relatives
    Offset(OffsetForm),
    /// `.000`, `,999`
    Fraction(Fraction),
}

/// How an offset is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OffsetForm {
    /// `Z` may stand for UTC.
    pub(crate) z: bool,
    /// Colons between the numbers.
    pub(crate) colons: bool,
    /// How many numbers: hours, minutes, seconds.
    pub(crate) numbers: u8,
}

/// How many digits a fraction has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fraction {
    /// Exactly so many.
    Fixed(usize),
    /// Any number, or no fraction at all.
    Any,
}

/// The first element of `layout`: where it starts, its length, what it is.
pub(super) fn next(layout: &[u8]) -> Option<(usize, usize, Element)> {
    (0..layout.len()).find_map(|at| {
        let (skip, len, element) = starts_at(layout, at)?;
        Some((at + skip, len, element))
    })
}

/// The element at `at`: bytes to skip (the first of them is literal after all), length, what it is.
fn starts_at(layout: &[u8], at: usize) -> Option<(usize, usize, Element)> {
    use Element as E;
    let rest = &layout[at..];
    let found = |len, element| Some((0, len, element));
    match rest[0] {
        b'J' => word(rest, MONTHS[0]).map(|len| (0, len, if len > 3 { E::LongMonth } else { E::ShortMonth })),
        b'M' => match word(rest, DAYS[1]) {
            Some(len) => found(len, if len > 3 { E::LongDay } else { E::ShortDay }),
            None if rest.starts_with(b"MST") => found(3, E::ZoneName),
            None => None,
        },
        b'0' => match rest.get(1)? {
            b'1' => found(2, E::ZeroMonth),
            b'2' => found(2, E::ZeroDay),
            b'3' => found(2, E::ZeroHour12),
            b'4' => found(2, E::ZeroMinute),
            b'5' => found(2, E::ZeroSecond),
            b'6' => found(2, E::Year),
            b'0' if rest.starts_with(b"002") => found(3, E::ZeroYearDay),
            _ => None,
        },
        b'1' if rest.starts_with(b"15") => found(2, E::Hour),
        b'1' => found(1, E::Month),
        b'2' if rest.starts_with(b"2006") => found(4, E::LongYear),
        b'2' => found(1, E::Day),
        b'_' if rest.starts_with(b"_2006") => Some((1, 4, E::LongYear)),
        b'_' if rest.starts_with(b"_2") => found(2, E::BlankDay),
        b'_' if rest.starts_with(b"__2") => found(3, E::BlankYearDay),
        b'3' => found(1, E::Hour12),
        b'4' => found(1, E::Minute),
        b'5' => found(1, E::Second),
        b'P' if rest.starts_with(b"PM") => found(2, E::UpperPm),
        b'p' if rest.starts_with(b"pm") => found(2, E::LowerPm),
        b'-' | b'Z' => offset(rest).map(|(len, form)| (0, len, E::Offset(form))),
        b'.' | b',' => fraction(rest).map(|(len, digits)| (0, len, E::Fraction(digits))),
        _ => None,
    }
}

/// Length of `long` or of its first three letters, which must not go on as another word, at the start of `rest`.
fn word(rest: &[u8], long: &str) -> Option<usize> {
    if rest.starts_with(long.as_bytes()) {
        return Some(long.len());
    }
    let short = rest.starts_with(&long.as_bytes()[..3]) && !rest.get(3).is_some_and(u8::is_ascii_lowercase);
    short.then_some(3)
}

fn offset(rest: &[u8]) -> Option<(usize, OffsetForm)> {
    let z = rest[0] == b'Z';
    let forms: [(&[u8], bool, u8); 5] = [
        (b"070000", false, 3),
        (b"07:00:00", true, 3),
        (b"0700", false, 2),
        (b"07:00", true, 2),
        (b"07", false, 1),
    ];
    let (text, colons, numbers) = forms.into_iter().find(|(text, _, _)| rest[1..].starts_with(text))?;
    Some((1 + text.len(), OffsetForm { z, colons, numbers }))
}

/// Zeros or nines after a point or comma, if no other digit follows.
fn fraction(rest: &[u8]) -> Option<(usize, Fraction)> {
    let digit = *rest.get(1).filter(|byte| matches!(byte, b'0' | b'9'))?;
    let digits = rest[1..].iter().take_while(|&&byte| byte == digit).count();
    if rest.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((1 + digits, if digit == b'0' { Fraction::Fixed(digits) } else { Fraction::Any }))
}
