//! The loop of a filter: read, process, tick, queue what it injects, move the cursor.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heka_fault::fault;
use heka_message::{Field, Message};
use heka_plugin::report::ReportRow;
use heka_plugin::{Filter, Log, PluginError, Record};

use super::deliver::now_ns;
use super::inject::Injector;
use super::intake::{Intake, view};
use super::output::Complaint;
use super::ticker::Ticker;
use crate::counters::PluginCounters;
use crate::filter_state::StateFile;
use crate::place::{Place, PublishedPlace};
use crate::progress::Progress;
use crate::stops::Stops;

/// Longest sleep of an idle filter.
const IDLE_WAIT: Duration = Duration::from_secs(1);
/// A filter's state is saved and its place published no more often than this; at the end they always are.
const SAVE_EVERY: Duration = Duration::from_millis(100);
/// Saving a large state may take at most one part in so many of the filter's time.
const SAVE_SHARE: u32 = 20;
/// Messages after which what they caused is queued and the place published.
const BATCH_RECORDS: usize = 1000;

/// Why a filter that is loaded while hekad runs is ended when it lags too far behind.
const TOO_SLOW: &str = "sandbox is running slowly and blocking the router";
/// What its last message tells of it, and the unit.
const SLOW_ROWS: [(&str, &str); 8] = [
    ("ProcessMessageCount", "count"),
    ("ProcessMessageFailures", "count"),
    ("ProcessMessageSamples", "count"),
    ("ProcessMessageAvgDuration", "ns"),
    ("MatchAvgDuration", "ns"),
    ("FilterChanLength", "count"),
    ("MatchChanLength", "count"),
    ("RouterChanLength", "count"),
];

/// The last message of a filter that is too slow. Of channels, which do not exist here, it tells 0.
fn slow_message(mut message: Message, plugin: &str, rows: &[ReportRow]) -> Message {
    message.msg_type = Some("heka.sandbox-terminated".into());
    message.logger = Some("hekad".into());
    message.payload = Some(TOO_SLOW.into());
    message.fields.push(Field::string("plugin", "", plugin));
    for (name, unit) in SLOW_ROWS {
        let value = rows.iter().find(|(row, ..)| row == name).and_then(|(_, value, _)| value.parse().ok());
        message.fields.push(Field::integer(name, unit, value.unwrap_or(0)));
    }
    message
}

/// What a filter's thread needs.
pub struct FilterParts {
    /// Its name.
    pub name: String,
    /// The filter.
    pub filter: Box<dyn Filter>,
    /// Its end of the queues.
    pub intake: Intake,
    /// Its way to the filter queue.
    pub injector: Injector,
    /// Where its place is published.
    pub place: Arc<PublishedPlace>,
    /// Where a filter without state notes its progress between two saves of the cursors.
    pub progress: Option<Progress>,
    /// Where its state is kept.
    pub state_file: StateFile,
    /// Its log.
    pub log: Arc<dyn Log>,
    /// How it is asked to end.
    pub stops: Stops,
    /// `ticker_interval`
    pub ticker_interval_s: u64,
    /// What it has done so far.
    pub counters: Arc<PluginCounters>,
    /// One message in so many is timed.
    pub sample_denominator: u32,
}

/// Runs a filter until it is asked to stop or fails.
pub struct FilterRunner {
    parts: FilterParts,
    ticker: Ticker,
    saved_at: Instant,
    save_pause: Duration,
    save_complaint: Complaint,
    note_complaint: Complaint,
    noted: Place,
    until_sample: u32,
}

impl FilterRunner {
    /// A runner of these parts.
    pub fn new(parts: FilterParts) -> FilterRunner {
        FilterRunner {
            ticker: Ticker::new(parts.ticker_interval_s),
            parts,
            saved_at: Instant::now(),
            save_pause: SAVE_EVERY,
            save_complaint: Complaint::default(),
            note_complaint: Complaint::default(),
            noted: Place::default(),
            until_sample: 0,
        }
    }

    /// Runs.
    ///
    /// # Errors
    /// The filter cannot go on.
    pub fn run(mut self) -> Result<(), PluginError> {
        let started = self.with_injector(|filter, inject| filter.start(inject));
        let result = started.and_then(|()| self.work());
        let stopped = self.with_injector(|filter, inject| filter.stop(now_ns(), inject));
        self.parts.stops.desk.answer(self.parts.filter.report());
        self.parts.stops.desk.close();
        let queued = self.parts.injector.flush();
        if queued.is_ok() {
            self.publish();
            if let Err(PluginError::Terminated(_)) = result {
                self.forget_state();
            }
        }
        result.and(stopped).and(queued)
    }

    /// The place of the state that was saved last is before the message that ended the filter: going on there it would
    /// end again and again.
    fn forget_state(&self) {
        if let Err(error) = self.parts.state_file.remove() {
            self.parts.log.error(&format!("its state cannot be removed: {error}"));
        }
    }

