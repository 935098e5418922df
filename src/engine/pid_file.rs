//! `[hekad] pid_file`.

use std::path::{Path, PathBuf};

use crate::config::os_error::describe;
use crate::log::Logger;

/// A written pid file; removed when dropped.
pub struct PidFile {
    path: PathBuf,
    logger: Logger,
}

/// Refuses to start beside a running hekad, else writes our own process id.
///
/// # Errors
/// The text to log: a live process, or a file that holds no process id.
pub fn write(path: &Path, logger: &Logger) -> Result<Option<PidFile>, String> {
    let shown = path.display();
    match std::fs::read(path) {
        Ok(content) => {
            let text = String::from_utf8_lossy(&content);
            let text = text.trim();
            let pid = text.parse::<i32>().map_err(|_| {
                let quoted = format!("{text:?}");
                format!(
                    "Error reading proccess id from pidfile '{shown}': strconv.Atoi: parsing {quoted}: invalid syntax"
                )
            })?;
            if is_alive(pid) {
                return Err(format!("Process {pid} is already running."));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(describe("open", path, &error)),
    }
    if let Err(error) = std::fs::write(path, std::process::id().to_string()) {
        let why = describe("open", path, &error);
        return Err(format!("Unable to write pidfile '{shown}': {why}"));
    }
    logger.info(&format!("Wrote pid to pidfile '{shown}'"));
    Ok(Some(PidFile { path: path.into(), logger: logger.clone() }))
}

/// Whether a process of that id exists and may be signalled by us, as Heka asks (signal 0 succeeds).
fn is_alive(pid: i32) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(process) = std::fs::metadata(format!("/proc/{pid}")) else {
        return false;
    };
    let Ok(own) = std::fs::metadata("/proc/self") else {
        return true;
    };
    own.uid() == 0 || own.uid() == process.uid()
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            let why = describe("remove", &self.path, &error);
            self.logger.error(&format!("Unable to remove pidfile '{}': {why}", self.path.display()));
        }
    }
}
