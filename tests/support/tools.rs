//! Tools that are run, and a daemon that keeps what they send.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use heka_testkit::daemon::{Daemon, Signal, configure};
use heka_testkit::frames::intact_frames;
use heka_testkit::ports::free_ports;
use heka_testkit::{Scratch, wait_until, wire};
use rustix::process::{Pid, kill_process};

pub(crate) const FLOOD: &str = env!("CARGO_BIN_EXE_heka-flood");
pub(crate) const INJECT: &str = env!("CARGO_BIN_EXE_heka-inject");
pub(crate) const LOGSTREAMER: &str = env!("CARGO_BIN_EXE_heka-logstreamer");
pub(crate) const SBMGR: &str = env!("CARGO_BIN_EXE_heka-sbmgr");
pub(crate) const SBMGRLOAD: &str = env!("CARGO_BIN_EXE_heka-sbmgrload");
const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");

/// Long for what should be a matter of a second, on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// How a tool ended.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// Standard error without the date and time before each line.
    pub(crate) fn unstamped_stderr(&self) -> String {
        let stamp = "2000/01/01 00:00:00 ".len();
        self.stderr.lines().map(|line| format!("{}\n", line.get(stamp..).unwrap_or(line))).collect()
    }
}

/// Runs a tool in the folder until it ends.
pub(crate) fn run(tool: &str, scratch: &Scratch, args: &[&str]) -> Done {
    let out = Command::new(tool).args(args).current_dir(scratch.path()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Done { code: out.status.code().unwrap(), stdout: text(&out.stdout), stderr: text(&out.stderr) }
}

/// A tool that runs. Dropping it kills it.
pub(crate) struct Started<'a> {
    child: Child,
    scratch: &'a Scratch,
}

impl<'a> Started<'a> {
    pub(crate) fn new(tool: &str, scratch: &'a Scratch, args: &[&str]) -> Started<'a> {
        let mut command = Command::new(tool);
        command.args(args).current_dir(scratch.path()).stdin(Stdio::null());
        command.stdout(File::create(scratch.join("tool-stdout")).unwrap());
        command.stderr(File::create(scratch.join("tool-stderr")).unwrap());
        Started { child: command.spawn().unwrap(), scratch }
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.scratch.read("tool-stdout")).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.scratch.read("tool-stderr")).into_owned()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until(LONG, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        // It has ended already in a test that passes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CONFIG: &str = r#"
[hekad]
base_dir = "$DIR/base"
share_dir = "$DIR/share"

[HekaFramingSplitter]
  [HekaFramingSplitter.signer.ops_3]
  hmac_key = "secret"

[tcp]
type = "TcpInput"
address = "127.0.0.1:$PORT"

[out]
type = "FileOutput"
path = "$DIR/out"
encoder = "ProtobufEncoder"
flush_interval = 50
message_matcher = "Type !~ /^heka[.](all|memstat)/"
"#;

/// A daemon that takes messages over TCP and writes them to the file `out`.
pub(crate) struct Rig {
    pub(crate) daemon: Daemon,
    pub(crate) scratch: Scratch,
    port: u16,
}

impl Rig {
    /// Starts it with more sections.
    pub(crate) fn start(more: &str) -> Rig {
        Rig::start_in(Scratch::new().unwrap(), more)
    }

    /// Starts it in a folder that has files already.
    pub(crate) fn start_in(scratch: Scratch, more: &str) -> Rig {
        let port = free_ports(1).unwrap()[0];
        configure(&scratch, &format!("{}{more}", CONFIG.replace("$PORT", &port.to_string()))).unwrap();
        let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
        // All inputs listen when the first one is started.
        let started = |_: &Daemon| scratch.read("stdout").windows(15).any(|text| text == b"Input started: ");
        daemon.wait_for("its inputs", LONG, started).unwrap();
        Rig { daemon, scratch, port }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Waits until so many messages came out, and gives them.
    pub(crate) fn wait_for(&mut self, count: usize) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let scratch = &self.scratch;
        let what = format!("{count} messages");
        let waited = self.daemon.wait_for(&what, LONG, |_| {
            found = messages(scratch, "out");
            found.len() >= count
        });
        waited.unwrap_or_else(|error| panic!("{error}; {} messages came out", found.len()));
        found
    }

    pub(crate) fn stop(&mut self) {
        assert!(self.daemon.stop(LONG).unwrap().success());
    }
}

/// The messages of a file of a FileOutput, as far as they are written.
pub(crate) fn messages(scratch: &Scratch, file: impl AsRef<Path>) -> Vec<Vec<u8>> {
    let bytes = scratch.read(file);
    intact_frames(&bytes, |_| true).0.iter().map(|frame| frame.message.to_vec()).collect()
}

/// A header of a message as text.
pub(crate) fn text(message: &[u8], field: u64) -> String {
    String::from_utf8_lossy(wire::bytes_of(message, field).unwrap_or_default()).into_owned()
}

/// A header of a message as a number.
pub(crate) fn number(message: &[u8], field: u64) -> u64 {
    wire::varint_of(message, field).unwrap_or_default()
}

/// What the system calls this host.
pub(crate) fn hostname() -> String {
    String::from_utf8_lossy(&Command::new("uname").arg("-n").output().unwrap().stdout).trim().to_owned()
}
