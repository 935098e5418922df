//! Everything that is found.

use std::path::PathBuf;
use std::sync::Arc;

use heka_engine::config::{LoadError, Loaded};
use heka_engine::loader::{self, Checked, Preloaded, Problem, Section};
use heka_plugin::{PluginDef, Value};

use super::notes::{all, notes};
use super::suggest::{closest, successor_of_option, successor_of_type};
use crate::cli::explain::options;

/// Where something was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Place {
    /// The file; empty if no file says it.
    pub(super) file: PathBuf,
    /// The line, from 1; 0 if unknown.
    pub(super) line: u32,
    /// The section; "" if it is none of one.
    pub(super) section: String,
    /// The section's plugin type, "" if unknown.
    #[serde(rename = "type")]
    pub(super) type_name: String,
    /// The option, if it is about one.
    pub(super) option: Option<String>,
}

impl Place {
    /// An option of a section.
    pub(super) fn of(section: &Section, option: &str, line: u32) -> Place {
        Place {
            file: section.file.clone(),
            line,
            section: section.name.clone(),
            type_name: section.def.name.into(),
            option: Some(option.into()),
        }
    }
}

/// When a problem shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    /// hekad does not start.
    Load,
    /// hekad starts, but a plugin ends at once, and most often hekad with it.
    Start,
}

/// What must be put right.
#[derive(Debug, serde::Serialize)]
pub(super) struct Wrong {
    #[serde(flatten)]
    pub(super) place: Place,
    pub(super) stage: Stage,
    pub(super) text: String,
    /// What may have been meant.
    pub(super) suggestion: Option<String>,
}

/// What is good to know.
#[derive(Debug, serde::Serialize)]
pub(super) struct Note {
    #[serde(flatten)]
    pub(super) place: Place,
    pub(super) text: String,
}

/// All that a check found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// A file could not be read at all.
    pub(super) is_unreadable: bool,
    pub(super) problems: Vec<Wrong>,
    pub(super) notes: Vec<Note>,
    /// Sections of plugins that were checked, those that stand in no file left out.
    pub(super) sections: usize,
}

impl Findings {
    /// Checks what was read; `errors` are those of reading.
    pub(super) fn of(loaded: &Loaded, errors: &[LoadError], defs: &[&'static PluginDef]) -> Findings {
        let globals = Arc::new(loaded.hekad.globals(""));
        let mut checked = loader::check(&loaded.files, defs, &globals);
        if !errors.is_empty() && loaded.files.is_empty() {
            // Nothing is left to be checked; that is not what is wrong.
            checked.problems.clear();
        }
        let teller = Teller { loaded, sections: &checked.sections, defs };
        let mut problems: Vec<Wrong> = errors.iter().map(unreadable).collect();
        problems.extend(teller.of_hekad());
        problems.extend(checked.problems.iter().map(|problem| teller.wrong(problem, Stage::Load)));
        problems.extend(checked.at_start.iter().map(|problem| teller.wrong(problem, Stage::Start)));
        Findings {
            is_unreadable: errors.iter().any(|error| matches!(error, LoadError::Read(_))),
            problems,
            notes: teller.notes(&checked),
            sections: all(&checked.sections).filter(|section| !section.file.as_os_str().is_empty()).count(),
        }
    }
}

/// An error of reading.
fn unreadable(error: &LoadError) -> Wrong {
    let place = error.place().map_or_else(Place::default, |place| {
        let section = if matches!(error, LoadError::Hekad { .. }) { "hekad" } else { "" };
        Place {
            file: place.file.into(),
            line: place.line,
            section: section.into(),
            type_name: section.into(),
            option: place.option.map(String::from),
        }
    });
    Wrong { place, stage: Stage::Load, text: error.to_string(), suggestion: None }
}

/// Puts the loader's words together with what this command knows.
struct Teller<'a> {
    loaded: &'a Loaded,
    sections: &'a Preloaded,
    defs: &'a [&'static PluginDef],
}

