//! The options of a type, out of the JSON schema of its configuration.

use heka_engine::config::{CommonFo, CommonInput, CommonSplitter};
use heka_plugin::{Kind, PluginDef};
use schemars::{Schema, schema_for};
use serde_json::{Map, Value};

/// One option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OptionDoc {
    /// Its key; of a sub-table's option with the keys above it, joined by dots.
    pub(crate) key: String,
    /// The kind of its value, for people.
    pub(crate) value: String,
    /// Its default as TOML, if it has one that says something.
    pub(crate) default: Option<String>,
    /// A section without it is refused.
    pub(crate) required: bool,
    /// What it means.
    pub(crate) doc: String,
}

/// Sub-tables within sub-tables are shown so deep.
const DEPTH: usize = 4;

/// The options of a schema, those of sub-tables after them.
pub(crate) fn of_schema(schema: &Schema) -> Vec<OptionDoc> {
    let root = schema.as_value();
    let mut options = Vec::new();
    collect(root, root, "", DEPTH, &mut options);
    options
}

/// The options of a type that are its own.
pub(crate) fn own(def: &PluginDef) -> Vec<OptionDoc> {
    let mut own = of_schema(&(def.schema)());
    // A type that reads an option common to its kind has it in its schema too, at times with a default of its own.
    own.sort_by_key(|option| !option.required);
    own
}

/// The options that all types of a kind have.
pub(crate) fn common(kind: Kind) -> Vec<OptionDoc> {
    let mut options = vec![OptionDoc {
        key: "type".into(),
        value: "string".into(),
        default: None,
        required: false,
        doc: "The plugin type; without it the section's name is the type.".into(),
    }];
    options.extend(match kind {
        Kind::Input => of_schema(&schema_for!(CommonInput)),
        Kind::Splitter => of_schema(&schema_for!(CommonSplitter)),
        Kind::Filter | Kind::Output => of_schema(&schema_for!(CommonFo)),
        Kind::Decoder | Kind::Encoder => Vec::new(),
    });
    options
}

/// The first sentence of a schema's documentation.
pub(crate) fn summary(schema: &Schema) -> String {
    let doc = text(schema.as_value(), "description");
    let end = doc.find(". ").map_or(doc.len(), |end| end + 1);
    let first = doc.get(..end).unwrap_or(&doc).trim_end_matches('.').to_string();
    let says_nothing =
        ["Options of", "The options of", "Accepts every key"].iter().any(|start| first.starts_with(start))
            || first.ends_with("no options of its own");
    if says_nothing { String::new() } else { first }
}

fn collect(root: &Value, schema: &Value, above: &str, depth: usize, options: &mut Vec<OptionDoc>) {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let no_properties = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&no_properties);
    let mut below = Vec::new();
    for (name, of) in properties {
        // A key may carry the name that Heka's messages call it by.
        let key = format!("{above}{}", name.split('|').next().unwrap_or(name));
        let target = resolved(root, of);
        let doc = if of.get("description").is_some() {
            text(of, "description")
        } else {
            text(target, "description")
        };
        options.push(OptionDoc {
            value: value_kind(root, of),
            default: of.get("default").and_then(shown),
            required: required.contains(&name.as_str()),
            doc,
            key: key.clone(),
        });
        below.push((key, target));
    }
    for (key, target) in below.into_iter().filter(|_| depth > 0) {
        if target.get("properties").is_some() {
            collect(root, target, &format!("{key}."), depth - 1, options);
        } else if let Some(inner) = target.get("additionalProperties").map(|inner| resolved(root, inner))
            && inner.get("properties").is_some()
        {
            collect(root, inner, &format!("{key}.NAME."), depth - 1, options);
        }
    }
}

/// The schema behind a reference, or that of an option that may be left out.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(path) = schema.get("$ref").and_then(Value::as_str) {
        let found = path.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return found.map_or(schema, |found| resolved(root, found));
    }
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let given: Vec<&Value> = choices.into_iter().flatten().filter(|choice| !is_null(choice)).collect();
    match given.as_slice() {
        [one] => resolved(root, one),
        _ => schema,
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

fn value_kind(root: &Value, schema: &Value) -> String {
    let schema = resolved(root, schema);
    for choices in ["anyOf", "oneOf"] {
        if let Some(choices) = schema.get(choices).and_then(Value::as_array) {
            let kinds: Vec<String> = choices
                .iter()
                .filter(|choice| !is_null(choice))
                .map(|choice| value_kind(root, choice))
                .collect();
            return kinds.join(" or ");
        }
    }
    let named = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    };
    match named {
        Some("array") => {
            let items =
                schema.get("items").map_or_else(|| "any value".into(), |items| value_kind(root, items));
            format!("list of {items}")
        }
        Some("object") => "table".into(),
        Some("boolean") => "true or false".into(),
        Some("number") => "number with a decimal point".into(),
        Some(other) => other.to_string(),
        None => "any value".into(),
    }
}

/// A default as it would stand in a file; `None` for nothing at all and for whole tables.
fn shown(default: &Value) -> Option<String> {
    match default {
        Value::Null | Value::Object(_) => None,
        other => Some(other.to_string()),
    }
}

fn text(schema: &Value, key: &str) -> String {
    let text = schema.get(key).and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(options: &[OptionDoc], key: &str) -> OptionDoc {
        options.iter().find(|option| option.key == key).unwrap_or_else(|| panic!("no {key}")).clone()
    }

    #[test]
    fn options_have_types_defaults_and_docs() {
        let defs = heka_plugins::all();
        let def = defs.iter().find(|def| def.name == "TcpInput").unwrap();
        let options = own(def);
        let address = option(&options, "address");
        assert_eq!(address.value, "string");
        assert!(!address.doc.is_empty());
        assert_eq!(option(&options, "net").default.as_deref(), Some("\"tcp\""));
        assert_eq!(option(&options, "use_tls").value, "true or false");
        assert!(options.iter().any(|option| option.key.starts_with("tls.")), "{options:?}");
        let common = common(Kind::Output);
        assert_eq!(option(&common, "ticker_interval").value, "integer");
        assert_eq!(option(&common, "buffering.full_action").default.as_deref(), Some("\"shutdown\""));
    }

    #[test]
    fn every_option_is_documented() {
        for def in heka_plugins::all() {
            for option in own(def) {
                assert!(!option.doc.is_empty(), "{} {}", def.name, option.key);
            }
        }
    }
}
