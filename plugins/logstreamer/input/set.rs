//! Which files there are, and which stream each belongs to.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{MAIN_SEPARATOR_STR, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use heka_message::Regex;

use super::log_file::FileId;
use super::os_error::os_error;
use super::rank::{Captures, Translation, by_priority};
use super::walk::walk;

/// How files are found, told apart and ordered.
#[derive(Clone, Debug, Default)]
pub struct SetOptions {
    /// Where to look; links in it are resolved.
    pub log_directory: String,
    /// Regular expression of file names below `log_directory`.
    pub file_match: String,
    /// Captures that order the files of a stream, oldest first; `^` in front counts downwards.
    pub priority: Vec<String>,
    /// Parts of a stream's name: capture names and literals.
    pub differentiator: Vec<String>,
    /// Numbers of captured values.
    pub translation: HashMap<String, HashMap<String, i64>>,
    /// Files not written to for so long are left out; zero is no limit.
    pub oldest_duration: Duration,
}

/// The files of all streams of one input.
#[derive(Debug)]
pub struct LogstreamSet {
    root: PathBuf,
    regex: Regex,
    file_match: String,
    priority: Vec<String>,
    differentiator: Vec<String>,
    translation: Translation,
    oldest_duration: Duration,
}

/// How often files are searched for while the search never finds the same as the one before.
const SEARCHES: usize = 20;

/// The files of a stream, oldest first.
pub type Files = Vec<Arc<Path>>;

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Per stream its files, oldest first.
    pub streams: BTreeMap<String, Files>,
    /// Streams that cannot be read, in Heka's words.
    pub problems: Vec<String>,
    /// Directories that cannot be listed.
    pub unreadable: Vec<String>,
    /// Which file each name stood for.
    ids: HashMap<Arc<Path>, FileId>,
}

/// The files of a stream as a scan found them, oldest first. By the time they are opened their names may stand for others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) paths: Files,
    /// Which file each was.
    pub(super) ids: Vec<FileId>,
}

/// Listings by the names of their streams.
pub(super) type Listings = BTreeMap<String, Listing>;

impl Scan {
    /// The files of each stream.
    pub(super) fn listings(&self) -> Listings {
        let listing = |paths: &Files| Listing {
            ids: paths.iter().filter_map(|path| self.ids.get(path).copied()).collect(),
            paths: paths.clone(),
        };
        self.streams.iter().map(|(name, paths)| (name.clone(), listing(paths))).collect()
    }
}

impl LogstreamSet {
    /// Checks the options. Nothing is searched yet.
    ///
    /// # Errors
    /// An option cannot be used; the text is Heka's.
    pub fn new(options: &SetOptions) -> Result<LogstreamSet, String> {
        if options.file_match.is_empty() {
            return Err("`file_match` setting is required.".into());
        }
        let mut file_match = options.file_match.clone();
        if !file_match.ends_with('$') {
            file_match.push('$');
        }
        let translation = Translation::new(&options.translation)?;
        let root = real_path(Path::new(&options.log_directory))?;
        let shown = root.to_string_lossy();
        let between =
            if shown.ends_with('/') || file_match.starts_with('/') { "" } else { MAIN_SEPARATOR_STR };
        let regex =
            Regex::new(&format!("^{}{between}{file_match}", quote(&shown))).map_err(|why| why.to_string())?;
        Ok(LogstreamSet {
            root,
            regex,
            file_match,
            priority: options.priority.clone(),
            differentiator: options.differentiator.clone(),
            translation,
            oldest_duration: options.oldest_duration,
        })
    }

    /// Searches the directory. Files of `keep` stay however old they are.
    pub fn scan(&self, keep: &HashSet<Arc<Path>>) -> Scan {
        let newest_left_out = SystemTime::now().checked_sub(self.oldest_duration);
        let newest_left_out = newest_left_out.filter(|_| !self.oldest_duration.is_zero());
        let mut found: BTreeMap<String, Vec<(Captures, Arc<Path>)>> = BTreeMap::new();
        let mut scan = Scan::default();
        let Scan { unreadable, ids, .. } = &mut scan;
        let mut visit = |path: PathBuf| {
            let Some(captures) = self.captures(&path) else { return };
            let Ok(meta) = fs::metadata(&path) else { return };
            // A pipe would block whoever opens it.
            if !meta.is_file() {
                return;
            }
            let path: Arc<Path> = path.into();
            let old = newest_left_out.is_some_and(|limit| meta.modified().is_ok_and(|time| time <= limit));
            if !old || keep.contains(&path) {
                ids.insert(path.clone(), FileId::of(&meta));
                found.entry(captures.stream_name(&self.differentiator)).or_default().push((captures, path));
            }
        };
        walk(&self.root, &mut visit, &mut |path, error| unreadable.push(os_error("open", path, error)));
        for (name, mut files) in found {
            if files.len() > 1 && self.priority.is_empty() {
                scan.problems.push(self.no_priority(&name, &files));
                continue;
            }
            files.sort_by(|(a, _), (b, _)| by_priority(&self.priority, a, b));
            scan.streams.insert(name, files.into_iter().map(|(_, path)| path).collect());
        }
        scan
    }

    /// Searches until two searches in a row find the same, or so many were in vain.
    pub(super) fn scan_settled(&self) -> Scan {
        let mut scan = self.scan(&HashSet::new());
        for _ in 0..SEARCHES {
            let again = self.scan(&HashSet::new());
            if again.streams == scan.streams && again.ids == scan.ids {
                break;
            }
            scan = again;
        }
        scan
    }

    fn captures(&self, path: &Path) -> Option<Captures> {
        let path = path.as_os_str().as_bytes();
        let found = self.regex.captures(path)?;
        let groups = self.regex.names().iter().enumerate().map(|(index, name)| {
            let text = found.get(index).unwrap_or_default();
            (name.as_str(), String::from_utf8_lossy(text).into_owned())
        });
        Some(Captures::new(groups, &self.translation))
    }

    /// The blanks after the bracket are Heka's: as many as there are files.
    fn no_priority(&self, name: &str, files: &[(Captures, Arc<Path>)]) -> String {
        let paths: Vec<_> = files.iter().map(|(_, path)| path.to_string_lossy()).collect();
        format!(
            "Found multiple logfiles without Priority to sort on for name: {name}, filematch: {}, files: [{}{}]",
            self.file_match,
            " ".repeat(files.len()),
            paths.join(" ")
        )
    }
}

/// The path without links. A relative one stays relative where it can.
fn real_path(path: &Path) -> Result<PathBuf, String> {
    let real = fs::canonicalize(path).map_err(|error| {
        let exists = |path: &Path| fs::symlink_metadata(path).is_ok();
        let ancestors: Vec<_> =
            path.ancestors().filter(|ancestor| !ancestor.as_os_str().is_empty()).collect();
        let missing = ancestors.into_iter().rev().find(|ancestor| !exists(ancestor)).unwrap_or(path);
        os_error("lstat", missing, &error)
    })?;
    if path.is_absolute() {
        return Ok(real);
    }
    let here = std::env::current_dir().and_then(fs::canonicalize).unwrap_or_default();
    Ok(match real.strip_prefix(&here) {
        Ok(below) if below.as_os_str().is_empty() => PathBuf::from("."),
        Ok(below) => below.to_path_buf(),
        Err(_) => real,
    })
}

/// A regular expression that matches just this text.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
#[path = "set/tests.rs"]
mod tests;
