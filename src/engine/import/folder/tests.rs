use heka_message::{Message, MessageView, write_frame};
use proptest::prelude::*;

use super::*;

/// A record with this payload, as an old hekad stored it.
pub(crate) fn record(payload: &str) -> Vec<u8> {
    let message = Message {
        uuid: Some(vec![7; 16].into()),
        timestamp: Some(1_700_000_000_000_000_000),
        payload: Some(payload.into()),
        ..Message::default()
    };
    let (mut encoded, mut framed) = (Vec::new(), Vec::new());
    message.encode(&mut encoded);
    write_frame(&encoded, 1 << 20, &mut framed).unwrap();
    framed
}

/// A folder with these files, and what is read from it.
fn read(files: &[(&str, &[u8])]) -> (Vec<String>, Option<String>, Undelivered) {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(dir.path().join(name), content).unwrap();
    }
    let folder = OldFolder::open(dir.path()).unwrap();
    let mut payloads = Vec::new();
    let read: io::Result<_> = folder.read(|message| {
        payloads.push(String::from_utf8_lossy(MessageView::new(message).payload().unwrap()).into_owned());
        Ok(())
    });
    let undelivered = read.unwrap();
    assert_eq!(folder.count().unwrap(), undelivered);
    assert_eq!(undelivered.records, payloads.len() as u64);
    (payloads, folder.doubt().map(str::to_owned), undelivered)
}

fn records(payloads: &[&str]) -> Vec<u8> {
    payloads.iter().flat_map(|payload| record(payload)).collect()
}

#[track_caller]
fn check(checkpoint: &str, expected: &[&str], doubted: bool) {
    let files = [
        ("2.log", records(&["a1", "a2", "a3"])),
        ("5.log", records(&["b1", "b2"])),
        ("10.log", records(&["c1"])),
        ("abc.log", b"x".to_vec()),
        ("07.log", records(&["no"])),
        ("notes.txt", b"x".to_vec()),
    ];
    let mut files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
    if checkpoint != "none" {
        files.push(("checkpoint.txt", checkpoint.as_bytes()));
    }
    let (payloads, doubt, _) = read(&files);
    assert_eq!(payloads, expected, "{doubt:?}");
    assert_eq!(doubt.is_some(), doubted, "{doubt:?}");
}

#[test]
fn reading_begins_at_the_checkpoint() {
    let size = record("a1").len();
    check("none", &["a1", "a2", "a3", "b1", "b2", "c1"], false);
    check(&format!("2 {size}"), &["a2", "a3", "b1", "b2", "c1"], false);
    check(&format!("5 {}", 2 * size), &["c1"], false);
    check(&format!("10 {size}"), &[], false);
    check("5 0", &["b1", "b2", "c1"], false);
}

#[test]
fn a_file_that_is_gone_was_delivered() {
    check("3 20", &["b1", "b2", "c1"], false);
    check("11 0", &[], false);
}

#[test]
fn a_damaged_checkpoint_means_everything() {
    for text in ["", "x", "2", "2 ", "a b", "1 2 3", "-1 5", "2 x"] {
        check(text, &["a1", "a2", "a3", "b1", "b2", "c1"], true);
    }
}

#[test]
fn stale_digits_behind_a_shorter_checkpoint_leave_nothing_out() {
    let size = record("a1").len();
    // `5 <size>` written over `2 <longer>` and not cut yet.
    check(&format!("5 {size}678"), &["b2", "c1"], true);
    check(&format!("5 {size}6"), &["b2", "c1"], true);
    check(&format!("5 {}99", 2 * size), &["c1"], true);
}

#[test]
fn a_place_inside_a_record_means_that_record() {
    let size = record("a1").len();
    for inside in [1, 5, size / 2, size - 1] {
        let digits_fit = |at: usize| without_stale_digits(at as u64).any(|at| at.is_multiple_of(size as u64));
        let at = size + inside;
        assert!(!digits_fit(at));
        check(&format!("2 {at}"), &["a2", "a3", "b1", "b2", "c1"], true);
    }
    check("2 999999", &["a1", "a2", "a3", "b1", "b2", "c1"], true);
}

#[test]
fn damage_in_the_files_costs_only_what_is_damaged() {
    let torn = &record("a very long record that was torn")[..30];
    let first = [records(&["a"]).as_slice(), b"garbage", &record("b"), torn].concat();
    let (payloads, doubt, undelivered) = read(&[("0.log", &first), ("1.log", &records(&["c", "d"]))]);
    assert_eq!(payloads, ["a", "b", "c", "d"]);
    assert_eq!(doubt, None);
    assert_eq!(undelivered.damage, Damage { stretches: 2, bytes: 37 });
    // A place in the garbage: from there on.
    let at = record("a").len() + 3;
    let checkpoint = format!("0 {at}");
    let (payloads, ..) = read(&[("0.log", &first), ("checkpoint.txt", checkpoint.as_bytes())]);
    assert_eq!(payloads, ["b"]);
}

#[test]
fn a_folder_without_a_queue_has_nothing() {
    assert_eq!(read(&[]).0, Vec::<String>::new());
    assert_eq!(read(&[("checkpoint.txt", b"")]).2, Undelivered::default());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the checkpoint's text became after the reader had delivered `delivered` records: none of those after
    /// them is left out.
    #[test]
    fn a_torn_checkpoint_leaves_nothing_out(delivered in 0..40usize, stale in "[0-9]{0,4}", keep in 0..12usize) {
        let payloads: Vec<String> = (0..40).map(|n| format!("{n:03}")).collect();
        let bytes: Vec<u8> = payloads.iter().flat_map(|payload| record(payload)).collect();
        let size = record("000").len();
        let offset = delivered * size;
        for text in [format!("3 {offset}{stale}"), format!("3 {offset}").chars().take(keep).collect()] {
            let Some(digits) = text.split(' ').nth(1) else { continue };
            // One number in so many ends between two records by chance; nobody can tell it from a good one.
            let chance = digits.parse().is_ok_and(|at: usize| at > offset && at.is_multiple_of(size) && at <= bytes.len());
            if chance {
                continue;
            }
            let (found, ..) = read(&[("3.log", &bytes), ("checkpoint.txt", text.as_bytes())]);
            prop_assert!(found.ends_with(&payloads[delivered..]), "{text:?}");
        }
    }
}
