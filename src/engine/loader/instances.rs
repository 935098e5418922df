//! Second pass over the sections: options are checked strictly and inputs, filters and outputs are made.

use std::collections::HashMap;
use std::sync::Arc;

use heka_message::Matcher;
use heka_plugin::{
    Build, ConfigError, Context, Filter, FilterDefaults, Globals, Input, InputDefaults, Kind, Output,
    OutputDefaults, PluginDef,
};

use super::catalog::{Catalog, Section};
use super::order::by_dependency;
use super::preload::{Preloaded, Problems, preload};
use super::refusal::{Refusal, refusal_text};
use crate::config::{Buffering, CommonFo, CommonInput, CommonSplitter, ConfigFile, Retries};
use crate::log::Logger;
use crate::pipeline::FilterDock;
use crate::runner::input::Remake;

/// An input that is ready to run.
pub struct InputPlan {
    /// Its section's name.
    pub name: String,
    /// Its type.
    pub type_name: &'static str,
    /// The instance.
    pub input: Box<dyn Input>,
    /// Its options for every input.
    pub common: CommonInput,
    /// Its type's defaults of them.
    pub defaults: InputDefaults,
    /// Makes it anew for a restart.
    pub remake: Remake<dyn Input>,
}

/// What filters and outputs have in common: how they read.
pub struct ReaderOptions {
    /// The section's name.
    pub name: String,
    /// Its type.
    pub type_name: &'static str,
    /// Its `message_matcher`.
    pub matcher: Arc<Matcher>,
    /// Its `message_signer`.
    pub signer: String,
    /// Seconds between ticks; 0 is none.
    pub ticker_interval_s: u64,
    /// Whether hekad goes on without it.
    pub can_exit: bool,
    /// How it is started again.
    pub retries: Retries,
    /// Its lag limit, if it has one of its own.
    pub buffering: Option<Buffering>,
    /// It was loaded while hekad runs.
    pub dynamic: bool,
}

/// A filter that is ready to run.
pub struct FilterPlan {
    /// How it reads.
    pub reader: ReaderOptions,
    /// The instance.
    pub filter: Box<dyn Filter>,
    /// The encoder it names, which is made and then not used; "" for none.
    pub encoder: String,
}

/// An output that is ready to run.
pub struct OutputPlan {
    /// How it reads.
    pub reader: ReaderOptions,
    /// The instance.
    pub output: Box<dyn Output>,
    /// The encoder it names; "" for none.
    pub encoder: String,
    /// Whether its records are framed.
    pub use_framing: bool,
    /// Its type's defaults.
    pub defaults: OutputDefaults,
    /// What it says when it has no encoder.
    pub needs_encoder: Option<&'static str>,
}

/// All that a configuration asks for.
pub struct Plan {
    /// Decoders, encoders and splitters by name.
    pub catalog: Arc<Catalog>,
    /// The inputs.
    pub inputs: Vec<InputPlan>,
    /// The filters.
    pub filters: Vec<FilterPlan>,
    /// The outputs.
    pub outputs: Vec<OutputPlan>,
}

impl Plan {
    /// How each filter and output reads.
    pub fn readers(&self) -> impl Iterator<Item = &ReaderOptions> + Clone {
        let filters = self.filters.iter().map(|plan| &plan.reader);
        filters.chain(self.outputs.iter().map(|plan| &plan.reader))
    }
}

