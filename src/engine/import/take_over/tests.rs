use std::collections::BTreeMap;

use super::*;
use crate::import::folder;
use heka_message::MessageView;
use heka_queue::Position;

const READER: &str = "my out";

struct Base {
    dir: tempfile::TempDir,
    places: Places,
}

impl Base {
    /// A `base_dir` with an old folder of these payloads, a file each.
    fn new(payloads: &[&str]) -> Base {
        let dir = tempfile::tempdir().unwrap();
        let base = Base { places: Places::of(dir.path()), dir };
        base.old(payloads);
        base
    }

    fn old(&self, payloads: &[&str]) {
        let old = self.places.old_queues().join("my_out");
        fs::create_dir_all(&old).unwrap();
        for (number, payload) in payloads.iter().enumerate() {
            fs::write(old.join(format!("{number}.log")), folder::tests::record(payload)).unwrap();
        }
    }

    fn take_over(&self) -> TakeOver<'_> {
        TakeOver { places: &self.places, segment_size_bytes: 1 << 20 }
    }

    /// What the reader would get.
    fn imported(&self) -> Vec<String> {
        let dir = self.places.queue(READER);
        if !dir.exists() {
            return Vec::new();
        }
        let queue = Queue::open(&dir, Options { sync: SyncMode::None, ..Options::default() }).unwrap();
        let mut reader = queue.reader(Position::default());
        let mut payloads = Vec::new();
        while let Some(record) = reader.next() {
            let payload = MessageView::new(record.message).payload().unwrap();
            payloads.push(String::from_utf8_lossy(payload).into_owned());
        }
        payloads
    }

    fn first_segment(&self) -> u64 {
        segments(&self.places.queue(READER)).unwrap().last().map_or(1, |(number, _)| number + 1)
    }

    /// Names of everything under `base_dir` that matters.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = ["output_queue", "output_queue.imported", "queue/imported"]
            .iter()
            .flat_map(|name| fs::read_dir(self.dir.path().join(name)).into_iter().flatten().flatten())
            .map(|entry| entry.path().strip_prefix(self.dir.path()).unwrap().display().to_string())
            .collect();
        names.sort();
        names
    }
}

fn crash() -> ImportError {
    ImportError::Read(io::Error::other("crash"))
}

#[test]
fn what_was_not_delivered_is_copied_and_the_folder_kept() {
    let base = Base::new(&["a", "b", "c"]);
    let old = base.places.old_queues().join("my_out");
    fs::write(old.join("checkpoint.txt"), "1 0").unwrap();
    let taken = base.take_over().folder(READER, 4).unwrap();
    assert_eq!((taken.undelivered.records, taken.doubt), (2, None));
    assert_eq!(taken.backup, Path::new("output_queue.imported/my_out"));
    assert_eq!(base.imported(), ["b", "c"]);
    assert_eq!(segments(&base.places.queue(READER)).unwrap()[0].0, 4);
    let kept: Vec<String> = fs::read_dir(base.dir.path().join(&taken.backup))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(kept.len(), 4, "{kept:?}");
    assert_eq!(base.names().len(), 2, "{:?}", base.names());
}

#[test]
fn a_second_import_comes_behind_the_first() {
    let base = Base::new(&["a", "b"]);
    base.take_over().folder(READER, base.first_segment()).unwrap();
    base.old(&["c"]);
    let taken = base.take_over().folder(READER, base.first_segment()).unwrap();
    assert_eq!(taken.backup, Path::new("output_queue.imported/my_out.1"));
    assert_eq!(base.imported(), ["a", "b", "c"]);
}

#[test]
fn an_empty_folder_is_only_moved() {
    let base = Base::new(&[]);
    let taken = base.take_over().folder(READER, 1).unwrap();
    assert_eq!(taken.undelivered, Undelivered::default());
    assert_eq!(base.names(), ["output_queue.imported/my_out"]);
}

/// Breaks off between any two steps, then does what a start does: everything is there once.
#[test]
fn a_crash_between_any_two_steps_loses_nothing_and_takes_nothing_twice() {
    let payload = "x".repeat(600_000);
    let payloads = [format!("1{payload}"), format!("2{payload}"), format!("3{payload}")];
    let payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
    let mut seen = BTreeMap::new();
    for crash_at in 0.. {
        let base = Base::new(&payloads);
        let mut count = 0;
        let broken = base.take_over().folder_in_steps(READER, 1, &mut |step| {
            count += 1;
            if count > crash_at {
                *seen.entry(format!("{step:?}")).or_insert(0) += 1;
                return Err(crash());
            }
            Ok(())
        });
        for _ in 0..2 {
            base.take_over().recover(READER).unwrap();
        }
        if base.places.old_queues().join("my_out").exists() {
            assert_eq!(base.imported(), Vec::<String>::new(), "crash {crash_at}");
            base.take_over().folder(READER, 1).unwrap();
        }
        assert_eq!(base.imported(), payloads, "crash {crash_at}");
        assert_eq!(base.names().len(), 2, "crash {crash_at}: {:?}", base.names());
        if broken.is_ok() {
            break;
        }
    }
    let steps: Vec<&str> = seen.keys().map(String::as_str).collect();
    assert_eq!(steps, ["AllPlaced", "Copied", "Moved", "Named", "Placed"]);
    assert!(seen["Placed"] > 1, "more than one segment: {seen:?}");
}

#[test]
fn a_new_old_folder_after_a_crash_is_another_one() {
    let base = Base::new(&["a"]);
    let broken = base.take_over().folder_in_steps(READER, 1, &mut |step| match step {
        Step::Moved => Err(crash()),
        _ => Ok(()),
    });
    assert!(broken.is_err());
    base.old(&["b"]);
    assert!(base.take_over().recover(READER).unwrap());
    assert_eq!(base.imported(), ["a"]);
    base.take_over().folder(READER, base.first_segment()).unwrap();
    assert_eq!(base.imported(), ["a", "b"]);
}

#[test]
fn a_folder_that_cannot_be_moved_stays_as_it_is() {
    let base = Base::new(&["a"]);
    fs::write(base.dir.path().join("output_queue.imported"), "in the way").unwrap();
    let error = base.take_over().folder(READER, 1).unwrap_err().to_string();
    assert!(error.contains("output_queue.imported"), "{error}");
    assert!(base.places.old_queues().join("my_out/0.log").exists());
    assert!(!base.take_over().recover(READER).unwrap());
    assert_eq!(base.imported(), Vec::<String>::new());
}
