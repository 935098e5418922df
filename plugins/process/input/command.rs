//! One command of a chain, and how it is started.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::addressing::reason;

/// Options of one command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename = "process.cmdConfig", default, deny_unknown_fields)]
pub struct CommandOptions {
    /// The program. Without a slash it is looked for in hekad's `PATH`.
    pub bin: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment, each entry as `NAME=value`. If given, there is nothing else in it; else it is hekad's.
    pub env: Option<Vec<String>>,
    /// Its working directory; "" for hekad's.
    pub directory: String,
}

impl CommandOptions {
    /// The command as texts show it: program and arguments with a space between them.
    pub(super) fn shown(&self) -> String {
        let words: Vec<&str> =
            std::iter::once(self.bin.as_str()).chain(self.args.iter().map(String::as_str)).collect();
        words.join(" ")
    }

    /// Starts it as the leader of a process group of its own, so that its children can be killed with it.
    ///
    /// # Errors
    /// Go's text.
    pub(super) fn start(&self, stdin: Stdio, stdout: Stdio, stderr: Stdio) -> Result<Child, String> {
        let program = look_path(&self.bin, std::env::var_os("PATH").as_deref())?;
        let mut command = Command::new(&program);
        command.arg0(&self.bin).args(&self.args).stdin(stdin).stdout(stdout).stderr(stderr).process_group(0);
        if let Some(env) = &self.env {
            command.env_clear().envs(env.iter().filter_map(|entry| entry.split_once('=')));
        }
        if !self.directory.is_empty() {
            command.current_dir(&self.directory);
        }
        command.spawn().map_err(|error| match std::fs::metadata(&self.directory) {
            Err(missing) if !self.directory.is_empty() => {
                format!("chdir {}: {}", self.directory, reason(&missing))
            }
            _ => format!("fork/exec {}: {}", program.display(), reason(&error)),
        })
    }
}

/// Where a program lies. One whose name has a slash is taken as it is.
fn look_path(bin: &str, path: Option<&OsStr>) -> Result<PathBuf, String> {
    if bin.is_empty() {
        return Err("exec: no command".into());
    }
    if bin.contains('/') {
        return Ok(bin.into());
    }
    let folders = path.map(OsStr::as_bytes).unwrap_or_default().split(|byte| *byte == b':');
    let places = folders.filter(|folder| !folder.is_empty());
    let found =
        places.map(|folder| Path::new(OsStr::from_bytes(folder)).join(bin)).find(|file| is_program(file));
    found.ok_or_else(|| format!("exec: \"{bin}\": executable file not found in $PATH"))
}

fn is_program(file: &Path) -> bool {
    let is_it = |found: std::fs::Metadata| found.is_file() && found.permissions().mode() & 0o111 != 0;
    let looked: io::Result<bool> = std::fs::metadata(file).map(is_it);
    looked.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_looked_for_as_go_does() {
        let path = OsStr::new("/nowhere::/bin:/usr/bin");
        assert_eq!(look_path("sh", Some(path)).unwrap(), Path::new("/bin/sh"));
        assert_eq!(look_path("./x", None).unwrap(), Path::new("./x"));
        let missing = "exec: \"no-such\": executable file not found in $PATH";
        assert_eq!(look_path("no-such", Some(path)).unwrap_err(), missing);
        assert_eq!(look_path("sh", None).unwrap_err(), "exec: \"sh\": executable file not found in $PATH");
        assert_eq!(look_path("", Some(path)).unwrap_err(), "exec: no command");
    }

    #[test]
    fn what_cannot_start_says_why() {
        let start = |bin: &str, directory: &str| {
            let options =
                CommandOptions { bin: bin.into(), directory: directory.into(), ..CommandOptions::default() };
            options.start(Stdio::null(), Stdio::null(), Stdio::null()).unwrap_err()
        };
        assert_eq!(start("/no/such", ""), "fork/exec /no/such: no such file or directory");
        assert_eq!(start("/etc/passwd", ""), "fork/exec /etc/passwd: permission denied");
        assert_eq!(start("true", "/no/such"), "chdir /no/such: no such file or directory");
    }
}
