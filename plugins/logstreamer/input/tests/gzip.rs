//! Compressed files.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::rig::Rig;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_set_by_content_whatever_the_names() {
    let mut rig = Rig::rotated();
    rig.write("a.log.3.gz", "plain three\n");
    rig.write("a.log.2", [gzip("two a\n"), gzip("two b\n")].concat());
    rig.write("a.log.1.gz", gzip("one\n"));
    rig.write("a.log", "newest\n");
    rig.run_until("newest\n");
    assert_eq!(rig.payloads(), ["plain three\n", "two a\n", "two b\n", "one\n", "newest\n"]);
    let end = r#"{"seek":7,"file_name":"IN/a.log","last_hash":"b3307fa241ceed7a528eada8257809ea1c11d10d"}"#;
    assert_eq!(rig.journal("src"), end);
}

#[test]
fn resumed_and_grown() {
    let mut rig = Rig::new(r"a\.log\.gz");
    let text: String = (0..5000).map(|n| format!("line {n}\n")).collect();
    rig.write("a.log.gz", gzip(&text));
    rig.run_until("line 4999\n");
    assert!(rig.journal("src").starts_with(&format!(r#"{{"seek":{},"#, text.len())));
    rig.append("a.log.gz", gzip("appended\n"));
    rig.start();
    rig.wait_for("appended\n");
    rig.append("a.log.gz", gzip("while it runs\n"));
    rig.wait_for("while it runs\n");
    rig.stop();
    assert_eq!(rig.payloads().len(), 5002);
}

#[test]
fn a_file_that_is_compressed_once_it_was_read() {
    let mut rig = Rig::rotated();
    rig.write("a.log", "one\ntwo\n");
    rig.start();
    rig.wait_for("two\n");
    rig.let_look();
    std::fs::remove_file(rig.path("a.log")).unwrap();
    rig.write("a.log.1.gz", gzip("one\ntwo\n"));
    rig.write("a.log", "new\n");
    rig.wait_for("new\n");
    rig.stop();
    assert_eq!(rig.payloads(), ["one\n", "two\n", "new\n"]);
}

#[test]
fn compressed_while_down() {
    let mut rig = Rig::rotated();
    rig.write("a.log", "one\n");
    rig.run_until("one\n");
    std::fs::remove_file(rig.path("a.log")).unwrap();
    rig.write("a.log.1.gz", gzip("one\ntwo\n"));
    rig.write("a.log", "new\n");
    rig.run_until("new\n");
    assert_eq!(rig.payloads(), ["one\n", "two\n", "new\n"]);
}

#[test]
fn damage_is_named_and_the_next_file_is_read() {
    let mut rig = Rig::rotated();
    let whole = gzip(&"one\n".repeat(3));
    rig.write("a.log.2.gz", &whole[..whole.len() - 10]);
    rig.write("a.log.1.gz", [gzip("two\n"), b"garbage".to_vec()].concat());
    rig.write("a.log", "new\n");
    rig.run_until("new\n");
    assert!(rig.payloads().ends_with(&["two\n".into(), "new\n".into()]));
    let errors = rig.errors();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].ends_with("/in/a.log.2.gz: unexpected EOF"), "{errors:?}");
    assert!(errors[1].ends_with("/in/a.log.1.gz: gzip: invalid header"), "{errors:?}");
}
