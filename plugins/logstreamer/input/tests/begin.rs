//! Where reading begins: fresh, from a journal, at the end.

use std::os::unix::fs::PermissionsExt;

use heka_plugin::config::decode;
use heka_plugin::{Kind, Table, Value};

use super::super::Options;
use super::rig::Rig;

#[test]
fn the_section_of_a_configuration() {
    let mut levels = Table::default();
    levels.set("low", Value::Integer(1));
    let mut translation = Table::default();
    translation.set("Level", Value::Table(levels));
    let mut section = Table::default();
    section.set("type", Value::String("LogstreamerInput".into()));
    section.set("splitter", Value::String("TokenSplitter".into()));
    section.set("File_Match", Value::String("x".into()));
    section.set("priority", Value::Array(vec![Value::String("^Seq".into())]));
    section.set("initial_tail", Value::Bool(true));
    section.set("translation", Value::Table(translation));
    let options: Options = decode(&section, Kind::Input).unwrap();
    assert_eq!((options.file_match.as_str(), options.priority), ("x", vec!["^Seq".to_owned()]));
    assert_eq!((options.translation["Level"]["low"], options.initial_tail), (1, true));
    assert_eq!((options.log_directory.as_str(), options.oldest_duration.as_str()), ("/var/log", "720h"));
    section.set("rescan_interval", Value::Integer(5000));
    assert_eq!(
        decode::<Options>(&section, Kind::Input).unwrap_err().to_string(),
        "Type mismatch for 'logstreamer.LogstreamerInputConfig.RescanInterval': Expected string but found 'int64'."
    );
}

#[test]
fn a_set_is_read_oldest_first_and_bytes_are_kept() {
    let mut rig = Rig::rotated();
    for (name, content) in [("a.log.10", "ten, oldest\n"), ("a.log.9", "nine\r\n"), ("a.log.1", "\n\u{0}\n")]
    {
        rig.write(name, content);
    }
    rig.write("a.log", "newest\n");
    rig.run_until("newest\n");
    assert_eq!(rig.payloads(), ["ten, oldest\n", "nine\r\n", "\n", "\0\n", "newest\n"]);
    let journal =
        r#"{"seek":7,"file_name":"IN/a.log","last_hash":"b3307fa241ceed7a528eada8257809ea1c11d10d"}"#;
    assert_eq!(rig.journal("src"), journal);
    let record = rig.records().remove(0);
    let of =
        (record.token.as_str(), record.logger.as_str(), record.hostname.as_str(), record.msg_type.as_str());
    assert_eq!(of, ("1", "src", "test.host", "logfile"));
}

#[test]
fn hostname_journal_directory_and_report() {
    let mut rig = Rig::new(r"a\.log");
    rig.options.hostname = "other.host".into();
    rig.options.journal_directory = Some(rig.path("j").to_str().unwrap().into());
    rig.write("a.log", "x\n");
    rig.start();
    rig.wait_for("x\n");
    let rows = rig.stop();
    let file = std::fs::canonicalize(rig.path("a.log")).unwrap().to_str().unwrap().to_owned();
    assert_eq!(rows, [("src-filename".into(), file, ""), ("src-bytes".into(), "2".into(), "count")]);
    assert_eq!(rig.records()[0].hostname, "other.host");
    assert_eq!(
        rig.journal("src"),
        r#"{"seek":2,"file_name":"IN/a.log","last_hash":"270d7b3e96f71654ca3de6ff9e9166837e9a4355"}"#
    );
    assert_eq!(std::fs::metadata(rig.path("j")).unwrap().permissions().mode() & 0o700, 0o700);
}

#[test]
fn a_journal_of_nothing_a_partial_line_and_a_long_file() {
    for (content, last, journal) in [
        (
            "",
            "",
            r#"{"seek":0,"file_name":"IN/a.log","last_hash":"fc56d4b3c72a8bfe593373c740d558ec1340ac73"}"#,
        ),
        (
            "hello\nworld\npart",
            "world\n",
            r#"{"seek":12,"file_name":"IN/a.log","last_hash":"37634fbb3d138d74e0b171c99da7c86b85efb30f"}"#,
        ),
    ] {
        let mut rig = Rig::new(r"a\.log");
        rig.write("a.log", content);
        rig.start();
        rig.wait_until(last, |rig| rig.journal("src") == journal);
        rig.stop();
        assert_eq!(rig.journal("src"), journal);
    }
}

