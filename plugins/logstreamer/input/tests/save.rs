//! The journal never says more than the queue holds.

use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::rig::Rig;

/// `seek` of a stream's journal; 0 if there is none.
fn seek(rig: &Rig) -> u64 {
    let journal = rig.journal("src");
    journal.split([':', ',']).nth(1).map_or(0, |digits| digits.parse().unwrap())
}

#[test]
fn nothing_is_journalled_before_the_receipt() {
    let mut rig = Rig::new(r"a\.log");
    rig.world.held.store(0, Ordering::SeqCst);
    rig.write("a.log", "one\ntwo\n");
    rig.start();
    rig.wait_for("two\n");
    rig.append("a.log", "three\n");
    rig.wait_for("three\n");
    rig.let_look();
    rig.let_look();
    assert_eq!(seek(&rig), 0);
    rig.world.held.store(2, Ordering::SeqCst);
    rig.wait_until("two records are journalled", |rig| seek(rig) == 8);
    rig.let_look();
    assert_eq!(seek(&rig), 8);
    rig.world.held.store(3, Ordering::SeqCst);
    rig.stop();
    assert_eq!(seek(&rig), 14);
}

#[test]
fn rotation_does_not_overtake_a_receipt() {
    let mut rig = Rig::rotated();
    rig.world.held.store(0, Ordering::SeqCst);
    rig.write("a.log.1", "one\nunfinished");
    rig.write("a.log", "new\n");
    rig.start();
    rig.wait_for("new\n");
    rig.let_look();
    assert_eq!(seek(&rig), 0);
    rig.world.held.store(1, Ordering::SeqCst);
    rig.wait_until("the first is journalled", |rig| {
        rig.journal("src").contains(r#":4,"file_name":"IN/a.log.1""#)
    });
    rig.world.held.store(2, Ordering::SeqCst);
    rig.wait_until("the rest of the file", |rig| {
        rig.journal("src").contains(r#":14,"file_name":"IN/a.log.1""#)
    });
    rig.world.held.store(3, Ordering::SeqCst);
    rig.wait_until("the next file", |rig| rig.journal("src").contains(r#":4,"file_name":"IN/a.log""#));
    rig.stop();
}

#[test]
fn records_that_were_not_held_come_again() {
    let mut rig = Rig::new(r"a\.log");
    rig.world.held.store(1, Ordering::SeqCst);
    rig.write("a.log", "one\n");
    rig.start();
    rig.wait_for("one\n");
    rig.wait_until("one is journalled", |rig| seek(rig) == 4);
    rig.append("a.log", "two\n");
    rig.wait_for("two\n");
    // What a power cut leaves behind now.
    let journal = rig.journal("src");
    rig.world.held.store(u64::MAX, Ordering::SeqCst);
    rig.stop();
    rig.write_journal("src", &journal);
    rig.forget_notes();
    rig.forget_records();
    rig.run_until("two\n");
    assert_eq!(rig.payloads(), ["two\n"]);
}

#[test]
fn what_the_queue_took_from_a_killed_process_does_not_come_again() {
    let mut rig = Rig::new(r"a\.log");
    rig.world.held.store(1, Ordering::SeqCst);
    rig.write("a.log", "one\n");
    rig.start();
    rig.wait_for("one\n");
    rig.wait_until("one is journalled", |rig| seek(rig) == 4);
    rig.append("a.log", "two\n");
    rig.wait_for("two\n");
    rig.wait_until("two is noted", |rig| rig.notes().iter().any(|(_, note)| note.contains(r#""seek":8"#)));
    // What a kill leaves behind now: "two" is not journalled, but noted.
    let (journal, notes) = (rig.journal("src"), rig.notes());
    rig.world.held.store(u64::MAX, Ordering::SeqCst);
    rig.stop();
    rig.write_journal("src", &journal);
    for (path, note) in notes {
        std::fs::write(path, note).unwrap();
    }
    rig.append("a.log", "three\n");
    rig.forget_records();
    rig.run_until("three\n");
    assert_eq!(rig.payloads(), ["three\n"]);
}

#[test]
fn a_queue_that_takes_nothing_more_at_the_stop() {
    let mut rig = Rig::new(r"a\.log");
    rig.write("a.log", "one\n");
    rig.start();
    rig.wait_for("one\n");
    rig.wait_until("one is journalled", |rig| seek(rig) == 4);
    rig.world.refuses.store(true, Ordering::SeqCst);
    rig.stop();
    rig.append("a.log", "two\n");
    rig.world.refuses.store(false, Ordering::SeqCst);
    rig.run_until("two\n");
    assert_eq!(rig.payloads(), ["one\n", "two\n"]);
}

#[test]
fn a_journal_that_cannot_be_written_is_named_once() {
    let mut rig = Rig::new(r"a\.log");
    std::fs::create_dir_all(rig.journal_path("src")).unwrap();
    rig.write("a.log", "one\n");
    rig.start();
    rig.wait_for("one\n");
    rig.append("a.log", "two\n");
    rig.wait_for("two\n");
    rig.stop();
    let errors = rig.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("Error writing seek recovery log: write "), "{errors:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// However the receipts come in, the journal stands at the end of a record that is held.
    #[test]
    fn a_crash_at_any_time_loses_nothing(
        sizes in proptest::collection::vec(1_usize..700, 1..30),
        steps in proptest::collection::vec((0_u64..4, 0_usize..4), 1..8),
    ) {
        let mut rig = Rig::new(r"a\.log");
        rig.world.held.store(0, Ordering::SeqCst);
        rig.write("a.log", "");
        let lines: Vec<String> = sizes.iter().enumerate().map(|(n, size)| format!("{n}{}\n", "x".repeat(*size))).collect();
        let ends: Vec<u64> = lines.iter().scan(0, |end, line| { *end += line.len() as u64; Some(*end) }).collect();
        rig.start();
        let (mut held, mut written) = (0_usize, 0_usize);
        for (more_held, more_written) in steps {
            let next = (written + more_written).min(lines.len());
            rig.append("a.log", lines[written..next].concat());
            written = next;
            if let Some(last) = lines[..written].last() {
                rig.wait_for(last);
            }
            held = (held + usize::try_from(more_held).unwrap()).min(written);
            rig.world.held.store(held as u64, Ordering::SeqCst);
            for _ in 0..3 {
                std::thread::sleep(std::time::Duration::from_millis(4));
                let seek = seek(&rig);
                prop_assert!(seek == 0 || ends[..held].contains(&seek), "{seek} {held} {ends:?}");
            }
        }
        rig.world.held.store(u64::MAX, Ordering::SeqCst);
        rig.stop();
        prop_assert_eq!(seek(&rig), if written == 0 { 0 } else { ends[written - 1] });
    }
}
