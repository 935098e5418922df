//! Time zones: `time.Location`.

use std::sync::{Arc, LazyLock, OnceLock};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time zone.
#[derive(Clone, Debug)]
pub enum Zone {
    /// UTC.
    Utc,
    /// A constant offset from UTC, east positive, with the name that a text gave it (perhaps none).
    Fixed {
        /// Seconds east of UTC.
        offset_s: i32,
        /// Abbreviation.
        name: ZoneName,
    },
    /// A zone with rules.
    Named(Arc<Rules>),
}

/// A zone of the time zone database.
#[derive(Debug)]
pub struct Rules {
    zone: TimeZone,
    /// All abbreviations that were ever in use, with their offsets, oldest first.
    names: OnceLock<Vec<(ZoneName, i32)>>,
}

/// A zone's abbreviation, such as `CEST`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZoneName {
    bytes: [u8; 14],
    len: u8,
}

impl ZoneName {
    /// The first 14 bytes of `text`.
    pub fn new(text: &[u8]) -> ZoneName {
        let mut name = ZoneName::default();
        let len = text.len().min(name.bytes.len());
        name.bytes[..len].copy_from_slice(&text[..len]);
        name.len = u8::try_from(len).unwrap_or(0);
        name
    }

    /// The abbreviation.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl Zone {
    /// The local zone, by Go's rules: the environment variable `TZ` names a zone of the database or an absolute path (a
    /// leading colon is skipped, empty means UTC); without it `/etc/localtime` counts. Whatever cannot be read is UTC.
    /// The zone is looked up once per process.
    pub fn local() -> Zone {
        static LOCAL: LazyLock<Zone> = LazyLock::new(|| Zone::from_tz(std::env::var("TZ").ok().as_deref()));
        LOCAL.clone()
    }

    fn from_tz(tz: Option<&str>) -> Zone {
        let Some(tz) = tz else { return Zone::of_file("/etc/localtime").unwrap_or(Zone::Utc) };
        let name = tz.strip_prefix(':').unwrap_or(tz);
        if name.starts_with('/') {
            Zone::of_file(name).unwrap_or(Zone::Utc)
        } else {
            Zone::load(name).unwrap_or(Zone::Utc)
        }
    }

    fn of_file(path: &str) -> Option<Zone> {
        let data = std::fs::read(path).ok()?;
        TimeZone::tzif("Local", &data).ok().map(Zone::of_rules)
    }

    /// A zone by name, as `time.LoadLocation`: "" and `UTC` are UTC, `Local` is the local zone, anything else a name of
    /// the time zone database.
    ///
    /// # Errors
    /// There is no such zone; the text is Go's.
    pub fn load(name: &str) -> Result<Zone, String> {
        match name {
            "" | "UTC" => return Ok(Zone::Utc),
            "Local" => return Ok(Zone::local()),
            _ if name.contains("..") || name.starts_with(['/', '\\']) => {
                return Err("time: invalid location name".into());
            }
            _ => {}
        }
        TimeZone::get(name).map(Zone::of_rules).map_err(|_| format!("unknown time zone {name}"))
    }

    fn of_rules(zone: TimeZone) -> Zone {
        Zone::Named(Arc::new(Rules { zone, names: OnceLock::new() }))
    }

    /// Seconds east of UTC at the instant `unix_s`, in seconds since the epoch.
    pub fn offset_at(&self, unix_s: i64) -> i32 {
        match self {
            Zone::Utc => 0,
            Zone::Fixed { offset_s, .. } => *offset_s,
            Zone::Named(rules) => rules.zone.to_offset(instant(unix_s)).seconds(),
        }
    }

    /// Offset and abbreviation at the instant `unix_s`, in seconds since the epoch.
    pub fn info_at(&self, unix_s: i64) -> (i32, ZoneName) {
        match self {
            Zone::Utc => (0, ZoneName::new(b"UTC")),
            Zone::Fixed { offset_s, name } => (*offset_s, *name),
            Zone::Named(rules) => {
                let info = rules.zone.to_offset_info(instant(unix_s));
                (info.offset().seconds(), ZoneName::new(info.abbreviation().as_bytes()))
            }
        }
    }