#[test]
fn journals_that_somebody_else_wrote() {
    let mid = r#"{"seek":8,"file_name":"IN/a.log","last_hash":"d505a2a676f4105ac6e5db51340c5f2acd473424"}"#;
    let zero = r#"{"seek":0,"file_name":"/nowhere","last_hash":""}"#;
    let wrong = r#"{"seek":4,"file_name":"IN/a.log","last_hash":"0000000000000000000000000000000000000000"}"#;
    let too_far =
        r#"{"seek":99,"file_name":"IN/a.log","last_hash":"d505a2a676f4105ac6e5db51340c5f2acd473424"}"#;
    for (journal, count) in
        [(mid, 1), (zero, 3), ("", 3), (" \n", 3), (wrong, 3), (too_far, 3), ("{\"seek\":8", 3)]
    {
        let mut rig = Rig::new(r"a\.log");
        rig.write("a.log", "one\ntwo\nthree\n");
        rig.write_journal("src", journal);
        rig.run_until("three\n");
        assert_eq!(rig.payloads(), ["one\n", "two\n", "three\n"][3 - count..], "{journal}");
        let end =
            r#"{"seek":14,"file_name":"IN/a.log","last_hash":"d0816b39212c4dcf3a6924502c8f1d212df8bf17"}"#;
        assert_eq!(rig.journal("src"), end);
    }
}

#[test]
fn a_broken_journal_is_fatal() {
    let rig = Rig::new(r"a\.log");
    rig.write("a.log", "one\n");
    rig.write_journal("src", "{broken");
    let error = rig.open().err().unwrap();
    assert_eq!(error, "invalid character 'b' looking for beginning of object key string");
}

