use std::fs::OpenOptions;

use proptest::prelude::*;

use super::super::create::Plan;
use super::*;

const NOW: i64 = 1_500_000_000;

fn made(dir: &tempfile::TempDir, aggregation: i64, archives: &[[i64; 3]]) -> Database {
    let archives: Vec<Vec<i64>> = archives.iter().map(|archive| archive.to_vec()).collect();
    let plan = Plan::new(aggregation, &archives).unwrap();
    Database::open(plan.create(&dir.path().join("x.wsp")).unwrap()).unwrap()
}

/// The points of an archive that are there, by time.
fn points(database: &Database, archive: usize) -> Vec<(i64, f64)> {
    let archive = &database.archives[archive];
    let bytes = database.read(archive.offset, archive.size()).unwrap();
    let all = bytes.chunks_exact(12).map(Point::read).filter(|point| point.time_s != 0);
    let mut all: Vec<_> = all.map(|point| (point.time_s, point.value)).collect();
    all.sort_by_key(|(time_s, _)| *time_s);
    all
}

#[test]
fn a_new_file_is_as_whisper_makes_it() {
    let dir = tempfile::tempdir().unwrap();
    let database = made(&dir, 0, &[[0, 60, 1440], [0, 900, 8], [0, 3600, 168], [0, 43_200, 1456]]);
    let bytes = std::fs::read(dir.path().join("x.wsp")).unwrap();
    assert_eq!(bytes.len(), 36_928);
    assert_eq!(
        bytes[..28],
        *b"\0\0\0\x01\x03\xbf\xc4\0\x3d\xcc\xcc\xcd\0\0\0\x04\0\0\0\x40\0\0\0\x3c\0\0\x05\xa0"
    );
    assert!(bytes[64..].iter().all(|byte| *byte == 0));
    assert_eq!(
        database.archives.iter().map(|archive| archive.offset).collect::<Vec<_>>(),
        [64, 17_344, 17_440, 19_456]
    );
    assert!(!dir.path().join("x.wsp.new").exists());
}

#[test]
fn plans_that_cannot_be() {
    let why = |aggregation, archives: &[&[i64]]| {
        let archives: Vec<Vec<i64>> = archives.iter().map(|archive| archive.to_vec()).collect();
        Plan::new(aggregation, &archives).err().unwrap()
    };
    assert_eq!(why(1, &[&[60, 10]]), "All default archive info settings must have 3 values.");
    assert_eq!(why(9, &[&[0, 60, 10]]), "`default_agg_method` must be from 0 to 8.");
    assert_eq!(why(-1, &[&[0, 60, 10]]), "`default_agg_method` must be from 0 to 8.");
    assert_eq!(why(1, &[]), "`default_archive_info` must have an archive.");
    for (step, points) in [(0, 10), (60, 0), (-60, 10), (1 << 20, 1 << 20)] {
        let text = format!("`default_archive_info`: there is no archive of {points} points every {step} s.");
        assert_eq!(why(1, &[&[0, step, points]]), text);
    }
    assert!(why(1, &[&[0, 1, 1 << 28]]).ends_with(" bytes."));
}

#[test]
fn points_go_to_their_places_and_are_aggregated() {
    let dir = tempfile::tempdir().unwrap();
    let database = made(&dir, 2, &[[0, 10, 6], [0, 60, 4]]);
    for (ago, value) in [(35, 1.0), (25, 2.0), (24, 3.0), (0, 4.0)] {
        database.update(value, NOW - ago, NOW).unwrap();
    }
    assert_eq!(points(&database, 0), [(NOW - 40, 1.0), (NOW - 30, 3.0), (NOW, 4.0)]);
    assert_eq!(points(&database, 1), [(NOW - 60, 4.0), (NOW, 4.0)]);
    // A minute later the same places are used again.
    database.update(9.0, NOW + 30, NOW + 30).unwrap();
    assert_eq!(points(&database, 0), [(NOW - 40, 1.0), (NOW, 4.0), (NOW + 30, 9.0)]);
    // Too old for the first archive.
    database.update(7.0, NOW - 100, NOW + 30).unwrap();
    assert_eq!(points(&database, 1), [(NOW - 120, 7.0), (NOW - 60, 4.0), (NOW, 13.0)]);
}

#[test]
fn times_that_no_archive_covers() {
    let dir = tempfile::tempdir().unwrap();
    let database = made(&dir, 1, &[[0, 10, 6]]);
    for time_s in [NOW + 1, NOW - 60, 0] {
        let error = database.update(1.0, time_s, NOW).unwrap_err();
        assert_eq!(error.to_string(), "point is older than the maximum retention period");
    }
    assert!(points(&database, 0).is_empty());
}

