//! `time.Time`: an instant and the zone whose clocks show it.

use super::digits::{padded, two};
use super::zone::{Zone, ZoneName};

/// English month names.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// English names of the days, Sunday first.
pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const DAY_S: i64 = 86_400;

/// An instant with nanoseconds in a zone.
#[derive(Clone, Debug)]
pub struct GoTime {
    /// Seconds since the epoch.
    pub unix_s: i64,
    /// Nanoseconds past them, below 1e9.
    pub nanos: u32,
    /// The zone whose clocks show it.
    pub zone: Zone,
}

impl GoTime {
    /// Go's zero time, 1 January of year 1.
    pub const ZERO: GoTime = GoTime { unix_s: -62_135_596_800, nanos: 0, zone: Zone::Utc };

    /// The instant `unix_ns` nanoseconds since the epoch.
    pub fn from_nanos(unix_ns: i64, zone: Zone) -> GoTime {
        let (unix_s, nanos) = split_nanos(unix_ns);
        GoTime { unix_s, nanos, zone }
    }

    /// Nanoseconds since the epoch. Outside of the years 1678 to 2262 it wraps, as Go's `UnixNano` does.
    pub fn unix_nanos(&self) -> i64 {
        self.unix_s.wrapping_mul(1_000_000_000).wrapping_add(self.nanos.into())
    }

    /// What the zone's clocks and calendars show.
    pub fn civil(&self) -> Civil {
        let (offset_s, name) = self.zone.info_at(self.unix_s);
        Civil::new(self.unix_s, self.nanos, offset_s, name)
    }

    /// Adds to the year, the month and the day; a day that does not exist runs into the next month.
    #[must_use]
    pub fn add_date(&self, years: i64, months: i64, days: i64) -> GoTime {
        let civil = self.civil();
        let month = i64::from(civil.month) - 1 + months;
        let year = civil.year + years + month.div_euclid(12);
        let first_of_month = days_from_civil(year, month.rem_euclid(12) + 1, 1);
        let day = first_of_month + i64::from(civil.day) - 1 + days;
        let local_s = day * DAY_S + (self.unix_s + i64::from(civil.offset_s)).rem_euclid(DAY_S);
        GoTime { unix_s: self.zone.to_unix(local_s), nanos: self.nanos, zone: self.zone.clone() }
    }
}

/// Whole seconds and the nanoseconds past them.
pub(super) fn split_nanos(unix_ns: i64) -> (i64, u32) {
    let nanos = u32::try_from(unix_ns.rem_euclid(1_000_000_000)).unwrap_or(0);
    (unix_ns.div_euclid(1_000_000_000), nanos)
}

/// An instant as clock and calendar show it.
#[derive(Clone, Copy, Debug)]
pub struct Civil {
    /// Seconds since the epoch.
    pub unix_s: i64,
    /// Year; 0 is the year before year 1.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59.
    pub second: u32,
    /// Below 1e9.
    pub nanos: u32,
    /// 0 is Sunday.
    pub weekday: u32,
    /// 1 to 366.
    pub year_day: u32,
    /// Seconds east of UTC.
    pub offset_s: i32,
    /// The zone's abbreviation.
    pub zone_name: ZoneName,
}

impl Civil {
    /// What clocks `offset_s` seconds east of UTC show at an instant.
    pub fn new(unix_s: i64, nanos: u32, offset_s: i32, zone_name: ZoneName) -> Civil {
        let local_s = unix_s + i64::from(offset_s);
        let days = local_s.div_euclid(DAY_S);
        let (year, month, day) = civil_from_days(days);
        // All below are small non-negative numbers.
        let of_day = local_s.rem_euclid(DAY_S) as u32;
        Civil {
            unix_s,
            year,
            month,
            day,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            nanos,
            weekday: (days + 4).rem_euclid(7) as u32,
            year_day: (days - days_from_civil(year, 1, 1)) as u32 + 1,
            offset_s,
            zone_name,
        }
    }

    /// What clocks in UTC show `unix_ns` nanoseconds after the epoch.
    pub fn utc(unix_ns: i64) -> Civil {
        let (unix_s, nanos) = split_nanos(unix_ns);
        Civil::new(unix_s, nanos, 0, ZoneName::new(b"UTC"))
    }

    /// What clocks in `zone` show `unix_ns` nanoseconds after the epoch.
    pub fn at(unix_ns: i64, zone: &Zone) -> Civil {
        let (unix_s, nanos) = split_nanos(unix_ns);
        let (offset_s, name) = zone.info_at(unix_s);
        Civil::new(unix_s, nanos, offset_s, name)
    }
}

