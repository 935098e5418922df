//! The Docker inputs with podman, which serves Docker's API, and real containers.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::{Scratch, wait_until};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const LIMIT: Duration = Duration::from_secs(60);

const CONFIG: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0

[TokenSplitter]

[logs]
type = "DockerLogInput"
endpoint = "unix://$DIR/sock"
splitter = "TokenSplitter"
since_interval = "1s"
name_from_env_var = "APP"
fields_from_env = ["COLOUR"]
fields_from_labels = ["tier"]

[events]
type = "DockerEventInput"
endpoint = "unix://$DIR/sock"

[stats]
type = "DockerStatsInput"
endpoint = "unix://$DIR/sock"

[lines]
type = "SandboxEncoder"
filename = "$DIR/lines.lua"

[out]
type = "FileOutput"
message_matcher = "TRUE"
encoder = "lines"
path = "$DIR/out"
flush_interval = 0
"#;

const LINES: &str = r#"
require "string"
function process_message()
    local function field(name) return read_message("Fields[" .. name .. "]") or "-" end
    local payload = string.gsub(read_message("Payload"), "\n", "")
    inject_payload("txt", "", string.format("%s|%s|%s|%s|%s|%s|%s|%s\n", read_message("Type"), read_message("Logger"),
        field("ContainerName"), field("ContainerImage"), field("APP"), field("COLOUR"), field("tier"), payload))
    return 0
end
"#;

const CONTAINERS: &str = r#"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"#;

/// Podman's service and all that it keeps, below one folder. Dropped, it leaves nothing running.
struct Podman<'a> {
    scratch: &'a Scratch,
    service: Option<Child>,
}

impl Podman<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new("podman");
        let dir = self.scratch.path();
        command.env("CONTAINERS_CONF", dir.join("containers.conf")).args(["--storage-driver", "vfs"]);
        command.arg("--root").arg(dir.join("root")).arg("--runroot").arg(dir.join("run"));
        command.arg("--tmpdir").arg(dir.join("tmp"));
        command
    }

    /// Runs podman beside the service.
    fn run(&self, args: &[&str]) -> Output {
        self.command().args(args).stdin(Stdio::null()).output().unwrap()
    }

    fn start(&mut self) {
        let socket = self.scratch.join("sock");
        let _ = fs::remove_file(&socket);
        let log =
            fs::File::options().create(true).append(true).open(self.scratch.join("service.log")).unwrap();
        let mut command = self.command();
        command.args(["system", "service", "--time=0"]).arg(format!("unix://{}", socket.display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.service = Some(command.spawn().unwrap());
        assert!(wait_until(LIMIT, || std::os::unix::net::UnixStream::connect(&socket).is_ok()));
    }

    /// Kills the service as a crash does. Containers go on.
    fn kill(&mut self) {
        if let Some(mut service) = self.service.take() {
            let _ = service.kill();
            let _ = service.wait();
        }
    }
}

impl Drop for Podman<'_> {
    fn drop(&mut self) {
        self.kill();
        self.run(&["rm", "--all", "--force", "--time", "0"]);
    }
}

/// Podman with an image of busybox; `None` where containers cannot be run.
fn podman(scratch: &Scratch) -> Option<Podman<'_>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/compat/servers/docker.sh");
    let there = Command::new("sh").arg(script).status().unwrap().success();
    let podman = Podman { scratch, service: None };
    scratch.write("containers.conf", CONTAINERS).unwrap();
    let image = "mkdir -p rootfs/bin && cp $(command -v busybox) rootfs/bin/ \
                 && for a in sh sleep echo; do ln -sf busybox rootfs/bin/$a; done && tar -C rootfs -cf image.tar .";
    let made = there
        && Command::new("sh").args(["-c", image]).current_dir(scratch.path()).status().unwrap().success();
    let tar = scratch.join("image.tar");
    let tried = made.then(|| {
        podman.run(&["import", tar.to_str().unwrap(), "heka/test:1"]);
        podman.run(&["run", "--rm", "heka/test:1", "echo", "works"])
    });
    if tried.as_ref().is_some_and(|tried| tried.stdout == b"works\n") {
        return Some(podman);
    }
    let why = tried.map(|tried| String::from_utf8_lossy(&tried.stderr).into_owned()).unwrap_or_default();
    assert!(std::env::var("CI").as_deref() != Ok("true"), "no containers: {why}");
    let _ = writeln!(std::io::stderr(), "skipped: containers cannot be run: {why}");
    None
}

