//! The text format itself.

use std::fmt::Write;

use heka_plugin::telemetry::Histogram;

/// What kind of figure a family holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows, until hekad is started anew.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Durations by bounds.
    Histogram,
}

/// A text in the making: families, each with its samples behind it. Writing to a String cannot fail.
#[derive(Default)]
pub(super) struct Exposition {
    pub(super) text: String,
    family: &'static str,
}

impl Exposition {
    /// Begins a family. `help` has no newline and no backslash.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        self.family = name;
    }

    /// A sample that is a whole number.
    pub(super) fn count<V: AsRef<str>>(&mut self, labels: &[(&str, V)], value: u64) {
        self.name("", labels, None);
        let _ = writeln!(self.text, " {value}");
    }

    /// A sample that is any number.
    pub(super) fn number<V: AsRef<str>>(&mut self, labels: &[(&str, V)], value: f64) {
        self.name("", labels, None);
        let _ = writeln!(self.text, " {value}");
    }

    /// A sample that is 1 or 0.
    pub(super) fn flag(&mut self, labels: &[(&str, &str)], value: bool) {
        self.count(labels, u64::from(value));
    }

    /// The samples of a histogram.
    pub(super) fn histogram<V: AsRef<str>>(&mut self, labels: &[(&str, V)], histogram: &Histogram) {
        for (bound, count) in &histogram.buckets {
            self.name("_bucket", labels, Some(&bound.to_string()));
            let _ = writeln!(self.text, " {count}");
        }
        self.name("_bucket", labels, Some("+Inf"));
        let _ = writeln!(self.text, " {}", histogram.count);
        self.name("_sum", labels, None);
        let _ = writeln!(self.text, " {}", histogram.sum_s);
        self.name("_count", labels, None);
        let _ = writeln!(self.text, " {}", histogram.count);
    }

    /// The name of a sample with its labels.
    fn name<V: AsRef<str>>(&mut self, suffix: &str, labels: &[(&str, V)], bound: Option<&str>) {
        self.text += self.family;
        self.text += suffix;
        let all =
            labels.iter().map(|(name, value)| (*name, value.as_ref())).chain(bound.map(|le| ("le", le)));
        let mut open = '{';
        for (name, value) in all {
            let _ = write!(self.text, "{open}{name}=\"");
            for character in value.chars() {
                match character {
                    '\\' => self.text += "\\\\",
                    '"' => self.text += "\\\"",
                    '\n' => self.text += "\\n",
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
            open = ',';
        }
        if open == ',' {
            self.text.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_a_histogram_ends_with_infinity() {
        let mut out = Exposition::default();
        out.family("x_seconds", Kind::Histogram, "help");
        let histogram = Histogram { buckets: vec![(0.000_001, 1), (60.0, 2)], count: 3, sum_s: 70.5 };
        out.histogram(&[("plugin", "a\"b\\c\nd")], &histogram);
        let label = r#"plugin="a\"b\\c\nd""#;
        let lines = [
            "# HELP x_seconds help".to_string(),
            "# TYPE x_seconds histogram".into(),
            format!("x_seconds_bucket{{{label},le=\"0.000001\"}} 1"),
            format!("x_seconds_bucket{{{label},le=\"60\"}} 2"),
            format!("x_seconds_bucket{{{label},le=\"+Inf\"}} 3"),
            format!("x_seconds_sum{{{label}}} 70.5"),
            format!("x_seconds_count{{{label}}} 3"),
            String::new(),
        ];
        assert_eq!(out.text, lines.join("\n"));
    }
}
