//! Finds the programs under test.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// The cases that come with the runner.
pub fn own_cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

/// The folder with the built programs of the profile that this program was built with.
pub fn build_folder() -> io::Result<PathBuf> {
    let exe = env::current_exe()?;
    // Tests lie one folder deeper, in `deps`.
    let folder = exe.parent().unwrap_or(Path::new("."));
    let above = folder.ends_with("deps").then(|| folder.parent()).flatten();
    Ok(above.unwrap_or(folder).to_owned())
}

/// The daemon to test: `HEKAD` when it is set, else the one of this workspace, brought up to date by cargo.
pub fn built_hekad() -> io::Result<PathBuf> {
    if let Some(given) = env::var_os("HEKAD") {
        return Ok(given.into());
    }
    let folder = build_folder()?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--package", "hekad", "--bins"]).current_dir(workspace());
    if folder.ends_with("release") {
        build.arg("--release");
    }
    let status = build.status()?;
    if !status.success() {
        return Err(io::Error::other(format!("cargo build of hekad: {status}")));
    }
    Ok(folder.join("hekad"))
}
