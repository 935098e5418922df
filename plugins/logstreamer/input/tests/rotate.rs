//! Rotation while the input runs.

use std::fs;

use super::rig::Rig;

#[test]
fn by_renaming_with_late_lines_in_the_old_file() {
    let mut rig = Rig::rotated();
    rig.write("a.log", "one\ntwo\n");
    rig.start();
    rig.wait_for("two\n");
    rig.let_look();
    rig.rename("a.log", "a.log.1");
    rig.append("a.log.1", "late in old\n");
    rig.let_look();
    rig.write("a.log", "");
    rig.append("a.log.1", "later in old\n");
    rig.let_look();
    rig.append("a.log", "new file 1\n");
    rig.wait_for("new file 1\n");
    rig.append("a.log", "new file 2\n");
    rig.wait_for("new file 2\n");
    rig.stop();
    let all = ["one\n", "two\n", "late in old\n", "later in old\n", "new file 1\n", "new file 2\n"];
    assert_eq!(rig.payloads(), all);
    let end = r#"{"seek":22,"file_name":"IN/a.log","last_hash":"3d0376ae76bf1201352cdfa6f346c0ac8de417be"}"#;
    assert_eq!(rig.journal("src"), end);
    assert_eq!(rig.errors(), [""; 0]);
}

#[test]
fn several_times_between_two_looks() {
    let mut rig = Rig::rotated();
    rig.options.check_data_interval = "300ms".into();
    rig.write("a.log", "0\n");
    rig.start();
    rig.wait_for("0\n");
    for round in 1..4 {
        for number in (1..round).rev() {
            rig.rename(&format!("a.log.{number}"), &format!("a.log.{}", number + 1));
        }
        rig.rename("a.log", "a.log.1");
        rig.write("a.log", format!("{round}\n"));
    }
    rig.wait_for("3\n");
    rig.stop();
    assert_eq!(rig.payloads(), ["0\n", "1\n", "2\n", "3\n"]);
}

#[test]
fn an_unfinished_line_is_a_record_of_its_own() {
    let mut rig = Rig::rotated();
    rig.write("a.log.1", "old\nunfinished st");
    rig.write("a.log", "art of a\nnext\n");
    rig.run_until("next\n");
    assert_eq!(rig.payloads(), ["old\n", "unfinished st", "art of a\n", "next\n"]);
}

#[test]
fn renamed_out_of_sight_or_deleted() {
    for delete in [false, true] {
        let mut rig = Rig::new(r"a\.log");
        rig.write("a.log", "one\n");
        rig.start();
        rig.wait_for("one\n");
        rig.let_look();
        if delete {
            fs::remove_file(rig.path("a.log")).unwrap();
        } else {
            rig.rename("a.log", "gone");
            rig.append("gone", "late\n");
            rig.wait_for("late\n");
        }
        rig.let_look();
        rig.write("a.log", "two\n");
        rig.wait_for("two\n");
        rig.stop();
        assert_eq!(rig.payloads().first().unwrap(), "one\n");
        assert_eq!(rig.payloads().last().unwrap(), "two\n");
        assert_eq!(rig.payloads().len(), if delete { 2 } else { 3 });
    }
}

#[test]
fn a_deleted_file_of_a_set_does_not_bring_back_what_was_read() {
    let mut rig = Rig::rotated();
    rig.write("a.log.2", "two\n");
    rig.write("a.log.1", "one\n");
    rig.write("a.log", "zero\n");
    rig.start();
    rig.wait_for("zero\n");
    rig.let_look();
    fs::remove_file(rig.path("a.log")).unwrap();
    rig.let_look();
    rig.write("a.log", "again\n");
    rig.wait_for("again\n");
    rig.stop();
    assert_eq!(rig.payloads(), ["two\n", "one\n", "zero\n", "again\n"]);
}

#[test]
fn truncated_alone() {
    let mut rig = Rig::new(r"a\.log");
    rig.write("a.log", "one\ntwo\nthree\n");
    rig.start();
    rig.wait_for("three\n");
    rig.let_look();
    rig.write("a.log", "new 1\n");
    rig.wait_for("new 1\n");
    rig.append("a.log", "new 2\n");
    rig.wait_for("new 2\n");
    rig.let_look();
    // Rewritten with more than was read: nothing of the middle may come.
    rig.write("a.log", "other content of the same file\nmore\n");
    rig.wait_for("more\n");
    rig.stop();
    let all =
        ["one\n", "two\n", "three\n", "new 1\n", "new 2\n", "other content of the same file\n", "more\n"];
    assert_eq!(rig.payloads(), all);
    let end = r#"{"seek":36,"file_name":"IN/a.log","last_hash":"4db2d0f1b89cb46cf4f686adbbf626f32f695968"}"#;
    assert_eq!(rig.journal("src"), end);
}

