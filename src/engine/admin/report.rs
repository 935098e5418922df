//! Heka's report of all plugins: as the text that SIGUSR1 gives and as the JSON of `heka.all-report`.
//!
//! Where Heka shows the fill of a pool or a channel, which do not exist here, capacities are those configured and lengths
//! are 0.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::PoisonError;
use std::time::Instant;

use heka_message::{Field, golang};
use heka_plugin::report::{ReportRow, row};
use heka_plugin::telemetry::{Process, ReaderKind};

use crate::pipeline::Shared;
use crate::runner::inlet::LiveDecoders;

/// The fields that the text shows, in this order.
const COLUMNS: [&str; 15] = [
    "InChanCapacity",
    "InChanLength",
    "MatchChanCapacity",
    "MatchChanLength",
    "MatchAvgDuration",
    "ProcessMessageCount",
    "InjectMessageCount",
    "Memory",
    "MaxMemory",
    "MaxInstructions",
    "MaxOutput",
    "ProcessMessageAvgDuration",
    "TimerEventAvgDuration",
    "DeadLetterCount",
    "SynchronousDecode",
];

/// A plugin's name and fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its fields; of two with one name the last counts.
    pub fields: Vec<ReportRow>,
}

/// A section of the report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Its heading in the text; in lower case its key in JSON.
    pub title: &'static str,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// The report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The sections, in the text's order.
    pub sections: Vec<Section>,
}

impl Report {
    /// Asks all plugins; those that have not answered by `deadline` show what they told last.
    pub fn gather(shared: &Shared, deadline: Instant) -> Report {
        let readers = shared.roster.readers();
        for reader in &readers {
            reader.stops.ask_to_report(&shared.queues.events);
        }
        let size = u64::from(shared.globals.plugin_chansize);
        let channel = || vec![row("InChanCapacity", size, "count"), row("InChanLength", 0, "count")];
        let matching = || {
            let mut fields = channel();
            fields.push(row("MatchChanCapacity", size, "count"));
            fields.push(row("MatchChanLength", 0, "count"));
            fields.push(row("MatchAvgDuration", 0, "ns"));
            fields.push(row("LeakCount", 0, "count"));
            fields
        };
        let of_kind = |kind: ReaderKind| {
            let readers = readers.iter().filter(move |reader| reader.kind == kind);
            readers.map(|reader| Row {
                name: reader.name.clone(),
                fields: [matching(), reader.stops.desk.wait(deadline)].concat(),
            })
        };
        let live = |live: &LiveDecoders| live.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let encoders = readers.iter().filter(|reader| !reader.encoder.is_empty()).map(|reader| Row {
            name: format!("{}-{}", reader.name, reader.encoder),
            fields: reader.stops.encoder_desk.rows(),
        });
        let decoders = live(&shared.live_decoders).into_iter();
        let splitters = live(&shared.live_splitters).into_iter();
        let sections = [
            ("Globals", globals(channel, shared.queues.input.stats().next_sequence)),
            ("Inputs", inputs(shared)),
            ("Splitters", splitters.map(|live| Row { name: live.name, fields: Vec::new() }).collect()),
            (
                "Decoders",
                decoders
                    .map(|live| Row { name: live.name, fields: [channel(), live.desk.rows()].concat() })
                    .collect(),
            ),
            ("Filters", of_kind(ReaderKind::Filter).collect()),
            ("Outputs", of_kind(ReaderKind::Output).collect()),
            ("Encoders", encoders.collect()),
        ];
        Report { sections: sections.into_iter().map(|(title, rows)| Section { title, rows }).collect() }
    }

    /// In the layout of Heka's report on standard error.
    pub fn text(&self) -> String {
        let mut text = String::from("========[heka.all-report]========\n");
        for section in &self.sections {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n===={}====\n", section.title);
            if section.rows.is_empty() {
                text += "NONE\n\n";
            }
            for row in &section.rows {
                let _ = write!(text, "{}:\n{}", row.name, columns(&row.fields));
            }
        }
        text += "========\n\n";
        text
    }

    /// As JSON, the way Go writes a map: keys in order, sections without rows left out; ends with a newline.
    pub fn json(&self) -> Vec<u8> {
        let sections: BTreeMap<String, &Section> =
            self.sections.iter().map(|section| (section.title.to_lowercase(), section)).collect();
        let mut out = vec![b'{'];
        for (key, section) in sections.iter().filter(|(_, section)| !section.rows.is_empty()) {
            comma(&mut out);
            golang::write_json_string(key.as_bytes(), &mut out);
            out.extend_from_slice(b":[");
            for row in &section.rows {
                comma(&mut out);
                write_row(row, &mut out);
            }
            out.push(b']');
        }
        out.extend_from_slice(b"}\n");
        out
    }
}

/// What stands for the pools and the router.
fn globals(channel: impl Fn() -> Vec<ReportRow>, records: u64) -> Vec<Row> {
    let named = |name: &str, fields| Row { name: name.into(), fields };
    let mut router = channel();
    router.push(row("ProcessMessageCount", records, "count"));
    vec![named("inputRecycleChan", channel()), named("injectRecycleChan", channel()), named("Router", router)]
}

