//! The sections that other plugins refer to by name, and making instances of them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use heka_plugin::{
    Accumulators, Build, ConfigError, Context, Decoder, DecoderSource, Encoder, Globals, PluginDef, Splitter,
    SplitterDefaults, Table,
};

use crate::admin::Board;
use crate::config::CommonSplitter;
use crate::log::Logger;
use crate::pipeline::FilterDock;

/// A section whose type is known.
#[derive(Clone)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its type's row.
    pub def: &'static PluginDef,
    /// Its options.
    pub table: Table,
    /// The file it stands in; empty for a default that no file names.
    pub file: PathBuf,
}

/// Encoders, decoders and splitters by section name.
pub struct Catalog {
    /// Decoder sections.
    pub decoders: HashMap<String, Section>,
    /// Encoder sections.
    pub encoders: HashMap<String, Section>,
    /// Splitter sections with their common options.
    pub splitters: HashMap<String, (Section, CommonSplitter)>,
    /// Filters that come and go.
    pub filters: Arc<FilterDock>,
    /// Inputs, and which of them take statistics.
    pub accumulators: Arc<Accumulators>,
    /// Where hekad can be asked about itself.
    pub board: Arc<Board>,
    globals: Arc<Globals>,
    logger: Logger,
    /// Itself: decoders that call others are handed it.
    this: Weak<Catalog>,
}

/// An encoder instance, and whether its stop is announced.
pub type MadeEncoder = (Box<dyn Encoder>, bool);

/// A splitter instance with what its section and its type say about it.
pub struct MadeSplitter {
    /// The instance.
    pub splitter: Box<dyn Splitter>,
    /// Common options of the section.
    pub common: CommonSplitter,
    /// Its type's defaults of them.
    pub defaults: SplitterDefaults,
}

impl Catalog {
    /// A catalog of these sections.
    pub fn new(
        decoders: HashMap<String, Section>,
        encoders: HashMap<String, Section>,
        splitters: HashMap<String, (Section, CommonSplitter)>,
        filters: Arc<FilterDock>,
        globals: Arc<Globals>,
        logger: Logger,
    ) -> Arc<Catalog> {
        Arc::new_cyclic(|this| Catalog {
            decoders,
            encoders,
            splitters,
            filters,
            accumulators: Arc::default(),
            board: Board::new(),
            globals,
            logger,
            this: this.clone(),
        })
    }

    /// A catalog of other sections for the same daemon.
    pub fn with_sections(
        &self,
        decoders: HashMap<String, Section>,
        encoders: HashMap<String, Section>,
        splitters: HashMap<String, (Section, CommonSplitter)>,
    ) -> Arc<Catalog> {
        Arc::new_cyclic(|this| Catalog {
            decoders,
            encoders,
            splitters,
            filters: self.filters.clone(),
            accumulators: self.accumulators.clone(),
            board: self.board.clone(),
            globals: self.globals.clone(),
            logger: self.logger.clone(),
            this: this.clone(),
        })
    }

    /// The daemon's log.
    pub fn logger(&self) -> Logger {
        self.logger.clone()
    }

    /// What an instance called `name` of the section `section` knows; `kind` begins its log lines.
    pub fn context(&self, kind: &str, name: &str, section: &str) -> Context {
        Context {
            name: name.into(),
            section: section.into(),
            globals: self.globals.clone(),
            log: self.logger.source(kind, name),
            decoders: Arc::new(Source(self.this.clone())),
            filters: self.filters.clone(),
            accumulators: self.accumulators.clone(),
            telemetry: self.board.clone(),
            encoder: String::new(),
            use_framing: false,
            only_check: false,
        }
    }

    /// The daemon's options.
    pub fn globals(&self) -> &Arc<Globals> {
        &self.globals
    }

    /// A decoder instance. `None`: no such section.
    pub fn decoder(&self, section: &str, context: &Context) -> Option<Result<Box<dyn Decoder>, ConfigError>> {
        let of = self.decoders.get(section)?;
        match &of.def.build {
            Build::Decoder(open) => Some(open(&of.table, context)),
            _ => None,
        }
    }

    /// An encoder instance. `None`: no such section.
    pub fn encoder(&self, section: &str, context: &Context) -> Option<Result<MadeEncoder, ConfigError>> {
        let of = self.encoders.get(section)?;
        match &of.def.build {
            Build::Encoder(open, announced) => {
                Some(open(&of.table, context).map(|encoder| (encoder, *announced)))
            }
            _ => None,
        }
    }

    /// A splitter instance. `None`: no such section.
    pub fn splitter(&self, section: &str, context: &Context) -> Option<Result<MadeSplitter, ConfigError>> {
        let (of, common) = self.splitters.get(section)?;
        match &of.def.build {
            Build::Splitter(open, defaults) => Some(open(&of.table, context).map(|splitter| MadeSplitter {
                splitter,
                common: common.clone(),
                defaults: *defaults,
            })),
            _ => None,
        }
    }
}

struct Source(Weak<Catalog>);

impl DecoderSource for Source {
    fn decoder(&self, section: &str, runner_name: &str) -> Result<Box<dyn Decoder>, ConfigError> {
        let missing = || ConfigError::Init(format!("no registered '{section}' decoder"));
        let catalog = self.0.upgrade().ok_or_else(missing)?;
        let context = catalog.context("SubDecoder", runner_name, section);
        catalog.decoder(section, &context).ok_or_else(missing)?
    }
}
