//! The folder in which a manager keeps the configurations and scripts of its filters.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder.
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    /// Makes the folder if need be.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn open(folder: PathBuf) -> Result<Files, String> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|why| format!("mkdir {}: {why}", folder.display()))?;
        Ok(Files { folder })
    }

    /// A folder that may not be there yet.
    pub(super) fn at(folder: PathBuf) -> Files {
        Files { folder }
    }

    /// Names of the filters that begin so, in ascending order.
    pub(super) fn names(&self, prefix: &str) -> Vec<String> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let name = |file: fs::DirEntry| Some(file.file_name().to_str()?.strip_suffix(".toml")?.to_string());
        let mut names: Vec<String> = files.filter_map(name).filter(|name| name.starts_with(prefix)).collect();
        names.sort_unstable();
        names
    }

    /// A filter's configuration.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn config(&self, name: &str) -> Result<String, String> {
        let file = self.folder.join(format!("{name}.toml"));
        let text = fs::read(&file).map_err(|why| format!("open {}: {why}", file.display()))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Where a filter's script lies.
    pub(super) fn script(&self, name: &str, script_type: &str) -> PathBuf {
        self.folder.join(format!("{name}.{script_type}"))
    }

    /// Writes a filter's files, the script first: what has a configuration is complete, whenever hekad dies.
    ///
    /// # Errors
    /// They cannot be written.
    pub(super) fn write(
        &self,
        name: &str,
        config: &str,
        script: &[u8],
        script_type: &str,
    ) -> Result<(), String> {
        self.write_one(&self.script(name, script_type), script)?;
        self.write_one(&self.folder.join(format!("{name}.toml")), config.as_bytes())
    }

    fn write_one(&self, file: &Path, text: &[u8]) -> Result<(), String> {
        let fresh = file.with_added_extension("new");
        let mut options = OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh);
        let written = opened.and_then(|mut to| {
            to.write_all(text)?;
            to.sync_data()?;
            fs::rename(&fresh, file)?;
            File::open(&self.folder)?.sync_all()
        });
        written.map_err(|why: io::Error| format!("open {}: {why}", file.display()))
    }

    /// Removes a filter's files.
    pub(super) fn remove(&self, name: &str) {
        let start = format!("{name}.");
        for file in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if file.file_name().to_string_lossy().starts_with(&start) {
                // One that stays is loaded again at the next start and may be unloaded then.
                let _ = fs::remove_file(file.path());
            }
        }
    }
}
