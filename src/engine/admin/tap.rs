//! A look into the queues of the running hekad.

use std::ops::ControlFlow;

use heka_message::MessageView;
use heka_plugin::Tap;
use heka_queue::{Queue, Reader};

use crate::queues::Queues;
use crate::runner::intake::view;

/// Records that one call looks at, in each queue.
const LOOK_MAX: usize = 20_000;

/// Readers of both queues that keep no place and hold nothing back.
pub(super) struct QueueTap {
    ends: [(Queue, Reader); 2],
    /// Number of the next record in each queue, as far as it is known.
    next: [Option<u64>; 2],
}

impl QueueTap {
    /// A tap from the end of both queues on.
    pub(super) fn new(queues: &Queues) -> QueueTap {
        let end = |queue: &Queue| (queue.clone(), queue.reader(queue.tail()));
        QueueTap { ends: [end(&queues.input), end(&queues.filter)], next: [None, None] }
    }
}

impl Tap for QueueTap {
    fn poll(&mut self, each: &mut dyn FnMut(MessageView<'_>) -> ControlFlow<()>) -> bool {
        let mut more = false;
        for ((_, reader), next) in self.ends.iter_mut().zip(&mut self.next) {
            let mut left = LOOK_MAX;
            while let Some(record) = reader.next() {
                *next = Some(record.sequence + 1);
                left -= 1;
                if each(view(&record)).is_break() {
                    return true;
                }
                if left == 0 {
                    more = true;
                    break;
                }
            }
        }
        more
    }

    fn skip(&mut self) -> u64 {
        let mut skipped = 0;
        for ((queue, reader), next) in self.ends.iter_mut().zip(&mut self.next) {
            let (tail, end) = (queue.tail(), queue.stats().next_sequence);
            skipped += next.map_or(0, |next| end.saturating_sub(next));
            if tail > reader.position() {
                reader.seek(tail);
            }
            *next = Some(end);
        }
        skipped
    }
}

#[cfg(test)]
mod tests {
    use heka_message::Message;
    use heka_queue::{Batch, Meta, SyncMode};

    use super::*;
    use crate::log::Logger;

    fn queue(queue: &Queue, types: &[&str]) {
        let mut batch = Batch::new();
        for msg_type in types {
            let mut bytes = Vec::new();
            Message { msg_type: Some((*msg_type).into()), ..Message::default() }.encode(&mut bytes);
            batch.push(&bytes, Meta::default()).unwrap();
        }
        queue.append(&mut batch).unwrap();
    }

    #[test]
    fn it_begins_with_what_comes_and_can_pass_over_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let queues = Queues::open(dir.path(), SyncMode::None, 1 << 20, &Logger::default()).unwrap();
        queue(&queues.input, &["before"]);
        let mut tap = QueueTap::new(&queues);
        queue(&queues.input, &["a", "b", "c", "d"]);
        queue(&queues.filter, &["e"]);
        let mut seen = Vec::new();
        let mut take = |count: usize| {
            let mut left = count;
            let more = tap.poll(&mut |message| {
                seen.push(String::from_utf8_lossy(message.msg_type().unwrap_or_default()).into_owned());
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            (more, tap.skip())
        };
        assert_eq!(take(1), (true, 3), "what is behind in a queue that was read is known");
        assert_eq!(take(9), (false, 0));
        queue(&queues.filter, &["f"]);
        let mut rest = Vec::new();
        tap.poll(&mut |message| {
            rest.push(message.msg_type().unwrap_or_default().to_vec());
            ControlFlow::Continue(())
        });
        assert_eq!((seen, rest), (vec!["a".to_string()], vec![b"f".to_vec()]));
    }
}
