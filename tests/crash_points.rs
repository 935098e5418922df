//! hekad dies at every named point, and again at every point that its recovery passes, and nothing is lost.
//!
//! The points are `fault!("name")` in the source and are compiled with the feature `fault` only:
//! `cargo test --features fault --test crash_points`. With `HEKA_CRASH_PAIRS=all` each point is followed by each other one
//! in a folder of its own; `HEKA_CRASH_POINT=name` picks one; `HEKA_KEEP` leaves the scratch folders behind.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "crash_points/cases.rs"]
mod cases;
#[cfg(feature = "fault")]
#[path = "crash_points/check.rs"]
mod check;
#[cfg(feature = "fault")]
#[path = "crash_points/runs.rs"]
mod runs;
#[cfg(feature = "fault")]
#[path = "crash_points/trial.rs"]
mod trial;

use std::collections::BTreeMap;
use std::path::Path;

use cases::CASES;

/// Adds the names of the points in all Rust files below a folder.
fn find_points(folder: &Path, found: &mut BTreeMap<String, u32>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        // What defines the macro names no points.
        if entry.is_dir() && !entry.ends_with("src/fault") && !entry.ends_with("target") {
            find_points(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&entry).unwrap();
            for rest in text.split("fault!(").skip(1) {
                let name = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
                let (name, _) = name.unwrap_or_else(|| panic!("{}: a point without a name", entry.display()));
                *found.entry(name.to_owned()).or_default() += 1;
            }
        }
    }
}

#[test]
fn every_point_in_the_source_has_a_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut points = BTreeMap::new();
    find_points(&root.join("src"), &mut points);
    find_points(&root.join("plugins"), &mut points);
    assert!(points.len() >= 24, "only {} points", points.len());
    for (name, count) in &points {
        assert_eq!(*count, 1, "point {name} is in the source {count} times");
        assert_eq!(CASES.iter().filter(|case| case.point == name).count(), 1, "cases of point {name}");
    }
    for case in CASES {
        assert!(points.contains_key(case.point), "point {} is not in the source", case.point);
    }
}

#[cfg(not(feature = "fault"))]
#[test]
fn skipped_without_the_feature_fault() {
    println!("skipped: dying at {} points; run with --features fault", CASES.len());
}

#[cfg(feature = "fault")]
#[test]
fn nothing_is_lost_wherever_it_dies() {
    runs::run_all();
}
