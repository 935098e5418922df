//! Plugins that come and go with a reload.
//!
//! What is new is made before anything ends, as far as it can be. Then those that leave end, those that take their place are
//! made, and only when all of that has worked does anything begin. If it does not work, those that left are made anew.

use std::collections::HashSet;

use super::filters::start_filter;
use super::leave::{Leaving, Patience};
use super::limits::relief;
use super::start::recall;
use super::{Pipeline, Shared};
use crate::loader::{Draft, FilterPlan, InputPlan, OutputPlan, ReaderOptions};
use crate::reload::Changes;
use crate::shutdown::Shutdown;

/// From one configuration to another.
pub(crate) struct Swap<'a> {
    /// What differs.
    pub(crate) changes: &'a Changes,
    /// The configuration that runs.
    pub(crate) from: &'a Draft,
    /// The one that is to run.
    pub(crate) to: &'a Draft,
    /// Ends hekad for those that come.
    pub(crate) shutdown: Shutdown,
}

/// What came of a swap that did not work.
pub(crate) struct Failed {
    /// Why.
    pub(crate) why: Vec<String>,
    /// Plugins that had left and did not come back, and why.
    pub(crate) lost: Vec<String>,
}

/// Plugins that are made and do not run yet.
#[derive(Default)]
struct Made {
    inputs: Vec<InputPlan>,
    filters: Vec<FilterPlan>,
    outputs: Vec<OutputPlan>,
}

/// Names of plugins that are to be made.
#[derive(Default)]
struct Wanted {
    inputs: Vec<String>,
    filters: Vec<String>,
    outputs: Vec<String>,
}

impl Wanted {
    fn changed(changes: &Changes) -> Wanted {
        Wanted {
            inputs: changes.inputs.changed.clone(),
            filters: changes.filters.changed.clone(),
            outputs: changes.outputs.changed.clone(),
        }
    }

    fn added(changes: &Changes) -> Wanted {
        Wanted {
            inputs: changes.inputs.added.clone(),
            filters: changes.filters.added.clone(),
            outputs: changes.outputs.added.clone(),
        }
    }

    fn leaving(changes: &Changes) -> Wanted {
        Wanted {
            inputs: changes.inputs.leaving().cloned().collect(),
            filters: changes.filters.leaving().cloned().collect(),
            outputs: changes.outputs.leaving().cloned().collect(),
        }
    }
}

impl Made {
    /// Makes plugins of a configuration. Returns those that could not be made, and why.
    fn make(&mut self, draft: &Draft, wanted: Wanted) -> (Wanted, Vec<String>) {
        let mut why = Vec::new();
        let inputs = one_by_one(wanted.inputs, &mut self.inputs, &mut why, |name| draft.input(name));
        let filters = one_by_one(wanted.filters, &mut self.filters, &mut why, |name| draft.filter(name));
        let outputs = one_by_one(wanted.outputs, &mut self.outputs, &mut why, |name| draft.output(name));
        (Wanted { inputs, filters, outputs }, why)
    }

    fn readers(&self) -> impl Iterator<Item = &ReaderOptions> {
        let filters = self.filters.iter().map(|plan| &plan.reader);
        filters.chain(self.outputs.iter().map(|plan| &plan.reader))
    }
}

fn one_by_one<P>(
    names: Vec<String>,
    made: &mut Vec<P>,
    why: &mut Vec<String>,
    make: impl Fn(&str) -> Result<P, String>,
) -> Vec<String> {
    let mut failed = Vec::new();
    for name in names {
        match make(&name) {
            Ok(plan) => made.push(plan),
            Err(text) => {
                why.push(text);
                failed.push(name);
            }
        }
    }
    failed
}

impl Pipeline {
    /// Goes from one configuration to another, whole or not at all.
    ///
    /// # Errors
    /// A plugin cannot be made: all is as before, but for those that did not come back.
    pub(crate) fn swap(&mut self, swap: Swap<'_>, patience: &mut Patience<'_>) -> Result<(), Failed> {
        let Swap { changes, from, to, shutdown } = swap;
        let mut made = Made::default();
        let (mut rest, why) = made.make(to, Wanted::added(changes));
        if !why.is_empty() && !changes.ends_any() {
            return Err(Failed { why, lost: Vec::new() });
        }
        let changed = Wanted::changed(changes);
        // What failed may only want what one that leaves still has, such as its port.
        rest.inputs.splice(..0, changed.inputs);
        rest.filters.splice(..0, changed.filters);
        rest.outputs.splice(..0, changed.outputs);
        let leaving = Leaving::take(self, changes);
        self.end(leaving, patience);
        let (_, why) = made.make(to, rest);
        if !why.is_empty() {
            drop(made);
            let mut back = Made::default();
            let (_, lost) = back.make(from, Wanted::leaving(changes));
            self.place(&back);
            self.begin(back);
            return Err(Failed { why, lost });
        }
        let readers = readers_of(to);
        self.place(&made);
        self.shared = Shared { catalog: to.catalog.clone(), shutdown, ..self.shared.clone() };
        self.shared.catalog.filters.renew(&self.shared, readers);
        self.begin(made);
        Ok(())
    }

    /// Gives those that come their place before the inputs that come begin. A reader that was there before goes on where
    /// it was, a new one begins at the end. All of that is saved: a kill must not move it.
    fn place(&self, made: &Made) {
        let queues = &self.shared.queues;
        for reader in made.readers() {
            recall(&reader.name, &self.shared);
            queues.set_cursor(&reader.name, queues.start_of(&reader.name, false));
        }
        relief(made.readers(), &self.shared);
        if let Err(error) = queues.save() {
            // Those that end have ended: it goes on, and the keeper saves as soon as that is possible.
            self.shared.logger.error(&error.to_string());
        }
    }

    /// Starts outputs, filters and inputs, in this order.
    fn begin(&mut self, made: Made) {
        for plan in made.outputs {
            let task = self.start_output(plan);
            self.outputs.push(task);
        }
        for plan in made.filters {
            let task = start_filter(&self.shared, plan);
            self.filters.push(task);
        }
        for plan in made.inputs {
            let task = self.start_input(plan);
            self.inputs.push(task);
        }
    }
}

/// Names of the filters and outputs of a configuration.
fn readers_of(draft: &Draft) -> HashSet<String> {
    let readers = draft.sections.filters.iter().chain(&draft.sections.outputs);
    readers.map(|(section, _)| section.name.clone()).collect()
}
