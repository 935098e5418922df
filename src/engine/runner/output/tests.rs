use std::sync::Mutex;

use heka_message::{Matcher, Message, MessageView};
use heka_plugin::{Encode, EncodeError, Encoder, Record, Stop};
use heka_queue::{Batch, EventCount, Meta, Options, Queue};

use super::*;
use crate::stops::Skip;

/// What the fake output was asked and how it answers.
#[derive(Default)]
struct Peer {
    got: Mutex<Vec<String>>,
    answers: Mutex<Vec<SendError>>,
    /// Records that it takes before it asks for another try.
    takes: Mutex<usize>,
    flushed: Mutex<usize>,
    flush_fails: Mutex<bool>,
    /// Batches that may die with the process.
    in_flight: Mutex<usize>,
}

struct ToPeer(Arc<Peer>);

impl Output for ToPeer {
    fn send(&mut self, batch: &[Record<'_>], _: &Stop) -> Result<(), SendError> {
        let answer = self.0.answers.lock().unwrap().pop();
        let taken = match &answer {
            None => batch.len(),
            Some(SendError::Reject { index, .. }) => *index,
            Some(SendError::Retry(_)) => *self.0.takes.lock().unwrap(),
            Some(_) => 0,
        };
        let text = |record: &Record<'_>| String::from_utf8_lossy(record.bytes).into_owned();
        self.0.got.lock().unwrap().extend(batch[..taken].iter().map(text));
        answer.map_or(Ok(()), Err)
    }

    fn delivered(&self) -> usize {
        *self.0.takes.lock().unwrap()
    }

    fn in_flight(&mut self) -> usize {
        *self.0.in_flight.lock().unwrap()
    }

    fn flush(&mut self) -> Result<(), SendError> {
        if *self.0.flush_fails.lock().unwrap() {
            return Err(SendError::Fatal("the disk is broken".into()));
        }
        *self.0.flushed.lock().unwrap() = self.0.got.lock().unwrap().len();
        Ok(())
    }
}

/// Writes the payload; "odd" cannot be encoded, "none" gives nothing.
struct Payloads;

impl Encoder for Payloads {
    fn encode(&mut self, message: MessageView<'_>, out: &mut Vec<u8>) -> Result<Encode, EncodeError> {
        let payload = message.payload().unwrap_or_default();
        out.extend_from_slice(payload);
        match payload.as_ref() as &[u8] {
            b"odd" => Err(EncodeError("cannot be encoded".into())),
            b"none" => Ok(Encode::Skip),
            _ => Ok(Encode::Done),
        }
    }
}

struct Quiet(Mutex<Vec<String>>);

impl Log for Quiet {
    fn info(&self, text: &str) {
        self.0.lock().unwrap().push(text.into());
    }
    fn error(&self, text: &str) {
        self.0.lock().unwrap().push(format!("! {text}"));
    }
    fn plain(&self, _: &[u8]) {}
}

struct Bench {
    _dir: tempfile::TempDir,
    input: Queue,
    filter: Queue,
    events: Arc<EventCount>,
    peer: Arc<Peer>,
    place: Arc<PublishedPlace>,
    stops: Stops,
    log: Arc<Quiet>,
}

impl Bench {
    fn new(payloads: &[&str]) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let events = Arc::new(EventCount::new());
        let open = |name: &str| {
            let options = Options { events: events.clone(), ..Options::default() };
            Queue::open(&dir.path().join(name), options).unwrap()
        };
        let (input, filter) = (open("input"), open("filter"));
        let mut batch = Batch::new();
        for payload in payloads {
            let mut bytes = Vec::new();
            Message { payload: Some((*payload).into()), ..Message::default() }.encode(&mut bytes);
            batch.push(&bytes, Meta { canonical: true, ..Meta::default() }).unwrap();
        }
        input.append(&mut batch).unwrap();
        Bench {
            _dir: dir,
            input,
            filter,
            events,
            peer: Arc::default(),
            place: Arc::default(),
            stops: Stops::default(),
            log: Arc::new(Quiet(Mutex::default())),
        }
    }

