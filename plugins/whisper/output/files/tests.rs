use std::os::unix::fs::PermissionsExt;

use super::*;

const NOW: i64 = 1_500_000_000;

fn files(base: &Path) -> Files {
    Files::new(base.into(), 0o750, Plan::new(1, &[vec![0, 60, 5]]).unwrap())
}

fn keep(files: &mut Files, name: &str) -> Kept {
    files.keep(&Stat { name: name.as_bytes(), value: 1.0, time_s: 1_499_999_990 }, NOW)
}

#[test]
fn points_of_a_name_part_folders_and_nothing_leads_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = files(dir.path());
    for (name, path) in [
        ("a", "a.wsp"),
        ("a.b.c", "a/b/c.wsp"),
        ("x..y", "x/y.wsp"),
        ("/../../etc/z", "etc/z.wsp"),
        ("..up", "up.wsp"),
        ("tag;k=v", "tag;k=v.wsp"),
    ] {
        assert_eq!(keep(&mut files, name), Kept::Yes, "{name}");
        assert!(dir.path().join(path).is_file(), "{path}");
    }
    let mode = std::fs::metadata(dir.path().join("a/b")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o750);
    files.sync().unwrap();
}

#[test]
fn names_that_cannot_be_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = files(dir.path());
    let place = dir.path().display();
    std::fs::write(dir.path().join("file"), "").unwrap();
    std::fs::write(dir.path().join("text.wsp"), "this is a text and no database").unwrap();
    let long = "n".repeat(300);
    for (name, why) in [
        (long.as_str(), format!("can't open or create whisper db '{place}/{long}.wsp': file name too long")),
        ("file.x", format!("can't open or create whisper db '{place}/file/x.wsp': not a directory")),
        ("text", format!("can't open or create whisper db '{place}/text.wsp': not a whisper file")),
    ] {
        assert_eq!(keep(&mut files, name), Kept::Never(why));
    }
    let late = Stat { name: b"a", value: 1.0, time_s: 1 };
    let why = format!(
        "Error updating whisper db '{place}/a.wsp': point is older than the maximum retention period"
    );
    assert_eq!(files.keep(&late, NOW), Kept::Never(why));
}

#[test]
fn what_a_power_cut_left_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.wsp"), "").unwrap();
    std::fs::write(dir.path().join("b.wsp.new"), "half").unwrap();
    let mut files = files(dir.path());
    for name in ["a", "b"] {
        assert_eq!(keep(&mut files, name), Kept::Yes);
        assert_eq!(std::fs::metadata(dir.path().join(format!("{name}.wsp"))).unwrap().len(), 88);
    }
    assert!(!dir.path().join("b.wsp.new").exists());
}

#[test]
fn many_files_are_not_all_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = files(dir.path());
    for round in 0..2 {
        for number in 0..OPEN_MAX + 50 {
            assert_eq!(keep(&mut files, &format!("n{number}")), Kept::Yes, "{round}");
            assert!(files.open.len() <= OPEN_MAX);
        }
    }
    assert!(files.open.contains_key(format!("n{}", OPEN_MAX + 49).as_bytes()));
    files.sync().unwrap();
    assert!(!files.is_unsynced);
}
