//! Heka's forgiving timestamp parsing: the configured layout first, then the usual ones.

use std::sync::LazyLock;

use super::clock::GoTime;
use super::layout::Layout;
use super::number::{NumberError, parse_uint64};
use super::zone::Zone;

/// Reads timestamps in one configured layout.
#[derive(Clone, Debug)]
pub struct TimestampParser {
    form: Form,
    zone: Zone,
}

#[derive(Clone, Debug)]
enum Form {
    /// Unix time; so many decimal digits make it nanoseconds.
    Epoch {
        layout: String,
        digits: usize,
    },
    /// A layout that starts with `Epoch` but is none of the four.
    UnknownEpoch(String),
    Layout(Layout),
}

/// Why a text is no timestamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// An `Epoch` layout that does not exist.
    #[error("Unrecognized `Epoch` time format: {0}")]
    UnknownEpoch(String),
    /// No number where an `Epoch` layout wants one.
    #[error("Error parsing {layout} time: {why}")]
    Number {
        /// The layout.
        layout: String,
        /// What is wrong with the number.
        why: NumberError,
    },
    /// Neither the layout nor any of the usual ones fits.
    #[error("Unrecognized time format")]
    Unrecognized,
}

/// What is tried when the configured layout does not fit.
const USUAL: [&str; 15] = [
    "Mon Jan _2 15:04:05 2006",
    "Mon Jan _2 15:04:05 MST 2006",
    "Mon Jan 02 15:04:05 -0700 2006",
    "02 Jan 06 15:04 MST",
    "02 Jan 06 15:04 -0700",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 -0700",
    "2006-01-02T15:04:05Z07:00",
    "2006-01-02T15:04:05.999999999Z07:00",
    "3:04PM",
    "Jan _2 15:04:05",
    "Jan _2 15:04:05.000",
    "Jan _2 15:04:05.000000",
    "Jan _2 15:04:05.000000000",
];

impl TimestampParser {
    /// `layout` is `Epoch`, `EpochMilli`, `EpochMicro`, `EpochNano` or a Go layout; `zone` is where clocks without a zone
    /// of their own stand.
    pub fn new(layout: &str, zone: Zone) -> TimestampParser {
        let epoch = |digits| Form::Epoch { layout: layout.into(), digits };
        let form = match layout {
            "Epoch" => epoch(9),
            "EpochMilli" => epoch(6),
            "EpochMicro" => epoch(3),
            "EpochNano" => epoch(0),
            _ if layout.starts_with("Epoch") => Form::UnknownEpoch(layout.into()),
            _ => Form::Layout(Layout::new(layout)),
        };
        TimestampParser { form, zone }
    }

    /// Reads a timestamp. A value that names no year gives year 0.
    ///
    /// # Errors
    /// Neither the configured layout nor a usual one fits.
    pub fn parse(&self, value: &[u8]) -> Result<GoTime, TimestampError> {
        match &self.form {
            Form::UnknownEpoch(layout) => Err(TimestampError::UnknownEpoch(layout.clone())),
            Form::Epoch { layout, digits } => {
                let unix_ns = epoch_nanos(value, *digits)
                    .map_err(|why| TimestampError::Number { layout: layout.clone(), why })?;
                Ok(GoTime::from_nanos(unix_ns, Zone::local()))
            }
            Form::Layout(layout) => layout.parse(value, &self.zone).or_else(|_| self.parse_usual(value)),
        }
    }

    fn parse_usual(&self, value: &[u8]) -> Result<GoTime, TimestampError> {
        static LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| USUAL.map(Layout::new).into());
        LAYOUTS
            .iter()
            .find_map(|layout| layout.parse(value, &self.zone).ok())
            .ok_or(TimestampError::Unrecognized)
    }
}

