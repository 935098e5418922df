//! Makes the folder ready at the start.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use heka_message::golang::os_error::path_error;

/// Folders of a page may be nested so deep.
const DEPTH_MAX: usize = 32;

fn page_error(why: &str) -> String {
    format!("Error copying static dashboard files: {why}")
}

/// Whether the folder of a page is there.
///
/// # Errors
/// It is not; the text is Heka's.
pub(in super::super) fn check(page: Option<&Path>) -> Result<(), String> {
    let Some(page) = page else { return Ok(()) };
    match fs::read_dir(page) {
        Ok(_) => Ok(()),
        Err(error) => Err(page_error(&path_error("lstat", page.display(), &error))),
    }
}

/// Makes the folder, removes what lies in it and has a dot in its name, and copies the page. What lies in `data` stays.
pub(super) fn prepare(root: &Path, page: Option<&Path>) -> Result<(), String> {
    check(page)?;
    let data = root.join("data");
    make(&data).map_err(|error| {
        format!(
            "DashboardOutput: Can't create working directory: {}",
            path_error("mkdir", data.display(), &error)
        )
    })?;
    clear(root).map_err(|error| path_error("remove", root.display(), &error))?;
    match page {
        Some(page) => copy(page, root, DEPTH_MAX).map_err(|why| page_error(&why)),
        None => Ok(()),
    }
}

fn make(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn clear(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let has_dot = entry.file_name().as_encoded_bytes().contains(&b'.');
        if has_dot && !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, depth: usize) -> Result<(), String> {
    if depth == 0 {
        return Err(format!("{}: too many folders within each other", from.display()));
    }
    let failed =
        |operation: &str, path: &Path, error: &io::Error| path_error(operation, path.display(), error);
    for entry in fs::read_dir(from).map_err(|error| failed("open", from, &error))? {
        let entry = entry.map_err(|error| failed("readdir", from, &error))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        // Links are followed here: it is the operator's folder.
        let kind = fs::metadata(&path).map_err(|error| failed("stat", &path, &error))?;
        if kind.is_dir() {
            make(&target).map_err(|error| failed("mkdir", &target, &error))?;
            copy(&path, &target, depth - 1)?;
        } else {
            // What is there may be a link; it is replaced, not written through.
            let _absent = fs::remove_file(&target);
            fs::copy(&path, &target).map_err(|error| failed("open", &target, &error))?;
        }
    }
    Ok(())
}
