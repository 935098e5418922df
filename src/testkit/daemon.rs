//! A running `hekad`.

use std::fs::{self, File, OpenOptions};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

use crate::error::TestkitError;
use crate::patience::wait_until;
use crate::scratch::Scratch;
use crate::usage::{self, Memory};

/// How much of the log an error shows, in bytes.
const SHOWN_LOG: usize = 2000;

/// A daemon in a scratch folder. Dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    /// Standard error of this run and the earlier ones in the same folder.
    log: PathBuf,
    /// Where this run's part of the log starts.
    log_start: u64,
}

/// Writes a configuration to `hekad.toml` of the folder. `$DIR` in the text becomes the folder's path.
pub fn configure(scratch: &Scratch, config: &str) -> Result<PathBuf, TestkitError> {
    let config = config.replace("$DIR", &scratch.path().display().to_string());
    scratch.write("hekad.toml", config)
}

impl Daemon {
    /// Starts `program -config=FOLDER/hekad.toml` with the folder as its working directory and UTC as its time zone.
    pub fn start(program: impl AsRef<Path>, scratch: &Scratch) -> Result<Daemon, TestkitError> {
        Daemon::start_with(program, scratch, |_| ())
    }

    /// The same, after `adjust` has added arguments or environment.
    pub fn start_with(
        program: impl AsRef<Path>,
        scratch: &Scratch,
        adjust: impl FnOnce(&mut Command),
    ) -> Result<Daemon, TestkitError> {
        let program = program.as_ref();
        let log = scratch.join("stderr");
        let log_start = fs::metadata(&log).map_or(0, |m| m.len());
        let mut command = Command::new(program);
        command
            .arg(format!("-config={}", scratch.join("hekad.toml").display()))
            .current_dir(scratch.path())
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(append_to(&scratch.join("stdout"))?)
            .stderr(append_to(&log)?);
        adjust(&mut command);
        let child = command.spawn().map_err(TestkitError::io(format!("start {}", program.display())))?;
        Ok(Daemon { child, log, log_start })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What this run has logged so far.
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        let start = usize::try_from(self.log_start).unwrap_or(usize::MAX).min(bytes.len());
        String::from_utf8_lossy(&bytes[start..]).into_owned()
    }

    /// Waits until a line of the log holds `text` and gives that line.
    pub fn wait_for_log(&mut self, text: &str, limit: Duration) -> Result<String, TestkitError> {
        let mut found = None;
        self.wait_for(&format!("a log line with {text:?}"), limit, |daemon| {
            found = daemon.log().lines().find(|l| l.contains(text)).map(str::to_owned);
            found.is_some()
        })?;
        Ok(found.unwrap_or_default())
    }

    /// Waits until a condition holds while the daemon runs.
    pub fn wait_for(
        &mut self,
        what: &str,
        limit: Duration,
        mut done: impl FnMut(&Daemon) -> bool,
    ) -> Result<(), TestkitError> {
        let mut ended = None;
        let held = wait_until(limit, || {
            // Looked at first: what an ended daemon did before its end still counts.
            ended = self.child.try_wait().ok().flatten();
            done(self) || ended.is_some()
        });
        match ended {
            Some(status) if !done(self) => Err(self.ended(status)),
            _ if held => Ok(()),
            _ => Err(TestkitError::Late { what: format!("{what}; log:\n{}", self.last_log()), limit }),
        }
    }

