//! What was measured since the last report.

use std::collections::BTreeMap;

use bstr::BString;
use heka_message::golang::number::parse_float;
use heka_plugin::{Modifier, Stat};

/// Sums by name. The order of reports is that of the names.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) counters: BTreeMap<BString, i64>,
    pub(super) gauges: BTreeMap<BString, f64>,
    pub(super) timers: BTreeMap<BString, Vec<f64>>,
}

impl Totals {
    /// Adds a measurement. A value that is no number counts as 0, as in Heka.
    pub(super) fn add(&mut self, stat: &Stat) {
        let value = number(&stat.value);
        match stat.modifier {
            Modifier::Counter => {
                let total = self.counters.entry(stat.bucket.clone()).or_default();
                *total = total.saturating_add(scaled(value, stat.sampling));
            }
            Modifier::Gauge => {
                self.gauges.insert(stat.bucket.clone(), value);
            }
            Modifier::Timer => self.timers.entry(stat.bucket.clone()).or_default().push(value),
        }
    }

    /// Hands out what there is and begins anew: with nothing, or with zeros and the gauges as they are.
    pub(super) fn next(&mut self, forget: bool) -> Totals {
        if forget {
            return std::mem::take(self);
        }
        let totals = self.clone();
        self.counters.values_mut().for_each(|count| *count = 0);
        self.timers.values_mut().for_each(Vec::clear);
        totals
    }
}

/// A counter grows by whole numbers: Heka computes with 32-bit floats and cuts off what is behind the point.
#[allow(clippy::cast_possible_truncation, reason = "that is what is computed")]
fn scaled(value: f64, sampling: f32) -> i64 {
    (value as f32 * (1.0 / sampling)) as i64
}

/// What Go's parser leaves beside its errors: nothing, or infinity for a number that is too large.
fn number(text: &[u8]) -> f64 {
    parse_float(text).unwrap_or_else(|_| {
        let lenient = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        lenient.filter(|value: &f64| value.is_infinite()).unwrap_or(0.0)
    })
}
