//! Where a case runs: its scratch folder, its ports, its environment.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use heka_testkit::ports::free_ports;
use tempfile::TempDir;

use crate::case::{Case, Step};
use crate::error::CaseError;
use crate::suite::Suite;

/// Names of the ports a case may use.
const PORTS: usize = 9;

/// A fresh scratch folder with a copy of the case's `in/`, and the names a configuration may use as `%ENV[NAME]`:
/// `OUT_DIR` (the folder), `IN_DIR` (the copy), `CASE_DIR`, `SHARE_DIR`, `HEKAD` (the command), `PORT1` to `PORT9`.
#[derive(Debug)]
pub struct Place {
    /// The case's own folder.
    pub case_dir: PathBuf,
    /// The scratch folder.
    pub out: PathBuf,
    /// The scratch copy of `in/`.
    pub input: PathBuf,
    /// What the daemon and the tools get on top of this process's environment.
    pub env: BTreeMap<String, String>,
    guard: TempDir,
}

impl Place {
    /// Makes the folder and finds the ports.
    pub fn prepare(case_dir: &Path, case: &Case, suite: &Suite) -> Result<Place, CaseError> {
        let guard = tempfile::Builder::new()
            .prefix("case-")
            .rand_bytes(8)
            .tempdir()
            .map_err(CaseError::io("make a scratch folder"))?;
        let out = guard.path().to_owned();
        let input = out.join("in");
        copy_folder(&case_dir.join("in"), &input)?;
        let mut env = BTreeMap::from([
            ("TZ".to_owned(), "UTC".to_owned()),
            ("OUT_DIR".to_owned(), out.display().to_string()),
            ("IN_DIR".to_owned(), input.display().to_string()),
            ("CASE_DIR".to_owned(), case_dir.display().to_string()),
            ("HEKAD".to_owned(), suite.hekad.join(" ")),
            ("SHARE_DIR".to_owned(), suite.share.display().to_string()),
        ]);
        let ports = free_ports(PORTS).map_err(CaseError::io("find free ports"))?;
        env.extend(ports.iter().enumerate().map(|(i, port)| (format!("PORT{}", i + 1), port.to_string())));
        env.extend(case.env.clone());
        Ok(Place { case_dir: case_dir.to_owned(), out, input, env, guard })
    }

    /// The number of a port by its name.
    pub fn port(&self, name: &str) -> Result<u16, CaseError> {
        let number = self.env.get(name).and_then(|text| text.parse().ok());
        number.ok_or_else(|| CaseError::Process(format!("no port is called {name}")))
    }

    /// The data of a step.
    pub fn data(&self, step: &Step) -> Result<Vec<u8>, CaseError> {
        if let Some(file) = &step.file {
            let path = self.case_dir.join(file);
            return fs::read(&path).map_err(CaseError::at(&path));
        }
        if let Some(digits) = &step.hex {
            return unhex(digits)
                .ok_or_else(|| CaseError::Process(format!("no hexadecimal digits: {digits}")));
        }
        Ok(step.text.clone().unwrap_or_default().into_bytes())
    }

    /// Replaces `$NAME` by the environment's value, or by nothing.
    pub fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let length = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
            if length == 0 {
                out.push('$');
            } else {
                let name = &after[..length];
                let own = self.env.get(name).cloned();
                out.push_str(&own.or_else(|| std::env::var(name).ok()).unwrap_or_default());
            }
            rest = &after[length..];
        }
        out + rest
    }

    /// Replaces folders and ports by their names, so that two runs give the same text.
    pub fn neutral(&self, text: &str) -> String {
        let share = self.env.get("SHARE_DIR").map_or("", String::as_str);
        let mut text = text.replace(&self.env["OUT_DIR"], "$OUT_DIR").replace(share, "$SHARE_DIR");
        for number in 1..=PORTS {
            let name = format!("PORT{number}");
            if let Some(port) = self.env.get(&name) {
                text = replace_port(&text, port, &format!(":${name}"));
            }
        }
        text
    }

    /// Leaves the scratch folder behind.
    pub fn keep(self) {
        let Place { mut guard, .. } = self;
        guard.disable_cleanup(true);
    }
}

/// Replaces `:PORT` where no letter or digit follows.
fn replace_port(text: &str, port: &str, name: &str) -> String {
    let wanted = format!(":{port}");
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(&wanted) {
        let after = &rest[at + wanted.len()..];
        out.push_str(&rest[..at]);
        let ends = after.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        out.push_str(if ends { name } else { &wanted });
        rest = after;
    }
    out + rest
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        digits.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect()
}

/// Copies a folder with all below it, times included, since the order of log files may depend on them.
/// A source that does not exist gives an empty folder.
fn copy_folder(from: &Path, to: &Path) -> Result<(), CaseError> {
    fs::create_dir_all(to).map_err(CaseError::at(to))?;
    let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
    for entry in entries {
        let entry = entry.map_err(CaseError::at(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.metadata().map_err(CaseError::at(&source))?;
        if kind.is_dir() {
            copy_folder(&source, &target)?;
            continue;
        }
        fs::copy(&source, &target).map_err(CaseError::at(&source))?;
        let times = kind.modified().map(|time| fs::FileTimes::new().set_modified(time));
        let file = fs::OpenOptions::new().append(true).open(&target);
        if let (Ok(times), Ok(file)) = (times, file) {
            file.set_times(times).map_err(CaseError::at(&target))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_replaced_as_whole_numbers() {
        assert_eq!(replace_port("a:123 b:1234 c:123", "123", ":$P"), "a:$P b:1234 c:$P");
        assert_eq!(unhex("1e 02 fF"), Some(vec![0x1e, 2, 0xff]));
        assert_eq!(unhex("1e0"), None);
    }
}
