//! The loop over the streams of one input.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use heka_plugin::report::ReportRow;
use heka_plugin::{Deliverer, Inlet, Log, Pack, PluginError, Stop};

use super::complaints::Complaints;
use super::options::Settings;
use super::set::{Listing, Listings, LogstreamSet};
use super::start::Start;
use super::stream::{Stream, Surroundings, Turn, read_buffer};
use super::watch::Watch;

/// Longest time in which the last journals are written at a stop.
const STOP_TIME: Duration = Duration::from_secs(5);
/// Least time between two scans, however much is rotated.
const SCAN_PAUSE: Duration = Duration::from_millis(100);
/// Longest time that a stream waits for a scan when those before did not help it.
const LONGEST_SCAN_PAUSE: Duration = Duration::from_secs(5);
/// Least time between two rounds, so that a file that grows line by line is read in bunches.
const ROUND_PAUSE: Duration = Duration::from_millis(2);
/// How often the places for reports are noted.
const NOTE_PAUSE: Duration = Duration::from_millis(250);
/// How soon receipts are looked at again.
const RECEIPT_PAUSE: Duration = Duration::from_millis(10);

/// Per stream the file that is read and the bytes of it that are done with, for reports.
pub(super) type Places = Mutex<BTreeMap<String, (String, u64)>>;

/// The loop over the streams.
pub(super) struct Run<'a> {
    settings: &'a Settings,
    set: &'a LogstreamSet,
    log: &'a dyn Log,
    inlet: &'a dyn Inlet,
    stop: &'a Stop,
    streams: Vec<Stream>,
    scans: u64,
    last_scan: Instant,
    /// When a stream wants the directory scanned.
    scan_at: Option<Instant>,
    last_note: Option<Instant>,
    complaints: Complaints,
    /// Directories that were named as unreadable.
    unreadable: HashSet<String>,
    places: &'a Places,
}