    fn work(&mut self) -> Result<(), PluginError> {
        loop {
            // Asked before reading: what was queued before the request is read then, and not after an older look.
            let draining = self.parts.stops.drain.is_requested();
            self.parts.counters.busy.begin();
            let read_up = self.process()?;
            if self.ticker.take() {
                self.with_injector(|filter, inject| filter.tick(now_ns(), inject))?;
            }
            self.finish_batch()?;
            if self.parts.stops.desk.is_asked() {
                self.parts.stops.desk.answer(self.parts.filter.report());
            }
            if self.parts.stops.is_too_slow() {
                return Err(self.too_slow());
            }
            let stops = &self.parts.stops;
            if stops.ends_here() || (draining && read_up) {
                return Ok(());
            }
            if read_up {
                let FilterParts { intake, stops, place, counters, .. } = &mut self.parts;
                counters.busy.end();
                let unpublished = intake.place() != place.get();
                let limit = if unpublished { self.save_pause } else { IDLE_WAIT };
                intake.wait(self.ticker.left(limit), || stops.is_pending());
            }
        }
    }

    /// Tells of the end of a filter that is too slow.
    fn too_slow(&mut self) -> PluginError {
        let rows = self.parts.filter.report();
        let plugin = self.parts.name.clone();
        let told = self.with_injector(|_, inject| {
            let message = slow_message(inject.new_message(), &plugin, &rows);
            // A filter whose matcher takes this message too is not told; the log has the reason as well.
            inject.announce(&message).or(Ok(()))
        });
        told.err().unwrap_or_else(|| PluginError::Terminated(format!("Terminated. Reason: {TOO_SLOW}")))
    }

    /// Processes a batch of messages; returns true when the queues are read up.
    fn process(&mut self) -> Result<bool, PluginError> {
        if let Some(skip) = self.parts.stops.take_skip() {
            self.parts.intake.skip_to(skip.to);
            self.parts.counters.dropped.add(skip.bytes);
        }
        let FilterParts { filter, intake, injector, counters, sample_denominator, .. } = &mut self.parts;
        let until_sample = &mut self.until_sample;
        let (mut messages, mut bytes) = (0, 0);
        let matcher = intake.matcher();
        let would_match = |message: &heka_message::MessageView<'_>| matcher.matches(message);
        let mut result = Ok(());
        let mut left = BATCH_RECORDS;
        let read_up = intake.read(|record, _| {
            messages += 1;
            bytes += record.message.len() as u64;
            injector.set_loop_count(record.loop_count);
            let record = Record { message: view(record), bytes: &[], loop_count: record.loop_count };
            let began = (*until_sample == 0).then(Instant::now);
            *until_sample =
                if began.is_some() { sample_denominator.saturating_sub(1) } else { *until_sample - 1 };
            result = filter.process(&record, &mut injector.with(&would_match));
            if let Some(began) = began {
                counters.durations.add(began.elapsed());
            }
            left -= 1;
            if result.is_err() || left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        counters.processed.add(messages);
        counters.bytes.add(bytes);
        result.map(|()| read_up)
    }

    fn with_injector(
        &mut self,
        call: impl FnOnce(&mut dyn Filter, &mut dyn heka_plugin::Inject) -> Result<(), PluginError>,
    ) -> Result<(), PluginError> {
        let FilterParts { filter, intake, injector, .. } = &mut self.parts;
        let matcher = intake.matcher();
        let would_match = |message: &heka_message::MessageView<'_>| matcher.matches(message);
        call(filter.as_mut(), &mut injector.with(&would_match))
    }

    /// Queues what was injected, and only then lets the cursor pass the messages that caused it.
    fn finish_batch(&mut self) -> Result<(), PluginError> {
        self.parts.injector.flush()?;
        fault!("filter-injected");
        self.parts.counters.done.set(self.parts.intake.place());
        if let Some(progress) = &self.parts.progress
            && self.parts.intake.place() != self.noted
        {
            self.noted = self.parts.intake.place();
            if let Err(error) = progress.note(self.noted) {
                let why = format!("its progress cannot be noted: {error}");
                if self.note_complaint.is_due(&why) {
                    self.parts.log.error(&why);
                }
            }
        }
        if self.parts.intake.place() != self.parts.place.get() && self.saved_at.elapsed() >= self.save_pause {
            self.publish();
        }
        Ok(())
    }

    /// Saves the state, if there is one, and publishes the place that it belongs to.
    fn publish(&mut self) {
        let begun = Instant::now();
        let FilterParts { filter, intake, place, state_file, log, .. } = &mut self.parts;
        let here = intake.place();
        let saved = filter.save().map_or(Ok(()), |state| state_file.save(here, &state));
        self.saved_at = Instant::now();
        self.save_pause = SAVE_EVERY.max(begun.elapsed() * SAVE_SHARE);
        match saved {
            Ok(()) => {
                place.set(here);
                fault!("filter-published");
            }
            Err(error) => {
                let why = format!("its state cannot be saved: {error}");
                if self.save_complaint.is_due(&why) {
                    log.error(&why);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