    fn runner(&self, matcher: &str) -> OutputRunner {
        OutputRunner::new(OutputParts {
            output: Box::new(ToPeer(self.peer.clone())),
            encoding: Encoding {
                encoder: Some(Box::new(Payloads)),
                framing: false,
                max_message_size: 1000,
                keep_message: false,
            },
            intake: Intake::new(
                (&self.input, &self.filter),
                self.place.get(),
                Arc::new(Matcher::parse(matcher).unwrap()),
                "",
                self.events.clone(),
            ),
            place: self.place.clone(),
            progress: None,
            log: self.log.clone(),
            stops: self.stops.clone(),
            ticker_interval_s: 0,
            encode_error: None,
            counters: Arc::default(),
        })
    }

    /// Runs until everything is sent or the output gives up.
    fn drain(&self, matcher: &str) -> Result<(), PluginError> {
        self.stops.ask_to_drain(&self.events);
        self.runner(matcher).run()
    }

    fn got(&self) -> Vec<String> {
        self.peer.got.lock().unwrap().clone()
    }
}

#[test]
fn matching_messages_are_sent_in_order_and_flushed_before_the_place_moves() {
    let bench = Bench::new(&["a", "none", "b", "odd", "c", "x"]);
    bench.drain("Payload != 'x'").unwrap();
    assert_eq!(bench.got(), ["a", "b", "c"]);
    assert_eq!(*bench.peer.flushed.lock().unwrap(), 3);
    assert_eq!(bench.place.get().input, bench.input.tail());
    assert_eq!(*bench.log.0.lock().unwrap(), ["message not encoded, skipped: cannot be encoded"]);
}

#[test]
fn a_stop_with_a_peer_that_takes_nothing_keeps_the_batch_queued() {
    let bench = Bench::new(&["a", "b"]);
    bench.peer.answers.lock().unwrap().push(SendError::Retry("no route".into()));
    bench.drain("TRUE").unwrap();
    assert_eq!(bench.got(), [""; 0]);
    assert_eq!(bench.place.get(), Place::default());
    assert_eq!(*bench.log.0.lock().unwrap(), ["! no route"]);
}

#[test]
fn a_failed_batch_is_sent_again() {
    let bench = Bench::new(&["a", "b"]);
    bench.peer.answers.lock().unwrap().extend([SendError::Retry("2".into()), SendError::Retry("1".into())]);
    let runner = bench.runner("TRUE");
    let thread = std::thread::spawn(move || runner.run());
    bench.events.wait_for(Duration::from_secs(20), || {
        bench.events.notify();
        (bench.got().len() == 2 && bench.place.get().input == bench.input.tail()).then_some(())
    });
    bench.stops.ask_to_drain(&bench.events);
    thread.join().unwrap().unwrap();
    assert_eq!(bench.got(), ["a", "b"]);
    assert_eq!(bench.place.get().input, bench.input.tail());
}

#[test]
fn what_was_delivered_before_a_failure_is_not_sent_again() {
    let bench = Bench::new(&["a", "b", "c"]);
    *bench.peer.takes.lock().unwrap() = 2;
    bench.peer.answers.lock().unwrap().push(SendError::Retry(String::new()));
    bench.drain("TRUE").unwrap();
    assert_eq!(bench.got(), ["a", "b"]);
    bench.drain("TRUE").unwrap();
    assert_eq!(bench.got(), ["a", "b", "c"]);
    // An empty text is told elsewhere.
    assert_eq!(*bench.log.0.lock().unwrap(), [""; 0]);
}

#[test]
fn a_rejected_record_costs_no_neighbour() {
    let bench = Bench::new(&["a", "b", "c"]);
    bench.peer.answers.lock().unwrap().push(SendError::Reject { index: 1, why: "b is bad".into() });
    bench.drain("TRUE").unwrap();
    assert_eq!(bench.got(), ["a", "c"]);
    assert_eq!(bench.place.get().input, bench.input.tail());
}

#[test]
fn a_fatal_failure_leaves_the_batch_queued() {
    let bench = Bench::new(&["a"]);
    bench.peer.answers.lock().unwrap().push(SendError::Fatal("gone".into()));
    assert_eq!(bench.drain("TRUE").unwrap_err().to_string(), "gone");
    assert_eq!(bench.place.get(), Place::default());
}