    /// An error when the daemon has ended by itself.
    pub fn check_alive(&mut self) -> Result<(), TestkitError> {
        match self.child.try_wait().map_err(TestkitError::io("look after the daemon"))? {
            Some(status) => Err(self.ended(status)),
            None => Ok(()),
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<(), TestkitError> {
        send_signal(&self.child, signal)
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus, TestkitError> {
        let mut status = None;
        wait_until(limit, || {
            status = self.child.try_wait().ok().flatten();
            status.is_some()
        });
        status
            .ok_or_else(|| TestkitError::Late { what: format!("its end; log:\n{}", self.last_log()), limit })
    }

    /// Sends SIGINT, as an operator does, and waits for the end.
    pub fn stop(&mut self, limit: Duration) -> Result<ExitStatus, TestkitError> {
        self.signal(Signal::INT)?;
        self.wait(limit)
    }

    /// Kills it with SIGKILL. An error when it had ended by itself before.
    pub fn kill(&mut self) -> Result<(), TestkitError> {
        self.check_alive()?;
        self.child.kill().map_err(TestkitError::io("kill the daemon"))?;
        let status = self.child.wait().map_err(TestkitError::io("wait for the daemon"))?;
        match status.signal() {
            Some(_) => Ok(()),
            None => Err(self.ended(status)),
        }
    }

    /// CPU time so far; `None` when it has ended.
    pub fn cpu_time(&self) -> Option<Duration> {
        usage::cpu_time(self.pid())
    }

    /// Memory now; `None` when it has ended.
    pub fn memory(&self) -> Option<Memory> {
        usage::memory(self.pid())
    }

    fn ended(&self, status: ExitStatus) -> TestkitError {
        TestkitError::Ended { status, log: self.last_log() }
    }

    fn last_log(&self) -> String {
        let log = self.log();
        let start = log.ceil_char_boundary(log.len().saturating_sub(SHOWN_LOG));
        log[start..].to_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and a second kill is harmless.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a child that has not been waited for.
pub fn send_signal(child: &Child, signal: Signal) -> Result<(), TestkitError> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let Some(pid) = pid else { return Ok(()) };
    kill_process(pid, signal)
        .map_err(|e| TestkitError::Io { what: "send a signal".to_owned(), source: e.into() })
}

fn append_to(path: &Path) -> Result<File, TestkitError> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map_err(TestkitError::io(format!("open {}", path.display())))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    /// A program that behaves like a daemon as far as this module can tell. A shell does not hear a signal that was ignored
    /// when it began, as SIGINT is in a job in the background.
    fn program(scratch: &Scratch, script: &str) -> PathBuf {
        configure(scratch, "base_dir = \"$DIR/base\"").unwrap();
        let path = scratch
            .write("program", format!("#!/usr/bin/env -S env --default-signal=INT sh\n{script}\n"))
            .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_daemon_is_heard_and_stopped() {
        let scratch = Scratch::new().unwrap();
        let program =
            program(&scratch, "trap 'exit 3' INT; echo \"ready $1\" >&2; while :; do sleep 0.05; done");
        for _ in 0..2 {
            let mut daemon = Daemon::start(&program, &scratch).unwrap();
            let line = daemon.wait_for_log("ready", LIMIT).unwrap();
            assert_eq!(line, format!("ready -config={}", scratch.join("hekad.toml").display()));
            assert_eq!(daemon.log().lines().count(), 1, "only this run's log");
            assert!(daemon.memory().is_some() && daemon.cpu_time().is_some());
            assert_eq!(daemon.stop(LIMIT).unwrap().code(), Some(3));
        }
        let config = String::from_utf8(scratch.read("hekad.toml")).unwrap();
        assert_eq!(config, format!("base_dir = \"{}/base\"", scratch.path().display()));
    }

    #[test]
    fn an_early_end_is_told_with_the_log() {
        let scratch = Scratch::new().unwrap();
        let program = program(&scratch, "echo broken config >&2; exit 1");
        let mut daemon = Daemon::start(&program, &scratch).unwrap();
        let error = daemon.wait_for_log("ready", LIMIT).unwrap_err().to_string();
        assert!(error.contains("broken config"), "{error}");
        assert!(daemon.kill().is_err());
    }

    #[test]
    fn a_kill_is_a_kill() {
        let scratch = Scratch::new().unwrap();
        let program = program(&scratch, "trap '' INT TERM; echo ready >&2; while :; do sleep 0.05; done");
        let mut daemon = Daemon::start(&program, &scratch).unwrap();
        daemon.wait_for_log("ready", LIMIT).unwrap();
        assert!(matches!(daemon.stop(Duration::from_millis(200)), Err(TestkitError::Late { .. })));
        daemon.kill().unwrap();
        assert_eq!(daemon.memory(), None);
    }
}
