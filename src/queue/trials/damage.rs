//! Cut and flipped segments: no panic, no hang, and only the record that was hit is lost.

use super::{DIR, batch_of, drain, logged, open, options, read_all};
use crate::fs::SimulatedFs;
use crate::record::good_at;
use crate::{Meta, Options, Position, Queue, SyncMode};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const RECORDS: u64 = 8;

/// A segment with some records, closed or not, and where each lies in it.
fn segment(cleanly: bool) -> (SimulatedFs, PathBuf, Vec<Range<usize>>) {
    let fs = SimulatedFs::new();
    let queue = open(&fs, SyncMode::Ack);
    for id in 0..RECORDS {
        queue.append(&mut batch_of([id], 60)).unwrap();
    }
    queue.sync();
    if cleanly {
        queue.close();
    }
    let fs = fs.after_kill();
    let path = Path::new(DIR).join("00000001.log");
    let mut ranges = Vec::new();
    fs.damage(&path, |bytes| {
        let mut at = 0;
        while let Some(frame) = good_at(bytes, at) {
            ranges.push(at..at + frame.end);
            at += frame.end;
        }
    });
    assert_eq!(ranges.len() as u64, RECORDS);
    (fs, path, ranges)
}

/// Opens what is there; returns what is read, what was logged, and what the queue counted.
fn survivors(fs: &SimulatedFs) -> (Vec<u64>, Vec<String>, u64) {
    let (options, lines) = logged(options(Arc::new(fs.clone()), SyncMode::Ack));
    let queue = Queue::open_without_commits(Path::new(DIR), options).unwrap();
    let ids = read_all(&queue);
    assert_eq!(read_all(&queue), ids, "a second reader reads the same");
    // The queue goes on, and nothing new hides behind the damage.
    let mut reader = queue.reader(queue.tail());
    queue.append(&mut batch_of([100], 60)).unwrap();
    assert_eq!(drain(&mut reader), [100]);
    assert_eq!(read_all(&queue).last(), Some(&100));
    let stats = queue.stats();
    let lines = lines.lock().unwrap().clone();
    (ids, lines, stats.bad_records + u64::from(stats.cut_bytes > 0))
}

#[test]
fn a_flipped_bit_loses_only_the_record_it_hits() {
    for cleanly in [false, true] {
        let (fs, path, ranges) = segment(cleanly);
        for hit in RECORDS - 3..RECORDS {
            for at in ranges[hit as usize].clone() {
                for bit in 0..8 {
                    let fs = fs.after_kill();
                    fs.damage(&path, |bytes| bytes[at] ^= 1 << bit);
                    let case = format!("closed {cleanly}, record {hit}, byte {at}, bit {bit}");
                    let (ids, lines, counted) = survivors(&fs);
                    assert_eq!(ids, (0..RECORDS).filter(|&id| id != hit).collect::<Vec<_>>(), "{case}");
                    assert_eq!((lines.len(), counted), (1, 1), "{case}: {lines:?}");
                    assert!(lines[0].contains("00000001.log"), "{case}: {lines:?}");
                }
            }
        }
    }
}

#[test]
fn a_cut_loses_only_what_it_cuts() {
    for cleanly in [false, true] {
        let (fs, path, ranges) = segment(cleanly);
        for at in ranges[RECORDS as usize - 3].start..=ranges[RECORDS as usize - 1].end {
            let fs = fs.after_kill();
            fs.damage(&path, |bytes| bytes.truncate(at));
            let whole = ranges.iter().filter(|range| range.end <= at).count() as u64;
            let at_an_end = ranges.iter().any(|range| range.end == at);
            let (ids, lines, counted) = survivors(&fs);
            assert_eq!(ids, (0..whole).collect::<Vec<_>>(), "closed {cleanly}, cut at {at}");
            let expected = u64::from(!at_an_end);
            assert_eq!(
                (lines.len() as u64, counted),
                (expected, expected),
                "closed {cleanly}, cut at {at}: {lines:?}"
            );
        }
    }
}

#[test]
fn a_bad_record_in_an_old_segment_is_counted_and_logged_once() {
    let fs = SimulatedFs::new();
    let queue = open(&fs, SyncMode::Ack);
    for id in 0..200 {
        queue.append(&mut batch_of([id], 60)).unwrap();
    }
    queue.close();
    let fs = fs.after_kill();
    fs.damage(&Path::new(DIR).join("00000001.log"), |bytes| {
        for at in [70, 710] {
            bytes[at] ^= 1;
        }
    });
    let (options, lines) = logged(options(Arc::new(fs), SyncMode::Ack));
    let queue = Queue::open_without_commits(Path::new(DIR), options).unwrap();
    let ids = read_all(&queue);
    assert_eq!(ids.len(), 198);
    assert_eq!(read_all(&queue), ids);
    assert_eq!(queue.stats().bad_records, 2);
    assert_eq!(lines.lock().unwrap().len(), 1);
}

