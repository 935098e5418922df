//! The shipped sandboxes pass the cases beside them, and each one has some.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::path::{Path, PathBuf};
use std::process::Command;

use heka_testkit::Scratch;

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins/lua");

/// A share folder that is not there: scripts and modules come from the binary.
const NO_SHARE: &str = "/nonexistent/share";

#[test]
fn shipped_sandboxes_pass_their_cases() {
    let output = Command::new(HEKAD).args(["test", "--share-dir", NO_SHARE, SCRIPTS]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_shipped_sandbox_has_cases() {
    let folders = ["decoders", "encoders", "filters"].map(|folder| Path::new(SCRIPTS).join(folder));
    let scripts = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path());
    let scripts: Vec<PathBuf> =
        scripts.filter(|path| path.extension().is_some_and(|kind| kind == "lua")).collect();
    assert!(scripts.len() > 5, "{scripts:?}");
    let without: Vec<&PathBuf> =
        scripts.iter().filter(|path| !path.with_extension("test.toml").is_file()).collect();
    assert!(without.is_empty(), "no cases: {without:?}");
}

/// What `hekad test` says of this case file, and its exit code.
fn tested(cases: &str) -> (String, i32) {
    let folder = Scratch::new().unwrap();
    let file = folder.join("a.test.toml");
    std::fs::write(&file, cases).unwrap();
    let output = Command::new(HEKAD).args(["test", "--share-dir", NO_SHARE]).arg(&file).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8_lossy(&said).into_owned(), output.status.code().unwrap())
}

const LOADAVG: &str = r#"
    [plugin]
    type = "SandboxDecoder"
    filename = "lua_decoders/linux_loadavg.lua"
    [[case]]
    name = "it"
    [[case.step]]
    payload = "1.0 2.0 3.0 4/5 6\n"
"#;

#[test]
fn what_is_wrong_is_said() {
    let cases = [
        ("expect = [{ Type = 'other' }]", "step 1: message 1: Type is \"stats.loadavg\", expected \"other\""),
        ("expect = []", "gave 1 messages, expected 0"),
        ("expect = [{ Fields = {} }]", "expected no such field"),
        ("expect = [{ Fields = { 1MinAvg = 7 }, more_fields = true }]", "Fields[1MinAvg] is 1, expected 7"),
        ("expect = [{ Fields = { no = 7 }, more_fields = true }]", "Fields[no] is missing"),
        ("expect = [{ Fields = { 1MinAvg = { absent = true } }, more_fields = true }]", "expected none"),
        ("expect = [{ payload_matches = 'x' }]", "Payload does not match"),
        ("fails = 'because'", "expected the failure"),
        ("output = 'text'", "gave 1 messages"),
    ];
    for (expectation, complaint) in cases {
        let (said, code) = tested(&format!("{LOADAVG}\n    {expectation}"));
        assert!(said.contains(complaint), "{expectation}: {said}");
        assert_eq!(code, 1, "{expectation}");
    }
    let (said, code) = tested(LOADAVG);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_filter_that_fails_without_a_text_is_seen() {
    let cases = |expectation: &str| {
        format!(
            "[plugin]\ntype = 'SandboxFilter'\nfilename = 'lua_filters/http_status.lua'\n[[case]]\nname = 'it'\n\
             [[case.step]]\nmessage = {{ Fields = {{ status = 404 }} }}\nexpect = []\n\
             [[case.step]]\nmessage = {{ Fields = {{ status = 'x' }} }}\n{expectation}\n\
             [[case.step]]\nmessage = {{ Fields = {{ status = 404 }} }}\nexpect = []"
        )
    };
    for (expectation, code) in [("fails = 'without a text'", 0), ("expect = []", 1), ("", 1)] {
        let (said, ended) = tested(&cases(expectation));
        assert_eq!(ended, code, "{expectation}: {said}");
        assert_eq!(said.contains("step 2: failed: the message failed"), code == 1, "{expectation}: {said}");
    }
}

#[test]
fn what_cannot_be_understood_ends_with_2() {
    let cases = [
        ("", "missing field `plugin`"),
        ("[plugin]\ntype = 'X'", "no [[case]] in it"),
        ("[plugin]\n[[case]]\nname = 'a'\nstop = 3", "unknown field `stop`"),
        ("[plugin", "TOML parse error at line 1"),
    ];
    for (text, complaint) in cases {
        let (said, code) = tested(text);
        assert!(said.contains(complaint), "{text}: {said}");
        assert_eq!(code, 2, "{text}");
    }
}