fn out(scratch: &Scratch) -> String {
    String::from_utf8_lossy(&scratch.read("out")).into_owned()
}

/// The numbers that the counting container was heard to say.
fn numbers(scratch: &Scratch) -> BTreeSet<u64> {
    let said = "DockerLog|stdout|web|localhost/heka/test:1|web|red|front|n ";
    out(scratch).lines().filter_map(|line| line.strip_prefix(said)?.parse().ok()).collect()
}

/// Waits until so many more numbers have come; none may be missing.
fn await_more(scratch: &Scratch, daemon: &mut Daemon, more: u64) {
    let until = numbers(scratch).last().copied().unwrap_or(0) + more;
    daemon
        .wait_for("more lines", LIMIT, |_| numbers(scratch).last().is_some_and(|last| *last >= until))
        .unwrap_or_else(|error| panic!("{error}\n{}", out(scratch)));
    let seen = numbers(scratch);
    let last = *seen.last().unwrap();
    let missing: Vec<u64> = (1..=last).filter(|number| !seen.contains(number)).collect();
    assert!(missing.is_empty(), "of {last} are missing: {missing:?}");
}

#[test]
fn containers_are_followed_across_crashes_of_both_sides() {
    let scratch = Scratch::new().unwrap();
    let Some(mut podman) = podman(&scratch) else { return };
    scratch.write("lines.lua", LINES).unwrap();
    configure(&scratch, CONFIG).unwrap();
    // hekad is there first: it waits, and says so once.
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    daemon.wait_for_log("Input 'logs' error: cannot ask Docker, trying again: dial unix", LIMIT).unwrap();
    podman.start();
    let count = "echo oops >&2; i=0; while :; do i=$((i+1)); echo n $i; sleep 0.05; done";
    let options =
        ["run", "-d", "--name", "box", "-e", "APP=web", "-e", "COLOUR=red", "--label", "tier=front"];
    let ran = podman.run(&[&options[..], &["heka/test:1", "sh", "-c", count]].concat());
    assert!(ran.status.success(), "{ran:?}");
    await_more(&scratch, &mut daemon, 20);
    assert!(out(&scratch).contains("DockerLog|stderr|web|localhost/heka/test:1|web|red|front|oops\n"));

    let seen = |daemon: &mut Daemon, text: &str| {
        daemon
            .wait_for(text, LIMIT, |_| out(&scratch).contains(text))
            .unwrap_or_else(|error| panic!("{error}\n{}", out(&scratch)));
    };
    seen(&mut daemon, "DockerStats|box|box|localhost/heka/test:1|-|-|-|{\"read\":\"20");
    let ran = podman.run(&["run", "-d", "--name", "short", "heka/test:1", "sh", "-c", "echo done"]);
    assert!(ran.status.success(), "{ran:?}");
    seen(&mut daemon, "DockerLog|stdout|short|localhost/heka/test:1|-|-|-|done\n");
    seen(&mut daemon, " status:start from:localhost/heka/test:1 time:");

    podman.kill();
    daemon.wait_for_log("Input 'logs' error: Events channel closed, restarting...", LIMIT).unwrap();
    podman.start();
    await_more(&scratch, &mut daemon, 20);

    daemon.kill().unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    await_more(&scratch, &mut daemon, 60);
    assert_eq!(daemon.stop(LIMIT).unwrap().code(), Some(0));
    let since = String::from_utf8(scratch.read("base/docker/logs_since.txt")).unwrap();
    assert!(since.starts_with("{\"Since\":1") && since.ends_with("}}\n") && !since.contains(":0"), "{since}");
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();
    await_more(&scratch, &mut daemon, 20);
    assert_eq!(daemon.stop(LIMIT).unwrap().code(), Some(0));
}
