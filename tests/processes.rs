//! Inputs that run programs and read files again and again, in a whole daemon.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::time::Duration;

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::{Scratch, wait_until};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const LIMIT: Duration = Duration::from_secs(60);

/// What all configurations have: an output that writes a line a message.
const COMMON: &str = r#"
[hekad]
base_dir = "$DIR/base"
share_dir = "$DIR/share"
log_flags = 0

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
    local name = read_message("Fields[ProcessInputName]") or read_message("Type")
    local status = read_message("Fields[ExitStatus]") or read_message("Fields[1MinAvg]")
    inject_payload("txt", "", string.format("%s %s %s\n", name, tostring(status), read_message("Payload") or ""))
    return 0
end
"#;

fn start(scratch: &Scratch, inputs: &str) -> Daemon {
    scratch.write("lines.lua", LINES).unwrap();
    configure(scratch, &format!("{COMMON}{inputs}")).unwrap();
    Daemon::start(HEKAD, scratch).unwrap()
}

fn out(scratch: &Scratch) -> String {
    String::from_utf8_lossy(&scratch.read("out")).into_owned()
}

#[test]
fn a_polled_file_of_the_system_is_decoded_by_the_shipped_script() {
    let scratch = Scratch::new().unwrap();
    let mut daemon = start(
        &scratch,
        r#"
        [load]
        type = "FilePollingInput"
        file_path = "/proc/loadavg"
        ticker_interval = 1
        decoder = "loadavg"
        [loadavg]
        type = "SandboxDecoder"
        filename = "lua_decoders/linux_loadavg.lua"
        [loadavg.config]
        payload_keep = true
        "#,
    );
    daemon.wait_for("two polls", LIMIT, |_| out(&scratch).lines().count() >= 2).unwrap();
    for line in out(&scratch).lines().filter(|line| !line.is_empty()).take(2) {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[0], "stats.loadavg", "{line}");
        assert!(words[1].parse::<f64>().is_ok(), "{line}");
    }
    assert!(daemon.stop(LIMIT).unwrap().success());
}

#[test]
fn a_stop_kills_what_runs_with_its_children() {
    let scratch = Scratch::new().unwrap();
    let mut daemon = start(
        &scratch,
        r#"
        [TokenSplitter]
        [long]
        type = "ProcessInput"
        ticker_interval = 0
        splitter = "TokenSplitter"
        [long.command.0]
        bin = "sh"
        args = ["-c", "sleep 1000 & echo $!; echo $$; trap '' TERM INT; wait; sleep 1000"]
        "#,
    );
    daemon
        .wait_for("two lines", LIMIT, |_| out(&scratch).lines().filter(|line| !line.is_empty()).count() >= 2)
        .unwrap();
    let pids: Vec<String> = out(&scratch)
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (head, pid) = line.rsplit_once(' ').unwrap();
            assert_eq!(head, "long.stdout 0");
            pid.to_string()
        })
        .collect();
    assert_eq!(pids.len(), 2);
    assert!(daemon.stop(LIMIT).unwrap().success());
    let gone = |pid: &String| {
        fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
    };
    assert!(wait_until(LIMIT, || pids.iter().all(gone)), "{pids:?}");
}

#[test]
fn a_start_that_fails_is_tried_again_by_retries_until_they_are_used_up() {
    let scratch = Scratch::new().unwrap();
    let mut daemon = start(
        &scratch,
        r#"
        [none]
        type = "ProcessInput"
        ticker_interval = 0
        [none.command.0]
        bin = "/no/such/program"
        [none.retries]
        max_retries = 2
        delay = "1ms"
        max_jitter = "1ms"
        "#,
    );
    assert_eq!(daemon.wait(LIMIT).unwrap().code(), Some(1));
    let error = "Input 'none' error: CommandChain::Start() error: [Command [/no/such/program] triggered an error: \
                 [fork/exec /no/such/program: no such file or directory]]";
    assert_eq!(daemon.log().lines().filter(|line| *line == error).count(), 3, "{}", daemon.log());
    assert!(daemon.log().contains("Input 'none' error: Max retries exceeded"));
}

#[test]
fn a_folder_of_programs_is_followed() {
    let scratch = Scratch::new().unwrap();
    let program = |script: &str| {
        format!(
            "[ProcessInput]\nimmediate_start = true\n[ProcessInput.command.0]\nbin = \"sh\"\nargs = [\"-c\", \"{script}\"]\n"
        )
    };
    scratch.write("share/processes/1/a.toml", program("echo first")).unwrap();
    scratch.write("share/processes/0/long.toml", program("echo long $$; exec sleep 1000")).unwrap();
    let mut daemon = start(&scratch, "[ProcessDirectoryInput]\nticker_interval = 1\n");
    daemon.wait_for("the first", LIMIT, |_| out(&scratch).contains("first")).unwrap();
    // A change of any option counts, and a file that was moved into place is seen whole.
    scratch.write("a.new", program("echo second")).unwrap();
    fs::rename(scratch.join("a.new"), scratch.join("share/processes/1/a.toml")).unwrap();
    daemon.wait_for("the second", LIMIT, |_| out(&scratch).contains("second")).unwrap();
    fs::remove_file(scratch.join("share/processes/0/long.toml")).unwrap();
    let stdout = || String::from_utf8_lossy(&scratch.read("stdout")).into_owned();
    daemon
        .wait_for("the removal", LIMIT, |_| {
            stdout().contains("Removed: ") && out(&scratch).contains("long.toml.stdout")
        })
        .unwrap();
    // Its output was held until its end, and it was killed.
    let shown = out(&scratch);
    let pid = shown.lines().find_map(|line| line.split_once(" long ")).unwrap().1;
    assert!(wait_until(LIMIT, || fs::read_to_string(format!("/proc/{pid}/stat")).is_err()));
    assert!(daemon.stop(LIMIT).unwrap().success());
    assert_eq!(daemon.log(), "", "no errors");
}
