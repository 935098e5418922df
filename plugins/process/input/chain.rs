//! A chain of commands that runs: what each writes, the next one reads.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use heka_message::Field;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::command::CommandOptions;

/// How a run has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Exit code of the last command; -1 if a signal ended it, 0 if the timeout did.
    exit_status: i64,
    /// A line for each command that failed.
    errors: String,
}

impl Outcome {
    /// The fields that tell it.
    pub(super) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![Field::integer("ExitStatus", "", self.exit_status)];
        if !self.errors.is_empty() {
            fields.push(Field::string("SubcmdErrors", "", self.errors.as_str()));
        }
        fields
    }
}

/// One command that was started. Dropped without having been waited for, it is killed with all its children.
struct Stage {
    child: Child,
    shown: String,
    timed_out: bool,
    reaped: bool,
}

impl Stage {
    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// Whether the command itself has ended. It is not waited for, so that its number, which is that of its group too,
    /// does not become another's.
    fn has_ended(&self) -> bool {
        let Some(pid) = self.pid() else { return true };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(pid), options) {
            Ok(status) => status.is_some(),
            Err(error) => error != rustix::io::Errno::INTR,
        }
    }

    /// Kills the command and whatever it started that has not left its group.
    fn kill(&self) {
        if let Some(pid) = self.pid().filter(|_| !self.reaped) {
            // There may be nobody left, which is as good.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    /// Waits for the end of the command.
    fn reap(&mut self) -> Option<ExitStatus> {
        let status = self.child.wait();
        self.reaped = true;
        status.ok()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.reaped {
            return;
        }
        self.kill();
        if self.has_ended() {
            self.reap();
        } else if let Some(pid) = self.pid() {
            // One that cannot be killed is waited for by a thread of its own.
            let wait = move || waitid(WaitId::Pid(pid), WaitIdOptions::EXITED).map(drop);
            let _ = std::thread::Builder::new().name("reap".into()).spawn(wait);
        }
    }
}

/// A running chain.
pub(super) struct Chain {
    stages: Vec<Stage>,
    /// The first stage that is not known to have ended.
    current: usize,
    timeout: Option<Duration>,
    /// When the current stage, or past the last one the end of the output, has been waited for long enough.
    deadline: Option<Instant>,
}

/// The ends of a chain's pipes that hekad reads.
#[derive(Default)]
pub(super) struct Pipes {
    pub(super) stdout: Option<File>,
    pub(super) stderr: Option<File>,
}

impl Chain {
    /// Starts all commands. Of the last one's streams those are piped that are wanted.
    ///
    /// # Errors
    /// One cannot be started; those before it have been killed.
    pub(super) fn start(
        commands: &[CommandOptions],
        timeout: Option<Duration>,
        wants_stdout: bool,
        wants_stderr: bool,
    ) -> Result<(Chain, Pipes), String> {
        let piped = |wanted: bool| if wanted { Stdio::piped() } else { Stdio::null() };
        let mut stages = Vec::with_capacity(commands.len());
        let mut pipes = Pipes::default();
        let mut stdin = Stdio::null();
        for (index, command) in commands.iter().enumerate() {
            let is_last = index + 1 == commands.len();
            let stdout = piped(wants_stdout || !is_last);
            let stderr = piped(wants_stderr && is_last);
            let shown = command.shown();
            let mut child = command
                .start(stdin, stdout, stderr)
                .map_err(|why| format!("Command [{shown}] triggered an error: [{why}]"))?;
            let out = child.stdout.take();
            stdin = Stdio::null();
            if is_last {
                pipes.stdout = out.map(|pipe| OwnedFd::from(pipe).into());
                pipes.stderr = child.stderr.take().map(|pipe| OwnedFd::from(pipe).into());
            } else if let Some(pipe) = out {
                stdin = Stdio::from(pipe);
            }
            stages.push(Stage { child, shown, timed_out: false, reaped: false });
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Ok((Chain { stages, current: 0, timeout, deadline }, pipes))
    }

    /// Looks how far the chain has come; kills a stage that takes too long.
    pub(super) fn advance(&mut self) {
        while self.stages.get(self.current).is_some_and(Stage::has_ended) {
            self.current += 1;
            self.deadline = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        }
        if let Some(stage) = self.stages.get_mut(self.current)
            && !stage.timed_out
            && self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
        {
            stage.timed_out = true;
            stage.kill();
        }
    }

    /// Whether all commands have ended. Something that they started may still write.
    pub(super) fn has_ended(&self) -> bool {
        self.current == self.stages.len()
    }

    /// Whether the wait for the end of the output has lasted too long, since all commands have ended.
    pub(super) fn is_overdue(&self) -> bool {
        self.has_ended() && self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Kills all commands and what they started.
    pub(super) fn kill(&self) {
        self.stages.iter().for_each(Stage::kill);
    }

    /// Waits for all commands, which have ended, and tells how.
    pub(super) fn outcome(mut self) -> Outcome {
        let mut outcome = Outcome::default();
        let mut errors = Vec::new();
        for (index, stage) in self.stages.iter_mut().enumerate() {
            let status = stage.reap();
            outcome.exit_status = match status {
                _ if stage.timed_out => 0,
                Some(status) => status.code().map_or(-1, i64::from),
                None => 0,
            };
            let failure = if stage.timed_out {
                let shown = &stage.shown;
                Some(format!("ManagedCmd was stopped with error: [subprocess was killed: [{shown}]]"))
            } else {
                status.and_then(failure)
            };
            errors.extend(failure.map(|why| format!("Subcommand[{index}] returned an error: [{why}]")));
        }
        outcome.errors = errors.join("\n");
        outcome
    }
}

/// Go's words for a command's failure.
fn failure(status: ExitStatus) -> Option<String> {
    if status.success() {
        return None;
    }
    let dumped = if status.core_dumped() { " (core dumped)" } else { "" };
    Some(match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal: {}{dumped}", signal_name(signal)),
        (None, None) => status.to_string(),
    })
}

/// Go's words for a signal.
fn signal_name(signal: i32) -> String {
    let names = [
        "hangup",
        "interrupt",
        "quit",
        "illegal instruction",
        "trace/breakpoint trap",
        "aborted",
        "bus error",
        "floating point exception",
        "killed",
        "user defined signal 1",
        "segmentation fault",
        "user defined signal 2",
        "broken pipe",
        "alarm clock",
        "terminated",
    ];
    let known = usize::try_from(signal - 1).ok().and_then(|index| names.get(index));
    known.map_or_else(|| format!("signal {signal}"), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_gos_words() {
        // The lower byte is the signal, the next one the code.
        assert_eq!(failure(ExitStatus::from_raw(0)), None);
        assert_eq!(failure(ExitStatus::from_raw(3 << 8)).unwrap(), "exit status 3");
        assert_eq!(failure(ExitStatus::from_raw(13)).unwrap(), "signal: broken pipe");
        assert_eq!(
            failure(ExitStatus::from_raw(11 | 0x80)).unwrap(),
            "signal: segmentation fault (core dumped)"
        );
        assert_eq!(failure(ExitStatus::from_raw(40)).unwrap(), "signal: signal 40");
    }
}
