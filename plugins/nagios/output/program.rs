//! Runs send_nsca for one result.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use heka_plugin::Stop;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::addressing::reason;

/// Longest wait for something to happen, and so how late a stop is heard.
const WAIT: Duration = Duration::from_millis(20);
/// So much of what it says is kept.
const SAID_MAX: usize = 4096;

/// Why it did not do its work.
#[derive(Debug)]
pub(super) enum Failure {
    /// hekad stops.
    Stopped,
    /// The text why.
    Failed(String),
}

/// The program and how it is run.
pub(super) struct Program {
    pub(super) path: String,
    pub(super) arguments: Vec<String>,
    /// It is killed after so long.
    pub(super) timeout: Duration,
}

impl Program {
    /// Runs it with this on its standard input.
    ///
    /// # Errors
    /// See [`Failure`].
    pub(super) fn run(&self, input: &[u8], stop: &Stop) -> Result<(), Failure> {
        let failed = |what: &str, error: io::Error| {
            Failure::Failed(format!("{what} {}: {}", self.path, reason(&error)))
        };
        let child = Command::new(&self.path)
            .args(&self.arguments)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed("fork/exec", error))?;
        let mut run = Run::new(child).map_err(|error| failed("run", error))?;
        let status =
            run.attend(input, (!self.timeout.is_zero()).then(|| Instant::now() + self.timeout), stop);
        match status.map_err(|error| failed("run", error))? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(Failure::Failed(format!("{}: {}{}", self.path, End(status), run.words()))),
            None if stop.is_requested() => Err(Failure::Stopped),
            None => {
                let time = self.timeout.as_secs();
                Err(Failure::Failed(format!("{}: killed after {time} s{}", self.path, run.words())))
            }
        }
    }
}

/// A running program. Dropping it kills it with all that it started.
struct Run {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    said: Vec<u8>,
}

impl Run {
    fn new(mut child: Child) -> io::Result<Run> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let run = Run { child, stdin, stdout, stderr, said: Vec::new() };
        for pipe in [
            run.stdin.as_ref().map(AsFd::as_fd),
            run.stdout.as_ref().map(AsFd::as_fd),
            run.stderr.as_ref().map(AsFd::as_fd),
        ]
        .into_iter()
        .flatten()
        {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(run)
    }

    /// Writes, reads, and waits for the end. `None`: it was too late, or a stop was requested.
    fn attend(
        &mut self,
        mut input: &[u8],
        end: Option<Instant>,
        stop: &Stop,
    ) -> io::Result<Option<ExitStatus>> {
        loop {
            if let Some(stdin) = &mut self.stdin {
                match stdin.write(input) {
                    Ok(count) => input = &input[count..],
                    Err(error) if is_passing(&error) => {}
                    // It does not want to hear it; its exit status tells the rest.
                    Err(_) => input = &[],
                }
                if input.is_empty() {
                    self.stdin = None;
                }
            }
            listen(&mut self.stdout, &mut self.said);
            listen(&mut self.stderr, &mut self.said);
            if let Some(status) = self.child.try_wait()? {
                listen(&mut self.stdout, &mut self.said);
                listen(&mut self.stderr, &mut self.said);
                return Ok(Some(status));
            }
            if end.is_some_and(|end| Instant::now() >= end) || stop.is_requested() {
                return Ok(None);
            }
            self.wait(stop);
        }
    }

    fn wait(&self, stop: &Stop) {
        let writing = self.stdin.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT));
        let stdout = self.stdout.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN));
        let stderr = self.stderr.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN));
        let mut pipes: Vec<PollFd<'_>> = [writing, stdout, stderr].into_iter().flatten().collect();
        if pipes.is_empty() {
            stop.wait(WAIT);
        } else {
            // An error here shows itself at the next read or write.
            let _ = poll(&mut pipes, Timespec::try_from(WAIT).ok().as_ref());
        }
    }

    /// What it said, on one line.
    fn words(&self) -> String {
        let said = String::from_utf8_lossy(&self.said);
        let words: Vec<&str> =
            said.split(|letter: char| letter.is_whitespace() || letter.is_control()).collect();
        let words = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        if words.is_empty() { words } else { format!(": {words}") }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It fails only if all are gone.
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        let _ = self.child.wait();
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Reads what there is; closes the pipe at its end.
fn listen(pipe: &mut Option<impl Read>, said: &mut Vec<u8>) {
    let mut chunk = [0; 1024];
    while let Some(open) = pipe {
        match open.read(&mut chunk) {
            Ok(0) => *pipe = None,
            Ok(count) => {
                let room = SAID_MAX.saturating_sub(said.len());
                said.extend_from_slice(&chunk[..count.min(room)]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => *pipe = None,
        }
    }
}

/// How a program ended, in Go's words.
struct End(ExitStatus);

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.code(), self.0.signal()) {
            (Some(code), _) => write!(f, "exit status {code}"),
            (None, Some(signal)) => write!(f, "killed by signal {signal}"),
            (None, None) => f.write_str("ended"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        let arguments = vec!["-c".into(), script.into()];
        Program { path: "/bin/sh".into(), arguments, timeout: Duration::from_secs(30) }
    }

    fn failure(program: &Program, input: &[u8]) -> String {
        match program.run(input, &Stop::new()).unwrap_err() {
            Failure::Failed(why) => why,
            Failure::Stopped => panic!("stopped"),
        }
    }

    #[test]
    fn it_gets_its_input() {
        let dir = tempfile::tempdir().unwrap();
        let kept = dir.path().join("kept");
        let program = shell(&format!("cat > {}", kept.display()));
        let input = vec![b'x'; 300_000];
        program.run(&input, &Stop::new()).unwrap();
        assert_eq!(std::fs::read(&kept).unwrap(), input);
        // One that does not listen is content too.
        shell("exit 0").run(&input, &Stop::new()).unwrap();
    }

    #[test]
    fn a_failure_is_told_with_what_it_said() {
        let program = shell("echo 'Error: no'; echo 'such host' >&2; exit 2");
        let why = failure(&program, b"x\n");
        assert_eq!(why, "/bin/sh: exit status 2: Error: no such host");
        assert_eq!(failure(&shell("kill -9 $$"), b""), "/bin/sh: killed by signal 9");
        let missing = Program { path: "/nonexistent/send_nsca".into(), ..shell("") };
        assert_eq!(failure(&missing, b""), "fork/exec /nonexistent/send_nsca: no such file or directory");
    }

    #[test]
    fn one_that_hangs_is_killed_with_its_children() {
        let hanging = Program { timeout: Duration::from_millis(100), ..shell("sleep 1000 & sleep 1000") };
        assert_eq!(failure(&hanging, b""), "/bin/sh: killed after 0 s");
        let stop = Stop::new();
        stop.request();
        assert!(matches!(shell("sleep 1000").run(b"", &stop), Err(Failure::Stopped)));
    }
}
