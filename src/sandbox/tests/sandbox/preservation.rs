//! Global variables over restarts.

use std::path::Path;

use heka_sandbox::{FILTER, Outcome, Sandbox};

use crate::support::{Recorder, try_open};

fn open(state: &Path, text: &str) -> Result<Sandbox, String> {
    try_open(&FILTER, text, |settings, _| settings.state_file = Some(state.to_path_buf()))
}

/// Runs a script once and ends it; gives the lines of its state file, sorted.
fn saved(state: &Path, text: &str) -> Vec<String> {
    let mut sandbox = open(state, text).unwrap();
    assert_eq!(
        sandbox.process_message(&mut Recorder::default()),
        Outcome::Returned(0),
        "{}",
        sandbox.last_error()
    );
    sandbox.stop().unwrap();
    let text = String::from_utf8_lossy(&std::fs::read(state).unwrap()).into_owned();
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    assert_eq!(lines[0], "if _PRESERVATION_VERSION and _PRESERVATION_VERSION ~= 0 then return end");
    lines.sort();
    lines.retain(|line| line.starts_with("_G") && !line.contains("_VERSION"));
    lines
}

#[test]
fn values_are_written_as_source() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("inner/x.data");
    let lines = saved(
        &state,
        r#"int, third, inf, nan, str = 42, 1/3, 1/0, 0/0, "say \"hi\" \r\0 \\"
        flag, t, f, m = false, {1, {2}, k = {x = true}, [1.5] = "frac", [true] = 1}, print or type, setmetatable({}, {})
        shared = {} other = {s = shared} cyc = {} cyc.me = cyc globals = _G
        function process_message() return 0 end"#,
    );
    let expected = r#"_G["cyc"] = {}
_G["cyc"]["me"] = _G["cyc"]
_G["flag"] = false
_G["inf"] = 1/0
_G["int"] = 42
_G["nan"] = 0/0
_G["other"] = {}
_G["str"] = "say \"hi\" \r\000 \\"
_G["t"] = {}
_G["t"]["k"] = {}
_G["t"]["k"]["x"] = true
_G["t"][1.5] = "frac"
_G["t"][1] = 1
_G["t"][2] = {}
_G["t"][2][1] = 2
_G["t"][true] = 1
_G["third"] = 0.33333333"#;
    let lines: Vec<String> =
        lines.into_iter().filter(|line| !line.contains("shared") && !line.contains("\"s\"")).collect();
    assert_eq!(lines.join("\n"), expected);
}

#[test]
fn a_script_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("x.data");
    let text = "n = 0 list = {} function process_message() n = n + 1 list[n] = 'line\\n' .. n return 0 end";
    assert_eq!(saved(&state, text)[1], "_G[\"list\"][1] = \"line\\");
    saved(&state, text);
    let mut sandbox = open(&state, &text.replace("return 0", "return -1, n .. list[1] .. list[2]")).unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(-1));
    assert_eq!(sandbox.last_error(), "3line\n1line\n2");
}

#[test]
fn another_version_starts_afresh() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("x.data");
    let text = "_PRESERVATION_VERSION = ? n = 0 function process_message() n = n + 1 return -1, '' .. n end";
    let run = |version: &str| {
        let mut sandbox = open(&state, &text.replace('?', version)).unwrap();
        assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(-1));
        let count = sandbox.last_error();
        sandbox.stop().unwrap();
        count
    };
    let text_counts = [run("1"), run("1"), run("2"), run("2")];
    assert_eq!(text_counts, ["1", "2", "1", "2"]);
}

#[test]
fn state_that_cannot_be_run_keeps_the_script_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("x.data");
    std::fs::write(&state, "circular_buffer.new(1, 1, 1)").unwrap();
    let error = open(&state, "").unwrap_err();
    assert!(error.starts_with("Init() lsb_restore_global_data /"), "{error}");
    assert!(error.ends_with("x.data:1: attempt to index global 'circular_buffer' (a nil value)"), "{error}");
}

