//! The files that plugins read when they start, for digests.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use heka_plugin::{Globals, Table, Value};

use crate::loader::Section;

/// Options that name such a file. Files that plugins write, or follow as they grow, are none of these.
const OPTIONS: [&str; 6] = ["filename", "db_file", "cert_file", "key_file", "client_cafile", "root_cafile"];
/// A larger file counts by its size and its time of change.
const READ_BYTES_MAX: u64 = 1 << 20;
/// Folders of Lua modules are looked into no deeper than this.
const MODULES_DEEP: usize = 6;

/// Digests of files; each file is read once.
pub(super) struct Files<'a> {
    globals: &'a Globals,
    known: HashMap<PathBuf, u64>,
}

impl<'a> Files<'a> {
    pub(super) fn new(globals: &'a Globals) -> Files<'a> {
        Files { globals, known: HashMap::new() }
    }

    /// Adds the files of a section to a digest.
    pub(super) fn of(&mut self, section: &Section, hasher: &mut impl Hasher) {
        self.named(&section.table, hasher);
        if let Some(Value::Table(tls)) = section.table.option("tls").map(|entry| &entry.value) {
            self.named(tls, hasher);
        }
        if section.def.name.starts_with("Sandbox") {
            self.modules(&section.table, hasher);
        }
    }

    fn named(&mut self, table: &Table, hasher: &mut impl Hasher) {
        for option in OPTIONS {
            let Some(Value::String(path)) = table.option(option).map(|entry| &entry.value) else { continue };
            if !path.is_empty() {
                // Scripts lie below the shared folder.
                let path = if option == "filename" { self.globals.in_share_dir(path) } else { path.into() };
                self.file(&path).hash(hasher);
            }
        }
        // A folder of certificates, of the Docker inputs.
        if let Some(Value::String(folder)) = table.option("cert_path").map(|entry| &entry.value)
            && !folder.is_empty()
        {
            for name in ["key.pem", "cert.pem", "ca.pem"] {
                self.file(&Path::new(folder).join(name)).hash(hasher);
            }
        }
    }

    /// All that a script could require.
    fn modules(&mut self, table: &Table, hasher: &mut impl Hasher) {
        let installed = self.globals.in_share_dir("lua_modules");
        let mut folders = match table.option("module_directory").map(|entry| &entry.value) {
            Some(Value::String(folders)) => folders.split(';').map(PathBuf::from).collect(),
            _ => Vec::new(),
        };
        folders.retain(|folder| *folder != installed && !folder.as_os_str().is_empty());
        folders.push(installed);
        for folder in folders {
            self.folder(&folder, 0).hash(hasher);
        }
    }

    fn folder(&mut self, folder: &Path, depth: usize) -> u64 {
        if let Some(known) = self.known.get(folder) {
            return *known;
        }
        let mut hasher = DefaultHasher::new();
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if path.extension().is_some_and(|extension| extension == "lua") {
                (&path, self.file(&path)).hash(&mut hasher);
            } else if depth < MODULES_DEEP && path.is_dir() {
                (&path, self.folder(&path, depth + 1)).hash(&mut hasher);
            }
        }
        let digest = hasher.finish();
        self.known.insert(folder.into(), digest);
        digest
    }

    fn file(&mut self, path: &Path) -> u64 {
        *self.known.entry(path.into()).or_insert_with(|| digest(path))
    }
}

/// A file that is not there or cannot be read has a digest too.
fn digest(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    match fs::metadata(path) {
        Ok(about) if about.is_file() && about.len() <= READ_BYTES_MAX => {
            fs::read(path).map_err(|error| error.kind()).hash(&mut hasher);
        }
        Ok(about) => (about.len(), about.mtime(), about.mtime_nsec(), about.ino()).hash(&mut hasher),
        Err(error) => error.kind().hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_in_a_folder_below_counts() {
        let dir = tempfile::tempdir().unwrap();
        let globals = Globals { share_dir: dir.path().into(), ..Globals::default() };
        let look = || {
            let mut hasher = DefaultHasher::new();
            Files::new(&globals).modules(&Table::default(), &mut hasher);
            hasher.finish()
        };
        let module = dir.path().join("lua_modules/a/b.lua");
        fs::create_dir_all(module.parent().unwrap()).unwrap();
        let before = look();
        fs::write(&module, "return 1").unwrap();
        let first = look();
        fs::write(module.with_extension("txt"), "no module").unwrap();
        assert_eq!(look(), first);
        fs::write(&module, "return 2").unwrap();
        assert!(first != before && look() != first);
    }

    #[test]
    fn a_large_file_counts_by_its_size() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        assert_eq!(digest(&path), digest(&path));
        fs::write(&path, vec![0; 2 << 20]).unwrap();
        let first = digest(&path);
        fs::write(&path, vec![0; 3 << 20]).unwrap();
        assert_ne!(digest(&path), first);
    }
}
