use std::sync::Mutex;

use heka_message::MessageView;
use heka_plugin::{Decode, DecodeError, Decoder, Found, Stop};
use heka_queue::{Options, Position, Queue};

use super::super::decode::FailureRules;
use super::*;
use crate::desk::Desk;

/// Cuts at newlines, which stay in the record.
struct Lines;

impl Splitter for Lines {
    fn find(&mut self, bytes: &[u8]) -> Found {
        match bytes.iter().position(|&byte| byte == b'\n') {
            Some(at) => Found { consumed: at + 1, record: Some(0..at + 1), problem: None },
            None => Found::default(),
        }
    }
}

/// A read is a record.
struct Reads;

impl Splitter for Reads {
    fn find(&mut self, bytes: &[u8]) -> Found {
        Found { consumed: bytes.len(), record: Some(0..bytes.len()), problem: None }
    }

    fn takes_whole_reads(&self) -> bool {
        true
    }
}

/// `twice` gives two messages, `bad` fails, `end` is the end of it.
struct Words;

impl Decoder for Words {
    fn decode(&mut self, pack: &mut Pack, extra: &mut Vec<Pack>) -> Result<Decode, DecodeError> {
        let payload = pack.message().payload.clone().unwrap_or_default();
        match &payload[..] {
            b"twice\n" => {
                extra.push(pack.clone());
                Ok(Decode::Done)
            }
            b"bad\n" => Err(DecodeError::Failed("no such word".into())),
            b"end\n" => Err(DecodeError::Fatal { why: "the end".into(), pack_is_done: false }),
            b"drop\n" => Ok(Decode::Nothing),
            _ => Ok(Decode::Done),
        }
    }
}

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Log for Kept {
    fn info(&self, text: &str) {
        self.0.lock().unwrap().push(text.into());
    }
    fn error(&self, text: &str) {
        self.0.lock().unwrap().push(text.into());
    }
    fn plain(&self, _: &[u8]) {}
}

struct Bench {
    _dir: tempfile::TempDir,
    queue: Queue,
    log: Arc<Kept>,
    fatal: Arc<Mutex<u32>>,
}

impl Bench {
    fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::open(&dir.path().join("q"), Options::default()).unwrap();
        Bench { _dir: dir, queue, log: Arc::default(), fatal: Arc::default() }
    }

    fn deliverer(&self, rules: SplitRules, decoder: Option<Box<dyn Decoder>>) -> StreamDeliverer {
        let failures = FailureRules { send: true, log: true, synchronous: false };
        let fatal = self.fatal.clone();
        StreamDeliverer::new(Parts {
            input: "in".into(),
            splitter: Box::new(Lines),
            rules,
            decoder: decoder.map(|decoder| {
                DecoderRunner::new(decoder, failures, self.log.clone(), self.log.clone(), Desk::default())
            }),
            appender: Appender::new(self.queue.clone(), None, Stop::new(), self.log.clone()),
            input_log: self.log.clone(),
            splitter_log: self.log.clone(),
            on_fatal: Arc::new(move || *fatal.lock().unwrap() += 1),
            on_end: Box::new(|| {}),
        })
    }

    fn payloads(&self) -> Vec<String> {
        let mut reader = self.queue.reader(Position::default());
        let mut payloads = Vec::new();
        while let Some(record) = reader.next() {
            payloads.push(MessageView::new(record.message).payload().unwrap_or_default().to_string());
        }
        payloads
    }
}

const RULES: SplitRules = SplitRules {
    keep_truncated: false,
    use_message_bytes: false,
    deliver_incomplete_final: false,
    max_record_size: 8,
};

#[test]
fn records_are_found_however_the_bytes_are_cut() {
    let stream = b"one\ntwo\n\nthree\nrest";
    for cut in 0..stream.len() {
        let bench = Bench::new();
        let mut deliverer = bench.deliverer(RULES, None);
        deliverer.push(&stream[..cut]).unwrap();
        let pushed = deliverer.push(&stream[cut..]).unwrap();
        assert_eq!(pushed.done, 15);
        assert_eq!(deliverer.pending(), 4);
        assert_eq!(bench.payloads(), ["one\n", "two\n", "\n", "three\n"]);
    }
}

#[test]
fn a_whole_stream_is_one_record_or_many_and_leaves_nothing() {
    let bench = Bench::new();
    let mut deliverer = bench.deliverer(RULES, None);
    deliverer.parts.splitter = Box::new(Reads);
    assert_eq!(deliverer.push_whole(b"longer than a record may be").unwrap().records, 1);
    assert_eq!(deliverer.push_whole(b"").unwrap().records, 0);
    let mut deliverer = bench.deliverer(RULES, None);
    assert_eq!(deliverer.push_whole(b"a\nb\ntail").unwrap().records, 2);
    let mut deliverer = bench.deliverer(SplitRules { deliver_incomplete_final: true, ..RULES }, None);
    assert_eq!(deliverer.push_whole(b"c\nend").unwrap().records, 2);
    assert_eq!(deliverer.push_whole(b"d\n").unwrap().records, 1);
    assert_eq!(bench.payloads(), ["longer than a record may be", "a\n", "b\n", "c\n", "end", "d\n"]);
}

