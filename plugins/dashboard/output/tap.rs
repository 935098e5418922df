//! Messages as they are queued, for whoever looks. What is shown is bounded: a tap on a busy hekad shows some of the messages
//! and tells how many it passed over.

mod shown;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use heka_message::Matcher;
use heka_plugin::{Stop, Tap};
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use tokio::sync::mpsc::{Sender, channel};

use self::shown::write_message;
use super::body::Reply;
use super::site::with_body;

/// Taps at once.
const SEATS: usize = 8;
/// The queues are looked at so often.
const EVERY: Duration = Duration::from_millis(100);
/// Messages that one look shows.
const SHOWN_MAX: usize = 10;
/// Time that one look may take. All replies wait for it.
const LOOK_MAX: Duration = Duration::from_millis(20);
/// A tap that sees nothing says so at this interval, and learns that nobody listens any more.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// Pieces that wait for a slow listener.
const PIECES_MAX: usize = 4;

/// The right to have a tap open; given back when it is dropped.
pub(super) struct Seat(Arc<AtomicUsize>);

impl Seat {
    /// Takes one if there is one left.
    pub(super) fn take(taken: &Arc<AtomicUsize>) -> Option<Seat> {
        let more = |taken: usize| (taken < SEATS).then_some(taken + 1);
        taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Seat(taken.clone()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A reply of server-sent events that ends when nobody listens, or at the stop. To be called by a task of a runtime.
pub(super) fn open(source: Box<dyn Tap>, matcher: Matcher, seat: Seat, stop: Stop) -> Response<Reply> {
    let (pieces, body) = channel(PIECES_MAX);
    tokio::spawn(async move {
        follow(source, &matcher, &pieces, &stop).await;
        drop(seat);
    });
    let mut reply = with_body(StatusCode::OK, "text/event-stream", Vec::new());
    *reply.body_mut() = Reply::Stream(body);
    reply
}

async fn follow(mut source: Box<dyn Tap>, matcher: &Matcher, pieces: &Sender<Bytes>, stop: &Stop) {
    let mut told_at = Instant::now();
    let mut piece = b": open\n\n".to_vec();
    while !stop.is_requested() {
        look(source.as_mut(), matcher, &mut piece);
        if piece.is_empty() && told_at.elapsed() >= SIGN_OF_LIFE {
            piece.extend_from_slice(b": nothing\n\n");
        }
        if !piece.is_empty() {
            told_at = Instant::now();
            if pieces.send(std::mem::take(&mut piece).into()).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// One look into the queues.
fn look(source: &mut dyn Tap, matcher: &Matcher, out: &mut Vec<u8>) {
    let began = Instant::now();
    let mut left = SHOWN_MAX;
    let mut more = true;
    while more && left > 0 && began.elapsed() < LOOK_MAX {
        more = source.poll(&mut |message| {
            if matcher.matches(&message) {
                write_message(&message, out);
                left -= 1;
            }
            if left == 0 || began.elapsed() >= LOOK_MAX {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    }
    if more {
        let skipped = source.skip();
        if skipped > 0 {
            out.extend_from_slice(format!("event: skipped\ndata: {skipped}\n\n").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use heka_message::{Message, MessageView};

    use super::*;

    struct Many(usize);

    impl Tap for Many {
        fn poll(&mut self, each: &mut dyn FnMut(MessageView<'_>) -> ControlFlow<()>) -> bool {
            while self.0 > 0 {
                self.0 -= 1;
                let mut bytes = Vec::new();
                let msg_type = if self.0.is_multiple_of(2) { "even" } else { "odd" };
                Message { msg_type: Some(msg_type.into()), ..Message::default() }.encode(&mut bytes);
                if each(MessageView::new(&bytes)).is_break() {
                    return true;
                }
            }
            false
        }

        fn skip(&mut self) -> u64 {
            std::mem::take(&mut self.0) as u64
        }
    }

    #[test]
    fn a_look_shows_some_and_tells_of_the_rest() {
        let matcher = Matcher::parse("Type == 'even'").unwrap();
        let mut out = Vec::new();
        look(&mut Many(100), &matcher, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches("\"even\"").count(), SHOWN_MAX);
        assert!(text.ends_with("event: skipped\ndata: 80\n\n"), "{text}");
        let mut out = Vec::new();
        look(&mut Many(4), &matcher, &mut out);
        assert_eq!(String::from_utf8(out).unwrap().matches("data: ").count(), 2);
    }

    #[test]
    fn seats_come_back() {
        let taken = Arc::default();
        let mut seats: Vec<_> = (0..SEATS).filter_map(|_| Seat::take(&taken)).collect();
        assert!(Seat::take(&taken).is_none());
        seats.pop();
        assert!(Seat::take(&taken).is_some());
    }
}
