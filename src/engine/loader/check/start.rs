//! What goes wrong when hekad starts a plan: sections that are named and not there, decoders and encoders that are made only
//! then.

use std::collections::HashSet;

use heka_plugin::{ConfigError, Kind, Value};

use super::Checked;
use crate::config::CommonFo;
use crate::loader::preload::{Preloaded, Problem};
use crate::loader::{Plan, Section};

/// Checks a plan; the sections of `checked` are those that it was made from, and `known` is what
/// was found while it was made.
pub(super) fn check(plan: &Plan, known: &[Problem], checked: &mut Checked) {
    let mut used = Used::default();
    let mut found = inputs(plan, &checked.sections, &mut used);
    found.extend(readers(plan, &checked.sections, &mut used));
    checked.at_start = found;
    for section in &checked.sections.decoders {
        used.note_subs(section);
    }
    let broken = broken(plan, &checked.sections, known);
    for (kind, problem) in broken {
        let is_used = match kind {
            Kind::Decoder => used.decoders.contains(&problem.section),
            _ => used.encoders.contains(&problem.section),
        };
        if is_used {
            checked.at_start.push(problem);
        } else {
            checked.unused.push(problem);
        }
    }
}

/// Names of sections that somebody uses.
#[derive(Default)]
struct Used {
    decoders: HashSet<String>,
    encoders: HashSet<String>,
}

impl Used {
    /// A decoder that is named in `subs` is used if the one that names it is.
    fn note_subs(&mut self, section: &Section) {
        if let Some(Value::Array(names)) = section.table.option("subs").map(|entry| &entry.value) {
            let names = names.iter().filter_map(|name| match name {
                Value::String(name) => Some(name.clone()),
                _ => None,
            });
            self.decoders.extend(names);
        }
    }
}

fn inputs(plan: &Plan, sections: &Preloaded, used: &mut Used) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (section, common) in &sections.inputs {
        let heka_plugin::Build::Input(_, defaults) = &section.def.build else { continue };
        let (splitter, decoder) = (common.splitter_section(defaults), common.decoder_section(defaults));
        used.decoders.insert(decoder.into());
        let failed = |why: String| format!("Input '{}' failed to start: {why}", section.name);
        if !plan.catalog.splitters.contains_key(splitter) {
            let why = failed(format!("{} specifies undefined splitter {splitter}", section.name));
            problems.push(problem(section, why, "splitter"));
        }
        if !decoder.is_empty() && !plan.catalog.decoders.contains_key(decoder) {
            problems.push(problem(section, failed(format!("no registered '{decoder}' decoder")), "decoder"));
        }
        problems.extend(accumulator(plan, section, "Input"));
    }
    problems
}

/// Filters and outputs. A filter's encoder is made too, although it is not used.
fn readers(plan: &Plan, sections: &Preloaded, used: &mut Used) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut reader = |section: &Section, common: &CommonFo, kind: &str, encoder: &str| {
        let name = &section.name;
        used.encoders.insert(encoder.into());
        if !encoder.is_empty() && !plan.catalog.encoders.contains_key(encoder) {
            let why = format!("{kind} '{name}' failed to start: {name} can't create encoder {encoder}");
            problems.push(problem(section, why, "encoder"));
        }
        let max_record = heka_message::max_record_size(plan.catalog.globals().max_message_size);
        let buffering = common.buffering.as_ref().filter(|_| common.use_buffering == Some(true));
        if let Some(Err(why)) = buffering.map(|buffering| buffering.check_file_size(max_record)) {
            let why = format!("{kind} '{name}' failed to start: {why}");
            problems.push(problem(section, why, "buffering"));
        }
    };
    for (section, common) in &sections.filters {
        reader(section, common, "Filter", common.encoder.as_deref().unwrap_or_default());
    }
    let mut missing = Vec::new();
    for (section, common) in &sections.outputs {
        let heka_plugin::Build::Output(_, defaults, needs_encoder) = &section.def.build else { continue };
        let encoder = common.encoder_section(defaults);
        reader(section, common, "Output", encoder);
        if let Some(text) = needs_encoder.filter(|_| encoder.is_empty()) {
            missing.push(problem(section, format!("Plugin '{}' error: {text}", section.name), "encoder"));
        }
    }
    problems.extend(missing);
    problems.extend(sections.filters.iter().filter_map(|(section, _)| accumulator(plan, section, "Plugin")));
    problems
}

/// Name of the input that a plugin brings its statistics to, if it has any.
pub fn accumulator_name(section: &Section) -> Option<&str> {
    if !matches!(section.def.name, "StatsdInput" | "StatFilter") {
        return None;
    }
    match section.table.option("stat_accum_name").map(|entry| &entry.value) {
        Some(Value::String(name)) => Some(name),
        _ => Some("StatAccumInput"),
    }
}

/// The input that a plugin brings its statistics to, if it is not there.
fn accumulator(plan: &Plan, section: &Section, kind: &str) -> Option<Problem> {
    let name = accumulator_name(section)?;
    let why = plan.catalog.accumulators.get(name).err()?;
    Some(problem(section, format!("{kind} '{}' error: {why}", section.name), "stat_accum_name"))
}

/// Decoders and encoders that cannot be made. One whose options are refused is a problem already.
fn broken(plan: &Plan, sections: &Preloaded, known: &[Problem]) -> Vec<(Kind, Problem)> {
    let is_known = |section: &Section| known.iter().any(|other| other.section == section.name);
    let mut broken = Vec::new();
    for section in &sections.decoders {
        let context = plan.catalog.context("Decoder", &section.name, &section.name);
        let made = plan.catalog.decoder(&section.name, &context);
        if let Some(Err(ConfigError::Init(why))) = made
            && !is_known(section)
        {
            let text = format!("Decoder '{}' error: {why}", section.name);
            broken.push((Kind::Decoder, problem(section, text, "filename")));
        }
    }
    for section in &sections.encoders {
        let context = plan.catalog.context("Encoder", &section.name, &section.name);
        let made = plan.catalog.encoder(&section.name, &context);
        if let Some(Err(ConfigError::Init(why))) = made
            && !is_known(section)
        {
            let name = &section.name;
            let text = format!("Error creating encoder '{name}': Initialization failed for '{name}': {why}");
            broken.push((Kind::Encoder, problem(section, text, "filename")));
        }
    }
    broken
}

/// A problem of a section; `option` is named, with its line, if the section has it.
fn problem(section: &Section, text: String, option: &str) -> Problem {
    let entry = section.table.option(option);
    Problem {
        text,
        file: section.file.clone(),
        line: entry.map_or(section.table.line, |entry| entry.line),
        section: section.name.clone(),
        option: entry.map(|entry| entry.key.clone()),
    }
}
