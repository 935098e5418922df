//! Times by example: Go's layouts, such as `Mon Jan _2 15:04:05 2006`, and reading times in them
//! (`time.ParseInLocation`).
//!
//! A layout shows how Go's reference time, Monday 2 January 2006 15:04:05 -0700 (MST), would be written. Values are read
//! forgivingly where Go does: a blank of the layout stands for any number of blanks, names match in any letter case, a
//! fraction may follow the seconds even if the layout shows none, and a comma may stand for its point.

mod element;
mod read;

pub(super) use element::{Element, Fraction, OffsetForm};

use super::clock::{GoTime, days_from_civil, days_in};
use super::zone::{Zone, ZoneName};

/// A layout, taken apart once.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Each element with the literal text before it.
    elements: Vec<(Vec<u8>, Element)>,
    /// Literal text after the last element.
    tail: Vec<u8>,
}

/// The value does not follow the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time does not follow its layout")]
pub struct LayoutMismatch;

/// What was read so far. Negative numbers: not given.
#[derive(Debug)]
struct Parts {
    year: i64,
    month: i64,
    day: i64,
    year_day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    afternoon: Option<bool>,
    utc: bool,
    offset_s: Option<i32>,
    zone_name: Option<Vec<u8>>,
}

impl Layout {
    /// Reads a layout; every text is one.
    pub fn new(layout: &str) -> Layout {
        let mut rest = layout.as_bytes();
        let mut elements = Vec::new();
        while let Some((at, len, element)) = element::next(rest) {
            elements.push((rest[..at].to_vec(), element));
            rest = &rest[at + len..];
        }
        Layout { elements, tail: rest.to_vec() }
    }

    /// Reads a time. Without an offset or zone in the value the clock is that of `zone`; a zone's abbreviation is
    /// looked up in `zone`, and one unknown there counts as UTC.
    ///
    /// # Errors
    /// The value does not follow the layout, or names a time that does not exist.
    pub fn parse(&self, value: &[u8], zone: &Zone) -> Result<GoTime, LayoutMismatch> {
        let mut parts = Parts {
            year: 0,
            month: -1,
            day: -1,
            year_day: -1,
            hour: 0,
            minute: 0,
            second: 0,
            nanos: 0,
            afternoon: None,
            utc: false,
            offset_s: None,
            zone_name: None,
        };
        let mut rest = value;
        for (at, (before, element)) in self.elements.iter().enumerate() {
            rest = read::literal(before, rest).ok_or(LayoutMismatch)?;
            let fraction_follows = self
                .elements
                .get(at + 1)
                .is_some_and(|(between, next)| between.is_empty() && matches!(next, Element::Fraction(_)));
            rest = read::element(*element, rest, fraction_follows, &mut parts).ok_or(LayoutMismatch)?;
        }
        rest = read::literal(&self.tail, rest).ok_or(LayoutMismatch)?;
        if rest.is_empty() { parts.time(zone).ok_or(LayoutMismatch) } else { Err(LayoutMismatch) }
    }
}