#[test]
fn keys_that_have_no_source_are_an_error_and_the_file_goes() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("x.data");
    std::fs::write(&state, "old = 1").unwrap();
    let mut sandbox = open(&state, "bad = {[{}] = 1} function process_message() return 0 end").unwrap();
    assert_eq!(sandbox.stop(), Err("Destroy() serialize_data cannot preserve type 'table'".into()));
    assert!(!state.exists());
}

#[test]
fn a_terminated_script_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("x.data");
    std::fs::write(&state, "old = 1").unwrap();
    let mut sandbox = open(&state, "function process_message() error('x') end").unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Terminated);
    assert_eq!(sandbox.stop(), Ok(()));
    assert_eq!(std::fs::read_to_string(&state).unwrap(), "old = 1");
}

#[test]
fn tables_too_deep_to_follow_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("x.data");
    let mut sandbox =
        open(&state, "deep = {} local t = deep for i = 1, 1000 do t.t = {} t = t.t end").unwrap();
    assert!(sandbox.stop().unwrap_err().contains("too deep"));
}

#[test]
fn state_is_larger_than_the_limits_allow() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("x.data");
    let text: String = (0..20_000).map(|i| format!("_G[\"v{i}\"] = \"some text {i}\"\n")).collect();
    std::fs::write(&state, text).unwrap();
    let opened = try_open(&FILTER, "function process_message() return 0 end", |settings, _| {
        settings.state_file = Some(state);
        settings.instruction_limit = 1000;
        settings.memory_limit = 100_000;
    });
    assert!(opened.is_ok(), "{opened:?}");
}

#[test]
fn a_running_script_is_dumped_again_and_again() {
    let script = "_PRESERVATION_VERSION = 2 n = 0
        function process_message() n = n + _PRESERVATION_VERSION return 0 end";
    let mut sandbox = try_open(&FILTER, script, |_, _| {}).unwrap();
    let mut last = Vec::new();
    for n in [2, 4, 6] {
        assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0));
        last = sandbox.dump().unwrap();
        let text = String::from_utf8(last.clone()).unwrap();
        assert!(text.starts_with("if _PRESERVATION_VERSION and _PRESERVATION_VERSION ~= 2 then"), "{text}");
        assert!(text.contains(&format!("_G[\"n\"] = {n}\n")) && !text.contains("_G[\"_PRES"), "{text}");
    }
    // What is given goes before what a file has.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.data");
    std::fs::write(&file, "n = 100").unwrap();
    let mut again = try_open(&FILTER, script, |settings, _| {
        settings.state = Some(last.clone());
        settings.state_file = Some(file.clone());
    })
    .unwrap();
    assert_eq!(again.dump().unwrap(), last);
    let error = try_open(&FILTER, script, |settings, _| settings.state = Some(b"nothing.at = 1".to_vec()));
    assert!(error.unwrap_err().starts_with("Init() lsb_restore_global_data "));
    again.terminate();
    assert_eq!(again.dump().unwrap(), b"");
}

#[test]
fn a_dump_of_large_objects_leaves_room_for_the_next_call() {
    let script = "require 'cuckoo_filter' require 'string' kept = cuckoo_filter.new(100000)
        for i = 1, 30000 do kept:add(i) end
        function process_message() local text = string.rep('x', 10000) return #text - 10000 end";
    let mut sandbox = try_open(&FILTER, script, |settings, _| settings.memory_limit = 400_000).unwrap();
    for _ in 0..3 {
        assert!(sandbox.dump().unwrap().len() > 262_144);
        let outcome = sandbox.process_message(&mut Recorder::default());
        assert_eq!(outcome, Outcome::Returned(0), "{}", sandbox.last_error());
    }
    // What the dump took is not the script's.
    assert!(sandbox.figures().max_memory < 400_000);
}
