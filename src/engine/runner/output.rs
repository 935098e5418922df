//! The loop of an output: read, encode, batch, send, retry, move the cursor.

mod reject;
mod replay;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heka_fault::fault;
use heka_plugin::report::row;
use heka_plugin::{Fate, Log, Output, Pace, PluginError, SendError};
use heka_queue::Position;

use self::reject::Rejections;
use super::deliver::now_ns;
use super::intake::Intake;
use super::outgoing::{Encoding, Outgoing};
use super::ticker::Ticker;
use crate::counters::PluginCounters;
use crate::dead_letters::DeadLetters;
use crate::place::{Place, PublishedPlace};
use crate::progress::Progress;
use crate::stops::Stops;

/// Longest sleep of an idle output.
const IDLE_WAIT: Duration = Duration::from_secs(1);
/// What was sent is made durable, and its place published, no more often than this.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);
/// A failure that lasts is logged again after this time.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// What an output's thread needs.
pub struct OutputParts {
    /// The output.
    pub output: Box<dyn Output>,
    /// How its messages are encoded.
    pub encoding: Encoding,
    /// Its end of the queues.
    pub intake: Intake,
    /// Where its place is published.
    pub place: Arc<PublishedPlace>,
    /// Where it notes its progress between two saves of the cursors; `None`: what it sent may die with the process.
    pub progress: Option<Progress>,
    /// Its log.
    pub log: Arc<dyn Log>,
    /// How it is asked to end.
    pub stops: Stops,
    /// `ticker_interval`
    pub ticker_interval_s: u64,
    /// How an encoder's failure is worded as an error; `None`: as information.
    pub encode_error: Option<&'static str>,
    /// What it has done so far.
    pub counters: Arc<PluginCounters>,
    /// Where what it rejects goes.
    pub dead: DeadLetters,
}

/// Runs an output until it is asked to stop or fails.
pub struct OutputRunner {
    parts: OutputParts,
    pace: Pace,
    batch: Outgoing,
    /// When the first record of the batch came.
    batch_began: Instant,
    rejections: Rejections,
    /// How often it has given up what was queued.
    skips: u64,
    ticker: Ticker,
    encode_complaint: Complaint,
    flush_complaint: Complaint,
    note_complaint: Complaint,
    published_at: Instant,
    /// Everything before this place was sent.
    sent: Place,
    /// The places behind the last batches that were sent, as far as they may still die with the process.
    in_flight: VecDeque<Place>,
    /// Everything before this place was sent and outlives the process once it is flushed.
    settled: Place,
    /// Dead letters that were sent again and are not firm yet: the place behind them, and how many.
    replayed: Option<(Position, u64)>,
}

impl OutputRunner {
    /// A runner of these parts.
    pub fn new(parts: OutputParts) -> OutputRunner {
        let pace = parts.output.pace();
        OutputRunner {
            ticker: Ticker::new(parts.ticker_interval_s),
            sent: parts.place.get(),
            in_flight: VecDeque::new(),
            settled: parts.place.get(),
            replayed: None,
            parts,
            pace,
            batch: Outgoing::new(pace),
            batch_began: Instant::now(),
            rejections: Rejections::default(),
            skips: 0,
            encode_complaint: Complaint::default(),
            flush_complaint: Complaint::default(),
            note_complaint: Complaint::default(),
            published_at: Instant::now(),
        }
    }

    /// Runs. What was not delivered stays in the queue.
    ///
    /// # Errors
    /// The output cannot go on.
    pub fn run(mut self) -> Result<(), PluginError> {
        let result = self.work();
        // Whatever happened, what was sent is published, so that it is not sent again.
        let published = if self.is_unpublished() { self.publish() } else { Ok(()) };
        self.answer_report();
        self.parts.stops.desk.close();
        self.parts.stops.encoder_desk.close();
        self.parts.output.stop();
        if let Some(encoder) = &mut self.parts.encoding.encoder
            && let Err(why) = encoder.stop()
        {
            self.parts.log.error(&why);
        }
        result.and(published)
    }

    fn work(&mut self) -> Result<(), PluginError> {
        loop {
            // Asked before reading: what was queued before the request is read then, and not after an older look.
            let stopping = self.parts.stops.drain.is_requested();
            self.parts.counters.busy.begin();
            let read_up = self.fill();
            let lingers = read_up && !stopping && self.lingers();
            let delivered = lingers || self.deliver()?;
            let replays = delivered && !lingers && !stopping && self.replay()?;
            self.see_to_duties()?;
            if self.parts.stops.ends_here() || (stopping && read_up) || !delivered {
                // What is not published yet is at the end, once: a peer that hangs is not waited for twice.
                return Ok(());
            }
            if self.is_unpublished() && self.published_at.elapsed() >= PUBLISH_EVERY {
                self.publish()?;
            }
            if read_up && !replays {
                self.sleep();
            }
        }
    }

