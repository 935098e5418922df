use std::os::unix::fs::PermissionsExt;

use super::*;

fn position(file: &str, seek: u64, before: &[u8]) -> Position {
    Position { file: Path::new(file).into(), seek, hash: hash(before) }
}

#[test]
fn to_the_byte_as_heka_writes_it() {
    let golden =
        r#"{"seek":12,"file_name":"/var/log/a.log","last_hash":"37634fbb3d138d74e0b171c99da7c86b85efb30f"}"#;
    let place = position("/var/log/a.log", 12, b"hello\nworld\n");
    assert_eq!(String::from_utf8(content(&place)).unwrap(), golden);
    assert_eq!(hash(b""), "fc56d4b3c72a8bfe593373c740d558ec1340ac73");
    let odd = position("/var/log/a<b>&\"\n.log", 0, b"");
    assert!(String::from_utf8(content(&odd)).unwrap().contains(r#""/var/log/a\u003cb\u003e\u0026\"\n.log""#));
}

#[test]
fn only_the_last_500_bytes_count() {
    let long: Vec<u8> = (0..2000_u32).map(|n| n.to_le_bytes()[0]).collect();
    assert_eq!(hash(&long), hash(&long[1500..]));
    assert_ne!(hash(&long), hash(&long[1501..]));
}

#[test]
fn saved_and_loaded_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::new(dir.path(), "src");
    assert_eq!(load(journal.path()).unwrap(), Loaded::Absent);
    let place = position("/a.log", 3, b"abc");
    journal.save(&place).unwrap();
    let Loaded::Found(found, _) = load(journal.path()).unwrap() else { panic!() };
    assert_eq!(found, place);
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["src"]);
    let mode = fs::metadata(journal.path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode & !0o660, 0);
}

#[test]
fn a_name_with_slashes_gets_its_directories() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::new(dir.path(), "web/nginx");
    journal.save(&position("/a", 0, b"")).unwrap();
    assert!(dir.path().join("web/nginx").is_file());
}

#[test]
fn a_failed_save_keeps_the_old_journal() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::new(dir.path(), "src");
    fs::create_dir(dir.path().join("src")).unwrap();
    let error = journal.save(&position("/a", 0, b"")).unwrap_err();
    assert!(error.starts_with("Error writing seek recovery log: write "), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn blank_cut_short_and_broken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    let load_of = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        load(&path)
    };
    assert_eq!(load_of(b" \n").unwrap(), Loaded::Absent);
    for torn in [&b"\0\0\0"[..], br#"{"seek":1,"fi"#, br#"{"seek":1"#, b"{"] {
        assert!(matches!(load_of(torn).unwrap(), Loaded::Torn(_)), "{torn:?}");
    }
    assert_eq!(
        load_of(b"{broken").unwrap_err(),
        "invalid character 'b' looking for beginning of object key string"
    );
    assert_eq!(load(dir.path()).unwrap(), Loaded::Absent);
}

fn at(seek: u64) -> Position {
    Position { file: Path::new("/var/log/a.log").into(), seek, hash: hash(b"x") }
}

#[test]
fn a_note_counts_beside_the_journal_it_was_written_beside() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Journal::new(directory.path(), "s");
    let mut journal = open();
    assert_eq!(journal.noted(), None);
    journal.take_note(at(1000)).unwrap();
    assert_eq!(open().noted(), Some(at(1000)), "there is no journal yet");
    journal.save(&at(900)).unwrap();
    assert_eq!(open().noted(), Some(at(1000)), "the journal is behind");
    let first = fs::read(journal.path()).unwrap();
    fs::remove_file(journal.path()).unwrap();
    assert_eq!(open().noted(), None, "somebody removed the first journal");
    fs::write(journal.path(), &first).unwrap();
    journal.save(&at(1000)).unwrap();
    assert_eq!(open().noted(), Some(at(1000)), "the journal has caught up");
    fs::write(journal.path(), &first).unwrap();
    assert_eq!(open().noted(), None, "somebody put the journal of before back");
    fs::write(journal.path(), content(&at(1000))).unwrap();
    journal.take_note(at(7)).unwrap();
    assert_eq!(open().noted(), Some(at(7)), "a shorter note over a longer one");
    fs::write(journal.path(), content(&at(5))).unwrap();
    assert_eq!(open().noted(), None, "somebody replaced the journal");
    fs::remove_file(journal.path()).unwrap();
    assert_eq!(open().noted(), None, "somebody removed the journal");
}

#[test]
fn a_torn_note_and_one_of_another_boot_do_not_count() {
    let directory = tempfile::tempdir().unwrap();
    let mut journal = Journal::new(directory.path(), "s");
    journal.take_note(at(1000)).unwrap();
    let path = journal.fresh.with_extension("note");
    let whole = fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        assert_eq!(journal.noted(), None, "cut at {cut}");
    }
    for byte in 0..whole.len() - 1 {
        let mut changed = whole.clone();
        changed[byte] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert_eq!(journal.noted(), None, "byte {byte} changed");
    }
}
