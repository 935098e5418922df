//! Finds the files of a folder of programs and reads them.

use std::fs;
use std::path::{Component, Path, PathBuf};

use heka_plugin::{DynamicFilters, Table, Value};

use crate::addressing::reason;

/// What a file says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Program {
    /// Its path, which is the input's name.
    pub(super) path: String,
    /// The input's options: those of the file, with the folder's interval.
    pub(super) table: Table,
}

/// Looks through the folder. What cannot be used becomes a line of `problems`.
pub(super) fn scan(root: &Path, parser: &dyn DynamicFilters, problems: &mut Vec<String>) -> Vec<Program> {
    let mut files = Vec::new();
    walk(root, &mut files, problems);
    let programs = files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "toml"));
    programs.filter_map(|file| load(root, file, parser).map_err(|why| problems.push(why)).ok()).collect()
}

/// Collects the files below `folder` in the order of their names.
fn walk(folder: &Path, files: &mut Vec<PathBuf>, problems: &mut Vec<String>) {
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => entries.filter_map(Result::ok).collect::<Vec<_>>(),
        Err(error) => {
            let call = if folder.exists() { "open" } else { "lstat" };
            let path = folder.display();
            problems.push(format!("walking '{path}': {call} {path}: {}", reason(&error)));
            return;
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        // Links to folders are not followed.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), files, problems);
        } else {
            files.push(entry.path());
        }
    }
}

fn load(root: &Path, file: &Path, parser: &dyn DynamicFilters) -> Result<Program, String> {
    let path = file.display().to_string();
    let interval = interval(root, file, &path)?;
    let failed = |why: String| format!("loading process file '{path}': {why}");
    let bytes = fs::read(file).map_err(|error| failed(format!("open {path}: {}", reason(&error))))?;
    let sections = parser.parse(&String::from_utf8_lossy(&bytes)).map_err(failed)?;
    let section = sections.into_iter().find(|(name, _)| name == "ProcessInput");
    let (_, mut table) = section.ok_or_else(|| failed("No `ProcessInput` section.".into()))?;
    // How a child is started again is not for the file to say.
    let is_ours = |key: &str| ["ticker_interval", "retries"].iter().any(|own| key.eq_ignore_ascii_case(own));
    table.entries.retain(|entry| !is_ours(&entry.key));
    table.set("ticker_interval", Value::Integer(interval));
    forget_lines(&mut table);
    Ok(Program { path, table })
}

/// The seconds that the file's folder is named after.
fn interval(root: &Path, file: &Path, path: &str) -> Result<i64, String> {
    let below = file.strip_prefix(root).unwrap_or(file);
    let parts: Vec<Component<'_>> = below.components().collect();
    let [folder, _] = parts.as_slice() else {
        return Err(format!("invalid ProcessInput path: {path}."));
    };
    let number = folder.as_os_str().to_str().and_then(|name| name.parse::<i64>().ok());
    match number {
        None => Err(format!("ticker interval could not be parsed for '{path}'.")),
        Some(..0) => Err(format!("a negative ticker interval was parsed for '{path}'.")),
        Some(seconds) => Ok(seconds),
    }
}

/// Where in its file a value stands is no difference between two files.
fn forget_lines(table: &mut Table) {
    table.line = 0;
    for entry in &mut table.entries {
        entry.line = 0;
        forget_lines_of(&mut entry.value);
    }
}

fn forget_lines_of(value: &mut Value) {
    match value {
        Value::Table(table) => forget_lines(table),
        Value::Array(values) => values.iter_mut().for_each(forget_lines_of),
        _ => {}
    }
}
