//! A type's options as text.

use heka_plugin::{Build, PluginDef};
use schemars::Schema;

use super::options::{self, OptionDoc};

/// Columns of a line.
const WIDTH: usize = 100;

/// A plugin type.
pub(super) fn plugin(def: &PluginDef, text: &mut String) {
    heading(def.name, &(def.schema)(), text);
    let own = options::own(def);
    if own.is_empty() {
        *text += "It has no options of its own.\n";
    }
    own.iter().for_each(|option| entry(option, text));
    let mut common = options::common(def.kind());
    common.retain(|option| !own.iter().any(|own| own.key == option.key));
    *text += &format!("\nOptions of every {}:\n\n", format!("{:?}", def.kind()).to_lowercase());
    for option in &mut common {
        if let Some(default) = default_of(def, &option.key) {
            option.default = Some(default);
        }
        entry(option, text);
    }
}

/// The daemon's own section.
pub(super) fn hekad(schema: &Schema, text: &mut String) {
    heading("hekad", schema, text);
    options::of_schema(schema).iter().for_each(|option| entry(option, text));
}

fn heading(name: &str, schema: &Schema, text: &mut String) {
    let summary = options::summary(schema);
    *text += &if summary.is_empty() { format!("[{name}]\n\n") } else { format!("[{name}]  {summary}.\n\n") };
}

fn entry(option: &OptionDoc, text: &mut String) {
    let OptionDoc { key, value, default, required, doc } = option;
    *text += &format!("  {key}: {value}");
    match default {
        Some(default) => *text += &format!(", default {default}"),
        None if *required => *text += ", required",
        None => {}
    }
    text.push('\n');
    let mut line = String::from("     ");
    for word in doc.split(' ') {
        if line.len() + 1 + word.len() > WIDTH {
            *text += &line;
            text.push('\n');
            line = String::from("     ");
        }
        line.push(' ');
        line += word;
    }
    if !line.trim().is_empty() {
        *text += &line;
        text.push('\n');
    }
}

/// A type's own default of an option that is common to its kind.
fn default_of(def: &PluginDef, key: &str) -> Option<String> {
    let quoted = |name: &str| Some(format!("{name:?}"));
    match (&def.build, key) {
        (Build::Input(_, defaults), "splitter") => quoted(defaults.splitter),
        (Build::Input(_, defaults), "decoder") => quoted(defaults.decoder),
        (Build::Input(_, defaults), "can_exit") => Some(defaults.can_exit.to_string()),
        (Build::Filter(_, defaults), "message_matcher") => defaults.message_matcher.and_then(quoted),
        (Build::Filter(_, defaults), "can_exit") => Some(defaults.can_exit.to_string()),
        (Build::Filter(_, defaults), "ticker_interval") => Some(defaults.ticker_interval_s.to_string()),
        (Build::Output(_, defaults, _), "message_matcher") => defaults.message_matcher.and_then(quoted),
        (Build::Output(_, defaults, _), "can_exit") => Some(defaults.can_exit.to_string()),
        (Build::Output(_, defaults, _), "encoder") => defaults.encoder.and_then(quoted),
        (Build::Output(_, defaults, _), "use_buffering") => Some(defaults.use_buffering.to_string()),
        (Build::Output(_, defaults, _), "ticker_interval") => Some(defaults.ticker_interval_s.to_string()),
        _ => None,
    }
}
