use std::sync::Mutex;

use heka_message::{Matcher, MessageView};
use heka_plugin::{Globals, Inject, InjectError, Stop};
use heka_queue::{Batch, EventCount, Meta, Options, Queue};

use super::*;
use crate::filter_state::Loaded;
use crate::runner::append::Appender;

/// Counts; ends at the payload "end"; injects at "loop"; announces at "tell".
#[derive(Default)]
struct Counting {
    count: u8,
    started: bool,
    dead: bool,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Filter for Counting {
    fn start(&mut self, _: &mut dyn Inject) -> Result<(), PluginError> {
        self.started = true;
        Ok(())
    }

    fn process(&mut self, record: &Record<'_>, inject: &mut dyn Inject) -> Result<(), PluginError> {
        assert!(self.started);
        let payload = record.message.payload().unwrap_or_default().to_string();
        self.seen.lock().unwrap().push(payload.clone());
        let mut message = inject.new_message();
        message.payload = Some("own".into());
        match payload.as_str() {
            "loop" => assert_eq!(inject.inject(&message), Err(InjectError::MaxMsgLoops(4))),
            "tell" => inject.announce(&message).unwrap(),
            "end" => {
                self.dead = true;
                return Err(PluginError::Terminated("Terminated. Reason: asked to".into()));
            }
            _ => self.count += 1,
        }
        Ok(())
    }

    fn tick(&mut self, _: i64, _: &mut dyn Inject) -> Result<(), PluginError> {
        Ok(())
    }

    fn report(&self) -> Vec<ReportRow> {
        vec![heka_plugin::report::row("ProcessMessageCount", u64::from(self.count), "count")]
    }

    fn save(&mut self) -> Option<Vec<u8>> {
        (!self.dead).then(|| vec![self.count])
    }
}

struct Quiet;

impl Log for Quiet {
    fn info(&self, _: &str) {}
    fn error(&self, _: &str) {}
    fn plain(&self, _: &[u8]) {}
}

struct Bench {
    dir: tempfile::TempDir,
    input: Queue,
    filter: Queue,
    events: Arc<EventCount>,
    place: Arc<PublishedPlace>,
    stops: Stops,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    /// `loop_count` is that of all messages.
    fn new(payloads: &[&str], loop_count: u32) -> Bench {
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
            batch.push(&bytes, Meta { loop_count, ..Meta::default() }).unwrap();
        }
        input.append(&mut batch).unwrap();
        let (place, stops, seen) = (Arc::default(), Stops::default(), Arc::default());
        Bench { dir, input, filter, events, place, stops, seen }
    }

    fn state_file(&self) -> StateFile {
        StateFile::new(self.dir.path(), "f", false)
    }

    fn runner(&self) -> FilterRunner {
        let appender = Appender::new(self.filter.clone(), None, Stop::new(), Arc::new(Quiet));
        let matcher = Arc::new(Matcher::parse("Payload != 'own' && Type == ''").unwrap());
        FilterRunner::new(FilterParts {
            name: "f".into(),
            filter: Box::new(Counting { seen: self.seen.clone(), ..Counting::default() }),
            intake: Intake::new(
                (&self.input, &self.filter),
                Place::default(),
                matcher,
                "",
                self.events.clone(),
            ),
            injector: Injector::new(Arc::new(Globals::default()), appender, Arc::new(Quiet)),
            place: self.place.clone(),
            progress: None,
            state_file: self.state_file(),
            log: Arc::new(Quiet),
            stops: self.stops.clone(),
            ticker_interval_s: 0,
            sample_denominator: 1,
            counters: Arc::default(),
        })
    }

    /// Messages in the filter queue: their payloads and loop counts.
    fn injected(&self) -> Vec<(String, u32)> {
        let mut reader = self.filter.reader(Place::default().filter);
        let mut all = Vec::new();
        while let Some(record) = reader.next() {
            let payload = MessageView::new(record.message).payload().unwrap_or_default().to_string();
            all.push((payload, record.loop_count));
        }
        all
    }
}

#[test]
fn state_and_place_are_saved_together() {
    let bench = Bench::new(&["a", "b"], 0);
    bench.stops.ask_to_drain(&bench.events);
    bench.runner().run().unwrap();
    assert_eq!(bench.place.get().input, bench.input.tail());
    assert_eq!(bench.state_file().load().unwrap(), Loaded::State(bench.place.get(), vec![2]));
}

#[test]
fn the_message_that_ends_a_filter_does_not_end_the_next_one() {
    let bench = Bench::new(&["a", "end", "b"], 0);
    bench.state_file().save(Place::default(), &[0]).unwrap();
    let error = bench.runner().run().unwrap_err();
    assert!(matches!(error, PluginError::Terminated(_)));
    let mut behind = bench.input.reader(Place::default().input);
    behind.next().unwrap();
    behind.next().unwrap();
    assert_eq!(bench.place.get().input, behind.position());
    assert_eq!(bench.state_file().load().unwrap(), Loaded::Nothing);
}

#[test]
fn what_a_filter_tells_of_itself_passes_where_loops_end() {
    let bench = Bench::new(&["loop", "tell"], 4);
    bench.stops.ask_to_drain(&bench.events);
    bench.runner().run().unwrap();
    assert_eq!(bench.injected(), [("own".to_string(), 1)]);
}

#[test]
fn a_filter_that_is_too_slow_is_told_so() {
    let bench = Bench::new(&["a", "b"], 0);
    bench.stops.ask_slow_one_to_end(&bench.events);
    let error = bench.runner().run().unwrap_err();
    assert_eq!(error.to_string(), "Terminated. Reason: sandbox is running slowly and blocking the router");
    let mut reader = bench.filter.reader(Place::default().filter);
    let told = Message::decode(reader.next().unwrap().message).unwrap();
    assert_eq!(told.msg_type.unwrap(), "heka.sandbox-terminated");
    assert_eq!(told.fields[0], Field::string("plugin", "", "f"));
    assert_eq!(told.fields[1], Field::integer("ProcessMessageCount", "count", 2));
    assert_eq!(told.fields.len(), 9);
}

#[test]
fn a_running_filter_reports_when_asked() {
    let bench = Bench::new(&["a", "b"], 0);
    let runner = bench.runner();
    let thread = std::thread::spawn(move || runner.run());
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        bench.stops.ask_to_report(&bench.events);
        let rows = bench.stops.desk.wait(deadline);
        if rows.iter().any(|(_, value, _)| value == "2") {
            break;
        }
        assert!(Instant::now() < deadline, "{rows:?}");
    }
    bench.stops.ask_to_drain(&bench.events);
    thread.join().unwrap().unwrap();
}

#[test]
fn what_was_read_since_a_skip_was_asked_for_is_not_read_again() {
    let bench = Bench::new(&["a", "b"], 0);
    let runner = bench.runner();
    let mut intake = runner.parts.intake;
    let mut places = Vec::new();
    intake.read(|_, place| {
        places.push(place);
        ControlFlow::Continue(())
    });
    assert_eq!(intake.skip_to(places[0]), places[1]);
    assert!(intake.read(|_, _| panic!("read again")));
}
