use std::io::Write as _;
use std::path::PathBuf;

use heka_message::{Field, write_frame};

use super::*;

/// A file of this process's own that is gone at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Temporary {
        let path = std::env::temp_dir().join(format!("heka-cat-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Temporary(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

fn frame(payload: &str) -> Vec<u8> {
    let message = Message {
        uuid: Some(vec![7; 16].into()),
        timestamp: Some(1),
        payload: Some(payload.into()),
        ..Message::default()
    };
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    let mut framed = Vec::new();
    write_frame(&bytes, 1 << 20, &mut framed).unwrap();
    framed
}

#[derive(Debug, PartialEq)]
enum Seen {
    Record(u64, usize),
    Damage(u64, u64),
}

fn walk(bytes: &[u8], name: &str) -> Vec<Seen> {
    let temporary = Temporary::new(name, bytes);
    let mut source = Source::new(File::open(&temporary.0).unwrap(), 0, 1 << 20);
    let mut seen = Vec::new();
    loop {
        let found = source.next().unwrap();
        seen.extend(source.take_damage(false).map(|d| Seen::Damage(d.offset, d.bytes)));
        match found {
            Found::Record { offset } => seen.push(Seen::Record(offset, source.record().len())),
            Found::End => return seen,
        }
    }
}

#[test]
fn records_and_what_lies_between_them_are_placed() {
    let (a, b) = (frame("a"), frame("bb"));
    let (la, lb) = (a.len() as u64, b.len() as u64);
    let stream = [&b"xx"[..], &a, &b, b"\x1egarbage\x00", &a, b"end"].concat();
    assert_eq!(
        walk(&stream, "between"),
        [
            Seen::Damage(0, 2),
            Seen::Record(2, a.len()),
            Seen::Record(2 + la, b.len()),
            Seen::Damage(2 + la + lb, 9),
            Seen::Record(11 + la + lb, a.len()),
            Seen::Damage(11 + 2 * la + lb, 3),
        ]
    );
}

#[test]
fn zeros_at_the_end_are_nothing() {
    let a = frame("a");
    let mut segment = a.clone();
    segment.resize(300_000, 0);
    assert_eq!(walk(&segment, "zeros"), [Seen::Record(0, a.len())]);
    let torn = [&a[..], &a[..5], &[0; 100_000]].concat();
    assert_eq!(walk(&torn, "torn")[0], Seen::Record(0, a.len()));
}

#[test]
fn records_behind_an_unfinished_one_are_found() {
    let a = frame("a");
    // A header that claims more than the file has.
    let claims = b"\x1e\x04\x08\x80\x80\x10\x1f";
    let stream = [&a[..], claims, &a, &a].concat();
    let at = a.len() as u64;
    assert_eq!(
        walk(&stream, "unfinished"),
        [
            Seen::Record(0, a.len()),
            Seen::Damage(at, 7),
            Seen::Record(at + 7, a.len()),
            Seen::Record(2 * at + 7, a.len()),
        ]
    );
}

#[test]
fn large_records_span_many_reads() {
    let large = frame(&"x".repeat(900_000));
    let stream = [&large[..], &large].concat();
    let at = large.len();
    assert_eq!(walk(&stream, "large"), [Seen::Record(0, at), Seen::Record(at as u64, at)]);
}

#[test]
fn a_growing_file_is_read_on() {
    let a = frame("a");
    let temporary = Temporary::new("growing", &[&a[..], &[0; 1000]].concat());
    let mut source = Source::new(File::open(&temporary.0).unwrap(), 0, 1 << 20);
    assert_eq!(source.next().unwrap(), Found::Record { offset: 0 });
    assert_eq!(source.next().unwrap(), Found::End);
    assert!(!source.has_grown().unwrap());
    let mut file = OpenOptions::new().write(true).open(&temporary.0).unwrap();
    file.seek(SeekFrom::Start(a.len() as u64)).unwrap();
    file.write_all(&a).unwrap();
    assert!(source.has_grown().unwrap());
    assert_eq!(source.next().unwrap(), Found::Record { offset: a.len() as u64 });
    assert_eq!(source.take_damage(true), None);
    assert_eq!(source.next().unwrap(), Found::End);
    assert!(!source.has_grown().unwrap());
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(&a).unwrap();
    assert!(source.has_grown().unwrap());
    assert!(matches!(source.next().unwrap(), Found::Record { .. }));
}

#[test]
fn numbers_that_json_does_not_know_give_an_empty_line() {
    let mut message = Message::default();
    message.add_field(Field::double("d", "", f64::NAN));
    let mut out = Vec::new();
    format::write_json(&message, &mut out);
    assert_eq!(out, b"\n");
    out.clear();
    message.fields.clear();
    message.uuid = Some("ab".into());
    message.payload = Some("<&>".into());
    format::write_json(&message, &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"uuid\":\"YWI=\",\"payload\":\"\\u003c\\u0026\\u003e\"}\n"
    );
}
