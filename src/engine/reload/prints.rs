//! What tells a section that is as it was from one that has changed: a digest of all that its plugin is made of. That is
//! its type and options, the sections that it uses, and the contents of the files that it reads when it starts.

use std::hash::{DefaultHasher, Hash, Hasher};

use heka_plugin::{Build, Globals, Table, Value};

use super::files::Files;
use crate::loader::{Preloaded, Section, accumulator_name};

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Print {
    /// Its name.
    pub name: String,
    /// The digest; it counts within this process only.
    pub digest: u64,
}

/// The sections of a configuration that have threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prints {
    /// Inputs.
    pub inputs: Vec<Print>,
    /// Filters.
    pub filters: Vec<Print>,
    /// Outputs.
    pub outputs: Vec<Print>,
}

impl Prints {
    /// Of these sections; files are read as they are now.
    pub fn of(sections: &Preloaded, globals: &Globals) -> Prints {
        let mut printer = Printer { sections, files: Files::new(globals), hasher: DefaultHasher::new() };
        let mut prints = Prints::default();
        for (section, common) in &sections.inputs {
            let Build::Input(_, defaults) = &section.def.build else { continue };
            printer.section(section);
            printer.splitter(common.splitter_section(defaults));
            printer.decoder(common.decoder_section(defaults), 0);
            printer.accumulator(section);
            printer.take(&section.name, &mut prints.inputs);
        }
        for (section, common) in &sections.filters {
            printer.section(section);
            printer.encoder(common.encoder.as_deref().unwrap_or_default());
            printer.accumulator(section);
            printer.take(&section.name, &mut prints.filters);
        }
        for (section, common) in &sections.outputs {
            let Build::Output(_, defaults, _) = &section.def.build else { continue };
            printer.section(section);
            printer.encoder(common.encoder_section(defaults));
            printer.take(&section.name, &mut prints.outputs);
        }
        prints
    }
}

/// Decoders call each other no deeper than this; circles are refused before.
const DECODERS_DEEP: usize = 100;

struct Printer<'a> {
    sections: &'a Preloaded,
    files: Files<'a>,
    hasher: DefaultHasher,
}

impl Printer<'_> {
    /// Ends a digest and begins the next. A section that comes again replaces the one before.
    fn take(&mut self, name: &str, prints: &mut Vec<Print>) {
        let digest = std::mem::take(&mut self.hasher).finish();
        prints.retain(|print| print.name != name);
        prints.push(Print { name: name.into(), digest });
    }

    fn section(&mut self, section: &Section) {
        section.def.name.hash(&mut self.hasher);
        table(&section.table, &mut self.hasher);
        self.files.of(section, &mut self.hasher);
    }

    fn splitter(&mut self, name: &str) {
        name.hash(&mut self.hasher);
        let sections = self.sections;
        if let Some((section, _)) = sections.splitters.iter().rfind(|(section, _)| section.name == name) {
            self.section(section);
        }
    }

    fn encoder(&mut self, name: &str) {
        name.hash(&mut self.hasher);
        let sections = self.sections;
        if let Some(section) = sections.encoders.iter().rfind(|section| section.name == name) {
            self.section(section);
        }
    }

    /// A decoder and those that it calls.
    fn decoder(&mut self, name: &str, depth: usize) {
        name.hash(&mut self.hasher);
        let sections = self.sections;
        let Some(section) = sections.decoders.iter().rfind(|section| section.name == name) else { return };
        self.section(section);
        if let Some(Value::Array(subs)) = section.table.option("subs").map(|entry| &entry.value)
            && depth < DECODERS_DEEP
        {
            for sub in subs {
                if let Value::String(sub) = sub {
                    self.decoder(sub, depth + 1);
                }
            }
        }
    }

    /// The input that a plugin brings its statistics to: it holds on to the one that it found.
    fn accumulator(&mut self, section: &Section) {
        let Some(name) = accumulator_name(section) else { return };
        name.hash(&mut self.hasher);
        let sections = self.sections;
        if let Some((input, _)) = sections.inputs.iter().rfind(|(input, _)| input.name == name) {
            self.section(input);
        }
    }
}

/// Keys and values in their order; where they stand does not count.
fn table(table: &Table, hasher: &mut impl Hasher) {
    table.entries.len().hash(hasher);
    for entry in &table.entries {
        entry.key.hash(hasher);
        value(&entry.value, hasher);
    }
}

fn value(of: &Value, hasher: &mut impl Hasher) {
    std::mem::discriminant(of).hash(hasher);
    match of {
        Value::String(text) | Value::Datetime(text) => text.hash(hasher),
        Value::Integer(number) => number.hash(hasher),
        Value::Float(number) => number.to_bits().hash(hasher),
        Value::Bool(truth) => truth.hash(hasher),
        Value::Array(values) => {
            values.len().hash(hasher);
            values.iter().for_each(|each| value(each, hasher));
        }
        Value::Table(inner) => table(inner, hasher),
    }
}
