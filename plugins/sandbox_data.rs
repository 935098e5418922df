//! The preserved data of SandboxInput and SandboxOutput.
//!
//! Heka has one file for all of them, `.data`, so that they write over each other. Here each has one of its own beside it,
//! `.<name>.data`; the common one is written too, for a Heka that is to go on with it. It counts when none of ours has
//! written it, and when there is none, there are no preserved data at all.

use std::fs;
use std::path::{Path, PathBuf};

use heka_sandbox::{Sandbox, Settings, write_state};

/// Where one plugin's data are.
pub(crate) struct SandboxData {
    common: PathBuf,
    own: PathBuf,
}

impl SandboxData {
    /// Takes over what the settings say about preserving data; they then have the data to take up.
    pub(crate) fn of(settings: &mut Settings, plugin: &str) -> Option<SandboxData> {
        let common = settings.state_file.take()?;
        let own = common.with_file_name(format!(".{}.data", plugin.replace(['/', '\0'], "_")));
        let data = SandboxData { common, own };
        settings.state_file = data.source();
        Some(data)
    }

    /// The file to take up.
    fn source(&self) -> Option<PathBuf> {
        let text = fs::read(&self.common).ok()?;
        if !is_one_of_ours(&self.common, &text) {
            return Some(self.common.clone());
        }
        self.own.exists().then(|| self.own.clone())
    }

    /// Writes the data of a sandbox that still runs.
    ///
    /// # Errors
    /// They cannot be written; the text is Heka's. There are none then.
    pub(crate) fn save(&self, sandbox: &mut Sandbox) -> Result<(), String> {
        if !sandbox.is_running() {
            return Ok(());
        }
        let write =
            |text: Vec<u8>| write_state(&self.own, &text).and_then(|()| write_state(&self.common, &text));
        sandbox.dump().and_then(write).inspect_err(|_| {
            // The file may not exist, and then all is well.
            let _ = fs::remove_file(&self.own);
        })
    }
}

/// Whether the common file holds what one of the others holds.
fn is_one_of_ours(common: &Path, text: &[u8]) -> bool {
    let Some(files) = common.parent().and_then(|folder| fs::read_dir(folder).ok()) else { return false };
    files.flatten().any(|file| {
        let name = file.file_name();
        let name = name.to_string_lossy();
        name.len() > ".data".len()
            && name.starts_with('.')
            && name.ends_with(".data")
            && fs::read(file.path()).is_ok_and(|other| other == text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(folder: &Path) -> Settings {
        let mut settings = Settings::new(&heka_sandbox::OUTPUT, folder.join("x.lua"));
        settings.state_file = Some(folder.join(".data"));
        settings
    }

    fn opened(folder: &Path, name: &str, script: &str) -> (Sandbox, SandboxData) {
        fs::write(folder.join("x.lua"), script).unwrap();
        let mut settings = settings(folder);
        let data = SandboxData::of(&mut settings, name).unwrap();
        (Sandbox::open(settings).unwrap(), data)
    }

    fn value(sandbox: &mut Sandbox) -> String {
        String::from_utf8(sandbox.dump().unwrap())
            .unwrap()
            .lines()
            .find(|l| l.contains("\"n\""))
            .unwrap()
            .into()
    }

    #[test]
    fn plugins_do_not_write_over_each_other() {
        let dir = tempfile::tempdir().unwrap();
        for (name, script) in [("a", "n = 1"), ("b", "n = 2")] {
            let (mut sandbox, data) = opened(dir.path(), name, script);
            data.save(&mut sandbox).unwrap();
        }
        for (name, expected) in [("a", "_G[\"n\"] = 1"), ("b", "_G[\"n\"] = 2"), ("new", "_G[\"n\"] = 0")] {
            assert_eq!(value(&mut opened(dir.path(), name, "n = 0").0), expected);
        }
    }

    #[test]
    fn a_file_of_heka_counts_and_so_does_its_removal() {
        let dir = tempfile::tempdir().unwrap();
        let (mut sandbox, data) = opened(dir.path(), "a", "n = 1");
        data.save(&mut sandbox).unwrap();
        fs::write(dir.path().join(".data"), "_G[\"n\"] = 7\n").unwrap();
        assert_eq!(value(&mut opened(dir.path(), "a", "n = 0").0), "_G[\"n\"] = 7");
        fs::remove_file(dir.path().join(".data")).unwrap();
        assert_eq!(value(&mut opened(dir.path(), "a", "n = 0").0), "_G[\"n\"] = 0");
    }
}
