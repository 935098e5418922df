//! The findings as text or JSON.

use std::path::Path;

use super::findings::{Findings, Place, Stage};

/// For people: a line for each finding, in the form that editors jump to.
pub(super) fn text(config: &Path, findings: &Findings) -> String {
    let mut text = String::new();
    for wrong in &findings.problems {
        text += &format!("{}{}", before(&wrong.place), wrong.text);
        if wrong.stage == Stage::Start {
            text += " (hekad starts, but this fails at once)";
        }
        text.push('\n');
        if let Some(suggestion) = &wrong.suggestion {
            text += &format!("    {suggestion}\n");
        }
    }
    for note in &findings.notes {
        text += &format!("note: {}{}\n", before(&note.place), note.text);
    }
    let Findings { problems, notes, sections, .. } = findings;
    text += &match problems.len() {
        0 => format!("{}: good, {}", config.display(), count(*sections, "plugin section")),
        found => format!("{}: {}", config.display(), count(found, "problem")),
    };
    if !notes.is_empty() {
        text += &format!(", {}", count(notes.len(), "note"));
    }
    text.push('\n');
    text
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn before(place: &Place) -> String {
    let mut text = String::new();
    if !place.file.as_os_str().is_empty() {
        text += &place.file.display().to_string();
        if place.line > 0 {
            text += &format!(":{}", place.line);
        }
        text += ": ";
    }
    if !place.section.is_empty() {
        text += &format!("[{}]", place.section);
        if !place.type_name.is_empty() && place.type_name != place.section {
            text += &format!(" ({})", place.type_name);
        }
        if let Some(option) = &place.option {
            text += &format!(" {option}");
        }
        text += ": ";
    }
    text
}

/// For programs.
pub(super) fn json(config: &Path, findings: &Findings) -> anyhow::Result<String> {
    let object = serde_json::json!({
        "config": config.to_string_lossy(),
        "good": findings.problems.is_empty(),
        "plugin_sections": findings.sections,
        "problems": findings.problems,
        "notes": findings.notes,
    });
    Ok(serde_json::to_string_pretty(&object)? + "\n")
}
