//! What an import would do, found out without changing anything.

use std::io;
use std::path::Path;

use super::folder::{OldFolder, Undelivered};
use super::places::{Places, by_folder};

/// What an import would do with one old folder.
#[derive(Debug)]
pub struct Survey {
    /// Its name in `output_queue`.
    pub folder: String,
    /// The filter or output that it belongs to; `None`: the configuration has none of that name.
    pub reader: Option<String>,
    /// What is left in it, and what is wrong with `checkpoint.txt`; or why it cannot be read.
    pub left: io::Result<(Undelivered, Option<String>)>,
}

/// Looks at the old folders in a `base_dir`. `readers` are the names of all filters and outputs of the configuration.
///
/// # Errors
/// The folders cannot be listed.
pub fn survey<'a>(base_dir: &Path, readers: impl IntoIterator<Item = &'a str>) -> io::Result<Vec<Survey>> {
    let places = Places::of(base_dir);
    let owners = by_folder(readers);
    let look = |folder: &str| {
        let old = OldFolder::open(&places.old_queues().join(folder))?;
        Ok((old.count()?, old.doubt().map(str::to_owned)))
    };
    let survey = |folder: String| Survey {
        reader: owners.get(&folder).map(|reader| (*reader).to_owned()),
        left: look(&folder),
        folder,
    };
    Ok(places.old_folders()?.into_iter().map(survey).collect())
}