impl<'a> Run<'a> {
    /// Without streams.
    pub(super) fn new(
        settings: &'a Settings,
        set: &'a LogstreamSet,
        log: &'a dyn Log,
        inlet: &'a dyn Inlet,
        stop: &'a Stop,
        places: &'a Places,
    ) -> Run<'a> {
        Run {
            settings,
            set,
            log,
            inlet,
            stop,
            streams: Vec::new(),
            scans: 0,
            last_scan: Instant::now(),
            scan_at: None,
            last_note: None,
            complaints: Complaints::default(),
            unreadable: HashSet::new(),
            places,
        }
    }

    /// Directories that were already named as unreadable.
    pub(super) fn set_unreadable(&mut self, texts: &[String]) {
        self.unreadable.extend(texts.iter().cloned());
    }

    /// Adds a stream with a deliverer of its own.
    ///
    /// # Errors
    /// The splitter or decoder cannot be made.
    pub(super) fn add(&mut self, name: String, files: Listing, start: Start) -> Result<(), String> {
        let mut deliverer = self.inlet.deliverer(&(self.streams.len() + 1).to_string())?;
        deliverer.swallow_long_tails();
        decorate(deliverer.as_mut(), self.settings.hostname.clone(), name.clone());
        self.streams.push(Stream::new(name, files, start.journal, start.begin, deliverer));
        Ok(())
    }

    /// Reads and delivers until the stop.
    ///
    /// # Errors
    /// The queue takes nothing more.
    pub(super) fn follow(&mut self) -> Result<(), PluginError> {
        let mut buffer = read_buffer();
        let mut watch = Watch::new(self.stop);
        while !self.stop.is_requested() {
            self.scan_if_due();
            let busy = self.take_turns(&mut buffer)?;
            let mut unsaved = false;
            for stream in &mut self.streams {
                stream.save_if_due(self.inlet);
                unsaved |= stream.wants_saving();
            }
            if !busy {
                self.rest(&mut watch, unsaved);
            }
        }
        Ok(())
    }

    /// Gives each stream whose time has come a turn; true if one has more to read.
    fn take_turns(&mut self, buffer: &mut [u8]) -> Result<bool, PluginError> {
        let around = Surroundings {
            inlet: self.inlet,
            max_record_size: self.settings.max_record_size,
            check_interval: self.settings.check_interval,
            scans: self.scans,
        };
        let mut busy = false;
        for stream in &mut self.streams {
            let now = Instant::now();
            if stream.next_look > now {
                continue;
            }
            let turn = stream.turn(&around, buffer)?;
            if turn == Turn::WantsScan {
                let (vain, scan) = stream.vain_scans;
                if scan < self.scans {
                    stream.vain_scans = (vain + 1, self.scans);
                }
                let at = now + scan_pause(vain);
                self.scan_at = Some(self.scan_at.map_or(at, |earlier| earlier.min(at)));
            } else {
                stream.vain_scans.0 = 0;
            }
            if turn == Turn::Busy {
                busy = true;
            } else {
                stream.next_look = now + self.settings.check_interval;
            }
            if self.stop.is_requested() {
                break;
            }
        }
        Ok(busy)
    }

    /// Waits until there may be something to do.
    fn rest(&mut self, watch: &mut Watch, unsaved: bool) {
        if self.last_note.is_none_or(|time| time.elapsed() >= NOTE_PAUSE) {
            self.note_places();
            self.last_note = Some(Instant::now());
        }
        for stream in &self.streams {
            if let Some((file, _)) = stream.place() {
                watch.add(file);
            }
        }
        if self.stop.wait(ROUND_PAUSE) {
            return;
        }
        let changed = watch.wait(self.pause(unsaved));
        if changed.is_empty() {
            return;
        }
        for stream in &mut self.streams {
            if stream.place().is_some_and(|(file, _)| changed.contains(&**file)) {
                stream.next_look = Instant::now();
            }
        }
    }

    /// How long nothing is to be done.
    fn pause(&self, unsaved: bool) -> Duration {
        let now = Instant::now();
        let looks = self.streams.iter().map(|stream| stream.next_look);
        let scan = self.settings.rescan_interval.map(|interval| self.last_scan + interval);
        let wanted = self.scan_at.map(|at| at.max(self.last_scan + SCAN_PAUSE));
        let next = looks.chain(scan).chain(wanted).min();
        let next = next.map_or(self.settings.check_interval, |next| next.saturating_duration_since(now));
        if unsaved { next.min(RECEIPT_PAUSE) } else { next }
    }

    fn scan_if_due(&mut self) {
        let age = self.last_scan.elapsed();
        let due = self.settings.rescan_interval.is_some_and(|interval| age >= interval);
        let wanted = self.scan_at.is_some_and(|at| at <= Instant::now());
        if due || (wanted && age >= SCAN_PAUSE) {
            self.scan();
        }
    }

    fn scan(&mut self) {
        let keep = self.streams.iter().filter_map(|stream| Some(stream.place()?.0.clone())).collect();
        let scan = self.set.scan(&keep);
        self.scans += 1;
        self.last_scan = Instant::now();
        self.scan_at = None;
        let listings = self.settled(scan.listings(), &keep);
        for text in scan.unreadable {
            if self.unreadable.insert(text.clone()) {
                self.inlet.log_info(&text);
            }
        }
        self.tell_problems(scan.problems);
        for (name, files) in listings {
            match self.streams.iter_mut().find(|stream| stream.name() == name) {
                Some(stream) => stream.set_files(files),
                None => self.add_later(name, files),
            }
        }
        for stream in &mut self.streams {
            stream.next_look = Instant::now();
        }
    }

    /// What can be relied on of a scan. Renaming that goes on may hide a file from a scan; what two in a row agree on was so.
    fn settled(&mut self, found: Listings, keep: &HashSet<Arc<Path>>) -> Listings {
        let mut found = found;
        let is_plain = |name: &str, listing: &Listing| {
            let stream = self.streams.iter().find(|stream| stream.name() == name);
            stream.is_some_and(|stream| stream.lists(listing) && !stream.was_renamed())
        };
        if found.iter().all(|(name, listing)| is_plain(name, listing)) {
            return found;
        }
        let again = self.set.scan(keep).listings();
        let before = found.len();
        found.retain(|name, listing| is_plain(name, listing) || again.get(name) == Some(listing));
        if found.len() < before {
            self.scan_at = Some(Instant::now() + SCAN_PAUSE);
        }
        for stream in self.streams.iter_mut().filter(|stream| stream.was_renamed()) {
            if !found.contains_key(stream.name()) {
                stream.wait_for_scan_after(self.scans);
            }
        }
        found
    }

    /// Adds a stream that has appeared while the input runs: all of it is new, `initial_tail` or not.
    fn add_later(&mut self, name: String, files: Listing) {
        let start = Start::read(&self.settings.journal_directory, &name, false, self.log);
        let added = start.and_then(|start| self.add(name, files, start));
        match added {
            Ok(()) => self.complaints.clear("stream"),
            Err(why) => self.complaints.tell(self.inlet, "stream", why),
        }
    }

    fn tell_problems(&mut self, problems: Vec<String>) {
        if problems.is_empty() {
            self.complaints.clear("scan");
        } else {
            self.complaints.tell(self.inlet, "scan", problems.join(" :: "));
        }
    }

    fn note_places(&self) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in &self.streams {
            if let Some((file, bytes)) = stream.place() {
                places.insert(stream.name().to_owned(), (file.to_string_lossy().into_owned(), bytes));
            }
        }
        self.inlet.leave_report(rows(&places));
    }

    /// Saves all positions, as far as the queue vouches for them in time.
    pub(super) fn finish(&mut self) {
        let deadline = Instant::now() + STOP_TIME;
        for stream in &mut self.streams {
            stream.save_at_stop(self.inlet, deadline);
        }
        self.note_places();
    }
}

/// What a report tells of the places.
pub(super) fn rows(places: &BTreeMap<String, (String, u64)>) -> Vec<ReportRow> {
    let of_stream = |(name, (file, bytes)): (&String, &(String, u64))| {
        [
            (format!("{name}-filename"), file.clone(), ""),
            (format!("{name}-bytes"), bytes.to_string(), "count"),
        ]
    };
    places.iter().flat_map(of_stream).collect()
}

/// How long a scan is put off for a stream that so many before did not help. The first ones come at once.
fn scan_pause(vain: u32) -> Duration {
    match vain.checked_sub(2) {
        None => Duration::ZERO,
        Some(more) => (SCAN_PAUSE * (1 << more.min(10))).min(LONGEST_SCAN_PAUSE),
    }
}

/// Has each record say where it is from.
fn decorate(deliverer: &mut dyn Deliverer, hostname: String, logger: String) {
    deliverer.set_decorator(Box::new(move |pack: &mut Pack| {
        let message = pack.message_mut();
        message.msg_type = Some("logfile".into());
        message.hostname = Some(hostname.as_str().into());
        message.logger = Some(logger.as_str().into());
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_that_do_not_help_become_rare() {
        let pauses = [0, 1, 2, 3, 6, 100].map(|vain| scan_pause(vain).as_millis());
        assert_eq!(pauses, [0, 0, 100, 200, 1600, 5000]);
    }
}