/// Moves the decimal point `digits` places to the right, on the text, so that no digit is lost.
fn epoch_nanos(value: &[u8], digits: usize) -> Result<i64, NumberError> {
    let point = value.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match point {
        Some(at) => (&value[..at], &value[at + 1..]),
        None => (value, &[][..]),
    };
    let mut text = whole.to_vec();
    text.extend(fraction.iter().chain(std::iter::repeat(&b'0')).take(digits));
    // The original goes on with a signed number of the same bits.
    parse_uint64(&text).map(|nanos| nanos as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(layout: &str, value: &str) -> Result<i64, String> {
        TimestampParser::new(layout, Zone::Utc)
            .parse(value.as_bytes())
            .map(|time| time.unix_nanos())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn unix_times() {
        for (layout, value, expected) in [
            ("Epoch", "1431600000", 1_431_600_000_000_000_000),
            ("Epoch", "1431600000.5", 1_431_600_000_500_000_000),
            ("Epoch", "1431600000.1234567891", 1_431_600_000_123_456_789),
            ("Epoch", "1431600000.", 1_431_600_000_000_000_000),
            ("Epoch", "0", 0),
            ("Epoch", ".5", 500_000_000),
            ("EpochMilli", "1431600000123", 1_431_600_000_123_000_000),
            ("EpochMilli", "1431600000123.75", 1_431_600_000_123_750_000),
            ("EpochMicro", "1431600000123456", 1_431_600_000_123_456_000),
            ("EpochNano", "1431600000123456789", 1_431_600_000_123_456_789),
            ("EpochNano", "1431600000123456789.9", 1_431_600_000_123_456_789),
        ] {
            assert_eq!(at(layout, value), Ok(expected), "{layout} {value}");
        }
        for value in ["-1", "1.4e9", " 1431600000", "abc", "99999999999999999999", "+1"] {
            assert!(at("Epoch", value).is_err(), "{value}");
        }
        assert_eq!(at("EpochDays", "5"), Err("Unrecognized `Epoch` time format: EpochDays".into()));
        assert_eq!(
            at("EpochNano", "x"),
            Err(r#"Error parsing EpochNano time: strconv.ParseUint: parsing "x": invalid syntax"#.into())
        );
    }

    #[test]
    fn usual_layouts_help_out() {
        for (value, expected) in [
            ("Thu May 14 10:40:00 2015", 1_431_600_000_000_000_000),
            ("Thu May 14 10:40:00 UTC 2015", 1_431_600_000_000_000_000),
            ("Thu May 14 10:40:00 -0700 2015", 1_431_625_200_000_000_000),
            ("14 May 15 10:40 UTC", 1_431_600_000_000_000_000),
            ("14 May 15 10:40 +0300", 1_431_589_200_000_000_000),
            ("Thursday, 14-May-15 10:40:00 UTC", 1_431_600_000_000_000_000),
            ("Thu, 14 May 2015 10:40:00 PST", 1_431_600_000_000_000_000),
            ("Thu, 14 May 2015 10:40:00 +0530", 1_431_580_200_000_000_000),
            ("2015-05-14T10:40:00Z", 1_431_600_000_000_000_000),
            ("2015-05-14T10:40:00.5+02:00", 1_431_592_800_500_000_000),
        ] {
            assert_eq!(at("RFC3339", value), Ok(expected), "{value}");
        }
        for value in ["not a time", "2015-13-14T10:40:00Z", " 2015-05-14T10:40:00Z"] {
            assert_eq!(at("", value), Err("Unrecognized time format".into()));
        }
    }

    #[test]
    fn a_clock_without_a_date_is_in_year_0() {
        let parser = TimestampParser::new("", Zone::Utc);
        let civil = parser.parse(b"3:04PM").unwrap().civil();
        assert_eq!((civil.year, civil.month, civil.day, civil.hour), (0, 1, 1, 15));
        let civil = parser.parse(b"May  4 10:40:00").unwrap().civil();
        assert_eq!((civil.year, civil.month, civil.day), (0, 5, 4));
    }
}