/// Makes the plan of a configuration.
///
/// # Errors
/// The text that ends hekad; the problems themselves were logged when they were found.
pub fn load(
    files: &[ConfigFile],
    defs: &[&'static PluginDef],
    globals: &Arc<Globals>,
    logger: &Logger,
) -> Result<Plan, String> {
    let mut problems = Problems::new(logger);
    let preloaded = preload(files, defs, logger, &mut problems)?;
    let plan = plan(preloaded, defs, globals, logger, &mut problems, false)?;
    match problems.count() {
        0 => Ok(plan),
        count => Err(format!("{count} errors loading plugins")),
    }
}

/// Makes the instances of what was preloaded, as far as they can be made.
pub(super) fn plan(
    preloaded: Preloaded,
    defs: &[&'static PluginDef],
    globals: &Arc<Globals>,
    logger: &Logger,
    problems: &mut Problems<'_>,
    only_check: bool,
) -> Result<Plan, String> {
    let Preloaded { decoders, encoders, splitters, inputs, filters, outputs } = preloaded;
    let decoders = by_dependency(decoders)?;
    let catalog = Catalog::new(
        named(&decoders),
        named(&encoders),
        splitters
            .iter()
            .map(|(section, common)| (section.name.clone(), (section.clone(), common.clone())))
            .collect(),
        Arc::new(FilterDock::new(defs)),
        globals.clone(),
        logger.clone(),
    );
    let mut loader = Loader { logger, catalog, globals, problems, only_check };
    loader.check_decoders(&decoders);
    loader.check_encoders(&encoders);
    loader.check_splitters(&splitters);
    let inputs = loader.inputs(inputs);
    let filters = loader.filters(filters);
    let outputs = loader.outputs(outputs);
    Ok(Plan { catalog: loader.catalog, inputs, filters, outputs })
}

pub(super) fn named(sections: &[Section]) -> HashMap<String, Section> {
    sections.iter().map(|section| (section.name.clone(), section.clone())).collect()
}

/// Makes instances.
pub(super) struct Loader<'a, 'b> {
    pub(super) logger: &'a Logger,
    pub(super) catalog: Arc<Catalog>,
    pub(super) globals: &'a Arc<Globals>,
    pub(super) problems: &'a mut Problems<'b>,
    /// Plugins are made only to see whether their options are good.
    pub(super) only_check: bool,
}

impl Loader<'_, '_> {
    /// Says that a section is loaded, checks its options, then does the rest.
    fn loading<T>(&mut self, section: &Section, make: impl FnOnce(&Self) -> Result<T, Refusal>) -> Option<T> {
        let name = &section.name;
        self.logger.info(&format!("Loading: [{name}]"));
        let result = (section.def.check)(&section.table).map_err(Refusal::from).and_then(|()| make(self));
        let refusal = match result {
            Ok(made) => return Some(made),
            Err(refusal) => refusal,
        };
        let (text, error) = match refusal {
            Refusal::Runner(why) => (format!("Error making runner for {name}: {why}"), None),
            Refusal::Options(error) => (refusal_text(name, &error), Some(error)),
        };
        self.problems.add(&text, &section.file, name, &section.table, error.as_ref());
        None
    }

    fn context(&self, kind: &str, name: &str) -> Context {
        Context { only_check: self.only_check, ..self.catalog.context(kind, name, name) }
    }

    fn check_decoders(&mut self, sections: &[Section]) {
        for section in sections {
            self.loading(section, |loader| {
                let context = Context { only_check: true, ..loader.context("Decoder", &section.name) };
                match loader.catalog.decoder(&section.name, &context) {
                    Some(made) => Ok(made.map(drop)?),
                    None => Ok(()),
                }
            });
        }
    }

    fn check_encoders(&mut self, sections: &[Section]) {
        for section in sections {
            self.loading(section, |_| Ok(()));
        }
    }

    fn check_splitters(&mut self, sections: &[(Section, CommonSplitter)]) {
        let max_record = heka_message::max_record_size(self.globals.max_message_size);
        for (section, common) in sections {
            self.loading(section, |loader| {
                let context = Context { only_check: true, ..loader.context("Splitter", &section.name) };
                if let Some(made) = loader.catalog.splitter(&section.name, &context) {
                    made?;
                }
                match common.min_buffer_size {
                    Some(size) if size > max_record as u64 => Err(Refusal::Runner(format!(
                        "'min_buffer_size' ({size}) can't be larger than MAX_RECORD_SIZE ({max_record})"
                    ))),
                    _ => Ok(()),
                }
            });
        }
    }

    pub(super) fn inputs(&mut self, sections: Vec<(Section, CommonInput)>) -> Vec<InputPlan> {
        let mut plans: Vec<InputPlan> = Vec::new();
        for (section, common) in sections {
            let plan = self.loading(&section, |loader| {
                let Build::Input(open, defaults) = &section.def.build else {
                    return Err(Refusal::Runner("is no input".into()));
                };
                let context = loader.context("Input", &section.name);
                loader.catalog.accumulators.note_input(&section.name);
                let input = open(&section.table, &context)?;
                let (open, table) = (*open, section.table.clone());
                Ok(InputPlan {
                    name: section.name.clone(),
                    type_name: section.def.name,
                    input,
                    common,
                    defaults: *defaults,
                    remake: Box::new(move || open(&table, &context)),
                })
            });
            // A section that comes again replaces the one before.
            plans.retain(|plan| plan.name != section.name);
            plans.extend(plan);
        }
        plans
    }

    pub(super) fn filters(&mut self, sections: Vec<(Section, CommonFo)>) -> Vec<FilterPlan> {
        let mut plans: Vec<FilterPlan> = Vec::new();
        for (section, common) in sections {
            let plan = self.loading(&section, |loader| {
                filter(&section, &common, &loader.context("Plugin", &section.name))
            });
            plans.retain(|plan| plan.reader.name != section.name);
            plans.extend(plan);
        }
        plans
    }

    pub(super) fn outputs(&mut self, sections: Vec<(Section, CommonFo)>) -> Vec<OutputPlan> {
        let mut plans: Vec<OutputPlan> = Vec::new();
        for (section, common) in sections {
            let plan = self.loading(&section, |loader| {
                let Build::Output(open, defaults, needs_encoder) = &section.def.build else {
                    return Err(Refusal::Runner("is no output".into()));
                };
                let encoder = common.encoder_section(defaults).to_string();
                let protobuf =
                    loader.catalog.encoders.get(&encoder).is_some_and(|of| of.def.name == "ProtobufEncoder");
                let framed = defaults.frames_always || (defaults.frames_protobuf && protobuf);
                let use_framing = common.use_framing.unwrap_or(framed);
                let context = Context {
                    encoder: encoder.clone(),
                    use_framing,
                    ..loader.context("Plugin", &section.name)
                };
                let output = open(&section.table, &context)?;
                let reader = reader(&section, &common, defaults)?;
                Ok(OutputPlan {
                    reader,
                    output,
                    encoder,
                    use_framing,
                    defaults: *defaults,
                    needs_encoder: *needs_encoder,
                })
            });
            plans.retain(|plan| plan.reader.name != section.name);
            plans.extend(plan);
        }
        plans
    }
}

/// Makes a filter of a section.
///
/// # Errors
/// The section is refused.
pub(super) fn filter(section: &Section, common: &CommonFo, context: &Context) -> Result<FilterPlan, Refusal> {
    let Build::Filter(open, defaults) = &section.def.build else {
        return Err(Refusal::Runner("is no filter".into()));
    };
    let filter = open(&section.table, context)?;
    let encoder = common.encoder.clone().unwrap_or_default();
    let reader = reader(section, common, &as_output(defaults))?;
    Ok(FilterPlan { reader, filter, encoder })
}

/// Makes a filter of a section that comes while hekad runs.
///
/// # Errors
/// The section is refused; the text is Heka's.
pub fn filter_plan(catalog: &Catalog, section: &Section) -> Result<FilterPlan, String> {
    let name = &section.name;
    let common = CommonFo::decode(Kind::Filter, name, &section.table).map_err(|error| error.to_string())?;
    (section.def.check)(&section.table)
        .map_err(Refusal::from)
        .and_then(|()| filter(section, &common, &catalog.context("Plugin", name, name)))
        .map_err(|refusal| match refusal {
            Refusal::Runner(why) => why,
            Refusal::Options(ConfigError::UnknownKey { key, .. }) => {
                format!("unknown config setting for '{name}': {key}")
            }
            Refusal::Options(ConfigError::Mismatch { text, .. }) => text,
            Refusal::Options(ConfigError::Init(why)) => format!("Initialization failed for '{name}': {why}"),
        })
}

/// How a filter or output reads.
fn reader(section: &Section, common: &CommonFo, defaults: &OutputDefaults) -> Result<ReaderOptions, Refusal> {
    let name = &section.name;
    let text = common.message_matcher.clone().filter(|text| !text.is_empty());
    let text = text.or_else(|| {
        // An explicit "" is no matcher even where the type has one of its own.
        common.message_matcher.is_none().then(|| defaults.message_matcher.map(String::from)).flatten()
    });
    let text = text.ok_or_else(|| Refusal::Runner(format!("'{name}' missing message matcher")))?;
    let matcher = Matcher::parse(&text)
        .map_err(|error| Refusal::Runner(format!("Can't create message matcher for '{name}': {error}")))?;
    for warning in matcher.warnings() {
        Logger::default().error(warning);
    }
    if common.ticker_interval.is_some_and(|s| s > 0) && !defaults.may_tick {
        return Err(Refusal::Runner(format!("'{name}' can't support a ticker_interval setting")));
    }
    let buffers = common.use_buffering.unwrap_or(defaults.use_buffering);
    let buffering = buffers.then(|| common.buffering.clone().unwrap_or_default());
    if let Some(buffering) = &buffering {
        buffering.check().map_err(Refusal::Runner)?;
    }
    Ok(ReaderOptions {
        name: name.clone(),
        type_name: section.def.name,
        matcher: Arc::new(matcher),
        signer: common.message_signer.clone().unwrap_or_default(),
        ticker_interval_s: common.ticker_interval.unwrap_or(defaults.ticker_interval_s),
        can_exit: common.can_exit.unwrap_or(defaults.can_exit),
        retries: common.retries.clone().unwrap_or_default(),
        buffering,
        dynamic: false,
    })
}

/// A filter's defaults in the form that [`Loader::reader`] asks for.
fn as_output(defaults: &FilterDefaults) -> OutputDefaults {
    OutputDefaults {
        message_matcher: defaults.message_matcher,
        ticker_interval_s: defaults.ticker_interval_s,
        can_exit: defaults.can_exit,
        restarts: defaults.restarts,
        ..OutputDefaults::USUAL
    }
}
