//! Figures of the last hour, so that a page that is opened shows what was before.

use std::collections::{HashMap, VecDeque};

use heka_plugin::telemetry::Snapshot;
use serde::Serialize;

/// Points that are kept: an hour at one every five seconds.
const POINTS_MAX: usize = 720;
/// Plugins that are kept track of.
const SERIES_MAX: usize = 2000;

/// What is kept of a plugin at one moment: messages so far, bytes of lag, age of the oldest unread in seconds. Inputs lag
/// behind nothing.
type Point = [f64; 3];

/// The figures.
#[derive(Default)]
pub(super) struct History {
    /// Milliseconds since 1970.
    times: VecDeque<u64>,
    /// By kind and name; as long as `times`, `None` where a plugin was not there.
    series: HashMap<String, VecDeque<Option<Point>>>,
}

/// The figures as the page gets them.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    times_ms: &'a VecDeque<u64>,
    series: &'a HashMap<String, VecDeque<Option<Point>>>,
}

impl History {
    /// Adds what is now.
    pub(super) fn add(&mut self, figures: &Snapshot) {
        let before = self.times.len();
        self.times.push_back(figures.time_ms);
        let inputs =
            figures.inputs.iter().map(|i| (format!("input {}", i.name), [i.messages as f64, 0.0, 0.0]));
        let readers = figures.readers.iter().map(|r| {
            let point =
                [r.messages as f64, r.lag_bytes as f64, (r.oldest_unread_s * 1000.0).round() / 1000.0];
            (format!("{} {}", r.kind.word(), r.name), point)
        });
        for (key, point) in inputs.chain(readers) {
            let room = self.series.len() < SERIES_MAX;
            let Some(series) = self.series.get_mut(&key) else {
                if room {
                    let mut series: VecDeque<_> = std::iter::repeat_n(None, before).collect();
                    series.push_back(Some(point));
                    self.series.insert(key, series);
                }
                continue;
            };
            // A name that is there twice counts once.
            if series.len() == before {
                series.push_back(Some(point));
            }
        }
        let long = self.times.len();
        for series in self.series.values_mut() {
            series.resize(long, None);
            if long > POINTS_MAX {
                series.pop_front();
            }
        }
        if long > POINTS_MAX {
            self.times.pop_front();
        }
        self.series.retain(|_, series| series.iter().any(Option::is_some));
    }

    /// All of them.
    pub(super) fn shown(&self) -> Shown<'_> {
        Shown { times_ms: &self.times, series: &self.series }
    }
}

#[cfg(test)]
mod tests {
    use heka_plugin::telemetry::{InputFigures, ReaderFigures};

    use super::*;

    fn figures(time_ms: u64, outputs: &[&str]) -> Snapshot {
        let reader = |name: &&str| ReaderFigures {
            name: name.to_string(),
            messages: time_ms,
            ..ReaderFigures::default()
        };
        Snapshot {
            time_ms,
            inputs: vec![InputFigures { name: "in".into(), ..InputFigures::default() }],
            readers: outputs.iter().map(reader).collect(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn all_series_are_as_long_as_the_times_and_those_of_the_past_go() {
        let mut history = History::default();
        history.add(&figures(1, &["a"]));
        history.add(&figures(2, &["a", "b", "b"]));
        history.add(&figures(3, &["b"]));
        let lengths: Vec<_> = history.series.values().map(VecDeque::len).collect();
        assert_eq!(lengths, [3, 3, 3]);
        assert_eq!(history.series["output b"], [None, Some([2.0, 0.0, 0.0]), Some([3.0, 0.0, 0.0])]);
        for time in 4..=POINTS_MAX as u64 + 10 {
            history.add(&figures(time, &["b"]));
        }
        assert_eq!((history.times.len(), history.times.front()), (POINTS_MAX, Some(&11)));
        assert!(!history.series.contains_key("output a"));
        assert!(history.series.values().all(|series| series.len() == POINTS_MAX));
    }
}
