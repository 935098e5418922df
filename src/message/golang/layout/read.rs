//! Reading the elements of a value. Each function gives the rest of the value, or `None` if it does not fit.

use super::super::clock::{DAYS, MONTHS};
use super::{Element, Fraction, OffsetForm, Parts};

/// Skips literal text. A run of blanks in it stands for any run of blanks, which may also be missing at the end.
pub(super) fn literal<'a>(mut literal: &[u8], mut value: &'a [u8]) -> Option<&'a [u8]> {
    while let Some((&first, after)) = literal.split_first() {
        if first == b' ' {
            if value.first().is_some_and(|&byte| byte != b' ') {
                return None;
            }
            literal = literal.trim_ascii_start_of_blanks();
            value = value.trim_ascii_start_of_blanks();
        } else {
            value = value.strip_prefix(&[first])?;
            literal = after;
        }
    }
    Some(value)
}

trait TrimBlanks {
    fn trim_ascii_start_of_blanks(&self) -> &Self;
}

impl TrimBlanks for [u8] {
    fn trim_ascii_start_of_blanks(&self) -> &[u8] {
        &self[self.iter().take_while(|&&byte| byte == b' ').count()..]
    }
}

/// Reads one element into `parts`.
pub(super) fn element<'a>(
    element: Element,
    value: &'a [u8],
    fraction_follows: bool,
    parts: &mut Parts,
) -> Option<&'a [u8]> {
    use Element as E;
    match element {
        E::LongMonth => {
            name(value, &MONTHS, usize::MAX).map(|(at, rest)| set(&mut parts.month, at + 1, rest))
        }
        E::ShortMonth => name(value, &MONTHS, 3).map(|(at, rest)| set(&mut parts.month, at + 1, rest)),
        E::Month | E::ZeroMonth => number(value, element == E::ZeroMonth, 1..=12, &mut parts.month),
        E::LongDay => name(value, &DAYS, usize::MAX).map(|(_, rest)| rest),
        E::ShortDay => name(value, &DAYS, 3).map(|(_, rest)| rest),
        E::Day | E::ZeroDay => number(value, element == E::ZeroDay, 0..=99, &mut parts.day),
        E::BlankDay => number(value.strip_prefix(b" ").unwrap_or(value), false, 0..=99, &mut parts.day),
        E::BlankYearDay | E::ZeroYearDay => year_day(value, element == E::ZeroYearDay, parts),
        E::Hour => number(value, false, 0..=23, &mut parts.hour),
        E::Hour12 | E::ZeroHour12 => number(value, element == E::ZeroHour12, 0..=12, &mut parts.hour),
        E::Minute | E::ZeroMinute => number(value, element == E::ZeroMinute, 0..=59, &mut parts.minute),
        E::Second | E::ZeroSecond => second(value, element == E::ZeroSecond, fraction_follows, parts),
        E::LongYear => year(value, 4, parts),
        E::Year => year(value, 2, parts),
        E::UpperPm => half_day(value, [b"AM", b"PM"], parts),
        E::LowerPm => half_day(value, [b"am", b"pm"], parts),
        E::ZoneName => zone_name(value, parts),
        E::Offset(form) => offset(value, form, parts),
        E::Fraction(Fraction::Fixed(digits)) => {
            let text = value.get(1..=digits)?;
            let all_digits = text.iter().all(u8::is_ascii_digit);
            (matches!(value[0], b'.' | b',') && all_digits)
                .then(|| set_nanos(text, &value[digits + 1..], parts))
        }
        E::Fraction(Fraction::Any) => Some(some_fraction(value, 9, parts)),
    }
}

fn set<'a>(part: &mut i64, value: usize, rest: &'a [u8]) -> &'a [u8] {
    *part = i64::try_from(value).unwrap_or(0);
    rest
}

/// One of `names`, cut to `letters`, in any letter case: its index.
fn name<'a>(value: &'a [u8], names: &[&str], letters: usize) -> Option<(usize, &'a [u8])> {
    names.iter().enumerate().find_map(|(at, name)| {
        let name = &name.as_bytes()[..letters.min(name.len())];
        let head = value.get(..name.len())?;
        head.eq_ignore_ascii_case(name).then(|| (at, &value[name.len()..]))
    })
}

/// One or two digits; exactly two if `fixed`.
fn digits(value: &[u8], fixed: bool) -> Option<(i64, &[u8])> {
    let first = value.first().filter(|byte| byte.is_ascii_digit())?;
    match value.get(1).filter(|byte| byte.is_ascii_digit()) {
        Some(second) => Some((i64::from(first - b'0') * 10 + i64::from(second - b'0'), &value[2..])),
        None if fixed => None,
        None => Some((i64::from(first - b'0'), &value[1..])),
    }
}

