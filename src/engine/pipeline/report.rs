//! The text report that SIGUSR1 asks for.

use std::fmt::Write;
use std::sync::PoisonError;

use super::Pipeline;

impl Pipeline {
    /// The report: sections and rows in Heka's layout. Where Heka shows the fill of a pool or a channel, which do not
    /// exist here, capacities are those configured and lengths are 0.
    pub fn report(&self) -> String {
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
        section("Inputs", self.inputs.iter().map(|input| format!("{}:\n", input.name)).collect());
        let live = self.shared.live_decoders.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let splitters = self.shared.live_splitters.lock().unwrap_or_else(PoisonError::into_inner).clone();
        section("Splitters", splitters.iter().map(|name| format!("{name}:\n")).collect());
        section("Decoders", live.iter().map(|name| format!("{name}:\n{channel}")).collect());
        let readers = |tasks: &[super::ReaderTask]| -> String {
            let row = |task: &super::ReaderTask| format!("{}:\n{channel}{matcher}", task.name);
            tasks.iter().map(row).collect()
        };
        section("Filters", readers(&self.filters));
        section("Outputs", readers(&self.outputs));
        let encoders = self.outputs.iter().filter_map(|output| output.encoder_name.as_ref());
        section("Encoders", encoders.map(|name| format!("{name}:\n")).collect());
        text += "========\n";
        text
    }
}
