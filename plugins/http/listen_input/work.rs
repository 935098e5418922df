//! From the body of a request to the queue: threads that split and decode, and one that waits for receipts.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use heka_plugin::{Deliverer, Inlet, Receipt, Stop};
use tokio::sync::oneshot;

use super::request::{Facts, Shape};
use super::room::Place;

/// So many connections keep their splitter and decoder from one request to the next. Others make them anew.
const KEPT_MAX: usize = 256;
/// When hekad stops, receipts are waited for so long.
const LAST_RECEIPTS: Duration = Duration::from_secs(4);
/// How long one wait for a receipt lasts.
const RECEIPT_WAIT: Duration = Duration::from_millis(100);

/// What became of a request's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The queue holds them.
    Held,
    /// It does not hold all of them, because hekad stops. The sender may try again.
    Stopped,
    /// The splitter or decoder failed.
    Failed,
}

/// A request whose body is there.
pub(super) struct Job {
    /// The other end, whose name the splitter and decoder get.
    pub(super) peer: SocketAddr,
    /// The connection's splitter and decoder.
    pub(super) slot: Arc<Slot>,
    /// The request.
    pub(super) facts: Facts,
    /// What is the same for all requests.
    pub(super) shape: Arc<Shape>,
    /// The body.
    pub(super) body: Vec<u8>,
    /// The room that the body takes.
    pub(super) place: Place,
    /// Hears what became of it.
    pub(super) answer: oneshot::Sender<Outcome>,
}

/// A connection's splitter and decoder between two requests.
pub(super) struct Slot {
    deliverer: Mutex<Option<Box<dyn Deliverer>>>,
    kept: Arc<AtomicUsize>,
}

impl Slot {
    fn take(&self) -> Option<Box<dyn Deliverer>> {
        let taken = self.deliverer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if taken.is_some() {
            self.kept.fetch_sub(1, Ordering::AcqRel);
        }
        taken
    }

    fn keep(&self, deliverer: Box<dyn Deliverer>) {
        if self.kept.fetch_add(1, Ordering::AcqRel) < KEPT_MAX {
            *self.deliverer.lock().unwrap_or_else(PoisonError::into_inner) = Some(deliverer);
        } else {
            self.kept.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.take();
    }
}

/// Hands requests to the threads.
#[derive(Clone)]
pub(super) struct Hand {
    jobs: Sender<Job>,
    kept: Arc<AtomicUsize>,
}

impl Hand {
    /// A place for the splitter and decoder of a new connection.
    pub(super) fn slot(&self) -> Arc<Slot> {
        Arc::new(Slot { deliverer: Mutex::default(), kept: self.kept.clone() })
    }

    /// Has a request worked on. If nobody does so any more, the answer's other end hears that.
    pub(super) fn give(&self, job: Job) {
        let _ = self.jobs.send(job);
    }
}

/// Calls `run` with threads at work. They end when it has returned and no copy of the hand is left.
///
/// # Errors
/// As from `run`, or a thread cannot be had.
pub(super) fn with_workers(
    inlet: &dyn Inlet,
    stop: &Stop,
    run: impl FnOnce(Hand) -> io::Result<()>,
) -> io::Result<()> {
    let count = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 16);
    std::thread::scope(|scope| {
        let (jobs, work) = channel();
        let (receipts, held) = channel();
        let work = Arc::new(Mutex::new(work));
        for _ in 0..count {
            let (work, receipts) = (work.clone(), receipts.clone());
            let worker = Worker { inlet, stop, receipts };
            Builder::new().name("http worker".into()).spawn_scoped(scope, move || worker.work(&work))?;
        }
        drop(receipts);
        Builder::new()
            .name("http receipts".into())
            .spawn_scoped(scope, move || await_receipts(&held, stop))?;
        run(Hand { jobs, kept: Arc::default() })
    })
}

struct Worker<'a> {
    inlet: &'a dyn Inlet,
    stop: &'a Stop,
    receipts: Sender<(Receipt, oneshot::Sender<Outcome>)>,
}

impl Worker<'_> {
    fn work(&self, jobs: &Mutex<Receiver<Job>>) {
        loop {
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = job else { return };
            self.see_to(job);
        }
    }

    fn see_to(&self, job: Job) {
        let Job { peer, slot, facts, shape, body, place, answer } = job;
        let deliverer = slot.take().map_or_else(|| self.inlet.deliverer(&peer.to_string()), Ok);
        let mut deliverer = match deliverer {
            Ok(deliverer) => deliverer,
            Err(why) => {
                self.inlet.log_error(&why);
                // The connection may be gone by now, and then nobody wants an answer; so below.
                let _ = answer.send(Outcome::Failed);
                return;
            }
        };
        deliverer.set_decorator(Box::new(move |pack| facts.decorate(pack, &shape)));
        // A panic in a decoder is this request's failure and nobody else's.
        let pushed = std::panic::catch_unwind(AssertUnwindSafe(|| deliverer.push_whole(&body)));
        drop((body, place));
        match pushed {
            Ok(Ok(pushed)) => {
                slot.keep(deliverer);
                let _ = self.receipts.send((pushed.receipt, answer));
            }
            Ok(Err(error)) => {
                self.inlet.log_error(&error.to_string());
                let stopped = self.stop.is_requested();
                let _ = answer.send(if stopped { Outcome::Stopped } else { Outcome::Failed });
            }
            Err(_) => {
                self.inlet.log_error(&format!("a request of {peer} is refused: its decoder panicked"));
                let _ = answer.send(Outcome::Failed);
            }
        }
    }
}

/// Answers requests as the queue comes to hold them, which it does nearly in this order.
fn await_receipts(held: &Receiver<(Receipt, oneshot::Sender<Outcome>)>, stop: &Stop) {
    let mut end: Option<Instant> = None;
    for (receipt, answer) in held {
        let outcome = loop {
            let began = Instant::now();
            if stop.is_requested() {
                let end = *end.get_or_insert(began + LAST_RECEIPTS);
                let is_held = receipt.wait(end.saturating_duration_since(began));
                break if is_held { Outcome::Held } else { Outcome::Stopped };
            }
            if receipt.wait(RECEIPT_WAIT) {
                break Outcome::Held;
            }
            // A queue that can never hold it says so without a wait. There is nothing to do then but to stop.
            stop.wait(RECEIPT_WAIT.saturating_sub(began.elapsed()));
        };
        let _ = answer.send(outcome);
    }
}
