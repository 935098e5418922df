//! The command line tools.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use heka_testkit::patience::wait_until;

use super::Steps;
use crate::case::Step;
use crate::error::CaseError;
use crate::run::exit_code;

impl Steps<'_> {
    /// Runs a tool and saves its exit code and what it printed.
    pub(super) fn run_tool(&mut self, step: &Step) -> Result<(), CaseError> {
        let Some((name, args)) = step.cmd.split_first() else {
            return Err(CaseError::Process("a tool without a name".to_owned()));
        };
        let args = args.iter().map(|arg| self.place.expand(arg));
        let mut command = self.program(name);
        command.args(args).envs(&self.place.env).current_dir(&self.place.out);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(CaseError::io(format!("start {name}")))?;
        let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
        let code = wait(&mut child, Duration::from_secs_f64(step.s.unwrap_or(10.0)))?;
        let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
        let mut saved = format!("# {}: exit {code}\n", step.cmd.join(" ")).into_bytes();
        if !step.quiet {
            saved.extend_from_slice(b"# stdout\n");
            saved.extend_from_slice(&stdout);
        }
        saved.extend_from_slice(b"# stderr\n");
        saved.extend_from_slice(&stderr);
        saved.push(b'\n');
        self.save(step, "tool-out", &saved)
    }

    fn program(&self, name: &str) -> Command {
        if name == "hekad" {
            return self.suite.hekad_command();
        }
        let path: PathBuf = self.suite.tools.join(name);
        Command::new(path)
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before an error is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// The exit code as text; a tool that does not end in time is killed.
fn wait(child: &mut Child, limit: Duration) -> Result<String, CaseError> {
    let mut status = None;
    wait_until(limit, || {
        status = child.try_wait().ok().flatten();
        status.is_some()
    });
    if let Some(status) = status {
        return Ok(exit_code(status).to_string());
    }
    child.kill().map_err(CaseError::io("kill a tool"))?;
    child.wait().map_err(CaseError::io("wait for a tool"))?;
    Ok("none, still running".to_owned())
}
