//! `hekad explain`: what plugin types there are, and what options they have.
//!
//! | module | holds |
//! |---|---|
//! | [`options`] | the options of a type, out of the JSON schema of its configuration |
//! | [`print`] | a type's options as text |

pub(super) mod options;
mod print;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Result, bail};
use heka_plugin::{Kind, PluginDef};

use super::validate::suggest::closest;

/// Show the options of a plugin type, or list all types
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A plugin type such as TcpInput, or `hekad` for the daemon's own options; all types are listed without it
    #[arg(value_name = "PLUGIN")]
    plugin: Option<String>,
    /// The JSON schema of the options instead of text
    #[arg(long, requires = "plugin")]
    schema: bool,
}

/// The kinds in the order of a message's way, with what they are called.
pub(super) const KINDS: [(Kind, &str); 6] = [
    (Kind::Input, "Inputs"),
    (Kind::Splitter, "Splitters"),
    (Kind::Decoder, "Decoders"),
    (Kind::Filter, "Filters"),
    (Kind::Encoder, "Encoders"),
    (Kind::Output, "Outputs"),
];

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let defs = heka_plugins::all();
    let mut text = String::new();
    match args.plugin.as_deref() {
        None => list(&defs, &mut text),
        Some(name) if name.eq_ignore_ascii_case("hekad") => {
            let schema = schemars::schema_for!(heka_engine::config::Hekad);
            if args.schema { text = pretty(&schema)? } else { print::hekad(&schema, &mut text) }
        }
        Some(name) => {
            let def = find(&defs, name)?;
            if args.schema { text = pretty(&(def.schema)())? } else { print::plugin(def, &mut text) }
        }
    }
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads it has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn find(defs: &[&'static PluginDef], name: &str) -> Result<&'static PluginDef> {
    if let Some(def) = defs.iter().find(|def| def.name.eq_ignore_ascii_case(name)) {
        return Ok(def);
    }
    match closest(name, defs.iter().map(|def| def.name)) {
        Some(near) => bail!("there is no plugin type {name}; did you mean {near}?"),
        None => bail!("there is no plugin type {name}; `hekad explain` lists all"),
    }
}

fn list(defs: &[&'static PluginDef], text: &mut String) {
    for (kind, title) in KINDS {
        let mut of_kind: Vec<_> = defs.iter().filter(|def| def.kind() == kind).collect();
        of_kind.sort_by_key(|def| def.name);
        *text += &format!("{title}:\n");
        for def in of_kind {
            let doc = options::summary(&(def.schema)());
            *text += format!("  {:<24}{doc}", def.name).trim_end();
            text.push('\n');
        }
    }
    *text +=
        "\n`hekad explain TYPE` shows the options of a type, `hekad explain hekad` those of the daemon.\n";
}

fn pretty(schema: &schemars::Schema) -> Result<String> {
    Ok(serde_json::to_string_pretty(schema)? + "\n")
}