    /// Whether the batch waits for more records.
    fn lingers(&self) -> bool {
        !self.batch.is_empty() && !self.batch.is_full() && self.batch_began.elapsed() < self.pace.linger
    }

    fn sleep(&mut self) {
        let mut limit = if self.is_unpublished() { PUBLISH_EVERY } else { IDLE_WAIT };
        if !self.batch.is_empty() {
            limit = limit.min(self.pace.linger.saturating_sub(self.batch_began.elapsed()));
        }
        let OutputParts { intake, stops, counters, .. } = &mut self.parts;
        counters.busy.end();
        intake.wait(self.ticker.left(limit), || stops.is_pending());
    }

    /// Reads and encodes until the batch is full or the queues are read up; returns true in the latter case.
    fn fill(&mut self) -> bool {
        self.skip_if_asked();
        if self.batch.is_empty() {
            self.batch_began = Instant::now();
        }
        let OutputParts { intake, encoding, log, counters, encode_error, .. } = &mut self.parts;
        let (batch, complaint) = (&mut self.batch, &mut self.encode_complaint);
        let (mut messages, mut bytes) = (0, 0);
        let read_up = intake.read(|record, place| {
            messages += 1;
            bytes += record.message.len() as u64;
            if let Err(why) = batch.add(record, place, encoding) {
                counters.failed.add(1);
                match encode_error {
                    Some(begin) => log.error(&format!("{begin}{why}")),
                    None if complaint.is_due(&why) => {
                        log.info(&format!("message not encoded, skipped: {why}"))
                    }
                    None => {}
                }
            }
            if batch.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        counters.processed.add(messages);
        counters.bytes.add(bytes);
        read_up
    }

    /// Gives up what is queued and the batch with it, if asked to. The place moves at once: nobody waits for the peer of an
    /// output that drops.
    fn skip_if_asked(&mut self) -> bool {
        let here = self.parts.intake.place();
        if here.imported != self.sent.imported {
            // What was imported is not given up, and the batch has some.
            return false;
        }
        let Some(skip) = self.parts.stops.take_skip() else { return false };
        self.skips += 1;
        self.batch.clear();
        // The batch, which was read since, is given up too.
        let to = self.parts.intake.skip_to(skip.to);
        self.parts.counters.dropped.add(skip.bytes);
        (self.sent, self.settled) = (to, to);
        self.in_flight.clear();
        self.parts.place.set(Place { imported: self.parts.place.get().imported, ..to });
        self.note_progress();
        true
    }

    /// Sends the batch, again and again if need be. Returns false when it gave up because hekad is stopping.
    fn deliver(&mut self) -> Result<bool, PluginError> {
        let mut pause = self.pace.retry_min;
        let mut complaint = Complaint::default();
        let sent_some = !self.batch.is_empty();
        while !self.batch.is_empty() {
            let began = Instant::now();
            let sent = self.parts.output.send(&self.batch.records(), &self.parts.stops.now);
            self.parts.counters.durations.add(began.elapsed());
            let (fates, why) = match sent {
                Ok(()) => {
                    fault!("output-sent");
                    self.batch.clear();
                    self.in_flight.push_back(self.parts.intake.place());
                    continue;
                }
                Err(SendError::Reject { index, why }) => {
                    let delivered = std::iter::repeat_n(Fate::Delivered, index);
                    (delivered.chain([Fate::Rejected(why)]).collect(), None)
                }
                Err(SendError::Retry(why)) => {
                    (vec![Fate::Delivered; self.parts.output.delivered()], Some(why))
                }
                Err(SendError::Mixed { fates, why }) => (fates, Some(why)),
                Err(SendError::Fatal(why)) => return Err(PluginError::Run(why)),
            };
            match self.settle(&fates) {
                None => return Ok(false),
                Some(0) => {}
                Some(_) => {
                    self.parts.counters.busy.begin();
                    pause = self.pace.retry_min;
                }
            }
            let Some(why) = why else { continue };
            if !why.is_empty() && complaint.is_due(&why) {
                self.parts.log.error(&why);
            }
            if self.batch.is_empty() {
                continue;
            }
            self.parts.counters.retries.add(1);
            if self.parts.stops.drain.wait(pause) {
                // Stopping with a peer that takes nothing: the batch stays queued.
                return Ok(false);
            }
            if self.skip_if_asked() {
                return Ok(true);
            }
            pause = (pause * 2).min(self.pace.retry_max);
        }
        self.sent = self.parts.intake.place();
        if sent_some {
            self.note_progress();
        }
        Ok(true)
    }

    /// Notes what was sent, so that a process that is killed now does not send it again.
    fn note_progress(&mut self) {
        let place = self.settled();
        if let Some(progress) = &self.parts.progress
            && let Err(error) = progress.note(place)
        {
            // The note before stays, so that a kill repeats more.
            let why = format!("its progress cannot be noted: {error}");
            if self.note_complaint.is_due(&why) {
                self.parts.log.error(&why);
            }
        }
    }

    /// Everything before this place was sent and is not in flight.
    fn settled(&mut self) -> Place {
        let left = self.parts.output.in_flight();
        let landed = self.in_flight.len().saturating_sub(left);
        if let Some(last) = self.in_flight.drain(..landed).next_back() {
            self.settled = last;
        }
        if self.in_flight.is_empty() {
            self.settled = self.sent;
        }
        self.settled
    }

    fn see_to_duties(&mut self) -> Result<(), PluginError> {
        self.rejections.remind(self.parts.log.as_ref());
        let output = &mut self.parts.output;
        let idle = output.idle(now_ns());
        let ticked = if self.ticker.take() { output.tick(now_ns()) } else { Ok(()) };
        let reloaded = if self.parts.stops.take_reload() { output.reload() } else { Ok(()) };
        if self.parts.stops.desk.is_asked() {
            self.answer_report();
        }
        for result in [idle, ticked, reloaded] {
            match result {
                Ok(()) => {}
                Err(SendError::Fatal(why)) => return Err(PluginError::Run(why)),
                Err(error) => self.parts.log.error(&error.to_string()),
            }
        }
        Ok(())
    }

    fn answer_report(&self) {
        let OutputParts { output, encoding, stops, counters, .. } = &self.parts;
        if let Some(encoder) = &encoding.encoder {
            stops.encoder_desk.answer(encoder.report());
        }
        let mut rows = output.report();
        let rejected = counters.rejected.get();
        if rejected > 0 {
            rows.push(row("DeadLetterCount", rejected, "count"));
        }
        stops.desk.answer(rows);
    }

    fn is_unpublished(&self) -> bool {
        self.sent != self.parts.place.get()
    }

    /// Makes durable what was sent, then lets the cursor pass it.
    fn publish(&mut self) -> Result<(), PluginError> {
        self.published_at = Instant::now();
        if self.is_firm()? {
            fault!("output-flushed");
            let place = self.settled();
            self.parts.place.set(place);
            // The place is saved a little later only.
            self.note_progress();
        }
        Ok(())
    }

    /// Makes durable what was sent and what was rejected; says whether it is.
    fn is_firm(&mut self) -> Result<bool, PluginError> {
        let failed = match self.parts.dead.sync() {
            Ok(false) => return Ok(false),
            Err(why) => why,
            // What was rejected must be as firm as the place that passes it.
            Ok(true) => match self.parts.output.flush() {
                Ok(()) => return Ok(true),
                Err(SendError::Fatal(why)) => why,
                Err(error) => {
                    let why = error.to_string();
                    if !why.is_empty() && self.flush_complaint.is_due(&why) {
                        self.parts.log.error(&why);
                    }
                    return Ok(false);
                }
            },
        };
        // What was sent since the last flush may be lost: the note must not lead the next run past it.
        let place = self.parts.place.get();
        (self.sent, self.settled) = (place, place);
        self.in_flight.clear();
        self.note_progress();
        Err(PluginError::Run(failed))
    }
}

/// Keeps a lasting failure from filling the log.
#[derive(Default)]
pub struct Complaint {
    last: Option<(Instant, String)>,
}

impl Complaint {
    /// Whether the text should be logged now: it is new, or was last logged a minute ago.
    pub fn is_due(&mut self, text: &str) -> bool {
        let due = self.last.as_ref().is_none_or(|(at, last)| last != text || at.elapsed() >= COMPLAIN_EVERY);
        if due {
            self.last = Some((Instant::now(), text.to_string()));
        }
        due
    }
}

#[cfg(test)]
mod tests;