#[test]
fn truncated_in_a_set_without_a_copy() {
    let mut rig = Rig::rotated();
    rig.write("a.log.1", "older\n");
    rig.write("a.log", "one\ntwo\nunfin");
    rig.start();
    rig.wait_for("two\n");
    rig.let_look();
    rig.write("a.log", "new\n");
    rig.wait_for("new\n");
    rig.stop();
    assert_eq!(rig.payloads(), ["older\n", "one\n", "two\n", "unfin", "new\n"]);
}

#[test]
fn copied_and_truncated_with_lines_that_were_not_read_yet() {
    let mut rig = Rig::rotated();
    rig.options.check_data_interval = "200ms".into();
    rig.write("a.log.1", "older\n");
    rig.write("a.log", "one\ntwo\nunfin");
    rig.start();
    rig.wait_for("two\n");
    rig.append("a.log", "ished\nthree\n");
    rig.rename("a.log.1", "a.log.2");
    fs::copy(rig.path("a.log"), rig.path("a.log.1")).unwrap();
    rig.write("a.log", "");
    rig.append("a.log", "new, and longer than what was there before it\n");
    rig.wait_for("new, and longer than what was there before it\n");
    rig.stop();
    let new = "new, and longer than what was there before it\n";
    assert_eq!(rig.payloads(), ["older\n", "one\n", "two\n", "unfinished\n", "three\n", new]);
}

#[test]
fn truncated_while_it_is_read() {
    let mut rig = Rig::new(r"a\.log");
    let line = "x".repeat(99) + "\n";
    rig.write("a.log", line.repeat(50_000));
    rig.start();
    rig.wait_for(&line);
    rig.write("a.log", "after\n");
    rig.wait_for("after\n");
    rig.stop();
    let payloads = rig.payloads();
    let cut = payloads.iter().filter(|payload| **payload != line).collect::<Vec<_>>();
    // Besides the new line at most one record is not whole: what was read of a line when the file was truncated.
    assert!(cut.len() <= 2 && cut.last().unwrap().as_str() == "after\n", "{cut:?}");
}

#[test]
fn days_that_are_found_by_scanning() {
    let mut rig = Rig::new(r"x-(?P<Day>\d+)\.log");
    rig.options.priority = vec!["Day".into()];
    rig.options.rescan_interval = "20ms".into();
    rig.write("x-1.log", "one\n");
    rig.start();
    rig.wait_for("one\n");
    rig.write("x-2.log", "");
    rig.write("x-3.log", "three\n");
    rig.wait_for("three\n");
    rig.stop();
    assert_eq!(rig.payloads(), ["one\n", "three\n"]);
}

#[test]
fn all_deleted_and_begun_anew_where_inodes_may_be_used_again() {
    let mut rig = Rig::rotated();
    rig.write("a.log.1", "older\n");
    rig.write("a.log", "one\n");
    rig.start();
    rig.wait_for("one\n");
    for round in 0..3 {
        rig.let_look();
        for name in ["a.log.1", "a.log"] {
            let _ = fs::remove_file(rig.path(name));
        }
        rig.write("a.log", format!("begun anew {round}\n"));
        rig.wait_for(&format!("begun anew {round}\n"));
    }
    rig.stop();
    assert_eq!(rig.payloads().len(), 5);
}

#[test]
fn an_older_file_put_back_in_place_comes_again_rather_than_never() {
    let mut rig = Rig::rotated();
    rig.write("a.log.1", "older\n");
    rig.write("a.log", "one\n");
    rig.start();
    rig.wait_for("one\n");
    rig.let_look();
    rig.forget_records();
    rig.rename("a.log.1", "a.log");
    rig.append("a.log", "and more\n");
    rig.wait_for("and more\n");
    rig.stop();
    assert_eq!(rig.payloads(), ["older\n", "and more\n"]);
}
