//! The text report that SIGUSR1 asks for.

use std::fmt::Write;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use heka_message::golang;
use heka_plugin::report::ReportRow;

use super::Pipeline;
use crate::desk::Desk;
use crate::stops::Stops;

/// How long plugins are waited for; those that are busy for longer show what they reported last.
const PATIENCE: Duration = Duration::from_millis(500);

/// The rows that the text shows, in this order, behind those of channels.
const COLUMNS: [&str; 8] = [
    "ProcessMessageCount",
    "InjectMessageCount",
    "Memory",
    "MaxMemory",
    "MaxInstructions",
    "MaxOutput",
    "ProcessMessageAvgDuration",
    "TimerEventAvgDuration",
];

/// Everything that reads the queues: its name, and how it is asked.
type Reader = (String, Stops);

impl Pipeline {
    /// The report: sections and rows in Heka's layout. Where Heka shows the fill of a pool or a channel, which do not
    /// exist here, capacities are those configured and lengths are 0.
    pub fn report(&self) -> String {
        let (filters, outputs) = self.readers();
        for (_, stops) in filters.iter().chain(&outputs) {
            stops.ask_to_report(&self.shared.queues.events);
        }
        let deadline = Instant::now() + PATIENCE;
        let size = self.shared.globals.plugin_chansize;
        let channel = format!("    InChanCapacity: {size}\n    InChanLength: 0\n");
        let matcher =
            format!("    MatchChanCapacity: {size}\n    MatchChanLength: 0\n    MatchAvgDuration: 0\n");
        let mut text = String::from("========[heka.all-report]========\n");
        let mut section = |title: &str, rows: String| {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n===={title}====\n{}", if rows.is_empty() { "NONE\n\n" } else { &rows });
        };
        let records = self.shared.queues.input.stats().next_sequence;
        section(
            "Globals",
            format!(
                "inputRecycleChan:\n{channel}injectRecycleChan:\n{channel}Router:\n{channel}    ProcessMessageCount: {records}\n"
            ),
        );
        let own = |desk: &Desk| columns(&desk.rows());
        let inputs = self.inputs.iter().map(|input| format!("{}:\n{}", input.name, own(&input.desk)));
        section("Inputs", inputs.collect());
        let live = self.shared.live_decoders.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let splitters = self.shared.live_splitters.lock().unwrap_or_else(PoisonError::into_inner).clone();
        section("Splitters", splitters.iter().map(|live| format!("{}:\n", live.name)).collect());
        section(
            "Decoders",
            live.iter().map(|live| format!("{}:\n{channel}{}", live.name, own(&live.desk))).collect(),
        );
        let rows = |readers: &[Reader]| -> String {
            let row = |(name, stops): &Reader| {
                format!("{name}:\n{channel}{matcher}{}", columns(&stops.desk.wait(deadline)))
            };
            readers.iter().map(row).collect()
        };
        section("Filters", rows(&filters));
        section("Outputs", rows(&outputs));
        let encoders = self.outputs.iter().filter_map(|output| {
            let name = output.encoder_name.as_ref()?;
            Some(format!("{name}:\n{}", own(&output.stops.encoder_desk)))
        });
        section("Encoders", encoders.collect());
        text += "========\n\n";
        text
    }

    fn readers(&self) -> (Vec<Reader>, Vec<Reader>) {
        let readers = |tasks: &[super::ReaderTask]| -> Vec<Reader> {
            tasks.iter().map(|task| (task.name.clone(), task.stops.clone())).collect()
        };
        let mut filters = readers(&self.filters);
        filters.extend(self.shared.catalog.filters.running());
        (filters, readers(&self.outputs))
    }
}

/// A plugin's own rows as text. Numbers go through JSON in Heka and so are printed as floats.
fn columns(rows: &[ReportRow]) -> String {
    let mut text = Vec::new();
    for column in COLUMNS {
        let Some((_, value, _)) = rows.iter().rev().find(|(name, ..)| name == column) else { continue };
        text.extend_from_slice(format!("    {column}: ").as_bytes());
        match value.parse() {
            Ok(number) => golang::write_float_g(number, &mut text),
            Err(_) => text.extend_from_slice(value.as_bytes()),
        }
        text.push(b'\n');
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use heka_plugin::report::row;

    use super::*;

    #[test]
    fn rows_have_a_fixed_order_and_print_as_floats() {
        let rows = [
            row("Memory", 1_234_567, "B"),
            row("Other", 1, ""),
            row("ProcessMessageCount", 999_999, "count"),
        ];
        assert_eq!(columns(&rows), "    ProcessMessageCount: 999999\n    Memory: 1.234567e+06\n");
    }
}
