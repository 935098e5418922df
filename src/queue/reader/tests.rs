//! Readers that leave out what they do not want see everything else.

use crate::fs::SimulatedFs;
use crate::{Batch, Meta, Options, Position, Queue, Reader, SyncMode};
use heka_message::{Message, MessageView};
use proptest::collection::vec;
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "/base/input";

/// A record: its type's number, the size of its payload, and whether it is appended with the one before.
type Piece = (u8, usize, bool);

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<Piece>),
    /// Reader and how many records.
    Read(usize, usize),
    Seek(usize),
}

fn type_text(number: u8) -> String {
    // Types of many lengths, one of which the index does not keep.
    match number {
        0 => String::new(),
        1 => "x".repeat(300),
        number => format!("type {number}"),
    }
}

fn append(queue: &Queue, next_id: &mut i64, pieces: &[Piece]) {
    let mut batch = Batch::new();
    let mut bytes = Vec::new();
    for &(number, size, joined) in pieces {
        let message = Message {
            timestamp: Some(*next_id),
            msg_type: (number != 0).then(|| type_text(number).into()),
            payload: Some(vec![0x1E; size].into()),
            ..Message::default()
        };
        *next_id += 1;
        bytes.clear();
        message.encode(&mut bytes);
        let meta = Meta { canonical: !number.is_multiple_of(3), ..Meta::default() };
        if !joined {
            queue.append(&mut batch).unwrap();
        }
        batch.push(&bytes, meta).unwrap();
    }
    queue.append(&mut batch).unwrap();
}

fn options(fs: &SimulatedFs) -> Options {
    let fs = Arc::new(fs.clone());
    Options { segment_size_bytes: 16 << 10, sync: SyncMode::None, fs, ..Options::default() }
}

/// A reader that wants only types whose number has a bit of `wanted`.
fn picky(queue: &Queue, wanted: u64) -> Reader {
    let mut reader = queue.reader(Position::default());
    reader.leave_out(move |text| !wants(wanted, text));
    reader
}

fn wants(wanted: u64, text: &[u8]) -> bool {
    (0..8).any(|number| wanted & 1 << number != 0 && type_text(number).as_bytes() == text)
}

