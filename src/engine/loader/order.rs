//! The order in which decoders are loaded: those that call others come after them.

use std::collections::{HashMap, HashSet};

use heka_plugin::Value;

use super::catalog::Section;

/// Orders decoder sections so that each comes after those it names in `subs`.
///
/// # Errors
/// Decoders need each other in a circle.
pub(super) fn by_dependency(sections: Vec<Section>) -> Result<Vec<Section>, String> {
    let (calling, mut ordered): (Vec<Section>, Vec<Section>) =
        sections.into_iter().partition(|section| section.def.name == "MultiDecoder");
    let names: HashSet<String> = calling.iter().map(|section| section.name.clone()).collect();
    let mut waiting: Vec<(Section, HashSet<String>)> = calling
        .into_iter()
        .map(|section| {
            let needs = subs(&section).into_iter().filter(|sub| names.contains(sub)).collect();
            (section, needs)
        })
        .collect();
    let mut done: HashMap<String, ()> = HashMap::new();
    while !waiting.is_empty() {
        let (ready, rest): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, needs)| needs.iter().all(|sub| done.contains_key(sub)));
        if ready.is_empty() {
            return Err("circular dependency detected".into());
        }
        for (section, _) in ready {
            done.insert(section.name.clone(), ());
            ordered.push(section);
        }
        waiting = rest;
    }
    Ok(ordered)
}

fn subs(section: &Section) -> Vec<String> {
    let Some(Value::Array(values)) = section.table.option("subs").map(|entry| &entry.value) else {
        return Vec::new();
    };
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    values.iter().filter_map(text).collect()
}