    /// The offset that the zone calls `name`, preferably one that is in force at the clock time `local_s` (seconds of
    /// the clock counted as if it showed UTC).
    pub(super) fn offset_named(&self, name: &[u8], local_s: i64) -> Option<i32> {
        let Zone::Named(rules) = self else { return (name == b"UTC").then_some(0) };
        let names = rules.names.get_or_init(|| names_of(&rules.zone));
        let mut others =
            names.iter().filter(|(known, _)| known.as_bytes() == name).map(|(_, offset)| *offset);
        let in_force =
            others.clone().find(|offset| self.info_at(local_s - i64::from(*offset)).1.as_bytes() == name);
        in_force.or_else(|| others.next())
    }

    /// The instant, in seconds since the epoch, at which the zone's clocks show `local_s` (counted as if they showed
    /// UTC). Where clocks skip or repeat an hour it is one of the two possibilities, the one that Go takes.
    pub fn to_unix(&self, local_s: i64) -> i64 {
        let first = local_s - i64::from(self.offset_at(local_s));
        local_s - i64::from(self.offset_at(first))
    }
}

fn instant(unix_s: i64) -> Timestamp {
    Timestamp::from_second(unix_s).unwrap_or(if unix_s < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn names_of(zone: &TimeZone) -> Vec<(ZoneName, i32)> {
    let mut names = Vec::new();
    // A zone with rules has transitions for ever; those before 2040 have seen every abbreviation.
    let last = instant(2_208_988_800);
    let first = zone.to_offset_info(Timestamp::MIN);
    let mut add = |abbreviation: &str, offset: i32| {
        let entry = (ZoneName::new(abbreviation.as_bytes()), offset);
        if !names.contains(&entry) {
            names.push(entry);
        }
    };
    add(first.abbreviation(), first.offset().seconds());
    for change in zone.following(Timestamp::MIN).take_while(|change| change.timestamp() < last) {
        add(change.abbreviation(), change.offset().seconds());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_by_name() {
        assert!(matches!(Zone::load("").unwrap(), Zone::Utc));
        assert!(matches!(Zone::load("UTC").unwrap(), Zone::Utc));
        assert_eq!(Zone::load("Mars/Base").unwrap_err(), "unknown time zone Mars/Base");
        assert_eq!(Zone::load("../x").unwrap_err(), "time: invalid location name");
        let (offset, name) = Zone::load("America/New_York").unwrap().info_at(1_431_600_000);
        assert_eq!((offset, name.as_bytes()), (-4 * 3600, &b"EDT"[..]));
    }

    #[test]
    fn the_environment_names_the_local_zone() {
        assert!(matches!(Zone::from_tz(Some("")), Zone::Utc));
        assert!(matches!(Zone::from_tz(Some(":")), Zone::Utc));
        assert!(matches!(Zone::from_tz(Some("No/Such")), Zone::Utc));
        assert_eq!(Zone::from_tz(Some(":Asia/Kolkata")).offset_at(0), 19800);
        assert_eq!(Zone::from_tz(Some("Asia/Kolkata")).info_at(0).1.as_bytes(), b"IST");
    }

    #[test]
    fn an_abbreviation_gives_its_offset_even_out_of_season() {
        let zone = Zone::load("America/New_York").unwrap();
        let may = 1_431_600_000;
        assert_eq!(zone.offset_named(b"EDT", may), Some(-4 * 3600));
        assert_eq!(zone.offset_named(b"EST", may), Some(-5 * 3600));
        assert_eq!(zone.offset_named(b"CET", may), None);
        assert_eq!(Zone::Utc.offset_named(b"UTC", may), Some(0));
    }

    #[test]
    fn skipped_and_repeated_hours() {
        let zone = Zone::load("America/New_York").unwrap();
        // 2015-03-08 02:30 does not exist, 2015-11-01 01:30 exists twice.
        assert_eq!(zone.to_unix(1_425_781_800), 1_425_796_200);
        assert_eq!(zone.to_unix(1_446_341_400), 1_446_355_800);
    }
}
