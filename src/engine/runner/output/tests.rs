use std::sync::Mutex;

use heka_message::{Matcher, Message, MessageView};
use heka_plugin::{Encode, EncodeError, Encoder, Record, Stop};
use heka_queue::{Batch, EventCount, Meta, Options, Position, Queue, SyncMode, silent};

use super::*;
use crate::dead_letters::store::Bound;
use crate::dead_letters::{Folder, Letter, Request, Store};
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
    /// Sizes of the batches that came.
    batches: Mutex<Vec<usize>>,
    pace: Mutex<Option<Pace>>,
}

struct ToPeer(Arc<Peer>);

impl Output for ToPeer {
    fn send(&mut self, batch: &[Record<'_>], _: &Stop) -> Result<(), SendError> {
        let answer = self.0.answers.lock().unwrap().pop();
        let is_taken = |at: usize| match &answer {
            None => true,
            Some(SendError::Reject { index, .. }) => at < *index,
            Some(SendError::Retry(_)) => at < *self.0.takes.lock().unwrap(),
            Some(SendError::Mixed { fates, .. }) => fates[at] == Fate::Delivered,
            Some(SendError::Fatal(_)) => false,
        };
        let text = |record: &Record<'_>| String::from_utf8_lossy(record.bytes).into_owned();
        let taken = batch.iter().enumerate().filter(|(at, _)| is_taken(*at));
        self.0.got.lock().unwrap().extend(taken.map(|(_, record)| text(record)));
        self.0.batches.lock().unwrap().push(batch.len());
        answer.map_or(Ok(()), Err)
    }

    fn pace(&self) -> Pace {
        self.0.pace.lock().unwrap().unwrap_or(Pace::USUAL)
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

    /// The same with new signals, for another run.
    fn again(self) -> Bench {
        Bench { stops: Stops::default(), ..self }
    }

    fn dead(&self) -> DeadLetters {
        let bound = Bound { max_bytes: 1 << 20, sync: SyncMode::Ack };
        DeadLetters::new(self._dir.path(), "out", bound, self.log.clone(), silent())
    }

    fn runner(&self, matcher: &str) -> OutputRunner {
        OutputRunner::new(OutputParts {
            output: Box::new(ToPeer(self.peer.clone())),
            encoding: Encoding {
                encoder: Some(Box::new(Payloads)),
                framing: false,
                max_message_size: 1000,
                keep_message: true,
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
            dead: self.dead(),
        })
    }

    /// Runs until everything is sent or the output gives up.
    fn drain(&self, matcher: &str) -> Result<(), PluginError> {
        self.stops.ask_to_drain(&self.events);
        self.runner(matcher).run()
    }

    /// Runs on a thread until a condition holds and all is published, then stops.
    fn run_until(&self, done: impl Fn() -> bool) -> Result<(), PluginError> {
        let runner = self.runner("TRUE");
        let thread = std::thread::spawn(move || runner.run());
        let held = self.events.wait_for(Duration::from_secs(20), || {
            self.events.notify();
            (done() && self.place.get().input == self.input.tail()).then_some(())
        });
        self.stops.ask_to_drain(&self.events);
        let ended = thread.join().unwrap();
        assert!(held.is_some(), "{:?} {:?}", self.got(), self.log.0.lock().unwrap());
        ended
    }

    fn folder(&self) -> Folder {
        Folder::of(self._dir.path(), "out")
    }

    /// The payloads of the dead letters, and why they are.
    fn letters(&self) -> Vec<(String, String)> {
        let bound = Bound { max_bytes: 1 << 20, sync: SyncMode::Ack };
        let mut reader = Store::open(&self.folder(), bound, silent()).unwrap().reader();
        let mut letters = Vec::new();
        while let Some(record) = reader.next() {
            let letter = Letter::read(record.message).unwrap();
            assert_eq!(letter.output, "out");
            let payload = Message::decode(letter.message).unwrap().payload.unwrap();
            letters.push((payload.to_string(), letter.reason.to_owned()));
        }
        letters
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
    assert_eq!(bench.letters(), [("b".to_owned(), "b is bad".to_owned())]);
}

#[test]
fn records_of_a_batch_may_meet_different_fates() {
    let bench = Bench::new(&["a", "b", "c", "d"]);
    let fates = vec![Fate::Delivered, Fate::Again, Fate::Rejected("no c".into()), Fate::Delivered];
    bench.peer.answers.lock().unwrap().push(SendError::Mixed { fates, why: "busy".into() });
    bench.run_until(|| bench.got().len() == 3).unwrap();
    assert_eq!(bench.got(), ["a", "d", "b"]);
    assert_eq!(*bench.peer.batches.lock().unwrap(), [4, 1]);
    assert_eq!(bench.letters(), [("c".to_owned(), "no c".to_owned())]);
    assert_eq!(*bench.log.0.lock().unwrap(), ["! no c", "! busy"]);
}

/// The place stays before the first record that is not dealt with, whatever became of later ones.
#[test]
fn a_stop_between_two_fates_repeats_from_the_first_that_is_left() {
    let bench = Bench::new(&["a", "b", "c"]);
    let mut behind_a = bench.input.reader(Place::default().input);
    behind_a.next().unwrap();
    let fates = vec![Fate::Delivered, Fate::Again, Fate::Delivered];
    bench.peer.answers.lock().unwrap().push(SendError::Mixed { fates, why: String::new() });
    bench.drain("TRUE").unwrap();
    assert_eq!(bench.got(), ["a", "c"]);
    assert_eq!(bench.place.get().input, behind_a.position());
    bench.drain("TRUE").unwrap();
    assert_eq!(bench.got(), ["a", "c", "b", "c"]);
}

#[test]
fn a_disk_that_takes_no_dead_letters_holds_the_output() {
    let bench = Bench::new(&["a", "b"]);
    std::fs::create_dir_all(bench._dir.path().join("queue")).unwrap();
    let in_the_way = bench._dir.path().join("queue/dead");
    std::fs::write(&in_the_way, "").unwrap();
    bench.peer.answers.lock().unwrap().push(SendError::Reject { index: 0, why: "no a".into() });
    bench.drain("TRUE").unwrap();
    assert_eq!((bench.got().len(), bench.place.get()), (0, Place::default()));
    assert!(bench.log.0.lock().unwrap()[1].starts_with("! rejected messages cannot be kept: "));
    std::fs::remove_file(in_the_way).unwrap();
    bench.peer.answers.lock().unwrap().push(SendError::Reject { index: 0, why: "no a".into() });
    bench.drain("TRUE").unwrap();
    assert_eq!((bench.got(), bench.letters().len()), (vec!["b".to_owned()], 1));
}

#[test]
fn dead_letters_are_sent_again_when_asked_for_and_may_be_rejected_again() {
    let bench = Bench::new(&["a", "b", "c"]);
    let reject = |why: &str| SendError::Reject { index: 0, why: why.into() };
    let answers = ["no c", "no b", "no a"].map(reject);
    bench.peer.answers.lock().unwrap().extend(answers);
    bench.drain("TRUE").unwrap();
    let tail = Position::new(u64::MAX, 0);
    let letters = [("a", "no a"), ("b", "no b"), ("c", "no c")].map(|(p, w)| (p.to_owned(), w.to_owned()));
    assert_eq!((bench.got().len(), bench.letters()), (0, letters.into()));
    // Up to the second; the first is rejected again.
    let bound = Bound { max_bytes: 1 << 20, sync: SyncMode::Ack };
    let store = Store::open(&bench.folder(), bound, silent()).unwrap();
    let mut reader = store.reader();
    reader.next().unwrap();
    reader.next().unwrap();
    Request::Replay(reader.position()).leave(&bench.folder()).unwrap();
    drop((reader, store));
    bench.peer.answers.lock().unwrap().push(reject("still no a"));
    let bench = bench.again();
    bench.run_until(|| Request::waiting(&bench.folder()).is_empty()).unwrap();
    assert_eq!(bench.got(), ["b"]);
    let letters = [("c", "no c"), ("a", "still no a")].map(|(p, w)| (p.to_owned(), w.to_owned()));
    assert_eq!(bench.letters(), letters);
    // A peer that takes nothing: they stay for the next run, which goes on by itself.
    Request::Replay(tail).leave(&bench.folder()).unwrap();
    let bench = bench.again();
    let refusals = std::iter::repeat_with(|| SendError::Retry("no".into()));
    bench.peer.answers.lock().unwrap().extend(refusals.take(3));
    bench.run_until(|| bench.peer.answers.lock().unwrap().is_empty()).unwrap();
    let bench = bench.again();
    bench.run_until(|| Request::waiting(&bench.folder()).is_empty()).unwrap();
    assert_eq!(bench.got().iter().filter(|got| *got == "c").count(), 1);
    assert_eq!(bench.letters(), []);
    // Nothing is left to forget; the request goes all the same.
    Request::Forget(tail).leave(&bench.folder()).unwrap();
    let bench = bench.again();
    bench.run_until(|| Request::waiting(&bench.folder()).is_empty()).unwrap();
}

#[test]
fn an_output_may_wait_for_more_records_before_it_sends() {
    let bench = Bench::new(&["a", "b", "c", "d", "e"]);
    let pace = Pace { batch_records: 2, linger: Duration::from_secs(3600), ..Pace::USUAL };
    *bench.peer.pace.lock().unwrap() = Some(pace);
    // A stop ends the wait.
    let runner = bench.runner("TRUE");
    let thread = std::thread::spawn(move || runner.run());
    bench.events.wait_for(Duration::from_secs(20), || (bench.got().len() >= 4).then_some(()));
    assert_eq!(bench.got(), ["a", "b", "c", "d"]);
    bench.stops.ask_to_drain(&bench.events);
    thread.join().unwrap().unwrap();
    assert_eq!(*bench.peer.batches.lock().unwrap(), [2, 2, 1]);
    // So does time.
    let bench = Bench::new(&["a"]);
    *bench.peer.pace.lock().unwrap() = Some(Pace { linger: Duration::from_millis(1), ..pace });
    bench.run_until(|| bench.got().len() == 1).unwrap();
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
        let first = if number > 0 { places[0] } else { Place::default().input };
        assert_eq!(noted(), Some(first), "after {number}");
    }
    assert_eq!(bench.got(), ["a", "b", "c"]);
    *bench.peer.in_flight.lock().unwrap() = 0;
    runner.publish().unwrap();
    assert_eq!(noted(), Some(places[2]));
}
