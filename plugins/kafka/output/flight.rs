//! The batch that is on its way: which of its records the brokers have acknowledged.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};

use rdkafka::error::RDKafkaErrorCode as Code;

/// Bits of a token that tell a record's place in its batch.
const PLACE_BITS: u32 = 24;

/// How far a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// It is to be handed to the client.
    Waiting,
    /// The client has it and has not reported yet.
    Sent,
    /// The brokers have it.
    Taken,
    /// The client has given up on it.
    Failed(Code),
    /// It cannot be sent at all.
    Hopeless(String),
}

/// What is to be made of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It may pass.
    Again,
    /// It will be the same every time.
    Never,
}

/// What follows once nothing is unanswered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The brokers have all.
    Done,
    /// There is more to hand over.
    GoOn,
    /// So many records at the front were taken; the next one failed for now.
    Retry(usize, Code),
    /// The record at this place of the batch will never be taken; those before it were.
    Reject(usize, Reason),
}

/// Why a record is rejected.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The client or a broker says so.
    Code(Code),
    /// It was not even tried.
    Text(String),
}

/// The states of a batch's records, in their order.
#[derive(Default)]
pub(super) struct Flight {
    /// Tells reports of this batch from late ones of earlier batches.
    number: usize,
    /// Records that were taken off the front.
    gone: usize,
    states: VecDeque<State>,
    /// Records that were sent and not reported.
    unanswered: usize,
    /// No record before this place is waiting.
    next: usize,
    /// A broker may refuse many records for the sake of one. They are sent again, each alone, to find which.
    one_by_one: bool,
    /// Hashes of the records that are left, made when a call ends before they are all answered.
    marks: Vec<u64>,
}

