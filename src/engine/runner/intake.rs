//! A filter's or output's end of the two queues: its readers, its matcher, its place.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use heka_message::{Matcher, MessageView};
use heka_queue::{EventCount, Position, Queue, Reader, Record};

use crate::place::Place;

/// Records looked at before the runner gets to see to its other duties.
const LOOK_MAX: usize = 50_000;

/// Pause before the next look after one that was hardly worth it, or that shows that much is coming: the more there is
/// to read at once the less a record costs, above all one that is passed. Well below what counts as late.
const BREATHER: Duration = Duration::from_millis(2);
/// So many bytes since the last pause are much.
const MUCH_BYTES: u64 = 32 << 10;

/// Reads both queues through a matcher.
pub struct Intake {
    /// What was imported for this reader alone; read up before the rest, whatever the matcher says: it matched before.
    imported: Option<Reader>,
    input: Reader,
    filter: Reader,
    matcher: Arc<Matcher>,
    /// `message_signer`; empty: any.
    signer: Vec<u8>,
    events: Arc<EventCount>,
    filter_first: bool,
    /// Something was wanted since the last wait.
    found: bool,
    waited_at: Place,
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
        let reader = |queue: &Queue, position| {
            let mut reader = queue.reader(position);
            let matcher = matcher.clone();
            reader.leave_out(move |msg_type| matcher.refuses_type(msg_type));
            reader
        };
        Intake {
            imported: None,
            input: reader(queues.0, place.input),
            filter: reader(queues.1, place.filter),
            matcher,
            signer: signer.as_bytes().to_vec(),
            events,
            filter_first: false,
            found: false,
            waited_at: place,
        }
    }

    /// The same, which reads `imported` up first.
    pub fn with_imported(self, imported: Option<Reader>) -> Intake {
        Intake { imported, ..self }
    }

    /// Where the readers stand.
    pub fn place(&self) -> Place {
        let imported = self.imported.as_ref().map_or(Position::default(), Reader::position);
        Place { input: self.input.position(), filter: self.filter.position(), imported }
    }

    /// Hands matching records, each with the place behind it, to `each` until it breaks off, both queues are read up, or
    /// it is time to see to other things. Returns true when both queues are read up.
    pub fn read(&mut self, mut each: impl FnMut(&Record<'_>, Place) -> ControlFlow<()>) -> bool {
        self.filter_first = !self.filter_first;
        let mut left = LOOK_MAX;
        let here = self.place();
        while let Some(record) = self.imported.as_mut().and_then(Reader::next) {
            self.found = true;
            let place = Place { imported: record.position, ..here };
            left -= 1;
            if each(&record, place).is_break() || left == 0 {
                return false;
            }
        }
        for of_filter in [self.filter_first, !self.filter_first] {
            let here = self.place();
            let reader = if of_filter { &mut self.filter } else { &mut self.input };
            while let Some(record) = reader.next() {
                if wanted(&self.matcher, &self.signer, &record) {
                    self.found = true;
                    let place = if of_filter {
                        Place { filter: record.position, ..here }
                    } else {
                        Place { input: record.position, ..here }
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
        if self.takes_a_breather() && !interrupted() {
            std::thread::sleep(BREATHER.min(time));
        }
        let Intake { input, filter, events, .. } = self;
        events.wait_for(time, || (interrupted() || input.has_more() || filter.has_more()).then_some(()));
    }

    /// Whether to let more come before the next look: all that came since the last wait was passed, or it was much.
    fn takes_a_breather(&mut self) -> bool {
        let (before, found) = (self.waited_at, std::mem::take(&mut self.found));
        self.waited_at = self.place();
        let Place { input, filter, .. } = self.waited_at;
        let moved = (input, filter) != (before.input, before.filter);
        moved && (!found || much(before.input, input) || much(before.filter, filter))
    }

    /// Gives up what is queued before `place` and not read yet. Never goes back: what was read since the skip was asked for is
    /// not read again. Returns where the readers stand then.
    pub fn skip_to(&mut self, place: Place) -> Place {
        for (reader, to) in [(&mut self.input, place.input), (&mut self.filter, place.filter)] {
            if to > reader.position() {
                reader.seek(to);
            }
        }
        self.place()
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

fn much(from: Position, to: Position) -> bool {
    from.segment != to.segment || to.offset.saturating_sub(from.offset) >= MUCH_BYTES
}

fn wanted(matcher: &Matcher, signer: &[u8], record: &Record<'_>) -> bool {
    (signer.is_empty() || record.signer == signer) && matcher.matches(&view(record))
}