#[test]
fn a_share_must_be_known() {
    let dir = tempfile::tempdir().unwrap();
    let database = made(&dir, 1, &[[0, 1, 100], [0, 20, 10]]);
    database.update(5.0, NOW, NOW).unwrap();
    database.update(7.0, NOW + 1, NOW + 1).unwrap();
    assert!(points(&database, 1).is_empty(), "the file's number is a little more than a tenth");
    database.update(9.0, NOW + 2, NOW + 2).unwrap();
    assert_eq!(points(&database, 1), [(NOW, 7.0)]);
}

#[test]
fn files_that_are_none_or_cut_short() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.wsp");
    let open = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Database::open(OpenOptions::new().read(true).write(true).open(&path).unwrap())
    };
    drop(made(&dir, 1, &[[0, 10, 6]]));
    let good = std::fs::read(&path).unwrap();
    assert!(matches!(open(b""), Err(DatabaseError::Empty)));
    assert!(matches!(open(&[0; 100]), Err(DatabaseError::Empty)));
    assert!(matches!(open(&good[..20]), Err(DatabaseError::Damaged)));
    assert!(matches!(open(b"some text that is longer than a header"), Err(DatabaseError::Damaged)));
    let mut none = good.clone();
    none[20..24].fill(0);
    assert!(matches!(open(&none), Err(DatabaseError::Damaged)));
    open(&good[..40]).unwrap().update(1.0, NOW, NOW).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), good.len() as u64);
}

/// Puts points where hekad 0.11 put them.
fn of_hekad_0_11(database: &Database, times: &[i64]) {
    let archive = &database.archives[0];
    for &time_s in times {
        let place = (time_s - 1).div_euclid(archive.step).rem_euclid(archive.points).unsigned_abs();
        write_point(&database.file, archive.offset + place * POINT_SIZE, Point { time_s, value: 3.0 })
            .unwrap();
    }
}

#[test]
fn files_of_hekad_0_11_become_readable() {
    let dir = tempfile::tempdir().unwrap();
    let database = made(&dir, 1, &[[0, 60, 100]]);
    let base = NOW - NOW % 6000 + 120;
    of_hekad_0_11(&database, &[base, base + 60, base + 600]);
    let file = OpenOptions::new().read(true).write(true).open(dir.path().join("x.wsp")).unwrap();
    let database = Database::open(file).unwrap();
    assert_eq!(points(&database, 0)[0], (60, 0.0));
    assert_eq!(points(&database, 0)[1..], [(base, 3.0), (base + 60, 3.0), (base + 600, 3.0)]);
    // Each lies where Graphite looks for it now.
    for time_s in [base, base + 60, base + 600] {
        let place = database.archives[0].place(time_s, database.base(&database.archives[0]).unwrap());
        let bytes = database.read(database.archives[0].offset + place, POINT_SIZE).unwrap();
        assert_eq!(Point::read(&bytes).time_s, time_s);
    }
    database.update(4.0, base + 60, base + 601).unwrap();
    assert_eq!(points(&database, 0)[1..], [(base, 3.0), (base + 60, 4.0), (base + 600, 3.0)]);
}

#[test]
fn points_that_lie_otherwise_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let database = made(&dir, 1, &[[0, 60, 100]]);
    let base = NOW - NOW % 6000;
    write_point(&database.file, database.archives[0].offset + 600, Point { time_s: base, value: 1.0 })
        .unwrap();
    let file = OpenOptions::new().read(true).write(true).open(dir.path().join("x.wsp")).unwrap();
    assert_eq!(points(&Database::open(file).unwrap(), 0), [(base, 1.0)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_finest_archive_has_the_last_value_of_each_interval(
        writes in prop::collection::vec((0i64..60, -5i64..5), 1..80),
        aggregation in 1i64..9,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let database = made(&dir, aggregation, &[[0, 2, 40], [0, 6, 30], [0, 12, 30]]);
        let mut expected = std::collections::BTreeMap::new();
        for (ago, value) in writes {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let value = value as f64;
            database.update(value, NOW - ago, NOW).unwrap();
            let time_s = NOW - ago - (NOW - ago).rem_euclid(2);
            expected.insert(time_s, value);
        }
        prop_assert_eq!(points(&database, 0), expected.into_iter().collect::<Vec<_>>());
        for archive in [1, 2] {
            let step = database.archives[archive].step;
            prop_assert!(points(&database, archive).iter().all(|(time_s, _)| time_s % step == 0));
        }
    }

    #[test]
    fn any_bytes_give_a_result(bytes: Vec<u8>, header in prop::array::uniform28(any::<u8>())) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.wsp");
        let small = [&b"\0\0\0\x01"[..], &header[..8], b"\0\0\0\x01\0\0\0\x1c\0\0", &header[8..10], b"\0\0\0", &header[10..11], &bytes].concat();
        for bytes in [&bytes, &small] {
            std::fs::write(&path, bytes).unwrap();
            let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
            if let Ok(database) = Database::open(file) {
                let _ = database.update(1.0, NOW, NOW);
                let _ = database.update(1.0, NOW - 100, NOW);
            }
        }
    }
}
