use heka_message::{Message, write_frame};
use proptest::prelude::*;

use super::*;

/// A record with a message of this payload.
fn record(payload: &[u8]) -> Vec<u8> {
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

/// What is found: the records with their framing, and the damage.
fn scan(bytes: &[u8]) -> (Vec<Vec<u8>>, Damage) {
    let mut scan = Scan::new(bytes, 0);
    let mut found = Vec::new();
    while let Some(Found { start, end, message }) = scan.next().unwrap() {
        assert!(bytes[..end as usize].ends_with(message));
        found.push(bytes[start as usize..end as usize].to_vec());
    }
    (found, scan.damage())
}

#[track_caller]
fn check(bytes: &[u8], expected: &[&[u8]], stretches: u64) {
    let (found, damage) = scan(bytes);
    assert_eq!(found, expected);
    let whole: usize = expected.iter().map(|record| record.len()).sum();
    assert_eq!(damage, Damage { stretches, bytes: (bytes.len() - whole) as u64 });
}

#[test]
fn whole_records_and_nothing_else() {
    let (a, b) = (record(b"one"), record(b"two and a bit"));
    check(&[], &[], 0);
    check(&[a.as_slice(), &b].concat(), &[&a, &b], 0);
}

#[test]
fn garbage_and_a_torn_end_are_passed() {
    let (a, b) = (record(b"one"), record(b"two"));
    check(&[b"garbage", a.as_slice(), b"\x1e\x02more", &b, &a[..20]].concat(), &[&a, &b], 3);
    check(&[0; 5000], &[], 1);
    check(&[&[0x1e; 3000], a.as_slice()].concat(), &[&a], 1);
}

#[test]
fn a_torn_record_does_not_swallow_the_next_one() {
    let long = record(&[b'x'; 100]);
    let (a, b) = (record(b"one"), record(b"two"));
    // Cut at any place but those where its length happens to end with one of the records behind.
    for cut in (1..long.len()).filter(|cut| !(long.len() - cut).is_multiple_of(a.len())) {
        check(&[&long[..cut], a.as_slice(), &b, &a, &b].concat(), &[&a, &b, &a, &b], 1);
    }
}

#[test]
fn a_record_that_carries_records_is_one() {
    let inner = [record(b"a"), record(b"b")].concat();
    let outer = record(&inner);
    check(&[outer.as_slice(), &outer].concat(), &[&outer, &outer], 0);
    // Before damage it may as well be a torn one that has swallowed them.
    let (a, b) = (record(b"a"), record(b"b"));
    let (found, damage) = scan(&[outer.as_slice(), b"garbage", &outer].concat());
    assert_eq!(found, [&outer, &a, &b, &outer].map(Clone::clone));
    assert_eq!(damage, Damage { stretches: 1, bytes: 7 });
}

#[test]
fn a_record_larger_than_a_piece_is_found_where_it_lies() {
    let large = record(&vec![b'y'; 3 * READ_BYTES]);
    let small = record(b"s");
    let bytes = [small.repeat(30_000).as_slice(), &large, b"!", &large, &small].concat();
    let (found, damage) = scan(&bytes);
    assert_eq!(found.len(), 30_003);
    assert_eq!((&found[30_000], &found[30_001], &found[30_002]), (&large, &large, &small));
    assert_eq!(damage, Damage { stretches: 1, bytes: 1 });
}

#[test]
fn a_length_that_cannot_be_is_no_record() {
    let a = record(b"one");
    let mut huge = vec![0x1e, 6, 0x08, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x1f];
    check(&[huge.as_slice(), &a].concat(), &[&a], 1);
    huge[7] = 0x00;
    check(&[huge.as_slice(), &a].concat(), &[&a], 1);
}

#[derive(Clone, Debug)]
enum Harm {
    Garbage(Vec<u8>),
    /// Bytes of the record are written over.
    Over(usize, Vec<u8>),
    /// Only so many bytes of the record are there.
    Cut(usize),
}

fn harm() -> impl Strategy<Value = Option<Harm>> {
    let bytes = || prop::collection::vec(any::<u8>(), 1..300);
    prop_oneof![
        6 => Just(None),
        1 => bytes().prop_map(|bytes| Some(Harm::Garbage(bytes))),
        1 => (any::<usize>(), bytes()).prop_map(|(at, bytes)| Some(Harm::Over(at, bytes))),
        1 => any::<usize>().prop_map(|cut| Some(Harm::Cut(cut))),
    ]
}

/// Whether bytes have a chance to look like a record of their own: then nothing can be said.
fn may_deceive(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair[0] == RECORD_SEPARATOR && bytes.len() > 2)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Left out are the cases that nobody can tell: where the length of a torn record happens to end with a later one.
    #[test]
    fn every_whole_record_is_found_in_order(
        parts in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), harm()), 1..20),
    ) {
        let (mut bytes, mut whole) = (Vec::new(), Vec::new());
        let (mut ends, mut claimed) = (Vec::new(), Vec::new());
        for (number, (payload, harm)) in parts.iter().enumerate() {
            let mut payload = payload.clone();
            payload.retain(|byte| *byte != RECORD_SEPARATOR);
            let record = record(&[number.to_string().as_bytes(), &payload].concat());
            claimed.extend(harm.as_ref().map(|_| bytes.len() + record.len()));
            match harm {
                None => {
                    whole.push(record.clone());
                    bytes.extend(record);
                    ends.push(bytes.len());
                }
                Some(Harm::Garbage(garbage)) if !may_deceive(garbage) => bytes.extend(garbage),
                Some(Harm::Garbage(_)) => {}
                Some(Harm::Over(at, over)) => {
                    let mut harmed = record;
                    let at = at % harmed.len();
                    for (byte, new) in harmed[at..].iter_mut().zip(over) {
                        *byte = if *new == RECORD_SEPARATOR { 0 } else { *new };
                    }
                    bytes.extend(harmed);
                }
                Some(Harm::Cut(cut)) => bytes.extend(&record[..cut % record.len()]),
            }
        }
        ends.push(bytes.len());
        prop_assume!(!claimed.iter().any(|end| ends.contains(end)));
        let (found, damage) = scan(&bytes);
        let mut rest = found.iter();
        for (number, record) in whole.iter().enumerate() {
            prop_assert!(rest.any(|found| found == record), "record {number} is missing; {damage:?}");
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, seps in prop::collection::vec(0..400usize, 0..40)) {
        let mut bytes = bytes.repeat(4);
        for at in seps {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = RECORD_SEPARATOR;
            }
        }
        let (found, damage) = scan(&bytes);
        let whole: usize = found.iter().map(Vec::len).sum();
        prop_assert!(whole as u64 + damage.bytes >= bytes.len() as u64);
    }
}
