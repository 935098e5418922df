//! Which options of `[hekad]` can change while it runs.

use heka_plugin::{Table, Value};

use crate::config::{Hekad, Loaded};

/// These are taken up, or do nothing anyway.
const LIVE: [&str; 9] = [
    "cpuprof",
    "full_buffer_max_retries",
    "log_flags",
    "max_pack_idle",
    "maxprocs",
    "memprof",
    "plugin_chansize",
    "poolsize",
    "shutdown_timeout",
];

/// Looks whether hekad can go from one configuration to the other while it runs.
///
/// # Errors
/// It cannot; the text names the options.
pub(super) fn check(old: &Loaded, new: &Loaded) -> Result<(), String> {
    let (before, after) = (fixed(&old.hekad), fixed(&new.hekad));
    if before == after {
        return Ok(());
    }
    let mut names: Vec<String> = [(old, new), (new, old)]
        .into_iter()
        .flat_map(|(one, other)| differing(section(one), section(other)))
        .filter(|name| !LIVE.contains(&name.as_str()))
        .collect();
    names.sort();
    names.dedup();
    Err(format!(
        "[hekad] {}: cannot be changed while hekad runs, it must be stopped and started for that",
        names.join(", ")
    ))
}

/// The options without those that can change.
fn fixed(hekad: &Hekad) -> Hekad {
    let default = Hekad::default();
    Hekad {
        cpuprof: default.cpuprof,
        full_buffer_max_retries: default.full_buffer_max_retries,
        log_flags: default.log_flags,
        max_pack_idle: default.max_pack_idle,
        maxprocs: default.maxprocs,
        memprof: default.memprof,
        plugin_chansize: default.plugin_chansize,
        poolsize: default.poolsize,
        shutdown_timeout: default.shutdown_timeout,
        ..hekad.clone()
    }
}

/// The last `[hekad]` section, as when it was read.
fn section(loaded: &Loaded) -> Option<&Table> {
    let of_file = |file: &'_ crate::config::ConfigFile| {
        file.sections.iter().position(|section| section.name == "hekad")
    };
    let (file, at) = loaded.files.iter().rev().find_map(|file| Some((file, of_file(file)?)))?;
    match file.sections.get(at).map(|section| &section.value) {
        Some(Value::Table(table)) => Some(table),
        _ => None,
    }
}

/// Options of `one` that `other` does not have, or with another value.
fn differing(one: Option<&Table>, other: Option<&Table>) -> Vec<String> {
    let entries = one.map(|table| table.entries.as_slice()).unwrap_or_default().iter();
    let differs = |entry: &&heka_plugin::config::Entry| {
        other.and_then(|other| other.option(&entry.key)).map(|entry| &entry.value) != Some(&entry.value)
    };
    entries.filter(differs).map(|entry| entry.key.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> Loaded {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hekad.toml");
        std::fs::write(&path, text).unwrap();
        crate::config::load(&path).unwrap()
    }

    #[test]
    fn what_cannot_change_is_named() {
        let old = loaded("[hekad]\nbase_dir = \"/a\"\nhostname = \"h\"\nlog_flags = 3\n[x]\n");
        let new = loaded("[hekad]\nbase_dir = \"/b\"\npid_file = \"/p\"\nlog_flags = 0\n[y]\n");
        let why = check(&old, &new).unwrap_err();
        assert!(why.starts_with("[hekad] base_dir, hostname, pid_file: cannot be changed"), "{why}");
    }

    #[test]
    fn what_can_change_and_defaults_written_out_pass() {
        let old = loaded("[hekad]\nshutdown_timeout = \"9s\"\npoolsize = 7\n");
        let new = loaded("[hekad]\nmax_message_loops = 4\nlog_flags = 0\n");
        assert_eq!(check(&old, &new), Ok(()));
        assert_eq!(check(&old, &loaded("")), Ok(()));
    }
}
