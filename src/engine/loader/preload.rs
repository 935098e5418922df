//! First pass over the sections: their types and the options common to their category.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use heka_plugin::{ConfigError, Kind, PluginDef, Table, Value};

use super::catalog::Section;
use crate::config::{CommonFo, CommonInput, CommonSplitter, ConfigFile, common};
use crate::log::Logger;

/// Plugins that exist without a section: type and section name are the same, all options have their defaults.
const DEFAULTS: [&str; 6] = [
    "ProtobufDecoder",
    "ProtobufEncoder",
    "TokenSplitter",
    "PatternGroupingSplitter",
    "HekaFramingSplitter",
    "NullSplitter",
];

/// The sections by category, in the order of the files.
#[derive(Clone, Default)]
pub struct Preloaded {
    /// Decoders.
    pub decoders: Vec<Section>,
    /// Encoders.
    pub encoders: Vec<Section>,
    /// Splitters with their common options.
    pub splitters: Vec<(Section, CommonSplitter)>,
    /// Inputs with their common options.
    pub inputs: Vec<(Section, CommonInput)>,
    /// Filters with their common options.
    pub filters: Vec<(Section, CommonFo)>,
    /// Outputs with their common options.
    pub outputs: Vec<(Section, CommonFo)>,
}

/// Something that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What, in Heka's words.
    pub text: String,
    /// The file; empty if no file says it.
    pub file: PathBuf,
    /// The line, from 1; 0 if unknown.
    pub line: u32,
    /// The section; "" for the whole configuration.
    pub section: String,
    /// The option that is at fault, if it is one.
    pub option: Option<String>,
}

/// Errors found while loading: each is logged when found, a text that repeats counts once.
pub(super) struct Problems<'a> {
    logger: &'a Logger,
    seen: HashSet<String>,
    /// All of them.
    pub found: Vec<Problem>,
}

impl<'a> Problems<'a> {
    /// None yet.
    pub(super) fn new(logger: &'a Logger) -> Problems<'a> {
        Problems { logger, seen: HashSet::new(), found: Vec::new() }
    }

    /// Logs and counts an error of a section. What Heka's text does not tell, where the option stands, is an information
    /// line.
    pub(super) fn add(
        &mut self,
        text: &str,
        file: &Path,
        section: &str,
        table: &Table,
        error: Option<&ConfigError>,
    ) {
        self.logger.error(text);
        let (option, line) = match error.and_then(ConfigError::option) {
            Some((option, line)) => (Some(option.to_string()), line),
            None => (None, table.line),
        };
        if !file.as_os_str().is_empty() {
            let option = option.as_ref().map(|option| format!(", option `{option}`")).unwrap_or_default();
            self.logger.info(&format!("{}:{line}: section [{section}]{option} is refused", file.display()));
        }
        self.seen.insert(text.to_string());
        let (file, section) = (file.to_path_buf(), section.to_string());
        self.found.push(Problem { text: text.to_string(), file, line, section, option });
    }

    /// How many different ones.
    pub(super) fn count(&self) -> usize {
        self.seen.len()
    }
}

/// Runs the first pass.
///
/// # Errors
/// There is nothing to load.
pub(super) fn preload(
    files: &[ConfigFile],
    defs: &[&'static PluginDef],
    logger: &Logger,
    problems: &mut Problems<'_>,
) -> Result<Preloaded, String> {
    let mut loaded = Preloaded::default();
    let mut names = HashSet::new();
    let mut any = false;
    for file in files {
        for section in file.sections.iter().filter(|section| section.name != "hekad") {
            logger.info(&format!("Pre-loading: [{}]", section.name));
            names.insert(section.name.as_str());
            let result = typed(&section.name, &section.value, &file.path, defs)
                .and_then(|typed| loaded.add(typed).map_err(|error| (error.to_string(), Some(error))));
            match result {
                Ok(()) => any = true,
                Err((text, error)) => {
                    let none = Table { line: section.line, ..Table::default() };
                    problems.add(&text, &file.path, &section.name, &none, error.as_ref());
                }
            }
        }
    }
    for name in DEFAULTS.into_iter().filter(|name| !names.contains(name)) {
        let Some(def) = defs.iter().find(|def| def.name == name) else {
            continue;
        };
        logger.info(&format!("Pre-loading: [{name}]"));
        let section = Section { name: name.into(), def, table: Table::default(), file: PathBuf::new() };
        loaded.add(section).map_err(|error| error.to_string())?;
    }
    if any { Ok(loaded) } else { Err("Empty configuration, exiting.".into()) }
}

type Refused = (String, Option<ConfigError>);

/// Finds a section's type.
pub(super) fn typed(
    name: &str,
    value: &Value,
    file: &Path,
    defs: &[&'static PluginDef],
) -> Result<Section, Refused> {
    let refused =
        |error: ConfigError| (format!("can't decode common config for '{name}': {error}"), Some(error));
    let table = common::section_table(value).map_err(refused)?;
    let type_name = common::type_name(table).map_err(refused)?.unwrap_or_else(|| name.to_string());
    let Some(def) = defs.iter().find(|def| def.name == type_name) else {
        return Err((format!("No registered plugin type: {type_name}"), None));
    };
    Ok(Section { name: name.into(), def, table: table.clone(), file: file.into() })
}

impl Preloaded {
    fn add(&mut self, section: Section) -> Result<(), ConfigError> {
        let (name, table) = (&section.name, &section.table);
        match section.def.kind() {
            Kind::Decoder => self.decoders.push(section),
            Kind::Encoder => self.encoders.push(section),
            Kind::Splitter => {
                let options = CommonSplitter::decode(name, table)?;
                self.splitters.push((section, options));
            }
            Kind::Input => {
                let options = CommonInput::decode(name, table)?;
                self.inputs.push((section, options));
            }
            Kind::Filter => {
                let options = CommonFo::decode(Kind::Filter, name, table)?;
                self.filters.push((section, options));
            }
            Kind::Output => {
                let options = CommonFo::decode(Kind::Output, name, table)?;
                self.outputs.push((section, options));
            }
        }
        Ok(())
    }
}
