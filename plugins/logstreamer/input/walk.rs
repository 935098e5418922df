//! The files below a directory, in Heka's order.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

/// Calls `visit` with everything below `root` that is no directory. Within a directory files and sub-directories come in
/// the order of their names' bytes. Links are named, not followed. What cannot be listed is handed to `problem`.
pub(super) fn walk(root: &Path, visit: &mut dyn FnMut(PathBuf), problem: &mut dyn FnMut(&Path, &io::Error)) {
    let mut entries = match list(root) {
        Ok(entries) => entries,
        Err(error) => return problem(root, &error),
    };
    entries.sort_by_cached_key(DirEntry::file_name);
    for entry in entries {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), visit, problem),
            Ok(_) => visit(entry.path()),
            Err(error) => problem(&entry.path(), &error),
        }
    }
}

fn list(dir: &Path) -> io::Result<Vec<DirEntry>> {
    fs::read_dir(dir)?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_deep_and_without_following_links() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b/2", "b/1/x", "a", "c", "b.log"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink(dir.path().join("b"), dir.path().join("link")).unwrap();
        let mut seen = Vec::new();
        walk(dir.path(), &mut |path| seen.push(path), &mut |path, error| panic!("{path:?} {error}"));
        let names: Vec<_> =
            seen.iter().map(|path| path.strip_prefix(dir.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a", "b/1/x", "b/2", "b.log", "c", "link"]);
    }

    #[test]
    fn a_directory_that_is_gone_is_reported() {
        let mut gone = Vec::new();
        walk(Path::new("/no/such"), &mut |_| panic!(), &mut |path, _| gone.push(path.to_path_buf()));
        assert_eq!(gone, [Path::new("/no/such")]);
    }
}
