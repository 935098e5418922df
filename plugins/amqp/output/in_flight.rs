//! What has become of each record of a batch.

use std::hash::{DefaultHasher, Hasher};

use heka_plugin::Record;

/// A record.
struct Item {
    hash: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// To be sent on this connection.
    Unsent,
    /// Sent with this number on this connection.
    Sent(u64),
    /// Sent, but the broker has told that no queue takes it.
    Returned(u64),
    /// Refused; to be sent again with the next attempt.
    Refused,
    /// The broker has it.
    Done,
}

/// The records of the batch at hand.
#[derive(Default)]
pub(super) struct InFlight {
    items: Vec<Item>,
    /// The number of the last message on this connection.
    last_tag: u64,
    /// Where the next message that comes back is likely to be.
    returned: usize,
    refusal: String,
}

impl InFlight {
    /// Takes the batch that is to be sent. If it is the one before without its first `dropped` records, what is known of the
    /// others stays.
    pub(super) fn align(&mut self, batch: &[Record<'_>], dropped: usize) {
        let hashes: Vec<u64> = batch.iter().map(|record| hash(record.bytes)).collect();
        self.items.drain(..dropped.min(self.items.len()));
        self.returned = 0;
        if self.items.iter().map(|item| item.hash).eq(hashes.iter().copied()) {
            for item in &mut self.items {
                if item.state == State::Refused {
                    item.state = State::Unsent;
                }
            }
        } else {
            self.items = hashes.into_iter().map(|hash| Item { hash, state: State::Unsent }).collect();
        }
    }

    /// A new connection knows nothing of what was sent on the last one.
    pub(super) fn forget_sent(&mut self) {
        self.last_tag = 0;
        self.returned = 0;
        for item in &mut self.items {
            if item.state != State::Done {
                item.state = State::Unsent;
            }
        }
    }

    /// The records that are to be sent, in order; they count as sent.
    pub(super) fn take_unsent<'a, 'b>(&mut self, batch: &'a [Record<'b>]) -> Vec<&'a Record<'b>> {
        let mut unsent = Vec::new();
        for (item, record) in self.items.iter_mut().zip(batch) {
            if item.state == State::Unsent {
                self.last_tag += 1;
                item.state = State::Sent(self.last_tag);
                unsent.push(record);
            }
        }
        unsent
    }

    /// The broker has taken or refused a message, or all up to it.
    pub(super) fn settle(&mut self, tag: u64, multiple: bool, taken: bool) {
        for item in &mut self.items {
            let (State::Sent(sent) | State::Returned(sent)) = item.state else { continue };
            if sent != tag && !(multiple && sent < tag) {
                continue;
            }
            let is_returned = matches!(item.state, State::Returned(_));
            if !taken {
                self.refusal = "the broker has refused a message".into();
            }
            item.state = if taken && !is_returned { State::Done } else { State::Refused };
        }
    }

    /// The broker gives a message back, which it then confirms. Records of the same bytes are as good as each other.
    pub(super) fn note_returned(&mut self, body: &[u8], why: String) {
        self.refusal = why;
        let hash = hash(body);
        let is_it = |item: &Item| item.hash == hash && matches!(item.state, State::Sent(_));
        let behind = self.items.iter().skip(self.returned).position(is_it).map(|at| at + self.returned);
        if let Some(at) = behind.or_else(|| self.items.iter().position(is_it))
            && let State::Sent(tag) = self.items[at].state
        {
            self.items[at].state = State::Returned(tag);
            self.returned = at + 1;
        }
    }

    /// Records that the broker does not have yet.
    pub(super) fn left(&self) -> usize {
        self.items.iter().filter(|item| item.state != State::Done).count()
    }

    /// Whether the broker has all.
    pub(super) fn is_done(&self) -> bool {
        self.items.iter().all(|item| item.state == State::Done)
    }

