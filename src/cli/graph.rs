//! `hekad graph`: how messages go through a configuration.
//!
//! | module | holds |
//! |---|---|
//! | [`dot`] | the graph in Graphviz's language |
//! | [`text`] | the graph as text |

mod dot;
mod text;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::ValueEnum;
use heka_engine::config::CommonFo;
use heka_engine::loader::{self, Preloaded, Section};
use heka_plugin::{Build, Value};

/// Show how messages go through a configuration: inputs, splitters, decoders, queues, matchers, filters, outputs, encoders
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Config file or directory
    #[arg(long, value_name = "PATH", default_value = super::DEFAULT_CONFIG)]
    config: PathBuf,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For Graphviz: `hekad graph --format dot | dot -Tsvg > hekad.svg`
    Dot,
    /// Lines of text
    Text,
}

/// Runs the command: exit code 1 if the configuration has problems, which leave holes in the graph.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let loaded = heka_engine::config::load(&args.config)?;
    let globals = Arc::new(loaded.hekad.globals(""));
    let checked = loader::check(&loaded.files, &heka_plugins::all(), &globals);
    let graph = Graph::of(&checked.sections);
    let shown = match args.format {
        Format::Dot => dot::show(&graph),
        Format::Text => text::show(&graph),
    };
    match io::stdout().write_all(shown.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    let problems = checked.problems.len() + checked.at_start.len();
    if problems > 0 {
        eprintln!("hekad: {problems} problems in the configuration: see `hekad validate`");
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

/// A section by name and type.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    name: String,
    /// "" for a section that is named and not there.
    type_name: String,
}

impl Node {
    fn of(section: &Section) -> Node {
        Node { name: section.name.clone(), type_name: section.def.name.into() }
    }

    /// The section `name` of these; `None` for no name.
    fn named<'a>(name: &str, mut sections: impl Iterator<Item = &'a Section>) -> Option<Node> {
        let mut node = || sections.find(|section| section.name == name).map(Node::of);
        let missing = || Node { name: name.into(), type_name: String::new() };
        (!name.is_empty()).then(|| node().unwrap_or_else(missing))
    }

    /// `name`, with the type behind it if that is something else.
    fn label(&self) -> String {
        match self.type_name.as_str() {
            "" => format!("{} (missing)", self.name),
            type_name if type_name == self.name => self.name.clone(),
            type_name => format!("{} ({type_name})", self.name),
        }
    }
}

/// A decoder and those that it calls.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DecoderNode {
    node: Node,
    subs: Vec<DecoderNode>,
}

/// An input's way to the queue.
#[derive(Debug)]
struct InputWay {
    input: Node,
    splitter: Option<Node>,
    decoder: Option<DecoderNode>,
}

/// A filter or output.
#[derive(Debug)]
struct ReaderWay {
    reader: Node,
    matcher: String,
    encoder: Option<Node>,
}

/// A configuration as a graph.
#[derive(Debug)]
struct Graph {
    inputs: Vec<InputWay>,
    filters: Vec<ReaderWay>,
    outputs: Vec<ReaderWay>,
}

impl Graph {
    fn of(sections: &Preloaded) -> Graph {
        let inputs = latest(&sections.inputs).into_iter().filter_map(|(section, common)| {
            let Build::Input(_, defaults) = &section.def.build else { return None };
            let splitters = sections.splitters.iter().map(|(section, _)| section);
            Some(InputWay {
                input: Node::of(section),
                splitter: Node::named(common.splitter_section(defaults), splitters),
                decoder: decoder(common.decoder_section(defaults), &sections.decoders, &mut Vec::new()),
            })
        });
        let filters = latest(&sections.filters).into_iter().filter_map(|(section, common)| {
            let Build::Filter(_, defaults) = &section.def.build else { return None };
            Some(ReaderWay {
                reader: Node::of(section),
                matcher: matcher(common, defaults.message_matcher),
                encoder: None,
            })
        });
        let outputs = latest(&sections.outputs).into_iter().filter_map(|(section, common)| {
            let Build::Output(_, defaults, _) = &section.def.build else { return None };
            Some(ReaderWay {
                reader: Node::of(section),
                matcher: matcher(common, defaults.message_matcher),
                encoder: Node::named(common.encoder_section(defaults), sections.encoders.iter()),
            })
        });
        Graph { inputs: inputs.collect(), filters: filters.collect(), outputs: outputs.collect() }
    }
}

/// The sections that count: one that comes again replaces the one before.
fn latest<T>(sections: &[(Section, T)]) -> Vec<&(Section, T)> {
    let is_last = |at: usize, name: &str| !sections.iter().skip(at + 1).any(|(other, _)| other.name == name);
    let kept = sections.iter().enumerate().filter(|(at, (section, _))| is_last(*at, &section.name));
    kept.map(|(_, section)| section).collect()
}

fn matcher(common: &CommonFo, default: Option<&str>) -> String {
    common.message_matcher.clone().or_else(|| default.map(String::from)).unwrap_or_default()
}

/// A decoder with those below it; `above` are the names on the way to it, for a circle of decoders that never starts.
fn decoder(name: &str, sections: &[Section], above: &mut Vec<String>) -> Option<DecoderNode> {
    let node = Node::named(name, sections.iter())?;
    let mut subs = Vec::new();
    let section = sections.iter().find(|section| section.name == name);
    if !above.iter().any(|other| other == name)
        && let Some(Value::Array(names)) =
            section.and_then(|section| section.table.option("subs")).map(|entry| &entry.value)
    {
        above.push(name.into());
        for sub in names {
            if let Value::String(sub) = sub {
                subs.extend(decoder(sub, sections, above));
            }
        }
        above.pop();
    }
    Some(DecoderNode { node, subs })
}
