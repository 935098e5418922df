//! All bad options of all sections.

use heka_plugin::{ConfigError, Kind, PluginDef, Table, Value};

use crate::config::{CommonFo, CommonInput, CommonSplitter, ConfigFile, Section};
use crate::loader::preload::{Problem, typed};
use crate::loader::refusal::refusal_text;

/// The files without the options that are refused, and these options.
pub(super) fn checked(files: &[ConfigFile], defs: &[&'static PluginDef]) -> (Vec<ConfigFile>, Vec<Problem>) {
    let mut files = files.to_vec();
    let mut problems = Vec::new();
    for file in &mut files {
        for section in file.sections.iter_mut().filter(|section| section.name != "hekad") {
            let refused = cleaned(section, &file.path, defs);
            problems.extend(refused.into_iter().map(|error| {
                let (option, line) = error.option().unwrap_or_default();
                Problem {
                    text: refusal_text(&section.name, &error),
                    file: file.path.clone(),
                    line,
                    section: section.name.clone(),
                    option: Some(option.to_string()),
                }
            }));
        }
    }
    (files, problems)
}

/// Takes the refused options out of a section.
fn cleaned(section: &mut Section, file: &std::path::Path, defs: &[&'static PluginDef]) -> Vec<ConfigError> {
    let mut refused = Vec::new();
    // What is wrong with its type the loader says.
    let Ok(of) = typed(&section.name, &section.value, file, defs) else { return refused };
    let Value::Table(table) = &mut section.value else { return refused };
    loop {
        let result = common(of.def.kind(), &of.name, table).and_then(|()| (of.def.check)(table));
        let Err(error) = result else { return refused };
        let Some((key, line)) = error.option() else { return refused };
        if !remove(table, key, line) {
            // An option is missing, and not because it was taken out.
            let was_refused = |other: &ConfigError| {
                other.option().is_some_and(|(other, _)| other.eq_ignore_ascii_case(key))
            };
            if !refused.iter().any(was_refused) {
                refused.push(error);
            }
            return refused;
        }
        refused.push(error);
    }
}

fn common(kind: Kind, name: &str, table: &Table) -> Result<(), ConfigError> {
    match kind {
        Kind::Input => CommonInput::decode(name, table).map(drop),
        Kind::Splitter => CommonSplitter::decode(name, table).map(drop),
        Kind::Filter | Kind::Output => CommonFo::decode(kind, name, table).map(drop),
        Kind::Decoder | Kind::Encoder => Ok(()),
    }
}

/// Removes the entry that an error names, wherever it stands; false if there is none.
fn remove(table: &mut Table, key: &str, line: u32) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    let is_it = |name: &str| {
        let name = name.to_lowercase();
        name == key.to_lowercase() || name == last.to_lowercase()
    };
    let at = table.entries.iter().position(|entry| entry.line == line && is_it(&entry.key));
    if let Some(at) = at {
        table.entries.remove(at);
        return true;
    }
    table.entries.iter_mut().any(|entry| match &mut entry.value {
        Value::Table(inner) => remove(inner, key, line),
        _ => false,
    })
}
