//! Options that do something else here than in hekad 0.11.

use heka_engine::config::Loaded;
use heka_engine::loader::{Preloaded, Section};
use heka_plugin::{Kind, Table, Value};

use super::findings::{Note, Place};

/// Options of `[hekad]`.
const HEKAD: [(&str, &str); 6] = [
    ("poolsize", "without effect: there is no pool of messages, queues on disk take its place"),
    ("plugin_chansize", "without effect: there are no channels; reports show it"),
    ("max_pack_idle", "without effect: there are no packs that could idle"),
    ("maxprocs", "without effect: every plugin has its thread and the system shares the processors out"),
    ("cpuprof", "without effect: the file is made, but no Go profile is written to it"),
    ("memprof", "without effect: no Go profile is written"),
];

/// Options of plugins: kind, type ("" for all of the kind), option, what is different.
const PLUGINS: [(Kind, &str, &str, &str); 15] = [
    (
        Kind::Input,
        "",
        "synchronous_decode",
        "decoding is done by the input's thread in any case; only the wording of failures depends on it",
    ),
    (
        Kind::Output,
        "",
        "use_buffering",
        "all filters and outputs read queues on disk; it gives this one a limit of its own for how far it may lie behind",
    ),
    (
        Kind::Filter,
        "",
        "use_buffering",
        "all filters and outputs read queues on disk; it gives this one a limit of its own for how far it may lie behind",
    ),
    (
        Kind::Output,
        "",
        "buffering.max_file_size",
        "checked, but the queue's files have the size of [hekad] queue_segment_size",
    ),
    (
        Kind::Filter,
        "",
        "buffering.max_file_size",
        "checked, but the queue's files have the size of [hekad] queue_segment_size",
    ),
    (Kind::Output, "", "buffering.cursor_update_count", "places are saved every 100 ms instead"),
    (Kind::Filter, "", "buffering.cursor_update_count", "places are saved every 100 ms instead"),
    (Kind::Filter, "", "encoder", "filters have no use for an encoder; accepted as in hekad 0.11"),
    (Kind::Filter, "", "use_framing", "filters have no use for it; accepted as in hekad 0.11"),
    (
        Kind::Output,
        "FileOutput",
        "flush_interval",
        "checked, but records are written at once and synced before the place moves",
    ),
    (
        Kind::Output,
        "FileOutput",
        "flush_count",
        "checked, but records are written at once and synced before the place moves",
    ),
    (
        Kind::Output,
        "FileOutput",
        "flush_operator",
        "checked, but records are written at once and synced before the place moves",
    ),
    (
        Kind::Input,
        "TcpInput",
        "tls.min_version",
        "TLS 1.2 and 1.3 only; older versions are accepted here and not offered",
    ),
    (
        Kind::Output,
        "TcpOutput",
        "tls.min_version",
        "TLS 1.2 and 1.3 only; older versions are accepted here and not offered",
    ),
    (
        Kind::Input,
        "LogstreamerInput",
        "initial_tail",
        "only streams that are there when hekad starts are tailed from their end; later ones are read from their start",
    ),
];

/// The notes about the options that a configuration uses.
pub(super) fn notes(loaded: &Loaded, sections: &Preloaded) -> Vec<Note> {
    let mut notes = Vec::new();
    // Of several [hekad] sections the last one counts.
    let of_hekad = loaded.files.iter().rev().find_map(|file| {
        let section = file.sections.iter().find(|section| section.name == "hekad")?;
        Some((file, section))
    });
    if let Some((file, section)) = of_hekad
        && let Value::Table(table) = &section.value
    {
        for (option, text) in HEKAD {
            if let Some(entry) = table.option(option) {
                let place = Place {
                    file: file.path.clone(),
                    line: entry.line,
                    section: "hekad".into(),
                    type_name: "hekad".into(),
                    option: Some(option.into()),
                };
                notes.push(Note { place, text: text.into() });
            }
        }
    }
    for section in all(sections) {
        for (kind, type_name, option, text) in PLUGINS {
            let is_type = type_name.is_empty() || type_name == section.def.name;
            if section.def.kind() == kind
                && is_type
                && let Some(line) = line_of(&section.table, option)
            {
                notes.push(Note { place: Place::of(section, option, line), text: text.into() });
            }
        }
    }
    notes
}

/// All sections of a configuration.
pub(super) fn all(sections: &Preloaded) -> impl Iterator<Item = &Section> {
    let Preloaded { decoders, encoders, splitters, inputs, filters, outputs } = sections;
    let inputs = inputs.iter().map(|(section, _)| section);
    let splitters = splitters.iter().map(|(section, _)| section);
    let readers = filters.iter().chain(outputs).map(|(section, _)| section);
    inputs.chain(splitters).chain(decoders).chain(readers).chain(encoders)
}

/// Line of an option, which may stand in a sub-table.
fn line_of(table: &Table, option: &str) -> Option<u32> {
    match option.split_once('.') {
        None => table.option(option).map(|entry| entry.line),
        Some((above, rest)) => match &table.option(above)?.value {
            Value::Table(inner) => line_of(inner, rest),
            _ => None,
        },
    }
}
