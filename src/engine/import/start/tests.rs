use std::fs;
use std::sync::Arc;

use heka_queue::fs::RealFs;
use heka_queue::{Position, SyncMode};

use super::*;
use crate::import::folder;
use crate::place::Place;

fn old(base_dir: &Path, name: &str, payload: &str) {
    let dir = base_dir.join("output_queue").join(name);
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("3.log"), folder::tests::record(payload)).unwrap();
}

fn run(base_dir: &Path, readers: &[&str]) -> (Vec<String>, Cursors) {
    let queue = base_dir.join("queue");
    fs::create_dir_all(&queue).unwrap();
    let cursors = Cursors::open(&queue, Arc::new(RealFs), SyncMode::Ack).unwrap();
    let reports = import(base_dir, readers.iter().copied(), &cursors, 1 << 20, &Logger::default());
    (reports.iter().map(ToString::to_string).collect(), cursors)
}

#[test]
fn folders_of_the_configuration_are_imported_and_others_named() {
    let dir = tempfile::tempdir().unwrap();
    old(dir.path(), "my_out", "a");
    old(dir.path(), "gone", "b");
    let (texts, _) = run(dir.path(), &["my-out", "new"]);
    let size = folder::tests::record("a").len() - 5;
    assert_eq!(
        texts,
        [
            "output_queue/gone is left as it is: no filter or output of that name is configured".to_string(),
            format!(
                "imported output_queue/my_out: 1 messages ({size} bytes) to deliver; \
                 the old folder is now output_queue.imported/my_out"
            ),
        ]
    );
    assert_eq!(run(dir.path(), &["my-out", "new"]).0.len(), 1, "once");
}

#[test]
fn nothing_is_made_where_there_was_no_queue() {
    let dir = tempfile::tempdir().unwrap();
    assert!(run(dir.path(), &["a"]).0.is_empty());
    assert!(!dir.path().join("queue/imported").exists() && !dir.path().join("queue/progress").exists());
}

#[test]
fn no_place_from_before_hides_what_is_imported() {
    let dir = tempfile::tempdir().unwrap();
    let places = Places::of(dir.path());
    let (_, cursors) = run(dir.path(), &[]);
    let first = |cursors: &Cursors| first_segment(&places, "f", cursors).unwrap();
    assert_eq!(first(&cursors), 1);
    cursors.set("f", &queue_name("f"), Position::new(4, 0));
    assert_eq!(first(&cursors), 5);
    let place = |segment| Place { imported: Position::new(segment, 9), ..Place::default() };
    Progress::open(dir.path(), "f").unwrap().note(place(6)).unwrap();
    assert_eq!(first(&cursors), 7);
    StateFile::new(dir.path(), "f", false).save(place(8), b"").unwrap();
    assert_eq!(first(&cursors), 9);
    fs::create_dir_all(places.queue("f")).unwrap();
    fs::write(places.queue("f").join("00000012.log"), "").unwrap();
    assert_eq!(first(&cursors), 13);
}