impl Teller<'_> {
    /// What is wrong with the values in `[hekad]`.
    fn of_hekad(&self) -> Option<Wrong> {
        let text = self.loaded.hekad.check().err()?;
        let mut place = Place { section: "hekad".into(), type_name: "hekad".into(), ..Place::default() };
        for file in &self.loaded.files {
            let Some(section) = file.sections.iter().find(|section| section.name == "hekad") else {
                continue;
            };
            (place.file, place.line) = (file.path.clone(), section.line);
            if let Value::Table(table) = &section.value
                && let Some(entry) =
                    table.entries.iter().find(|entry| text.contains(&entry.key.to_lowercase()))
            {
                (place.line, place.option) = (entry.line, Some(entry.key.clone()));
            }
        }
        Some(Wrong { place, stage: Stage::Load, text, suggestion: None })
    }

    fn wrong(&self, problem: &Problem, stage: Stage) -> Wrong {
        let place = self.place(problem);
        let suggestion = self.suggestion(problem, &place);
        Wrong { place, stage, text: problem.text.trim_end().into(), suggestion }
    }

    fn place(&self, problem: &Problem) -> Place {
        let section = all(self.sections)
            .find(|section| section.name == problem.section && section.file == problem.file);
        let type_name = section.map_or_else(|| self.written_type(problem), |section| section.def.name.into());
        Place {
            file: problem.file.clone(),
            line: problem.line,
            section: problem.section.clone(),
            type_name,
            option: problem.option.clone().filter(|option| !option.is_empty()),
        }
    }

    /// The type of a section that was not taken in.
    fn written_type(&self, problem: &Problem) -> String {
        let file = self.loaded.files.iter().find(|file| file.path == problem.file);
        let section =
            file.and_then(|file| file.sections.iter().find(|section| section.name == problem.section));
        match section.map(|section| &section.value) {
            Some(Value::Table(table)) => match table.option("type").map(|entry| &entry.value) {
                Some(Value::String(name)) => name.clone(),
                _ => problem.section.clone(),
            },
            _ => String::new(),
        }
    }

    fn suggestion(&self, problem: &Problem, place: &Place) -> Option<String> {
        let did_you_mean = |name: &str| format!("did you mean `{name}`?");
        if let Some(name) = problem.text.strip_prefix("No registered plugin type: ") {
            if let Some(text) = successor_of_type(name) {
                return Some(text.into());
            }
            return closest(name, self.defs.iter().map(|def| def.name)).map(did_you_mean);
        }
        if problem.text.starts_with("unknown config setting for ") {
            let option = place.option.as_deref()?;
            let def = self.defs.iter().find(|def| def.name == place.type_name)?;
            if let Some(text) = successor_of_option(&place.type_name, option) {
                return Some(text.into());
            }
            let mut known = options::own(def);
            known.extend(options::common(def.kind()));
            let last = |key: &'_ str| key.rsplit('.').next().unwrap_or_default().to_string();
            let names: Vec<String> = known.iter().map(|known| last(&known.key)).collect();
            return closest(option, names.iter().map(String::as_str)).map(did_you_mean);
        }
        let named = |sections: &mut dyn Iterator<Item = &Section>, wrong: &str| {
            let names: Vec<&str> = sections.map(|section| section.name.as_str()).collect();
            closest(&wrong.replace('-', "_"), names.iter().copied())
                .or_else(|| closest(wrong, names.into_iter()))
                .map(did_you_mean)
        };
        let between = |start: &str, end: &str| {
            let rest = problem.text.split(start).nth(1)?;
            rest.split(end).next().map(String::from)
        };
        if problem.text.ends_with("' decoder") {
            return named(&mut self.sections.decoders.iter(), &between("no registered '", "'")?);
        }
        if let Some((_, wrong)) = problem.text.rsplit_once(" can't create encoder ") {
            return named(&mut self.sections.encoders.iter(), wrong);
        }
        if let Some((_, wrong)) = problem.text.rsplit_once(" specifies undefined splitter ") {
            return named(&mut self.sections.splitters.iter().map(|(section, _)| section), wrong);
        }
        None
    }

    fn notes(&self, checked: &Checked) -> Vec<Note> {
        let of_nothing = |text: String| Note { place: Place::default(), text };
        let mut notes = notes(self.loaded, self.sections);
        notes.extend(checked.unused.iter().map(|problem| Note {
            place: self.place(problem),
            text: format!("{} (no plugin uses it)", problem.text.trim_end()),
        }));
        notes.extend(checked.remarks.iter().cloned().map(of_nothing));
        notes
    }
}
