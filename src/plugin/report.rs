//! What plugins tell of themselves in reports.

/// A row of a report: its name, its value as text, and the value's representation (`count`, `B`, `ns`, or none).
pub type ReportRow = (String, String, &'static str);

/// A row with a number.
pub fn row(name: &str, value: u64, representation: &'static str) -> ReportRow {
    (name.into(), value.to_string(), representation)
}
