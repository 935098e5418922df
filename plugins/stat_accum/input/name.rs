//! Names of what is reported.

use bstr::{BStr, BString};

use super::Config;

/// Begins the names of counts in the old names, whatever the prefixes are.
const LEGACY_COUNTS: &str = "stats_counts";

/// How names begin.
pub(super) struct Names {
    /// Of counters; in the old names, of their rates.
    counters: String,
    timers: String,
    gauges: String,
    own: String,
    legacy: bool,
}

impl Names {
    pub(super) fn new(config: &Config) -> Names {
        let global = &config.global_prefix;
        let legacy = config.legacy_namespaces;
        Names {
            counters: if legacy { global.clone() } else { joined(global, &config.counter_prefix) },
            timers: joined(global, &config.timer_prefix),
            gauges: joined(global, &config.gauge_prefix),
            own: if legacy { config.statsd_prefix.clone() } else { joined(global, &config.statsd_prefix) },
            legacy,
        }
    }

    /// Whether names are the old ones; then the field of a rate is an integer.
    pub(super) fn are_legacy(&self) -> bool {
        self.legacy
    }

    pub(super) fn rate(&self, counter: &BStr) -> BString {
        let name = dotted(&self.counters, counter);
        if self.legacy { name } else { dotted_bytes(name, b"rate") }
    }

    pub(super) fn count(&self, counter: &BStr) -> BString {
        if self.legacy {
            return dotted(LEGACY_COUNTS, counter);
        }
        dotted_bytes(dotted(&self.counters, counter), b"count")
    }

    pub(super) fn gauge(&self, gauge: &BStr) -> BString {
        dotted(&self.gauges, gauge)
    }

    /// A figure of a timer.
    pub(super) fn timer(&self, timer: &BStr, figure: &str) -> BString {
        dotted_bytes(dotted(&self.timers, timer), figure.as_bytes())
    }

    /// How many statistics were taken.
    pub(super) fn stat_count(&self) -> BString {
        dotted(&self.own, BStr::new("numStats"))
    }
}

/// Puts a dot between two parts of a name. An empty part adds nothing, and no dot is doubled.
fn joined(first: &str, second: &str) -> String {
    if first.is_empty() || first.ends_with('.') || second.is_empty() {
        format!("{first}{second}")
    } else {
        format!("{first}.{second}")
    }
}

fn dotted(prefix: &str, name: &BStr) -> BString {
    dotted_bytes(prefix.into(), name)
}

fn dotted_bytes(mut prefix: BString, name: &[u8]) -> BString {
    if !prefix.is_empty() && !prefix.ends_with(b".") && !name.is_empty() {
        prefix.push(b'.');
    }
    prefix.extend_from_slice(name);
    prefix
}