impl Parts {
    fn time(mut self, zone: &Zone) -> Option<GoTime> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let days = self.days()?;
        let local_s = days * 86_400 + self.hour * 3600 + self.minute * 60 + self.second;
        let made = |unix_s, zone| Some(GoTime { unix_s, nanos: self.nanos, zone });
        if self.utc {
            return made(local_s, Zone::Utc);
        }
        if let Some(offset_s) = self.offset_s {
            let unix_s = local_s - i64::from(offset_s);
            if zone.offset_at(unix_s) == offset_s {
                return made(unix_s, zone.clone());
            }
            let name = ZoneName::new(self.zone_name.as_deref().unwrap_or_default());
            return made(unix_s, Zone::Fixed { offset_s, name });
        }
        let Some(name) = self.zone_name else { return made(zone.to_unix(local_s), zone.clone()) };
        if let Some(offset_s) = zone.offset_named(&name, local_s) {
            return made(local_s - i64::from(offset_s), zone.clone());
        }
        // Go keeps the clock as UTC and only labels it.
        made(local_s, Zone::Fixed { offset_s: 0, name: ZoneName::new(&name) })
    }

    /// Days since the epoch; `None` for a day that the year does not have.
    fn days(&self) -> Option<i64> {
        if self.year_day >= 0 {
            let first = days_from_civil(self.year, 1, 1);
            let day = first + self.year_day - 1;
            if self.year_day < 1 || day >= days_from_civil(self.year + 1, 1, 1) {
                return None;
            }
            let month_agrees = self.month < 0 || {
                let month_start = days_from_civil(self.year, self.month, 1);
                let len = i64::from(days_in(self.year, u32::try_from(self.month).ok()?));
                (month_start..month_start + len).contains(&day)
                    && (self.day < 0 || day == month_start + self.day - 1)
            };
            return month_agrees.then_some(day);
        }
        let month = if self.month < 0 { 1 } else { self.month };
        let day = if self.day < 0 { 1 } else { self.day };
        let len = days_in(self.year, u32::try_from(month).ok()?);
        (1..=i64::from(len)).contains(&day).then(|| days_from_civil(self.year, month, day))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(layout: &str, value: &str, zone: &str) -> Option<i64> {
        let zone = Zone::load(zone).unwrap();
        Layout::new(layout).parse(value.as_bytes(), &zone).ok().map(|time| time.unix_nanos())
    }

    const TEN_FORTY: i64 = 1_431_600_000_000_000_000;
    const MIDNIGHT: i64 = 1_431_561_600_000_000_000;
    const HOUR: i64 = 3_600_000_000_000;

    #[test]
    fn times_in_many_layouts() {
        for (layout, value, expected) in [
            ("2006-01-02 15:04:05", "2015-05-14 10:40:00", TEN_FORTY),
            ("2006-01-02 15:04:05", "2015-05-14 10:40:00.25", TEN_FORTY + 250_000_000),
            ("2006-01-02 15:04:05", "2015-05-14 10:40:00,25", TEN_FORTY + 250_000_000),
            ("2006-01-02 15:04:05.000", "2015-05-14 10:40:00.123", TEN_FORTY + 123_000_000),
            ("2006-01-02 15:04:05.999", "2015-05-14 10:40:00.1", TEN_FORTY + 100_000_000),
            ("2006-01-02 15:04:05.999", "2015-05-14 10:40:00", TEN_FORTY),
            ("Jan 2 2006 3:04PM", "May 14 2015 10:40AM", TEN_FORTY),
            ("Jan 2 2006 3:04pm", "may 14 2015 12:00am", MIDNIGHT),
            ("Jan _2 2006", "May 14 2015", MIDNIGHT),
            ("2006-01-02T15:04:05Z07:00", "2015-05-14T10:40:00Z", TEN_FORTY),
            ("2006-01-02T15:04:05Z07:00", "2015-05-14T10:40:00-07:00", TEN_FORTY + 7 * HOUR),
            ("2006-01-02T15:04:05-0700", "2015-05-14T10:40:00+0530", TEN_FORTY - 11 * HOUR / 2),
            ("2006-01-02T15:04:05-07", "2015-05-14T10:40:00+05", TEN_FORTY - 5 * HOUR),
            (
                "2006-01-02T15:04:05-07:00:00",
                "2015-05-14T10:40:00+05:00:01",
                TEN_FORTY - 5 * HOUR - 1_000_000_000,
            ),
            ("02/01/06", "14/05/15", MIDNIGHT),
            ("02/01/06", "14/05/70", 11_491_200_000_000_000),
            ("Monday 2 January 2006", "Thursday 14 May 2015", MIDNIGHT),
            ("Mon Jan _2 15:04:05 MST 2006", "Thu May 14 10:40:00 CEST 2015", TEN_FORTY),
            ("Mon Jan _2 15:04:05 MST 2006", "Thu May 14 10:40:00 GMT+2 2015", TEN_FORTY),
            ("20060102150405", "20150514104000", TEN_FORTY),
            ("2006.002", "2015.134", MIDNIGHT),
            ("2006.__2", "2015.134", MIDNIGHT),
            ("15:04:05 2006-01-02", "7:00:00 2015-05-14", MIDNIGHT + 7 * HOUR),
            ("2006-01-02 15:04:05 -0700 MST", "2015-05-14 10:40:00 +0100 CET", TEN_FORTY - HOUR),
            ("2006-01-02 15h04", "2015-05-14 10h40", TEN_FORTY),
            ("2006-01-02  15:04", "2015-05-14 10:40", TEN_FORTY),
            ("2006-01-02 15:04", "2015-05-14    10:40", TEN_FORTY),
        ] {
            assert_eq!(at(layout, value, "UTC"), Some(expected), "{layout} {value}");
        }
    }

    #[test]
    fn what_does_not_follow() {
        for (layout, value) in [
            ("2006-01-02 15:04:05.000", "2015-05-14 10:40:00.12"),
            ("Jan 02 2006", "May 4 2015"),
            ("2006-01-02", "2015-02-29"),
            ("2006-01-02", "2015-13-01"),
            ("2006-01-02", "2015-01-00"),
            ("2006-01-02", "2015-01-02x"),
            ("15:04:05 2006-01-02", "24:00:00 2015-05-14"),
            ("15:04", "10:60"),
            ("2006.002", "2015.366"),
            ("2006-01-02", " 2015-01-02"),
            ("2006-01-02T15:04:05Z07:00", "2015-05-14T10:40:00+0200"),
            ("MST", "abc"),
            ("RFC3339", "2015-05-14T10:40:00Z"),
        ] {
            assert_eq!(at(layout, value, "UTC"), None, "{layout} {value}");
        }
    }

    #[test]
    fn the_zone_decides_what_the_value_leaves_open() {
        let layout = "2006-01-02 15:04:05";
        let new_york = "America/New_York";
        assert_eq!(at(layout, "2015-05-14 10:40:00", new_york), Some(1_431_614_400_000_000_000));
        assert_eq!(at(layout, "2015-01-14 10:40:00", new_york), Some(1_421_250_000_000_000_000));
        assert_eq!(at(layout, "2015-03-08 02:30:00", new_york), Some(1_425_796_200_000_000_000));
        assert_eq!(at(layout, "2015-11-01 01:30:00", new_york), Some(1_446_355_800_000_000_000));
        let named = "2006-01-02 15:04:05 MST";
        assert_eq!(at(named, "2015-05-14 10:40:00 EST", new_york), Some(1_431_618_000_000_000_000));
        assert_eq!(at(named, "2015-05-14 10:40:00 UTC", new_york), Some(TEN_FORTY));
    }

    #[test]
    fn an_empty_layout_is_the_first_day_of_year_0() {
        let time = Layout::new("").parse(b"", &Zone::Utc).unwrap();
        let civil = time.civil();
        assert_eq!((civil.year, civil.month, civil.day), (0, 1, 1));
    }

    proptest! {
        #[test]
        fn any_layout_meets_any_value_without_harm(layout: String, value: Vec<u8>) {
            let _ = Layout::new(&layout).parse(&value, &Zone::Utc);
        }

        #[test]
        fn a_written_time_reads_back(unix_ns in 0_i64..4_000_000_000_000_000_000) {
            let mut text = Vec::new();
            super::super::write_time_string(unix_ns, &Zone::Utc, &mut text);
            let layout = Layout::new("2006-01-02 15:04:05.999999999 -0700 MST");
            prop_assert_eq!(layout.parse(&text, &Zone::Utc).unwrap().unix_nanos(), unix_ns);
        }
    }
}