/// Days since the epoch of a date of the Gregorian calendar. A year is counted from March, so that the leap day is its last.
pub(super) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

/// Days of a month.
pub(super) fn days_in(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Appends `time.Time.String`: `2014-05-13 16:53:20.1234 +0000 UTC`. The fraction is as short as it can be, and not there
/// if it is zero.
pub fn write_time_string(unix_ns: i64, zone: &Zone, out: &mut Vec<u8>) {
    let civil = Civil::at(unix_ns, zone);
    padded(civil.year, 4, out);
    for (mark, value) in [
        (b'-', civil.month),
        (b'-', civil.day),
        (b' ', civil.hour),
        (b':', civil.minute),
        (b':', civil.second),
    ] {
        out.push(mark);
        two(value, out);
    }
    if civil.nanos > 0 {
        out.push(b'.');
        padded(civil.nanos.into(), 9, out);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
    out.push(b' ');
    write_offset(civil.offset_s, out);
    out.push(b' ');
    if civil.zone_name.as_bytes().is_empty() {
        write_offset(civil.offset_s, out);
    } else {
        out.extend_from_slice(civil.zone_name.as_bytes());
    }
}

fn write_offset(offset_s: i32, out: &mut Vec<u8>) {
    out.push(if offset_s < 0 { b'-' } else { b'+' });
    let minutes = offset_s.unsigned_abs() / 60;
    two(minutes / 60, out);
    two(minutes % 60, out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(unix_ns: i64, zone: &Zone) -> String {
        let mut out = Vec::new();
        write_time_string(unix_ns, zone, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn time_strings() {
        assert_eq!(text(1_500_000_000, &Zone::Utc), "1970-01-01 00:00:01.5 +0000 UTC");
        assert_eq!(text(0, &Zone::Utc), "1970-01-01 00:00:00 +0000 UTC");
        assert_eq!(text(-1, &Zone::Utc), "1969-12-31 23:59:59.999999999 +0000 UTC");
        assert_eq!(text(1_400_000_000_123_456_789, &Zone::Utc), "2014-05-13 16:53:20.123456789 +0000 UTC");
        let kolkata = Zone::load("Asia/Kolkata").unwrap();
        assert_eq!(text(1_400_000_000_000_000_000, &kolkata), "2014-05-13 22:23:20 +0530 IST");
        let new_york = Zone::load("America/New_York").unwrap();
        assert_eq!(text(1_400_000_000_000_000_000, &new_york), "2014-05-13 12:53:20 -0400 EDT");
    }

    #[test]
    fn the_zero_time_wraps_as_in_go() {
        assert_eq!(GoTime::ZERO.unix_nanos(), -6_795_364_578_871_345_152);
        let civil = GoTime::ZERO.civil();
        assert_eq!((civil.year, civil.month, civil.day, civil.weekday), (1, 1, 1, 1));
    }

    #[test]
    fn dates_add_up_and_run_over() {
        let time = GoTime { unix_s: days_from_civil(2015, 1, 31) * DAY_S + 3723, nanos: 5, zone: Zone::Utc };
        let later = time.add_date(0, 1, 0).civil();
        assert_eq!((later.year, later.month, later.day, later.hour), (2015, 3, 3, 1));
        let later = time.add_date(1, 11, 1).civil();
        assert_eq!((later.year, later.month, later.day), (2017, 1, 1));
        let year_0 = GoTime { unix_s: days_from_civil(0, 1, 1) * DAY_S, nanos: 0, zone: Zone::Utc };
        assert_eq!(year_0.add_date(2026, 10, 22).unix_s, days_from_civil(2026, 11, 23) * DAY_S);
    }

    proptest! {
        #[test]
        fn dates_agree_with_another_calendar(unix_s in -60_000_000_000_i64..60_000_000_000) {
            let civil = Civil::new(unix_s, 0, 0, ZoneName::default());
            let other = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::from_second(unix_s).unwrap());
            prop_assert_eq!(civil.year, i64::from(other.year()));
            prop_assert_eq!(i64::from(civil.month), i64::from(other.month()));
            prop_assert_eq!(i64::from(civil.day), i64::from(other.day()));
            prop_assert_eq!(i64::from(civil.second), i64::from(other.second()));
            prop_assert_eq!(i64::from(civil.year_day), i64::from(other.day_of_year()));
            prop_assert_eq!(i64::from(civil.weekday), i64::from(other.weekday().to_sunday_zero_offset()));
            prop_assert_eq!(days_in(civil.year, civil.month), u32::try_from(other.days_in_month()).unwrap());
        }
    }
}
