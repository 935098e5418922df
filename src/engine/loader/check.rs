//! Loads a configuration only to see what is wrong with it: nothing is bound, connected, written or run but sandboxes that
//! reach nothing outside.
//!
//! The daemon stops at a section's first bad option. Here each bad option is noted and left out, and the rest goes the
//! daemon's own way, so that both say the same.

mod options;
mod start;

pub use self::start::accumulator_name;

use std::sync::Arc;

use heka_plugin::{Globals, PluginDef};

use super::instances::plan;
use super::preload::{Preloaded, Problem, Problems, preload};
use crate::config::ConfigFile;
use crate::log::Logger;

/// What came of a check.
#[derive(Clone, Default)]
pub struct Checked {
    /// What keeps hekad from starting, in the order of the files as far as known.
    pub problems: Vec<Problem>,
    /// What makes a plugin fail as soon as hekad has started, and so most often ends hekad.
    pub at_start: Vec<Problem>,
    /// What plugins say about their options.
    pub remarks: Vec<String>,
    /// Decoders and encoders that do not work, but that nobody uses.
    pub unused: Vec<Problem>,
    /// The sections by category. Options that are refused are left out, and so are sections of unknown types.
    pub sections: Preloaded,
}

/// Checks a configuration.
pub fn check(files: &[ConfigFile], defs: &[&'static PluginDef], globals: &Arc<Globals>) -> Checked {
    let silent = Logger::keeping();
    let mut checked = Checked::default();
    let (files, refused) = options::checked(files, defs);
    let mut problems = Problems::new(&silent);
    match preload(&files, defs, &silent, &mut problems) {
        Ok(sections) => checked.sections = sections,
        // With any other problem it is only what is left that is empty.
        Err(text) if problems.found.is_empty() => checked.problems.push(whole(text)),
        Err(_) => {}
    }
    silent.take_kept();
    let remarks = Logger::keeping();
    match plan(checked.sections.clone(), defs, globals, &remarks, &mut problems, true) {
        Ok(plan) => start::check(&plan, &problems.found, &mut checked),
        Err(text) => checked.problems.push(whole(text)),
    }
    let mut found = problems.found;
    found.retain(|problem| !follows(problem, &refused));
    let said: Vec<String> = found.iter().map(|problem| problem.text.clone()).collect();
    checked.remarks.extend(remarks.take_kept().into_iter().filter(|line| is_remark(line, &said)));
    let order = |problem: &Problem| {
        let file = files.iter().position(|file| file.path == problem.file);
        (file.unwrap_or(files.len()), problem.line)
    };
    checked.problems.extend(refused);
    checked.problems.extend(found);
    checked.problems.sort_by_key(order);
    checked
}

fn whole(text: String) -> Problem {
    Problem { text, file: Default::default(), line: 0, section: String::new(), option: None }
}

/// Whether a problem is there only because a refused option was left out.
fn follows(problem: &Problem, refused: &[Problem]) -> bool {
    refused.iter().any(|other| {
        let same = other.section == problem.section && other.file == problem.file;
        let option = other.option.as_deref().unwrap_or_default();
        let is_matcher = option == "message_matcher" && problem.text.contains("missing message matcher");
        same && (is_matcher || problem.option.is_some() || problem.text == other.text)
    })
}

/// Whether a log line comes from a plugin and tells something that is no problem of the list.
fn is_remark(line: &str, problems: &[String]) -> bool {
    let of_loader = line.starts_with("Loading: [") || line.ends_with(" is refused");
    !of_loader && !problems.iter().any(|text| text.trim_end() == line)
}
