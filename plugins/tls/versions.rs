//! Protocol versions by Heka's names.

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

/// From the oldest on.
const NAMES: [&str; 5] = ["SSL30", "TLS10", "TLS11", "TLS12", "TLS13"];
const OLDEST_SPOKEN: usize = 3;

fn rank(name: &str) -> Option<usize> {
    NAMES.iter().position(|known| *known == name)
}

/// The versions spoken between two names; "" is no limit.
///
/// # Errors
/// A name is unknown, or the limits are in the wrong order.
pub(super) fn between(min: &str, max: &str) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let oldest = match min {
        "" => 0,
        min => rank(min).ok_or_else(|| format!("Invalid MinVersion: {min}"))?,
    };
    let newest = match max {
        "" => NAMES.len() - 1,
        max => rank(max).ok_or_else(|| format!("Invalid MaxVersion: {max}"))?,
    };
    if newest < oldest {
        return Err(format!("MaxVersion ({max}) must be newer than MinVersion ({min})"));
    }
    let newest = newest.max(OLDEST_SPOKEN);
    let spoken = [(3, &TLS12), (4, &TLS13)];
    Ok(spoken
        .into_iter()
        .filter(|(rank, _)| (oldest..=newest).contains(rank))
        .map(|(_, version)| version)
        .collect())
}

/// What to say about a `max_version`.
pub(super) fn remark(max: &str) -> Option<String> {
    rank(max)
        .filter(|rank| *rank < OLDEST_SPOKEN)
        .map(|_| format!("max_version {max} is too old to be spoken: TLS12 is used"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(min: &str, max: &str) -> Vec<String> {
        between(min, max).unwrap().iter().map(|version| format!("{:?}", version.version)).collect()
    }

    #[test]
    fn limits_choose_versions() {
        assert_eq!(names("", ""), ["TLSv1_2", "TLSv1_3"]);
        assert_eq!(names("TLS10", "TLS12"), ["TLSv1_2"]);
        assert_eq!(names("TLS13", ""), ["TLSv1_3"]);
        assert_eq!(names("SSL30", "TLS11"), ["TLSv1_2"]);
        assert!(remark("TLS11").is_some() && remark("TLS12").is_none() && remark("").is_none());
    }

    #[test]
    fn wrong_limits_are_refused() {
        assert_eq!(between("TLS1", "").unwrap_err(), "Invalid MinVersion: TLS1");
        assert_eq!(between("", "1.2").unwrap_err(), "Invalid MaxVersion: 1.2");
        let why = "MaxVersion (TLS10) must be newer than MinVersion (TLS12)";
        assert_eq!(between("TLS12", "TLS10").unwrap_err(), why);
    }
}
