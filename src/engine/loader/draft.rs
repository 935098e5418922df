//! A configuration whose plugins are made one at a time: for a reload, which makes only those that change.

use std::sync::Arc;

use heka_plugin::PluginDef;

use super::catalog::{Catalog, Section};
use super::instances::{FilterPlan, InputPlan, Loader, OutputPlan, named};
use super::preload::{Preloaded, Problems, preload};
use crate::config::ConfigFile;
use crate::log::Logger;

/// A configuration that was checked.
pub struct Draft {
    /// Its decoders, encoders and splitters.
    pub catalog: Arc<Catalog>,
    /// Its sections.
    pub sections: Preloaded,
}

/// The sections of files that were loaded before, so that nothing is wrong with them.
///
/// # Errors
/// There is nothing in the files.
pub fn sections(files: &[ConfigFile], defs: &[&'static PluginDef]) -> Result<Preloaded, String> {
    let silent = Logger::keeping();
    preload(files, defs, &silent, &mut Problems::new(&silent))
}

impl Draft {
    /// A configuration of these sections for the daemon that `running` belongs to.
    pub fn of(sections: Preloaded, running: &Catalog) -> Draft {
        let splitters = sections.splitters.iter();
        let splitters =
            splitters.map(|(section, common)| (section.name.clone(), (section.clone(), common.clone())));
        let catalog =
            running.with_sections(named(&sections.decoders), named(&sections.encoders), splitters.collect());
        Draft { catalog, sections }
    }

    /// Makes the input of this name.
    ///
    /// # Errors
    /// Why it cannot be made, in Heka's words.
    pub fn input(&self, name: &str) -> Result<InputPlan, String> {
        self.make(name, &self.sections.inputs, |loader, section| loader.inputs(vec![section]))
    }

    /// Makes the filter of this name.
    ///
    /// # Errors
    /// As for [`Draft::input`].
    pub fn filter(&self, name: &str) -> Result<FilterPlan, String> {
        self.make(name, &self.sections.filters, |loader, section| loader.filters(vec![section]))
    }

    /// Makes the output of this name.
    ///
    /// # Errors
    /// As for [`Draft::input`].
    pub fn output(&self, name: &str) -> Result<OutputPlan, String> {
        self.make(name, &self.sections.outputs, |loader, section| loader.outputs(vec![section]))
    }

    fn make<C: Clone, P>(
        &self,
        name: &str,
        sections: &[(Section, C)],
        make: impl FnOnce(&mut Loader<'_, '_>, (Section, C)) -> Vec<P>,
    ) -> Result<P, String> {
        let missing = || format!("there is no section [{name}]");
        // A section that comes again replaces the one before.
        let section = sections.iter().rfind(|(section, _)| section.name == name).ok_or_else(missing)?;
        // Whoever asked tells what is wrong.
        let silent = Logger::keeping();
        let mut problems = Problems::new(&silent);
        let logger = self.catalog.logger();
        let mut loader = Loader {
            logger: &logger,
            catalog: self.catalog.clone(),
            globals: self.catalog.globals(),
            problems: &mut problems,
            only_check: false,
        };
        let made = make(&mut loader, section.clone()).pop();
        made.ok_or_else(|| {
            let texts: Vec<&str> = problems.found.iter().map(|problem| problem.text.as_str()).collect();
            texts.join("; ")
        })
    }
}