fn mark(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

impl Flight {
    /// Begins with a new batch. Reports of the one before are not heard any more.
    pub(super) fn begin(&mut self, count: usize) {
        *self = Flight { number: self.number.wrapping_add(1), ..Flight::default() };
        self.states.resize(count, State::Waiting);
    }

    /// The client is a new one: what it has not taken is sent again.
    pub(super) fn start_over(&mut self) {
        self.number = self.number.wrapping_add(1);
        self.unanswered = 0;
        self.next = 0;
        for state in &mut self.states {
            if matches!(state, State::Sent | State::Failed(_)) {
                *state = State::Waiting;
            }
        }
    }

    /// Whether there is no batch.
    pub(super) fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Records that were sent and not reported.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Remembers the records, to know them when they come again.
    pub(super) fn remember<'a>(&mut self, batch: impl Iterator<Item = &'a [u8]>) {
        self.marks = batch.map(mark).collect();
    }

    /// Whether these are the records that [`Flight::remember`] saw, less those taken off since.
    pub(super) fn is_of<'a>(&self, batch: impl ExactSizeIterator<Item = &'a [u8]>) -> bool {
        batch.len() == self.states.len() && batch.map(mark).eq(self.marks.iter().copied())
    }

    /// The place in the batch of the next record to hand over, and the token for its report.
    pub(super) fn next(&mut self) -> Option<(usize, usize)> {
        while self.states.get(self.next).is_some_and(|state| *state != State::Waiting) {
            self.next += 1;
        }
        if self.next >= self.states.len() {
            return None;
        }
        if self.one_by_one {
            // Only when all before it are done with.
            let undone = self.states.iter().position(|state| *state != State::Taken);
            if undone != Some(self.next) {
                return None;
            }
        }
        let token = (self.number << PLACE_BITS) | ((self.gone + self.next) & ((1 << PLACE_BITS) - 1));
        Some((self.next, token))
    }

    /// The client has taken the record at this place.
    pub(super) fn sent(&mut self, place: usize) {
        self.set(place, State::Sent);
        self.unanswered += 1;
    }

    /// The client has refused the record at this place.
    pub(super) fn refused(&mut self, place: usize, code: Code) {
        self.set(place, State::Failed(code));
    }

    /// The record at this place cannot be sent.
    pub(super) fn hopeless(&mut self, place: usize, why: String) {
        self.set(place, State::Hopeless(why));
    }

    fn set(&mut self, place: usize, state: State) {
        if let Some(known) = self.states.get_mut(place) {
            *known = state;
        }
    }

    /// Takes a report. Returns whether it belongs to this batch.
    pub(super) fn report(&mut self, token: usize, result: Result<(), Code>) -> bool {
        let mask = usize::MAX >> PLACE_BITS;
        if token >> PLACE_BITS != self.number & mask {
            return false;
        }
        let place = (token & ((1 << PLACE_BITS) - 1)).wrapping_sub(self.gone);
        match self.states.get_mut(place) {
            Some(state) if *state == State::Sent => {
                *state = result.map_or_else(State::Failed, |()| State::Taken);
                self.unanswered -= 1;
                true
            }
            _ => false,
        }
    }

    /// How many records at the front the brokers have. They are taken off.
    pub(super) fn take_off(&mut self) -> usize {
        let taken = self.states.iter().take_while(|state| **state == State::Taken).count();
        self.drop_first(taken);
        taken
    }

    fn drop_first(&mut self, count: usize) {
        self.states.drain(..count);
        self.marks.drain(..count.min(self.marks.len()));
        self.gone += count;
        self.next = self.next.saturating_sub(count);
    }

    /// What follows, now that nothing is unanswered. Records at the front that are done with are taken off.
    pub(super) fn verdict(&mut self, fate: impl Fn(Code) -> Fate) -> Verdict {
        let taken = self.states.iter().take_while(|state| **state == State::Taken).count();
        let verdict = match self.states.get(taken) {
            None => Verdict::Done,
            Some(State::Hopeless(why)) => Verdict::Reject(taken, Reason::Text(why.clone())),
            Some(State::Failed(code)) => match fate(*code) {
                Fate::Again => Verdict::Retry(taken, *code),
                Fate::Never if self.one_by_one || self.states.len() == 1 => {
                    Verdict::Reject(taken, Reason::Code(*code))
                }
                Fate::Never => {
                    self.one_by_one = true;
                    Verdict::GoOn
                }
            },
            Some(_) => Verdict::GoOn,
        };
        match verdict {
            Verdict::Done => self.drop_first(taken),
            Verdict::Reject(..) => self.drop_first(taken + 1),
            Verdict::Retry(..) => self.drop_first(taken),
            Verdict::GoOn => {}
        }
        self.next = 0;
        for state in &mut self.states {
            if matches!(state, State::Failed(_)) {
                *state = State::Waiting;
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOO_LARGE: Code = Code::MessageSizeTooLarge;

    fn fate(code: Code) -> Fate {
        if code == TOO_LARGE { Fate::Never } else { Fate::Again }
    }

    /// Hands over all that can be; returns places and tokens.
    fn send_all(flight: &mut Flight) -> Vec<(usize, usize)> {
        std::iter::from_fn(|| {
            let (place, token) = flight.next()?;
            flight.sent(place);
            Some((place, token))
        })
        .collect()
    }

    #[test]
    fn a_batch_is_done_when_every_record_is_reported() {
        let mut flight = Flight::default();
        flight.begin(3);
        let sent = send_all(&mut flight);
        assert_eq!(sent.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(flight.unanswered(), 3);
        for (_, token) in &sent {
            assert!(flight.report(*token, Ok(())));
            assert!(!flight.report(*token, Ok(())), "only once");
        }
        assert_eq!(flight.verdict(fate), Verdict::Done);
        flight.begin(1);
        let late = sent[0].1;
        send_all(&mut flight);
        assert!(!flight.report(late, Ok(())), "of another batch");
        assert_eq!(flight.unanswered(), 1);
    }

    #[test]
    fn what_failed_for_now_is_sent_again_and_the_rest_is_not() {
        let mut flight = Flight::default();
        flight.begin(4);
        let sent = send_all(&mut flight);
        flight.report(sent[0].1, Ok(()));
        flight.report(sent[1].1, Err(Code::NotEnoughReplicas));
        flight.report(sent[2].1, Ok(()));
        flight.report(sent[3].1, Err(Code::NotEnoughReplicas));
        assert_eq!(flight.verdict(fate), Verdict::Retry(1, Code::NotEnoughReplicas));
        // The engine has taken the first off its batch.
        let again = send_all(&mut flight);
        assert_eq!(again.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 2]);
        again.iter().for_each(|(_, token)| assert!(flight.report(*token, Ok(()))));
        assert_eq!(flight.verdict(fate), Verdict::Done);
    }

    #[test]
    fn of_many_that_are_refused_together_only_the_guilty_one_is_rejected() {
        let mut flight = Flight::default();
        flight.begin(3);
        send_all(&mut flight).iter().for_each(|(_, token)| assert!(flight.report(*token, Err(TOO_LARGE))));
        assert_eq!(flight.verdict(fate), Verdict::GoOn);
        for place in 0..2 {
            let alone = send_all(&mut flight);
            assert_eq!(alone.len(), 1);
            assert_eq!(alone[0].0, place);
            flight.report(alone[0].1, if place == 0 { Ok(()) } else { Err(TOO_LARGE) });
            let verdict = flight.verdict(fate);
            let rejected = Verdict::Reject(1, Reason::Code(TOO_LARGE));
            assert_eq!(verdict, if place == 0 { Verdict::GoOn } else { rejected });
        }
        let last = send_all(&mut flight);
        assert_eq!(last[0].0, 0);
        flight.report(last[0].1, Ok(()));
        assert_eq!(flight.verdict(fate), Verdict::Done);
    }

    #[test]
    fn a_hopeless_record_is_rejected_after_those_before_it_were_taken() {
        let mut flight = Flight::default();
        flight.begin(3);
        flight.hopeless(1, "why".into());
        let sent = send_all(&mut flight);
        assert_eq!(sent.len(), 2);
        sent.iter().for_each(|(_, token)| assert!(flight.report(*token, Ok(()))));
        assert_eq!(flight.verdict(fate), Verdict::Reject(1, Reason::Text("why".into())));
        assert_eq!(flight.verdict(fate), Verdict::Done);
    }

    #[test]
    fn a_batch_that_comes_again_is_known() {
        let batch: [&[u8]; 3] = [b"a", b"b", b"c"];
        let mut flight = Flight::default();
        flight.begin(3);
        let sent = send_all(&mut flight);
        flight.report(sent[0].1, Ok(()));
        flight.remember(batch.into_iter());
        assert_eq!(flight.take_off(), 1);
        assert!(!flight.is_of(batch.into_iter()));
        assert!(flight.is_of(batch[1..].iter().copied()));
        assert!(!flight.is_of([&b"b"[..], b"x"].into_iter()));
        // Its reports still count; nothing is sent twice.
        assert!(send_all(&mut flight).is_empty());
        assert!(flight.report(sent[2].1, Ok(())));
        assert!(flight.report(sent[1].1, Ok(())));
        assert_eq!(flight.verdict(fate), Verdict::Done);
    }

    #[test]
    fn with_a_new_client_all_that_is_not_taken_is_sent_again() {
        let mut flight = Flight::default();
        flight.begin(3);
        let sent = send_all(&mut flight);
        flight.report(sent[1].1, Ok(()));
        flight.start_over();
        assert!(!flight.report(sent[0].1, Ok(())), "of the old client");
        let again: Vec<_> = send_all(&mut flight).iter().map(|(place, _)| *place).collect();
        assert_eq!(again, [0, 2]);
    }
}