#[test]
fn what_was_dealt_with_before_a_fatal_failure_is_not_sent_again() {
    let bench = Bench::new(&["a", "none", "b", "c", "d"]);
    let mut behind_b = bench.input.reader(Place::default().input);
    for _ in 0..3 {
        behind_b.next().unwrap();
    }
    let rejected = SendError::Reject { index: 1, why: String::new() };
    bench.peer.answers.lock().unwrap().extend([SendError::Fatal("gone".into()), rejected]);
    assert_eq!(bench.drain("TRUE").unwrap_err().to_string(), "gone");
    assert_eq!(bench.got(), ["a"]);
    assert_eq!(bench.place.get().input, behind_b.position());
    assert!(bench.log.0.lock().unwrap().is_empty());
}

#[test]
fn what_no_matcher_wants_is_passed() {
    let bench = Bench::new(&["a", "b"]);
    bench.drain("FALSE").unwrap();
    assert_eq!(bench.got(), [""; 0]);
    assert_eq!(bench.place.get().input, bench.input.tail());
}

/// Nobody waits for the peer of an output that drops: its place moves although the peer takes nothing.
#[test]
fn an_output_that_is_stuck_gives_up_what_it_is_told_to() {
    let bench = Bench::new(&["a", "b"]);
    let refusals = std::iter::repeat_with(|| SendError::Retry("no".into()));
    bench.peer.answers.lock().unwrap().extend(refusals.take(100_000));
    let runner = bench.runner("TRUE");
    let counters = runner.parts.counters.clone();
    let thread = std::thread::spawn(move || runner.run());
    let end = bench.input.tail();
    let skip = Skip { to: Place { input: end, ..Place::default() }, bytes: 7 };
    bench.stops.ask_to_skip(Skip { bytes: 3, ..skip }, &bench.events);
    bench.stops.ask_to_skip(skip, &bench.events);
    bench.events.wait_for(Duration::from_secs(20), || {
        bench.events.notify();
        (bench.place.get().input == end).then_some(())
    });
    assert_eq!(bench.place.get().input, end);
    bench.stops.ask_to_drain(&bench.events);
    thread.join().unwrap().unwrap();
    assert!(matches!(counters.dropped.get(), 3 | 7 | 10), "{}", counters.dropped.get());
    assert_eq!(bench.got(), [""; 0]);
}

/// After a flush that failed for good the next run begins where the last good one was, whatever was noted since.
#[test]
fn a_flush_that_fails_takes_the_note_of_progress_back() {
    let bench = Bench::new(&["a", "b"]);
    *bench.peer.flush_fails.lock().unwrap() = true;
    let base = tempfile::tempdir().unwrap();
    let mut runner = bench.runner("TRUE");
    runner.parts.progress = Some(Progress::open(base.path(), "out").unwrap());
    bench.stops.ask_to_drain(&bench.events);
    assert!(runner.run().is_err());
    assert_eq!(bench.got(), ["a", "b"]);
    assert_eq!(Progress::open(base.path(), "out").unwrap().read(), Some(Place::default()));
}

/// The next run repeats what may have died with the process, and no more.
#[test]
fn progress_is_noted_up_to_what_is_in_flight() {
    let bench = Bench::new(&["a", "b", "c"]);
    let mut ends = bench.input.reader(Place::default().input);
    let places: Vec<_> = std::iter::from_fn(|| ends.next().map(|record| record.position)).collect();
    let base = tempfile::tempdir().unwrap();
    let mut runner = bench.runner("TRUE");
    runner.parts.progress = Some(Progress::open(base.path(), "out").unwrap());
    let noted = || Progress::look(base.path(), "out").map(|place| place.input);
    for (number, in_flight) in [(0, 1), (1, 1), (2, 2)] {
        // A batch of one record.
        runner.parts.intake.read(|record, place| {
            runner.batch.add(record, place, &mut runner.parts.encoding).unwrap();
            ControlFlow::Break(())
        });
        *bench.peer.in_flight.lock().unwrap() = in_flight;
        assert!(runner.deliver().unwrap());
        assert_eq!(noted(), (number > 0).then(|| places[0]), "after {number}");
    }
    assert_eq!(bench.got(), ["a", "b", "c"]);
    *bench.peer.in_flight.lock().unwrap() = 0;
    runner.publish().unwrap();
    assert_eq!(noted(), Some(places[2]));
}
