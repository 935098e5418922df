//! Headers of what a decoder captured under the names `Timestamp` and `Severity`.

use std::time::{SystemTime, UNIX_EPOCH};

use heka_message::Message;
use heka_message::golang::{GoTime, TimestampParser, Zone, number::parse_int32};
use heka_plugin::config::Pairs;

/// How captured texts become a timestamp and a severity.
pub(crate) struct CapturedHeaders {
    timestamps: TimestampParser,
    severity_map: Pairs<i32>,
}

impl CapturedHeaders {
    /// Timestamps are in `layout`, or one of the usual layouts; those that name no zone are in `zone`. Severities are keys
    /// of `severity_map` or numbers.
    pub(crate) fn new(layout: &str, zone: Zone, severity_map: Pairs<i32>) -> CapturedHeaders {
        CapturedHeaders { timestamps: TimestampParser::new(layout, zone), severity_map }
    }

    /// Sets the headers for which there is a text. A severity that is not known is logged and changes nothing; a timestamp
    /// that cannot be read is logged and gives Go's zero time.
    pub(crate) fn set(
        &self,
        message: &mut Message,
        timestamp: Option<&[u8]>,
        severity: Option<&[u8]>,
        log: &mut Vec<String>,
    ) {
        if let Some(text) = timestamp {
            message.timestamp = Some(read_timestamp(&self.timestamps, text, log));
        }
        if let Some(text) = severity {
            let mapped = self.severity_map.iter().find(|(name, _)| name.as_bytes() == text);
            match mapped.map_or_else(|| parse_int32(text), |(_, severity)| Ok(*severity)) {
                Ok(severity) => message.severity = Some(severity),
                Err(_) => log.push(format!("Don't recognize severity: '{}'", String::from_utf8_lossy(text))),
            }
        }
    }
}

/// Nanoseconds since the epoch. A time without a date is today's, one without a year this year's.
fn read_timestamp(parser: &TimestampParser, text: &[u8], log: &mut Vec<String>) -> i64 {
    let time = match parser.parse(text) {
        Ok(time) => time,
        Err(_) => {
            log.push(format!("Don't recognize Timestamp: '{}'", String::from_utf8_lossy(text)));
            GoTime::ZERO
        }
    };
    let civil = time.civil();
    if civil.year != 0 {
        return time.unix_nanos();
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now =
        GoTime { unix_s: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), nanos: 0, zone: Zone::local() };
    let today = now.civil();
    let (months, days) = if civil.month == 1 && civil.day == 1 {
        (i64::from(today.month) - 1, i64::from(today.day) - 1)
    } else {
        (0, 0)
    };
    time.add_date(today.year, months, days).unix_nanos()
}
