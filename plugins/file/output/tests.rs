use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use heka_message::MessageView;
use heka_plugin::config::{Table, decode};
use heka_plugin::{Kind, Value};

use super::*;

fn config(path: &Path) -> Config {
    Config { path: path.display().to_string(), ..Config::default() }
}

fn open(config: Config) -> FileOutput {
    FileOutput::open(config, &Context::for_test("out")).unwrap()
}

fn error(config: Config) -> String {
    FileOutput::open(config, &Context::for_test("out")).err().unwrap().to_string()
}

fn send(output: &mut FileOutput, records: &[&str]) -> Result<(), SendError> {
    let batch: Vec<Record<'_>> = records
        .iter()
        .map(|text| Record { message: MessageView::new(b""), bytes: text.as_bytes(), loop_count: 0 })
        .collect();
    output.send(&batch, &Stop::new())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn records_are_in_the_file_when_send_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exists");
    fs::write(&path, "was here\n").unwrap();
    let mut output = open(config(&path));
    send(&mut output, &["one\n", "two\n"]).unwrap();
    send(&mut output, &["three\n"]).unwrap();
    send(&mut output, &[]).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "was here\none\ntwo\nthree\n");
    output.flush().unwrap();
}

#[test]
fn folders_and_file_get_their_permissions_and_a_literal_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d1/d2/b-%Y%%");
    let made = open(Config { perm: "600".into(), folder_perm: "750".into(), ..config(&path) });
    assert_eq!((mode(&path), mode(&folder.path().join("d1"))), (0o600, 0o750));
    assert_eq!(
        fs::read_dir(folder.path().join("d1/d2")).unwrap().count(),
        1,
        "the write test left something"
    );
    drop(made);
}

#[test]
fn a_signal_reopens_a_file_that_was_renamed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("log"), folder.path().join("log.1"));
    let mut output = open(config(&path));
    send(&mut output, &["before\n"]).unwrap();
    fs::rename(&path, &moved).unwrap();
    send(&mut output, &["still\n"]).unwrap();
    output.reload().unwrap();
    send(&mut output, &["after\n"]).unwrap();
    assert_eq!(fs::read_to_string(&moved).unwrap(), "before\nstill\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "after\n");
}

#[test]
fn a_file_that_cannot_be_reopened_ends_the_output() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sub/log");
    let mut output = open(config(&path));
    fs::remove_dir_all(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub"), "no folder").unwrap();
    let failed = output.reload().unwrap_err();
    assert!(matches!(failed, SendError::Fatal(_)));
    let text = failed.to_string();
    assert!(
        text.starts_with(&format!("unable to reopen file '{}': Can't create the basepath", path.display())),
        "{text}"
    );
}

#[test]
fn rotation_goes_on_in_the_file_of_the_boundary() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = folder.path().join("at-%s");
    let mut output = open(Config { rotation_interval: 1, ..config(&pattern) });
    let start = rotation::now_s();
    send(&mut output, &["before\n"]).unwrap();
    output.idle(start * 1_000_000_000).unwrap();
    let boundary = (start / 3600 + 1) * 3600;
    output.idle((boundary - 1) * 1_000_000_000).unwrap();
    output.idle((boundary + 5) * 1_000_000_000).unwrap();
    send(&mut output, &["after\n"]).unwrap();
    let rotated = folder.path().join(format!("at-{boundary}"));
    assert_eq!(fs::read_to_string(rotated).unwrap(), "after\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_full_disk_is_tried_again() {
    let mut output = open(config(Path::new("/dev/full")));
    let failed = send(&mut output, &["one\n"]).unwrap_err();
    assert!(matches!(failed, SendError::Retry(_)));
    assert_eq!(failed.to_string(), "Can't write to /dev/full: write /dev/full: no space left on device");
}

#[test]
fn devices_are_written_but_not_synced() {
    let mut output = open(config(Path::new("/dev/null")));
    send(&mut output, &["one\n"]).unwrap();
    output.flush().unwrap();
}

#[test]
fn a_check_of_options_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sub/log");
    let context = Context { only_check: true, ..Context::for_test("out") };
    FileOutput::open(config(&path), &context).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn refused_options() {
    let path = || config(Path::new("/tmp/x"));
    for (config, text) in [
        (
            Config { perm: "rw".into(), ..path() },
            "FileOutput '/tmp/x' can't parse `perm`, is it an octal integer string?",
        ),
        (
            Config { folder_perm: "888".into(), ..path() },
            "FileOutput '/tmp/x' can't parse `folder_perm`, is it an octal integer string?",
        ),
        (Config { flush_count: 0, ..path() }, "Parameter 'flush_count' needs to be greater 1."),
        (
            Config { flush_operator: "or".into(), ..path() },
            "Parameter 'flush_operator' needs to be either 'AND' or 'OR', is currently: 'or'",
        ),
        (
            Config { rotation_interval: 2, ..path() },
            "Parameter 'rotation_interval' must be one of: 0, 1, 4, 12, 24.",
        ),
        (
            config(Path::new("/dev/null/log")),
            "FileOutput '/dev/null/log' error opening file: Can't create the basepath for the FileOutput plugin: \
             mkdir /dev/null: not a directory",
        ),
    ] {
        assert_eq!(error(config), text);
    }
}

#[test]
fn options_are_read_from_a_section() {
    let mut table = Table::default();
    table.set("type", Value::String("FileOutput".into()));
    table.set("message_matcher", Value::String("TRUE".into()));
    table.set("use_framing", Value::Bool(false));
    table.set("path", Value::String("/tmp/x".into()));
    table.set("flush_count", Value::Integer(4));
    let config: Config = decode(&table, Kind::Output).unwrap();
    assert_eq!((config.path.as_str(), config.flush_count, config.perm.as_str()), ("/tmp/x", 4, "644"));
    table.set("perm", Value::Integer(644));
    let refused = decode::<Config>(&table, Kind::Output).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Type mismatch for 'file.FileOutputConfig.Perm': Expected string but found 'int64'."
    );
}
