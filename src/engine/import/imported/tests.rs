use heka_queue::fs::RealFs;
use heka_queue::{Batch, Meta};

use super::*;

const READER: &str = "out";

/// A queue of imported records for `out`, and the cursors of its `base_dir`.
fn imported(dir: &std::path::Path) -> (Imported, Cursors, Places) {
    let places = Places::of(dir);
    let options = Options { segment_size_bytes: 4096, ..Options::default() };
    let queue = Queue::open(&places.queue(READER), options).unwrap();
    for _ in 0..10 {
        let mut batch = Batch::new();
        batch.push(&[b'x'; 3000], Meta::default()).unwrap();
        queue.append(&mut batch).unwrap();
    }
    queue.close();
    drop(queue);
    let cursors = Cursors::open(&dir.join("queue"), Arc::new(RealFs), SyncMode::Ack).unwrap();
    (Imported::open(&places, [READER, "other"], &Logger::default()), cursors, places)
}

fn save(imported: &Imported, cursors: &Cursors, at: Position) {
    cursors.set(READER, &queue_name(READER), at);
    let saved = cursors.save_if_changed().unwrap();
    imported.prune(cursors, &saved).unwrap();
}

#[test]
fn a_queue_shrinks_as_it_is_read_and_goes_when_it_is_read_up() {
    let dir = tempfile::tempdir().unwrap();
    let (imported, cursors, places) = imported(dir.path());
    assert!(imported.has(READER) && !imported.has("other"));
    assert_eq!(imported.lag_bytes("other", Position::default()), 0);
    let mut reader = imported.reader(READER, Position::default()).unwrap();
    let files = || fs::read_dir(places.queue(READER)).unwrap().count();
    let before = files();
    for _ in 0..5 {
        reader.next().unwrap();
    }
    let half = reader.position();
    save(&imported, &cursors, half);
    assert!(files() < before && imported.lag_bytes(READER, half) > 0);
    while reader.next().is_some() {}
    save(&imported, &cursors, reader.position());
    assert!(!imported.has(READER) && !places.queue(READER).exists() && !places.done(READER).exists());
    assert_eq!(cursors.get(READER, &queue_name(READER)), None);
    assert!(reader.next().is_none() && !reader.has_more());
}

#[test]
fn without_a_cursor_nothing_goes() {
    let dir = tempfile::tempdir().unwrap();
    let (imported, cursors, places) = imported(dir.path());
    let saved = cursors.save_if_changed().unwrap();
    imported.prune(&cursors, &saved).unwrap();
    assert!(imported.has(READER) && places.queue(READER).exists());
}