fn number<'a>(
    value: &'a [u8],
    fixed: bool,
    range: std::ops::RangeInclusive<i64>,
    part: &mut i64,
) -> Option<&'a [u8]> {
    let (number, rest) = digits(value, fixed)?;
    *part = number;
    range.contains(&number).then_some(rest)
}

fn year<'a>(value: &'a [u8], digits: usize, parts: &mut Parts) -> Option<&'a [u8]> {
    let text = value.get(..digits)?;
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let year = text.iter().fold(0, |year, digit| year * 10 + i64::from(digit - b'0'));
    parts.year = match year {
        year if digits == 4 => year,
        69.. => year + 1900,
        _ => year + 2000,
    };
    Some(&value[digits..])
}

/// Three digits; with `__2` the first two may be blanks.
fn year_day<'a>(value: &'a [u8], fixed: bool, parts: &mut Parts) -> Option<&'a [u8]> {
    let blanks = if fixed { 0 } else { value.iter().take(2).take_while(|&&byte| byte == b' ').count() };
    let text = value.get(blanks..3)?;
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    parts.year_day = text.iter().fold(0, |day, digit| day * 10 + i64::from(digit - b'0'));
    Some(&value[3..])
}

fn second<'a>(value: &'a [u8], fixed: bool, fraction_follows: bool, parts: &mut Parts) -> Option<&'a [u8]> {
    let rest = number(value, fixed, 0..=59, &mut parts.second)?;
    if fraction_follows { Some(rest) } else { Some(some_fraction(rest, usize::MAX, parts)) }
}

/// A fraction of at most `most` digits, if one is there.
fn some_fraction<'a>(value: &'a [u8], most: usize, parts: &mut Parts) -> &'a [u8] {
    if !matches!(value, [b'.' | b',', b'0'..=b'9', ..]) {
        return value;
    }
    let len = value[1..].iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    set_nanos(&value[1..=len], &value[len + 1..], parts)
}

fn set_nanos<'a>(digits: &[u8], rest: &'a [u8], parts: &mut Parts) -> &'a [u8] {
    let nine = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    parts.nanos = nine.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
    rest
}

fn half_day<'a>(value: &'a [u8], halves: [&[u8]; 2], parts: &mut Parts) -> Option<&'a [u8]> {
    let half = value.get(..2)?;
    parts.afternoon = Some(halves.iter().position(|&name| name == half)? == 1);
    Some(&value[2..])
}

fn offset<'a>(value: &'a [u8], form: OffsetForm, parts: &mut Parts) -> Option<&'a [u8]> {
    if form.z
        && let Some(rest) = value.strip_prefix(b"Z")
    {
        parts.utc = true;
        return Some(rest);
    }
    let (&sign, mut rest) = value.split_first()?;
    let mut offset_s = 0;
    for (at, unit_s) in [3600, 60, 1].into_iter().enumerate().take(form.numbers.into()) {
        if at > 0 && form.colons {
            rest = rest.strip_prefix(b":")?;
        }
        let (number, after) = digits(rest, true)?;
        offset_s += i32::try_from(number).ok()? * unit_s;
        rest = after;
    }
    parts.offset_s = Some(match sign {
        b'+' => offset_s,
        b'-' => -offset_s,
        _ => return None,
    });
    Some(rest)
}

fn zone_name<'a>(value: &'a [u8], parts: &mut Parts) -> Option<&'a [u8]> {
    if let Some(rest) = value.strip_prefix(b"UTC") {
        parts.utc = true;
        return Some(rest);
    }
    let len = zone_name_len(value)?;
    parts.zone_name = Some(value[..len].to_vec());
    Some(&value[len..])
}

/// Abbreviations have three or four capital letters, or five that end in T; some come as `+03`, one as `GMT-3`.
fn zone_name_len(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(after) = value.strip_prefix(b"GMT") {
        return Some(3 + signed_hours_len(after));
    }
    if matches!(value[0], b'+' | b'-') {
        return Some(signed_hours_len(value)).filter(|&len| len > 0);
    }
    let capitals = value.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    let fits = match capitals {
        3 => true,
        4 => value[3] == b'T' || value.starts_with(b"WITA"),
        5 => value[4] == b'T',
        _ => false,
    };
    fits.then_some(capitals)
}

/// Length of a sign with hours from 0 to 23 after it; 0 if there is none.
fn signed_hours_len(value: &[u8]) -> usize {
    if !matches!(value.first(), Some(b'+' | b'-')) {
        return 0;
    }
    let digits = value[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hours = value[1..=digits]
        .iter()
        .fold(0_u32, |hours, digit| hours.saturating_mul(10).saturating_add((digit - b'0').into()));
    if digits > 0 && hours <= 23 { 1 + digits } else { 0 }
}
