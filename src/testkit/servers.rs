//! Real servers that tests are held against.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Tests of one program ask at the same time, and a package manager serves one.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs `compat/servers/NAME.sh` of the project at `root`, which makes a server available. `false`: it cannot be had, which
/// is told on stderr with `what`, so that the test is skipped in sight.
///
/// # Panics
/// The script fails although `CI=true` says that no test may be left out, or it cannot be run at all.
pub fn can_be_had(root: impl AsRef<Path>, name: &str, what: &str) -> bool {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let script = root.as_ref().join("compat/servers").join(name).with_extension("sh");
    let there = match Command::new("sh").arg(&script).status() {
        Ok(status) => status.success(),
        Err(error) => panic!("{}: {error}", script.display()),
    };
    assert!(there || std::env::var("CI").as_deref() != Ok("true"), "{} failed", script.display());
    if !there {
        // Not `println!`: what a test that passes prints is not shown.
        let _ = writeln!(std::io::stderr(), "skipped: {what} cannot be had");
    }
    there
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_decides() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("compat/servers");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("good.sh"), "exit 0").unwrap();
        std::fs::write(folder.join("bad.sh"), "exit 1").unwrap();
        assert!(can_be_had(root.path(), "good", "it"));
        let bad = std::panic::catch_unwind(|| can_be_had(root.path(), "bad", "it"));
        let must_not_skip = std::env::var("CI").as_deref() == Ok("true");
        assert_eq!(bad.is_err(), must_not_skip);
        assert!(bad.is_err() || !bad.unwrap());
    }
}
