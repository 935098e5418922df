//! A configuration file, or a directory of them, as sections.

use std::io;
use std::path::{Component, Path, PathBuf};

use heka_plugin::config::decode_value;
use heka_plugin::{ConfigError, Value};

use super::dialect::{self, SyntaxError};
use super::environment::{self, EnvironmentError};
use super::hekad::Hekad;
use super::os_error::{describe, reason};

/// A configuration that could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The daemon's own options: of the last file that has a `[hekad]` section, else the defaults.
    pub hekad: Hekad,
    /// The files in the order in which they were read.
    pub files: Vec<ConfigFile>,
}

/// One file of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigFile {
    /// Its path, as it was asked for.
    pub path: PathBuf,
    /// What stands at its top level, in its order; `hekad` too.
    pub sections: Vec<Section>,
}

/// A top-level entry of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Its key.
    pub name: String,
    /// Its options, if it is a table as it ought to be.
    pub value: Value,
    /// Line of its header, from 1.
    pub line: u32,
}

/// Why a configuration cannot be read. `Display` gives the text that follows `Error reading config:  `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The file or directory that was asked for is not there or not readable.
    #[error("Error opening config file: open {}: {why}", path.display())]
    Open {
        /// What was asked for.
        path: PathBuf,
        /// The system's reason.
        why: String,
    },
    /// A file cannot be read; the text names it.
    #[error("{0}")]
    Read(String),
    /// A file's `%ENV[...]` is malformed.
    #[error("{why}")]
    Environment {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: EnvironmentError,
    },
    /// A file is not in the language.
    #[error("Error decoding config file: {why}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: SyntaxError,
    },
    /// An option of `[hekad]` is refused.
    #[error("Can't unmarshal config: {why}")]
    Hekad {
        /// The file with the section.
        path: PathBuf,
        /// What is wrong.
        why: ConfigError,
    },
}

/// Where in a configuration an error lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The file.
    pub file: &'a Path,
    /// The line, from 1; 0 if unknown.
    pub line: u32,
    /// The option, if one of `[hekad]` is refused.
    pub option: Option<&'a str>,
}

impl LoadError {
    /// Where the error lies, if it lies in a file that could be read.
    pub fn place(&self) -> Option<Place<'_>> {
        match self {
            LoadError::Open { .. } | LoadError::Read(_) => None,
            LoadError::Environment { path, .. } => Some(Place { file: path, line: 0, option: None }),
            LoadError::Syntax { path, why } => Some(Place { file: path, line: why.line, option: None }),
            LoadError::Hekad { path, why } => {
                let (option, line) = why.option().unzip();
                let option = option.filter(|option| !option.is_empty());
                Some(Place { file: path, line: line.unwrap_or(0), option })
            }
        }
    }
}

/// Reads a file, or all files of a directory whose names end in `.toml`, in the order of their names.
///
/// # Errors
/// See [`LoadError`].
pub fn load(path: &Path) -> Result<Loaded, LoadError> {
    let (loaded, errors) = load_all(path)?;
    errors.into_iter().next().map_or(Ok(loaded), Err)
}

/// Reads as much as can be read, and gives all errors: with any of them hekad does not start.
///
/// # Errors
/// [`LoadError::Open`]: there is nothing to read.
pub fn load_all(path: &Path) -> Result<(Loaded, Vec<LoadError>), LoadError> {
    let open = |error: io::Error| LoadError::Open { path: path.into(), why: reason(&error) };
    let is_directory = std::fs::File::open(path).and_then(|file| file.metadata()).map_err(open)?.is_dir();
    let paths = if is_directory { files_of(path) } else { vec![path.to_path_buf()] };
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for read in paths.into_iter().map(read) {
        match read {
            Ok(file) => files.push(file),
            Err(error) => errors.push(error),
        }
    }
    let hekad = files.iter().rev().find_map(|file| Some((file, hekad_section(file)?)));
    let hekad = match hekad {
        None => Hekad::default(),
        Some((file, section)) => decode_value(&section.value, section.line).unwrap_or_else(|why| {
            errors.push(LoadError::Hekad { path: file.path.clone(), why });
            Hekad::default()
        }),
    };
    Ok((Loaded { hekad, files }, errors))
}

fn hekad_section(file: &ConfigFile) -> Option<&Section> {
    file.sections.iter().find(|section| section.name == "hekad")
}

/// A directory that cannot be listed has no files.
fn files_of(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
    names.retain(|name| name.as_encoded_bytes().ends_with(b".toml"));
    names.sort();
    names.into_iter().map(|name| cleaned(&directory.join(name))).collect()
}

/// The path without `.` and, where a name goes before, without `..`: as error texts show it.
fn cleaned(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(clean.components().next_back(), Some(Component::Normal(_))) => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

fn read(path: PathBuf) -> Result<ConfigFile, LoadError> {
    let failed = |call| {
        let path = &path;
        move |error| LoadError::Read(describe(call, path, &error))
    };
    let mut file = std::fs::File::open(&path).map_err(failed("open"))?;
    let mut text = Vec::new();
    io::Read::read_to_end(&mut file, &mut text).map_err(failed("read"))?;
    let text =
        environment::substitute(&text).map_err(|why| LoadError::Environment { path: path.clone(), why })?;
    let table = dialect::parse(&String::from_utf8_lossy(&text))
        .map_err(|why| LoadError::Syntax { path: path.clone(), why })?;
    let sections = table.entries.into_iter();
    let sections = sections.map(|entry| Section { name: entry.key, value: entry.value, line: entry.line });
    Ok(ConfigFile { path, sections: sections.collect() })
}

#[cfg(test)]
mod tests;