#[test]
fn strange_files_are_no_obstacle() {
    let fs = SimulatedFs::new();
    let queue = open(&fs, SyncMode::Ack);
    queue.append(&mut batch_of(0..3, 60)).unwrap();
    queue.close();
    let fs = fs.after_kill();
    let put = |name: &str, content: &[u8]| {
        let file = crate::fs::Fs::create(&fs, &Path::new(DIR).join(name)).unwrap();
        crate::fs::write_all_at(file.as_ref(), content, 0).unwrap();
    };
    put("00000002.log", b"");
    put("00000003.log", &[0; 5000]);
    put("00000004.log", b"not a segment at all");
    put("00000005.log", &[0x1E; 3000]);
    put("6.log", b"a name that no segment has");
    put("notes.txt", b"a stranger");
    let queue = open(&fs, SyncMode::Ack);
    assert_eq!(queue.stats().next_sequence, 3);
    queue.append(&mut batch_of(3..5, 60)).unwrap();
    assert_eq!(read_all(&queue), [0, 1, 2, 3, 4]);
    assert_eq!(queue.tail().segment, 6);
    assert!(
        fs.paths().contains(&Path::new(DIR).join("00000005.log.damaged")),
        "kept for whoever knows what it is"
    );
}

#[test]
fn a_cursor_from_elsewhere_is_the_next_live_place() {
    let fs = SimulatedFs::new();
    let queue = open(&fs, SyncMode::Ack);
    queue.append(&mut batch_of(0..3, 60)).unwrap();
    queue.close();
    let fs = fs.after_kill();
    let queue = open(&fs, SyncMode::Ack);
    queue.append(&mut batch_of(3..5, 60)).unwrap();
    let from = |segment, offset| drain(&mut queue.reader(Position::new(segment, offset)));
    assert_eq!(from(0, 77), [0, 1, 2, 3, 4]);
    assert_eq!(from(1, 1 << 40), [3, 4], "past the end of a sealed segment");
    assert_eq!(from(2, u64::MAX), [3, 4], "past the end of the last");
    assert_eq!(from(9, 0), [], "after all");
    assert_eq!(from(1, 5), [1, 2, 3, 4], "inside a record");
}

#[test]
fn a_segment_removed_or_cut_by_another_hand_is_passed() {
    let fs = SimulatedFs::new();
    let queue = open(&fs, SyncMode::None);
    for id in 0..150 {
        queue.append(&mut batch_of([id], 60)).unwrap();
    }
    let (second, third) = (Path::new(DIR).join("00000002.log"), Path::new(DIR).join("00000003.log"));
    assert!(fs.paths().contains(&third));
    crate::fs::Fs::unlink(&fs, &second).unwrap();
    fs.damage(&third, |bytes| bytes.truncate(200));
    let ids = read_all(&queue);
    assert!(ids.is_sorted());
    assert_eq!((ids.first(), ids.last()), (Some(&0), Some(&149)));
    assert!(ids.len() < 150 && ids.len() > 60, "{ids:?}");
}

/// Zeros in a message are not a hole: what was acknowledged behind a damaged record stays, also if the segment was open.
#[test]
fn zeros_in_a_damaged_record_are_not_taken_for_a_hole() {
    for zeros in [1100, 3000] {
        for lead in (0..600).step_by(40) {
            let fs = SimulatedFs::new();
            let options =
                Options { segment_size_bytes: 16 << 10, ..options(Arc::new(fs.clone()), SyncMode::Ack) };
            let queue = Queue::open_without_commits(Path::new(DIR), options.clone()).unwrap();
            let mut text = vec![b'x'; lead];
            text.resize(lead + zeros, 0);
            text.extend_from_slice(b"the end");
            let mut batch = batch_of(0..3, 60);
            batch.push(&text, Meta::default()).unwrap();
            queue.append(&mut batch).unwrap();
            queue.append(&mut batch_of(4..6, 60)).unwrap();
            assert!(queue.sync());
            let case = format!("{zeros} zeros after {lead} bytes");
            let fs = fs.after_kill();
            fs.damage(&Path::new(DIR).join("00000001.log"), |bytes| {
                let at = bytes.windows(7).position(|bytes| bytes == b"the end").unwrap();
                bytes[at] ^= 1;
            });
            let options = Options { fs: Arc::new(fs), ..options };
            let queue = Queue::open_without_commits(Path::new(DIR), options).unwrap();
            assert_eq!(read_all(&queue), [0, 1, 2, 4, 5], "{case}");
            assert_eq!((queue.stats().bad_records, queue.stats().cut_bytes), (1, 0), "{case}");
        }
    }
}