fn inputs(shared: &Shared) -> Vec<Row> {
    let row = |input: super::roster::ListedInput| {
        let mut fields = input.desk.rows();
        if input.synchronous {
            fields.push(("SynchronousDecode".into(), "true".into(), ""));
        }
        Row { name: input.name, fields }
    };
    shared.roster.inputs().into_iter().map(row).collect()
}

/// A field's value as JSON: a number if it counts or measures something.
fn is_number(field: &ReportRow) -> bool {
    let (_, value, representation) = field;
    !representation.is_empty() && value.parse::<i64>().is_ok()
}

fn write_row(row: &Row, out: &mut Vec<u8>) {
    let fields: BTreeMap<&[u8], &ReportRow> =
        row.fields.iter().map(|field| (field.0.as_bytes(), field)).collect();
    out.push(b'{');
    let (before, after): (Vec<_>, Vec<_>) = fields.iter().partition(|(name, _)| **name < b"Name".as_slice());
    for (name, field) in before {
        write_field(name, field, out);
    }
    comma(out);
    out.extend_from_slice(b"\"Name\":");
    golang::write_json_string(row.name.as_bytes(), out);
    for (name, field) in after.into_iter().filter(|(name, _)| **name != b"Name".as_slice()) {
        write_field(name, field, out);
    }
    out.push(b'}');
}

fn write_field(name: &[u8], field: &ReportRow, out: &mut Vec<u8>) {
    comma(out);
    golang::write_json_string(name, out);
    out.extend_from_slice(b":{\"representation\":");
    golang::write_json_string(field.2.as_bytes(), out);
    out.extend_from_slice(b",\"value\":");
    if is_number(field) {
        out.extend_from_slice(field.1.as_bytes());
    } else {
        golang::write_json_string(field.1.as_bytes(), out);
    }
    out.push(b'}');
}

/// A comma, unless nothing stands before.
fn comma(out: &mut Vec<u8>) {
    if !matches!(out.last(), None | Some(b'{' | b'[')) {
        out.push(b',');
    }
}

/// A row's fields as text. Numbers go through JSON in Heka and so are printed as floats.
fn columns(fields: &[ReportRow]) -> String {
    let mut text = Vec::new();
    for column in COLUMNS {
        let Some((_, value, _)) = fields.iter().rev().find(|(name, ..)| name == column) else { continue };
        text.extend_from_slice(format!("    {column}: ").as_bytes());
        match value.parse() {
            Ok(number) => golang::write_float_g(number, &mut text),
            Err(_) => text.extend_from_slice(value.as_bytes()),
        }
        text.push(b'\n');
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The fields of `heka.memstat`. They are named after Go's heap; here they tell of the process's own memory: what is resident
/// is in use, what else is mapped for data is idle. Objects are not counted.
pub fn memstat(process: &Process) -> Vec<Field> {
    let idle = process.virtual_bytes.saturating_sub(process.anonymous_bytes);
    [
        ("HeapSys", process.virtual_bytes, "B"),
        ("HeapAlloc", process.anonymous_bytes, "B"),
        ("HeapIdle", idle, "B"),
        ("HeapInuse", process.anonymous_bytes, "B"),
        ("HeapReleased", idle, "B"),
        ("HeapObjects", 0, "count"),
    ]
    .map(|(name, value, unit)| Field::integer(name, unit, i64::try_from(value).unwrap_or(i64::MAX)))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(fields: Vec<ReportRow>) -> Report {
        let rows = vec![Row { name: "a<b".into(), fields }];
        Report {
            sections: vec![
                Section { title: "Outputs", rows },
                Section { title: "Encoders", rows: Vec::new() },
            ],
        }
    }

    #[test]
    fn fields_have_a_fixed_order_and_print_as_floats() {
        let fields = vec![
            row("Memory", 1_234_567, "B"),
            row("Other", 1, ""),
            row("ProcessMessageCount", 999_999, "count"),
        ];
        let text = report(fields).text();
        assert_eq!(
            text,
            "========[heka.all-report]========\n\n====Outputs====\na<b:\n    ProcessMessageCount: 999999\n    \
             Memory: 1.234567e+06\n\n====Encoders====\nNONE\n\n========\n\n"
        );
    }

    #[test]
    fn json_is_what_go_writes() {
        let fields = vec![
            row("Zeta", 1, "count"),
            row("Alpha", 1, "ns"),
            row("Zeta", 2, "count"),
            ("x-filename".into(), "12".into(), ""),
        ];
        let json = String::from_utf8(report(fields).json()).unwrap();
        assert_eq!(
            json,
            "{\"outputs\":[{\"Alpha\":{\"representation\":\"ns\",\"value\":1},\"Name\":\"a\\u003cb\",\
             \"Zeta\":{\"representation\":\"count\",\"value\":2},\
             \"x-filename\":{\"representation\":\"\",\"value\":\"12\"}}]}\n"
        );
    }
}
