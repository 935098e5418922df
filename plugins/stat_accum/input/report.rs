//! Writes totals into a message.

use heka_message::golang::write_fixed;
use heka_message::{Field, Message};

use super::name::Names;
use super::totals::Totals;

/// Digits behind the point in the payload.
const DECIMALS: usize = 6;

/// How totals are reported.
pub(super) struct Reporter {
    pub(super) names: Names,
    pub(super) percents: Vec<i64>,
    /// What rates are divided by.
    pub(super) interval_s: u64,
    pub(super) in_payload: bool,
    pub(super) in_fields: bool,
}

/// A reported number.
#[derive(Clone, Copy)]
enum Figure {
    Whole(i64),
    Real(f64),
}

/// A message being written.
struct Page<'a> {
    reporter: &'a Reporter,
    now_s: u64,
    payload: Vec<u8>,
    fields: Vec<Field>,
}

impl Reporter {
    /// Writes the totals as of this time into the message's payload and fields.
    pub(super) fn write(&self, totals: &Totals, now_s: u64, message: &mut Message) {
        let mut page = Page { reporter: self, now_s, payload: Vec::new(), fields: Vec::new() };
        page.field("timestamp".into(), Figure::Whole(whole(now_s)));
        let interval_s = self.interval_s as f64;
        for (name, &count) in &totals.counters {
            let rate = count as f64 / interval_s;
            let rate_name = self.names.rate(name.as_ref());
            page.line(&rate_name, Figure::Real(rate));
            // The old names have whole rates in fields.
            #[allow(clippy::cast_possible_truncation, reason = "cut off as in Heka")]
            let in_field =
                if self.names.are_legacy() { Figure::Whole(rate as i64) } else { Figure::Real(rate) };
            page.field(rate_name, in_field);
            page.both(self.names.count(name.as_ref()), Figure::Whole(count));
        }
        for (name, &value) in &totals.gauges {
            page.both(self.names.gauge(name.as_ref()), Figure::Real(value));
        }
        for (name, values) in &totals.timers {
            let timer = Timer::new(values);
            for (figure, value) in timer.figures(interval_s, &self.percents) {
                page.both(self.names.timer(name.as_ref(), &figure), value);
            }
        }
        let all = totals.counters.len() + totals.gauges.len() + totals.timers.len();
        page.both(self.names.stat_count(), Figure::Whole(whole(all as u64)));
        message.payload = Some(page.payload.into());
        message.fields = page.fields;
    }
}

impl Page<'_> {
    fn both(&mut self, name: bstr::BString, figure: Figure) {
        self.line(&name, figure);
        self.field(name, figure);
    }

    fn line(&mut self, name: &[u8], figure: Figure) {
        if !self.reporter.in_payload {
            return;
        }
        self.payload.extend_from_slice(name);
        self.payload.push(b' ');
        match figure {
            Figure::Whole(number) => self.payload.extend_from_slice(number.to_string().as_bytes()),
            Figure::Real(number) => write_fixed(number, DECIMALS, &mut self.payload),
        }
        self.payload.extend_from_slice(format!(" {}\n", self.now_s).as_bytes());
    }

    fn field(&mut self, name: bstr::BString, figure: Figure) {
        if !self.reporter.in_fields {
            return;
        }
        self.fields.push(match figure {
            Figure::Whole(number) => Field::integer(name, "", number),
            Figure::Real(number) => Field::double(name, "", number),
        });
    }
}

/// A timer's values in order, with the sums up to each.
struct Timer {
    values: Vec<f64>,
    sums: Vec<f64>,
}

impl Timer {
    fn new(values: &[f64]) -> Timer {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let sums = values.iter().scan(0.0, |sum, value| {
            *sum += value;
            Some(*sum)
        });
        Timer { sums: sums.collect(), values }
    }

    /// All figures in the order in which they are reported; zeros if there are no values.
    fn figures(&self, interval_s: f64, percents: &[i64]) -> Vec<(String, Figure)> {
        let count = self.values.len();
        let first = self.values.first().copied().unwrap_or_default();
        let last = self.values.last().copied().unwrap_or_default();
        let sum = self.sums.last().copied().unwrap_or_default();
        let mean = if count == 0 { 0.0 } else { sum / count as f64 };
        let mut figures = vec![
            ("count".to_string(), Figure::Whole(whole(count as u64))),
            ("count_ps".into(), Figure::Real(count as f64 / interval_s)),
            ("lower".into(), Figure::Real(first)),
            ("upper".into(), Figure::Real(last)),
            ("sum".into(), Figure::Real(sum)),
            ("mean".into(), Figure::Real(mean)),
        ];
        for percent in percents {
            let (mean, upper) = self.percentile(*percent).unwrap_or((first, last));
            figures.push((format!("mean_{percent}"), Figure::Real(mean)));
            figures.push((format!("upper_{percent}"), Figure::Real(upper)));
        }
        figures
    }

    /// Mean and largest of the smallest so many percent of the values; `None` if these are no values. How many values that
    /// are is rounded as JavaScript does, where statsd comes from.
    #[allow(clippy::cast_possible_truncation, reason = "a negative number of values is none")]
    fn percentile(&self, percent: i64) -> Option<(f64, f64)> {
        let count = self.values.len();
        let beyond = (100.0 - percent as f64) / 100.0 * count as f64;
        let within = count as i64 - (beyond + 0.5).floor() as i64;
        // A percentage above 100 means all of them.
        let within = usize::try_from(within).ok()?.min(count);
        let at = within.checked_sub(1)?;
        Some((self.sums.get(at)? / within as f64, *self.values.get(at)?))
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
