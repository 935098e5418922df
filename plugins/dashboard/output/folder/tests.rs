use heka_message::{Field, Message};

use super::*;

fn encoded(msg_type: &str, logger: &str, payload: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut message = Message {
        msg_type: Some(msg_type.into()),
        logger: Some(logger.into()),
        payload: Some(payload.into()),
        ..Message::default()
    };
    message.fields = fields.iter().map(|(name, value)| Field::string(*name, "", *value)).collect();
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

fn output(logger: &str, name: &str, payload: &str) -> Vec<u8> {
    encoded("heka.sandbox-output", logger, payload, &[("payload_type", "txt"), ("payload_name", name)])
}

fn take(folder: &mut Folder, messages: &[Vec<u8>]) -> Vec<String> {
    folder.take(messages.iter().map(|bytes| MessageView::new(bytes)))
}

#[test]
fn messages_become_files() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("a/b");
    let mut folder = Folder::prepare(&root, None).unwrap();
    let wrong = take(
        &mut folder,
        &[
            output("f", "one", "first"),
            output("f", "one", "second"),
            output("../../up", "x", "y"),
            encoded("heka.sandbox-output", "f", "no type", &[]),
            encoded("heka.all-report", "hekad", "{}\n", &[]),
            encoded("other", "f", "nothing to us", &[]),
        ],
    );
    assert_eq!(wrong, Vec::<String>::new());
    let read = |name: &str| fs::read_to_string(root.join("data").join(name)).unwrap();
    assert_eq!(read("f.one.txt"), "second");
    assert_eq!(read(".._.._up.x.txt"), "y");
    assert_eq!(read("heka_report.json"), "{}\n");
    assert!(
        read("sandboxes.json")
            .contains("{\"Name\":\"f\",\"Outputs\":[{\"Name\":\"one\",\"Filename\":\"data/f.one.txt\"}]}")
    );
    assert_eq!(fs::read_dir(root.join("data")).unwrap().count(), 4);
}

#[test]
fn an_end_is_a_line_and_takes_the_sandbox_off_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let mut folder = Folder::prepare(dir.path(), None).unwrap();
    let mut slow = Message {
        msg_type: Some("heka.sandbox-terminated".into()),
        payload: Some("slow".into()),
        ..Message::default()
    };
    slow.fields = vec![Field::string("plugin", "", "g"), Field::integer("ProcessMessageCount", "count", 7)];
    let mut slow_bytes = Vec::new();
    slow.encode(&mut slow_bytes);
    take(
        &mut folder,
        &[
            output("f", "one", "x"),
            encoded("heka.sandbox-terminated", "hekad", "why", &[("plugin", "f")]),
            slow_bytes,
        ],
    );
    take(&mut folder, &[encoded("heka.all-report", "hekad", "{}", &[])]);
    let data = dir.path().join("data");
    let lines = fs::read_to_string(data.join("heka_sandbox_termination.tsv")).unwrap();
    let without_time: Vec<_> = lines.lines().map(|line| line.split_once('\t').unwrap().1).collect();
    let rest = " ProcessMessageCount:7 ProcessMessageSamples:<nil> ProcessMessageAvgDuration:<nil> MatchAvgDuration:<nil> \
                FilterChanLength:<nil> MatchChanLength:<nil> RouterChanLength:<nil>";
    assert_eq!(without_time, ["f\twhy".to_string(), format!("g\tslow{rest}")]);
    assert_eq!(fs::read(data.join("sandboxes.json")).unwrap(), b"{\"sandboxes\":[]}\n");
}

#[test]
fn a_start_copies_the_page_and_leaves_the_data() {
    let dir = tempfile::tempdir().unwrap();
    let (page, root) = (dir.path().join("dasher"), dir.path().join("wd"));
    fs::create_dir_all(page.join("css")).unwrap();
    fs::write(page.join("index.html"), "new").unwrap();
    fs::write(page.join("css/a.css"), "css").unwrap();
    fs::create_dir_all(root.join("data")).unwrap();
    fs::write(root.join("old.html"), "").unwrap();
    fs::write(root.join("nodot"), "").unwrap();
    fs::write(root.join("data/kept.txt"), "").unwrap();
    fs::write(dir.path().join("precious"), "precious").unwrap();
    std::os::unix::fs::symlink(dir.path().join("precious"), root.join("index.html")).unwrap();
    Folder::prepare(&root, Some(&page)).unwrap();
    assert_eq!(fs::read(root.join("index.html")).unwrap(), b"new");
    assert_eq!(fs::read(root.join("css/a.css")).unwrap(), b"css");
    assert_eq!(fs::read(dir.path().join("precious")).unwrap(), b"precious");
    assert!(
        !root.join("old.html").exists() && root.join("nodot").exists() && root.join("data/kept.txt").exists()
    );
}

#[test]
fn a_page_that_is_not_there_is_an_error_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("wd");
    let why = Folder::prepare(&root, Some(&dir.path().join("none"))).err().unwrap();
    assert!(why.starts_with("Error copying static dashboard files: lstat "), "{why}");
    assert!(!root.exists());
}

#[test]
fn what_cannot_be_written_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut folder = Folder::prepare(dir.path(), None).unwrap();
    fs::remove_dir(dir.path().join("data")).unwrap();
    let message = output("f", "one", "x");
    assert_eq!(take(&mut folder, std::slice::from_ref(&message)).len(), 1);
    assert_eq!(take(&mut folder, &[message]).len(), 0);
}