#[test]
fn a_position_that_is_nowhere_means_the_oldest_file() {
    let mut rig = Rig::rotated();
    rig.write("a.log.1", "old\n");
    rig.write("a.log", "new\n");
    let hash = "d505a2a676f4105ac6e5db51340c5f2acd473424";
    rig.write_journal("src", &format!(r#"{{"seek":3,"file_name":"IN/a.log","last_hash":"{hash}"}}"#));
    rig.run_until("new\n");
    assert_eq!(rig.payloads(), ["old\n", "new\n"]);
    assert_eq!(rig.errors(), [""; 0]);
    let infos = rig.world.infos.lock().unwrap().clone();
    assert!(infos.len() == 1 && infos[0].starts_with("the position of 'src', byte 3 of "), "{infos:?}");
}

#[test]
fn rotated_while_down() {
    let mut rig = Rig::rotated();
    rig.write("a.log", "one\ntwo\n");
    rig.run_until("two\n");
    rig.append("a.log", "three\n");
    rig.rename("a.log", "a.log.2");
    rig.write("a.log.1", "four\n");
    rig.write("a.log", "five\n");
    rig.write("a.log.3", "long ago, never read\n");
    rig.run_until("five\n");
    assert_eq!(rig.payloads(), ["one\n", "two\n", "three\n", "four\n", "five\n"]);
}

#[test]
fn an_empty_file_that_was_rotated_while_down_is_not_skipped() {
    let mut rig = Rig::rotated();
    rig.write("a.log", "");
    rig.write("a.log.1", "read long ago\n");
    rig.age("a.log.1", 100);
    rig.write_journal("src", r#"{"seek":0,"file_name":"IN/a.log","last_hash":""}"#);
    std::thread::sleep(std::time::Duration::from_millis(30));
    rig.rename("a.log.1", "a.log.2");
    rig.append("a.log", "came meanwhile\n");
    rig.rename("a.log", "a.log.1");
    rig.write("a.log", "newest\n");
    rig.run_until("newest\n");
    assert_eq!(rig.payloads(), ["came meanwhile\n", "newest\n"]);
}

#[test]
fn the_second_run_goes_on_and_completes_a_line() {
    let mut rig = Rig::new(r"a\.log");
    rig.write("a.log", "one\ntwo\npar");
    rig.run_until("two\n");
    rig.start();
    rig.let_look();
    rig.append("a.log", "tial\nfour\n");
    rig.wait_for("four\n");
    rig.stop();
    assert_eq!(rig.payloads(), ["one\n", "two\n", "partial\n", "four\n"]);
    let end = r#"{"seek":21,"file_name":"IN/a.log","last_hash":"022254f45e155d7ddf8331cb0cd7f3a1bafb6831"}"#;
    assert_eq!(rig.journal("src"), end);
}

#[test]
fn the_tail_of_the_newest_file() {
    let mut rig = Rig::rotated();
    rig.options.initial_tail = true;
    rig.options.rescan_interval = "30ms".into();
    rig.write("a.log.1", "older\n");
    rig.write("a.log", "newest old\n");
    rig.start();
    rig.wait_until("the tail is journalled", |rig| rig.journal("src").contains(r#""seek":11"#));
    rig.append("a.log", "appended\n");
    rig.wait_for("appended\n");
    rig.stop();
    assert_eq!(rig.payloads(), ["appended\n"]);
    let end = r#"{"seek":20,"file_name":"IN/a.log","last_hash":"61a05548346e406adf3f8b0308dc8b72e4dd600e"}"#;
    assert_eq!(rig.journal("src"), end);
    rig.append("a.log", "while down\n");
    rig.run_until("while down\n");
    assert_eq!(rig.payloads(), ["appended\n", "while down\n"]);
}

#[test]
fn streams_that_appear_later() {
    for (rescan, comes) in [("20ms", true), ("1m", false), ("0", false)] {
        let mut rig = Rig::new(r"(?P<App>\w+)\.log");
        rig.options.differentiator = vec!["App".into()];
        rig.options.rescan_interval = rescan.into();
        rig.options.initial_tail = true;
        rig.write("one.log", "");
        rig.start();
        rig.let_look();
        rig.write("two.log", "second stream\n");
        rig.let_look();
        rig.append("one.log", "first\n");
        rig.wait_for("first\n");
        if comes {
            rig.wait_for("second stream\n");
        }
        rig.stop();
        let second: Vec<_> = rig.records().into_iter().filter(|record| record.logger == "two").collect();
        assert_eq!(second.len(), usize::from(comes), "{rescan}");
        assert!(second.iter().all(|record| record.token == "2"));
    }
}

#[test]
fn old_files_are_not_read_but_followed() {
    let mut rig = Rig::new(r"x-(?P<Day>\d+)\.log");
    rig.options.priority = vec!["Day".into()];
    rig.options.oldest_duration = "1h".into();
    rig.options.rescan_interval = "20ms".into();
    rig.write("x-1.log", "old\n");
    rig.age("x-1.log", 7200);
    rig.write("x-2.log", "two\n");
    rig.start();
    rig.wait_for("two\n");
    rig.age("x-2.log", 7200);
    rig.let_look();
    rig.write("x-3.log", "three\n");
    rig.wait_for("three\n");
    rig.stop();
    assert_eq!(rig.payloads(), ["two\n", "three\n"]);
}

#[test]
fn what_keeps_hekad_from_starting() {
    let error = |change: &dyn Fn(&mut Rig)| {
        let mut rig = Rig::new(r"a\.log.*");
        rig.write("a.log", "");
        change(&mut rig);
        rig.open().err().unwrap()
    };
    assert_eq!(error(&|rig| rig.options.file_match.clear()), "`file_match` setting is required.");
    assert_eq!(
        error(&|rig| rig.options.log_directory = "/no/dir".into()),
        "lstat /no: no such file or directory"
    );
    assert_eq!(
        error(&|rig| rig.options.rescan_interval = "5".into()),
        "time: missing unit in duration \"5\""
    );
    assert_eq!(
        error(&|rig| rig.options.journal_directory = Some("/proc/x".into())),
        "mkdir /proc/x: no such file or directory"
    );
    let several = error(&|rig| rig.write("a.log.1", ""));
    assert!(
        several
            .starts_with("Found multiple logfiles without Priority to sort on for name: src, filematch: a")
    );
}
