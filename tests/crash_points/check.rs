//! What must hold after any crashes.

use std::collections::{HashMap, HashSet};

use heka_engine::filter_state::{Loaded, StateFile};
use heka_testkit::access_log::id_of;
use heka_testkit::frames::frames;
use heka_testkit::{Scratch, Tally, wire};

const UUID: u64 = 1;
const PAYLOAD: u64 = 6;
/// The most records that one death may repeat at an output, or in the input: a batch.
const REPEATED: u64 = 1100;

/// Whether the framed output has each of the first `count` lines.
pub(crate) fn arrived(framed: &[u8], count: usize) -> bool {
    let payloads = frames(framed).flatten().filter_map(|frame| wire::bytes_of(frame.message, PAYLOAD));
    payloads.filter_map(id_of).collect::<HashSet<_>>().len() >= count
}

/// What came of a trial.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Records that an output wrote twice.
    pub(crate) resent: u64,
    /// Lines that the input read twice.
    pub(crate) reread: u64,
}

impl Outcome {
    /// Checks everything; panics with what does not hold.
    pub(crate) fn of(scratch: &Scratch, lines: &[String], deaths: u64) -> Outcome {
        let (outcome, messages) = check_framed(&scratch.read("framed"), lines);
        assert!(outcome.resent <= deaths * REPEATED, "{outcome:?} in {deaths} deaths");
        assert!(outcome.reread <= deaths * REPEATED, "{outcome:?} in {deaths} deaths");
        check_text(&scratch.read("text"), lines, deaths);
        let numbered = check_numbers(&scratch.read("numbered"));
        assert_eq!(numbered, messages, "messages that the filter numbered, and that there were");
        let data = String::from_utf8(scratch.read("base/sandbox_preservation/numbers.data")).unwrap();
        let kept = format!("_G[\"n\"] = {}\n", messages.len());
        assert!(data.contains(&kept), "{} messages, but kept is\n{data}", messages.len());
        assert_eq!(counted(scratch), messages.len() as u64, "messages that CounterFilter counted");
        outcome
    }
}

/// Whole frames with lines of the log, all of them and in order. Returns the messages' uuids too.
fn check_framed(bytes: &[u8], lines: &[String]) -> (Outcome, HashSet<String>) {
    let mut uuids = HashSet::new();
    let (mut ids, mut resent) = (Vec::new(), 0);
    for frame in frames(bytes) {
        let frame = frame.unwrap_or_else(|error| panic!("framed output of {} bytes: {error}", bytes.len()));
        let payload = wire::bytes_of(frame.message, PAYLOAD).unwrap_or_default();
        let uuid = wire::bytes_of(frame.message, UUID).unwrap_or_default();
        resent += u64::from(!uuids.insert(uuid_text(uuid)));
        ids.push(line_id(lines, payload).unwrap_or_else(|| {
            panic!("framed output, byte {}: not a line: {:?}", frame.start, String::from_utf8_lossy(payload))
        }));
    }
    let tally = Tally::of(lines.len() as u64, ids);
    assert!(tally.is_complete(), "framed output: {tally}");
    (Outcome { resent, reread: tally.duplicates - resent }, uuids)
}

/// A text has no frames: each death may leave one unfinished line, which is written again behind it.
fn check_text(bytes: &[u8], lines: &[String], deaths: u64) {
    let (mut ids, mut torn) = (Vec::new(), 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line_id(lines, line) {
            Some(id) => ids.push(id),
            None => torn += 1,
        }
    }
    assert!(torn <= deaths, "text output: {torn} torn lines after {deaths} deaths");
    let tally = Tally::of(lines.len() as u64, ids);
    assert!(tally.is_complete(), "text output: {tally}");
}

/// As sandboxes see it.
fn uuid_text(uuid: &[u8]) -> String {
    let hex = |range: std::ops::Range<usize>| {
        uuid[range].iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    [hex(0..4), hex(4..6), hex(6..8), hex(8..10), hex(10..16)].join("-")
}

fn line_id(lines: &[String], bytes: &[u8]) -> Option<u64> {
    let id = id_of(bytes)?;
    let line = lines.get(usize::try_from(id).ok()?)?;
    (line.as_bytes() == bytes).then_some(id)
}

/// Every number stands for one message and every message for one number, however often it was told; none is missing.
/// Returns the messages' uuids.
fn check_numbers(bytes: &[u8]) -> HashSet<String> {
    let (mut of_number, mut of_message) = (HashMap::new(), HashMap::new());
    for frame in frames(bytes) {
        let frame = frame.unwrap_or_else(|error| panic!("numbered output of {} bytes: {error}", bytes.len()));
        let payload = wire::bytes_of(frame.message, PAYLOAD).unwrap_or_default();
        let (number, uuid) = std::str::from_utf8(payload).unwrap().split_once(' ').unwrap();
        let (number, uuid): (usize, String) = (number.parse().unwrap(), uuid.into());
        let known = of_number.entry(number).or_insert_with(|| uuid.clone());
        assert_eq!(*known, uuid, "number {number} was given to two messages");
        assert_eq!(*of_message.entry(uuid).or_insert(number), number, "a message was numbered twice");
    }
    assert!((1..=of_number.len()).all(|number| of_number.contains_key(&number)), "a number is missing");
    of_message.into_keys().collect()
}

/// The count in CounterFilter's state.
fn counted(scratch: &Scratch) -> u64 {
    match StateFile::new(&scratch.join("base"), "counter", false).load().unwrap() {
        // A byte for the form, then the count.
        Loaded::State(_, state) => u64::from_le_bytes(*state[1..].first_chunk().unwrap()),
        other => panic!("CounterFilter's state: {other:?}"),
    }
}