/// Ids of the wanted records among the next `count` that the reader hands out.
fn read(reader: &mut Reader, wanted: u64, count: usize) -> (Vec<i64>, usize) {
    let mut ids = Vec::new();
    for seen in 0..count {
        let Some(record) = reader.next() else { return (ids, seen) };
        let view = MessageView::new(record.message);
        if wants(wanted, view.msg_type().map_or(&[], |text| text)) {
            ids.push(view.timestamp().unwrap());
        }
    }
    (ids, count)
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    // Runs of one type, as inputs make them, and mixtures.
    let alike = (0..8u8, 1..60usize).prop_map(|(number, count)| vec![(number, 40, true); count]);
    prop_oneof![alike, vec((0..8u8, 0..200usize, any::<bool>()), 0..20)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => pieces().prop_map(Step::Append),
        3 => (0..4usize, 1..100usize).prop_map(|(reader, count)| Step::Read(reader, count)),
        1 => (0..4usize).prop_map(Step::Seek),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn picky_readers_miss_nothing_and_repeat_nothing(
        before in pieces(),
        damage in vec((any::<prop::sample::Index>(), 1..=255u8), 0..6),
        wanted in vec(prop_oneof![any::<u64>(), 0..8u64, Just(0)], 4),
        steps in vec(step(), 1..40),
    ) {
        let fs = SimulatedFs::new();
        let mut next_id = 0;
        {
            let queue = Queue::open(Path::new(DIR), options(&fs)).unwrap();
            append(&queue, &mut next_id, &before);
            // More than a segment can be damaged only where there is one.
            append(&queue, &mut next_id, &[(2, 40, true); 90]);
        }
        let fs = fs.after_kill();
        fs.damage(&Path::new(DIR).join("00000001.log"), |bytes| {
            for (at, change) in &damage {
                let at = at.index(bytes.len());
                bytes[at] ^= change;
            }
        });
        let queue = Queue::open(Path::new(DIR), options(&fs)).unwrap();
        let mut readers: Vec<Reader> = wanted.iter().map(|&wanted| picky(&queue, wanted)).collect();
        let mut seen: Vec<Vec<i64>> = vec![Vec::new(); readers.len()];
        for step in &steps {
            match step {
                Step::Append(pieces) => append(&queue, &mut next_id, pieces),
                Step::Read(reader, count) => {
                    seen[*reader].extend(read(&mut readers[*reader], wanted[*reader], *count).0);
                }
                Step::Seek(reader) => {
                    let position = readers[*reader].position();
                    readers[*reader].seek(position);
                }
            }
        }
        for ((reader, seen), &wanted) in readers.iter_mut().zip(&mut seen).zip(&wanted) {
            seen.extend(read(reader, wanted, usize::MAX).0);
            prop_assert_eq!(reader.position(), queue.tail());
            let all = read(&mut queue.reader(Position::default()), wanted, usize::MAX).0;
            prop_assert_eq!(&*seen, &all);
        }
    }
}

/// A queue that another process left, with a record of type 4 after every fifty of type 2.
fn left_queue() -> (SimulatedFs, Vec<i64>) {
    let fs = SimulatedFs::new();
    let queue = Queue::open(Path::new(DIR), options(&fs)).unwrap();
    let mut next_id = 0;
    for _ in 0..20 {
        append(&queue, &mut next_id, &[(2, 40, true); 50]);
        append(&queue, &mut next_id, &[(4, 40, true)]);
    }
    (fs.after_kill(), (0..1020).filter(|id| id % 51 == 50).collect())
}

#[test]
fn a_reader_that_follows_looks_at_nothing_it_refuses() {
    let (fs, expected) = left_queue();
    let queue = Queue::open(Path::new(DIR), options(&fs)).unwrap();
    let segments = queue.stats().segments as usize;
    assert!(segments > 3);
    let (mut first, mut second) = (picky(&queue, 0), picky(&queue, 1 << 4));
    let (mut looked, mut found) = (0, Vec::new());
    let mut left = 1020;
    while left > 0 {
        // To the next segment: what it noted is handed over.
        let segment = first.position().segment;
        while left > 0 && first.position().segment == segment {
            left -= read(&mut first, 0, 1).1;
        }
        while second.position().segment + 1 < first.position().segment {
            let (ids, seen) = read(&mut second, 1 << 4, 1);
            looked += seen;
            found.extend(ids);
        }
    }
    let (ids, seen) = read(&mut second, 1 << 4, usize::MAX);
    found.extend(ids);
    assert_eq!(found, expected);
    assert!(looked <= expected.len() + 2 * segments, "{looked} looked at in {segments} segments");
    assert!(seen < 1020 / 2);
}

#[test]
fn what_this_process_appended_is_known_without_a_look() {
    let fs = SimulatedFs::new();
    let queue = Queue::open(Path::new(DIR), options(&fs)).unwrap();
    let (mut reader, mut next_id) = (picky(&queue, 1 << 4), 0);
    for round in 0..50 {
        append(&queue, &mut next_id, &[(2, 40, true); 50]);
        append(&queue, &mut next_id, &[(4, 40, true); 2]);
        let (ids, seen) = read(&mut reader, 1 << 4, usize::MAX);
        assert_eq!(ids, [round * 52 + 50, round * 52 + 51]);
        // The first record of a segment, and of the queue, tells where the reader is.
        assert!(seen <= 4, "{seen} in round {round}");
    }
}

#[test]
fn a_damaged_record_is_counted_by_whoever_wants_it() {
    let fs = SimulatedFs::new();
    let path = Path::new(DIR).join("00000001.log");
    let mut next_id = 0;
    {
        let queue = Queue::open(Path::new(DIR), options(&fs)).unwrap();
        append(&queue, &mut next_id, &[(2, 40, true); 100]);
    }
    let fs = fs.after_kill();
    // The type of one record.
    fs.damage(&path, |bytes| {
        let at = bytes.windows(6).position(|window| window == b"type 2").unwrap();
        bytes[at + 5] = b'4';
    });
    let queue = Queue::open(Path::new(DIR), options(&fs)).unwrap();
    assert_eq!(read(&mut picky(&queue, 1 << 4), 1 << 4, usize::MAX), (Vec::new(), 99));
    assert_eq!(queue.stats().bad_records, 1);
    assert_eq!(read(&mut picky(&queue, 1 << 2), 1 << 2, usize::MAX).0.len(), 99);
    assert_eq!(queue.stats().bad_records, 1);
}