#[test]
fn the_tail_of_a_long_record_is_swallowed_in_files_only() {
    for (swallows, expected) in [(true, vec!["a\n", "b\n"]), (false, vec!["a\n", "yy\n", "b\n"])] {
        let bench = Bench::new();
        let mut deliverer = bench.deliverer(RULES, None);
        if swallows {
            deliverer.swallow_long_tails();
        }
        deliverer.push(b"a\nxxxxxxxxyy\nb\n").unwrap();
        assert_eq!(bench.payloads(), expected);
        let fate = if swallows { " and was dropped" } else { "" };
        assert_eq!(*bench.log.0.lock().unwrap(), [format!("record exceeded MAX_RECORD_SIZE 8{fate}")]);
    }
}

#[test]
fn a_long_record_is_cut_with_keep_truncated() {
    let bench = Bench::new();
    let mut deliverer = bench.deliverer(SplitRules { keep_truncated: true, ..RULES }, None);
    deliverer.swallow_long_tails();
    deliverer.push(b"xxxxxxxxyyyyyyyyzz\nb\n").unwrap();
    assert_eq!(bench.payloads(), ["xxxxxxxx", "yyyyyyyy", "b\n"]);
}

#[test]
fn the_end_of_a_stream_keeps_or_forgets_the_rest() {
    let bench = Bench::new();
    let mut deliverer = bench.deliverer(RULES, None);
    deliverer.push(b"a\nrest").unwrap();
    assert_eq!(deliverer.finish().unwrap().records, 0);
    deliverer.push(b"b\nfile").unwrap();
    assert_eq!(deliverer.finish_record().unwrap().records, 1);
    let mut keeping = bench.deliverer(SplitRules { deliver_incomplete_final: true, ..RULES }, None);
    keeping.push(b"tail").unwrap();
    keeping.finish().unwrap();
    assert_eq!(bench.payloads(), ["a\n", "b\n", "file", "tail"]);
}

#[test]
fn decoders_may_give_none_one_or_more_and_fail() {
    let bench = Bench::new();
    let mut deliverer = bench.deliverer(RULES, Some(Box::new(Words)));
    deliverer.push(b"one\ntwice\ndrop\nbad\n").unwrap();
    assert_eq!(bench.payloads(), ["one\n", "twice\n", "twice\n", "bad\n"]);
    let mut reader = bench.queue.reader(Position::default());
    let mut last = None;
    while let Some(record) = reader.next() {
        last = Some(MessageView::new(record.message).to_message().unwrap());
    }
    let names: Vec<_> = last.unwrap().fields.iter().map(|field| field.name.clone().unwrap()).collect();
    assert_eq!(names, ["decode_failure", "decode_error"]);
    assert_eq!(*bench.log.0.lock().unwrap(), ["no such word"]);
}

#[test]
fn a_decoder_that_cannot_go_on_ends_the_stream_and_loses_nothing_before_it() {
    let bench = Bench::new();
    let mut deliverer = bench.deliverer(RULES, Some(Box::new(Words)));
    let pushed = deliverer.push(b"one\nend\nnot\n").unwrap();
    assert_eq!(pushed.done, 8, "what follows is not done with");
    assert!(deliverer.push(b"more\n").is_err());
    assert_eq!(bench.payloads(), ["one\n"]);
    assert_eq!(*bench.fatal.lock().unwrap(), 1);
}

#[test]
fn message_bytes_without_a_decoder_are_not_lost() {
    let bench = Bench::new();
    let mut deliverer = bench.deliverer(SplitRules { use_message_bytes: true, ..RULES }, None);
    // A message whose payload is "hi" with a newline, and bytes that are none.
    deliverer.push(b"\x32\x03hi\n\xff\n").unwrap();
    assert_eq!(bench.payloads(), ["hi\n", "\u{fffd}\n"]);
}

#[test]
fn a_blob_without_a_record_is_an_error() {
    let bench = Bench::new();
    let mut deliverer = bench.deliverer(RULES, None);
    assert_eq!(deliverer.push_blob(b"a\nb\n").unwrap().records, 2);
    assert_eq!(deliverer.push_blob(b"a").unwrap_err().to_string(), "no records");
    assert_eq!(deliverer.push_blob(b"a\nrest").unwrap().records, 1);
    assert_eq!(deliverer.pending(), 0);
}
