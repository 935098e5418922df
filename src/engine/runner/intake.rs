//! A filter's or output's end of the two queues: its readers, its matcher, its place.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use heka_message::{Matcher, MessageView};
use heka_queue::{EventCount, Queue, Reader, Record};

use crate::place::Place;

/// Records looked at before the runner gets to see to its other duties.
const LOOK_MAX: usize = 50_000;

/// Reads both queues through a matcher.
pub struct Intake {
    input: Reader,
    filter: Reader,
    matcher: Arc<Matcher>,
    /// `message_signer`; empty: any.
    signer: Vec<u8>,
    events: Arc<EventCount>,
    filter_first: bool,
}

impl Intake {
    /// Readers of both queues that start at `place`.
    pub fn new(
        queues: (&Queue, &Queue),
        place: Place,
        matcher: Arc<Matcher>,
        signer: &str,
        events: Arc<EventCount>,
    ) -> Intake {
        Intake {
            input: queues.0.reader(place.input),
            filter: queues.1.reader(place.filter),
            matcher,
            signer: signer.as_bytes().to_vec(),
            events,
            filter_first: false,
        }
    }

    /// Where the readers stand.
    pub fn place(&self) -> Place {
        Place { input: self.input.position(), filter: self.filter.position() }
    }

    /// Hands matching records, each with the place behind it, to `each` until it breaks off, both queues are read up, or
    /// it is time to see to other things. Returns true when both queues are read up.
    pub fn read(&mut self, mut each: impl FnMut(&Record<'_>, Place) -> ControlFlow<()>) -> bool {
        self.filter_first = !self.filter_first;
        let mut left = LOOK_MAX;
        for of_filter in [self.filter_first, !self.filter_first] {
            let Place { input, filter } = self.place();
            let reader = if of_filter { &mut self.filter } else { &mut self.input };
            while let Some(record) = reader.next() {
                if wanted(&self.matcher, &self.signer, &record) {
                    let place = if of_filter {
                        Place { input, filter: record.position }
                    } else {
                        Place { input: record.position, filter }
                    };
                    if each(&record, place).is_break() {
                        return false;
                    }
                }
                left -= 1;
                if left == 0 {
                    return false;
                }
            }
        }
        true
    }

    /// The matcher.
    pub fn matcher(&self) -> Arc<Matcher> {
        self.matcher.clone()
    }

    /// Sleeps until a queue grows or somebody wakes all readers, at most `time`.
    pub fn wait(&mut self, time: Duration, mut interrupted: impl FnMut() -> bool) {
        let Intake { input, filter, events, .. } = self;
        events.wait_for(time, || (interrupted() || input.has_more() || filter.has_more()).then_some(()));
    }

    /// Gives up everything that is queued now.
    pub fn skip_to(&mut self, place: Place) {
        self.input.seek(place.input);
        self.filter.seek(place.filter);
    }
}

/// The message of a queue record.
pub fn view<'a>(record: &Record<'a>) -> MessageView<'a> {
    if record.canonical {
        MessageView::new_canonical(record.message)
    } else {
        MessageView::new(record.message)
    }
}

fn wanted(matcher: &Matcher, signer: &[u8], record: &Record<'_>) -> bool {
    (signer.is_empty() || record.signer == signer) && matcher.matches(&view(record))
}