    /// Whether nothing more is to be heard of what was sent.
    pub(super) fn is_settled(&self) -> bool {
        self.items.iter().all(|item| matches!(item.state, State::Done | State::Refused))
    }

    /// Why something was refused.
    pub(super) fn take_refusal(&mut self) -> String {
        std::mem::take(&mut self.refusal)
    }

    /// How many records at the front the broker has.
    pub(super) fn done_in_front(&self) -> usize {
        self.items.iter().take_while(|item| item.state == State::Done).count()
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use heka_message::MessageView;

    use super::*;

    fn records<'a>(texts: &[&'a str]) -> Vec<Record<'a>> {
        let record =
            |text: &&'a str| Record { message: MessageView::new(b""), bytes: text.as_bytes(), loop_count: 0 };
        texts.iter().map(record).collect()
    }

    fn texts(sent: Vec<&Record<'_>>) -> Vec<String> {
        sent.into_iter().map(|record| String::from_utf8_lossy(record.bytes).into_owned()).collect()
    }

    #[test]
    fn only_what_is_not_confirmed_is_sent_again() {
        let mut flight = InFlight::default();
        let batch = records(&["a", "b", "c", "d", "e"]);
        flight.align(&batch, 0);
        assert_eq!(texts(flight.take_unsent(&batch)), ["a", "b", "c", "d", "e"]);
        flight.settle(2, true, true);
        flight.settle(4, false, true);
        flight.settle(3, false, false);
        assert_eq!((flight.done_in_front(), flight.left(), flight.is_settled()), (2, 2, false));
        flight.settle(5, false, true);
        assert!(flight.is_settled() && !flight.is_done());
        assert_eq!(flight.take_refusal(), "the broker has refused a message");
        let rest = records(&["c", "d", "e"]);
        flight.align(&rest, 2);
        assert_eq!(texts(flight.take_unsent(&rest)), ["c"]);
        flight.settle(6, false, true);
        assert!(flight.is_done());
    }

    #[test]
    fn a_new_connection_gets_all_that_was_not_confirmed() {
        let mut flight = InFlight::default();
        let batch = records(&["a", "b", "c"]);
        flight.align(&batch, 0);
        flight.take_unsent(&batch);
        flight.settle(2, false, true);
        flight.forget_sent();
        flight.align(&batch, 0);
        assert_eq!(texts(flight.take_unsent(&batch)), ["a", "c"]);
        flight.settle(2, true, true);
        assert!(flight.is_done());
    }

    #[test]
    fn what_comes_again_is_not_sent_again_while_it_may_still_be_confirmed() {
        let mut flight = InFlight::default();
        let batch = records(&["a", "b"]);
        flight.align(&batch, 0);
        flight.take_unsent(&batch);
        flight.settle(1, false, true);
        flight.align(&records(&["b"]), 1);
        assert!(flight.take_unsent(&records(&["b"])).is_empty());
        let other = records(&["x", "b"]);
        flight.align(&other, 0);
        assert_eq!(texts(flight.take_unsent(&other)), ["x", "b"]);
        // This was for the batch before.
        flight.settle(2, false, true);
        assert_eq!(flight.left(), 2);
        flight.settle(4, true, true);
        assert!(flight.is_done());
    }

    #[test]
    fn what_came_back_is_not_taken_though_it_is_confirmed() {
        let mut flight = InFlight::default();
        let batch = records(&["same", "other", "same"]);
        flight.align(&batch, 0);
        flight.take_unsent(&batch);
        flight.note_returned(b"same", "why".into());
        flight.note_returned(b"same", "why".into());
        flight.settle(3, true, true);
        assert!(flight.is_settled());
        assert_eq!((flight.left(), flight.done_in_front(), flight.take_refusal()), (2, 0, "why".to_string()));
        flight.align(&batch, 0);
        assert_eq!(texts(flight.take_unsent(&batch)), ["same", "same"]);
    }
}
