//! Starts outputs, filters and inputs, in this order.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use heka_fault::fault;
use heka_plugin::telemetry::ReaderKind;
use heka_plugin::{Encoder, PluginError, Stop};
use heka_queue::{LogFn, Position};

use super::ending::Ending;
use super::filters::start_filter;
use super::limits::{limit, relief};
use super::{InputTask, Pipeline, ReaderTask, Shared};
use crate::admin::roster::{InputCounters, ListedInput, ListedReader, Listing};
use crate::counters::{AppendCounters, PluginCounters};
use crate::dead_letters::DeadLetters;
use crate::desk::Desk;
use crate::keeper::{Entry, Keeper};
use crate::loader::{InputPlan, MadeEncoder, OutputPlan, Plan, ReaderOptions};
use crate::place::{Place, PublishedPlace};
use crate::progress::Progress;
use crate::queues::{FILTER, INPUT, SaveError};
use crate::runner::inlet::StreamInlet;
use crate::runner::input::{InputRunner, guarded, log_end};
use crate::runner::intake::Intake;
use crate::runner::outgoing::Encoding;
use crate::runner::output::{OutputParts, OutputRunner};
use crate::runner::retry::Retry;
use crate::stops::Stops;
use crate::threads::Task;

impl Pipeline {
    /// Starts everything. What fails to start asks for a shutdown, which follows when all else has started.
    ///
    /// # Errors
    /// The cursors cannot be saved, so nothing was started.
    pub fn start(plan: Plan, shared: Shared) -> Result<Pipeline, String> {
        let loading = plan.filters.iter().filter_map(|plan| plan.filter.loads()).collect();
        let names = place_readers(plan.readers(), loading, &shared)?;
        relief(plan.readers(), &shared);
        let Plan { inputs, filters, outputs, .. } = plan;
        fault!("readers-placed");
        shared.catalog.filters.open(shared.clone(), names);
        shared.catalog.board.open(shared.clone());
        let mut pipeline =
            Pipeline { shared, inputs: vec![], filters: vec![], outputs: vec![], keeper: None };
        for plan in outputs {
            let task = pipeline.start_output(plan);
            pipeline.outputs.push(task);
        }
        for plan in filters {
            let task = start_filter(&pipeline.shared, plan);
            pipeline.filters.push(task);
        }
        pipeline.start_keeper()?;
        pipeline.shared.logger.info("MessageRouter started.");
        for plan in inputs {
            let task = pipeline.start_input(plan);
            pipeline.inputs.push(task);
        }
        fault!("hekad-started");
        Ok(pipeline)
    }

    /// SIGHUP: files are reopened. Returns false when nothing has files to reopen.
    pub fn reopen(&self) -> bool {
        let reloading = self.outputs.iter().filter(|output| output.reloads && output.task.is_some());
        let count = reloading.map(|output| output.stops.ask_to_reload(&self.shared.queues.events)).count();
        count > 0
    }

    fn start_keeper(&mut self) -> Result<(), String> {
        let keeper = Keeper {
            queues: self.shared.queues.clone(),
            entries: self.shared.entries.clone(),
            gate: self.shared.gate.clone(),
            relief: self.shared.relief.clone(),
            shutdown: self.shared.shutdown.clone(),
            logger: self.shared.logger.clone(),
        };
        let stop = Stop::new();
        let asked = stop.clone();
        let task = Task::start("keeper", move || keeper.run(&asked)).map_err(|error| error.to_string())?;
        self.keeper = Some((task, stop));
        Ok(())
    }

    pub(super) fn start_output(&mut self, plan: OutputPlan) -> ReaderTask {
        let name = plan.reader.name.clone();
        let can_exit = plan.reader.can_exit;
        let reloads = plan.defaults.reloads;
        let (encoder, announced) = match encoder(&self.shared, &name, &plan.encoder) {
            Ok(Some((encoder, announced))) => (Some(encoder), announced),
            Ok(None) => (None, false),
            Err(why) => return not_started(&self.shared, "Output", &name, &why, can_exit),
        };
        if let Err(why) = check_buffer(&plan.reader, &self.shared) {
            return not_started(&self.shared, "Output", &name, &why, can_exit);
        }
        let stops = Stops::default();
        let section = if encoder.is_some() { plan.encoder.as_str() } else { "" };
        let listing =
            Some(list(&plan.reader, ReaderKind::Output, section, &stops, Arc::default(), &self.shared));
        let encoder_name = encoder.is_some().then(|| format!("{name}-{}", plan.encoder));
        let shared = self.shared.clone();
        let run_stops = stops.clone();
        let missing_encoder = plan.needs_encoder.filter(|_| encoder.is_none());
        let started = Task::start(&name, move || {
            let options = &plan.reader;
            let end = Ending::of(options, &run_stops);
            let log = shared.logger.source("Plugin", &options.name);
            let result = match missing_encoder {
                Some(text) => Err(PluginError::run(text)),
                None => guarded(|| output_runner(plan, encoder, &shared, run_stops, log.clone()).run()),
            };
            log_end(log.as_ref(), &result);
            end.follow(result, &shared);
        });
        let task = ReaderTask {
            stops,
            encoder_name,
            announces_encoder: announced,
            reloads,
            _listing: listing,
            ..ReaderTask::named(&name)
        };
        self::started(&self.shared, "Output", task, started, can_exit)
    }

    pub(super) fn start_input(&mut self, plan: InputPlan) -> InputTask {
        let InputPlan { name, type_name, input, common, defaults, remake } = plan;
        let shared = &self.shared;
        let can_exit = common.can_exit.unwrap_or(defaults.can_exit);
        let (stop, desk) = (Stop::new(), Desk::default());
        let outlasts_filters = defaults.outlasts_filters;
        let counters = Arc::new(InputCounters::default());
        let listing = shared.roster.list_input(ListedInput {
            name: name.clone(),
            type_name,
            splitter: common.splitter_section(&defaults).into(),
            decoder: common.decoder_section(&defaults).into(),
            synchronous: common.synchronous_decode.unwrap_or(false),
            desk: desk.clone(),
            counters: counters.clone(),
        });
        let retry = Retry::new(common.retries.clone().unwrap_or_default());
        let inlet = StreamInlet {
            name: name.clone(),
            common,
            defaults,
            catalog: shared.catalog.clone(),
            globals: shared.globals.clone(),
            queues: shared.queues.clone(),
            gate: shared.gate.clone(),
            stop: stop.clone(),
            shutdown: shared.shutdown.clone(),
            log: shared.logger.source("Input", &name),
            logger: shared.logger.clone(),
            live_decoders: shared.live_decoders.clone(),
            live_splitters: shared.live_splitters.clone(),
            desk,
            counters,
        };
        let (shutdown, asked) = (shared.shutdown.clone(), stop.clone());
        let started = inlet.check().and_then(|()| {
            Task::start(&name, move || {
                InputRunner { input, inlet, retry, remake }.run();
                if !can_exit && !shutdown.has_begun() && !asked.is_requested() {
                    shutdown.request(1);
                }
            })
            .map_err(|error| error.to_string())
        });
        match started {
            Ok(task) => {
                self.shared.logger.info(&format!("Input started: {name}"));
                InputTask { name, task: Some(task), stop, outlasts_filters, _listing: listing }
            }
            Err(why) => {
                self.shared.logger.error(&format!("Input '{name}' failed to start: {why}"));
                if !can_exit {
                    self.shared.shutdown.request(1);
                }
                InputTask { name, task: None, stop, outlasts_filters, _listing: listing }
            }
        }
    }
}

/// Puts a reader on the roster.
pub(super) fn list(
    options: &ReaderOptions,
    kind: ReaderKind,
    encoder: &str,
    stops: &Stops,
    injected: Arc<AppendCounters>,
    shared: &Shared,
) -> Listing {
    shared.roster.list_reader(ListedReader {
        name: options.name.clone(),
        type_name: options.type_name,
        kind,
        dynamic: options.dynamic,
        matcher: options.matcher.clone(),
        encoder: encoder.into(),
        stops: stops.clone(),
        injected,
    })
}

/// What comes of the attempt to start a reader's thread.
pub(super) fn started(
    shared: &Shared,
    kind: &str,
    reader: ReaderTask,
    task: std::io::Result<Task>,
    can_exit: bool,
) -> ReaderTask {
    match task {
        Ok(task) => {
            shared.logger.info(&format!("{kind} started: {}", reader.name));
            ReaderTask { task: Some(task), ..reader }
        }
        Err(error) => not_started(shared, kind, &reader.name, &error.to_string(), can_exit),
    }
}

pub(super) fn not_started(shared: &Shared, kind: &str, name: &str, why: &str, can_exit: bool) -> ReaderTask {
    shared.logger.error(&format!("{kind} '{name}' failed to start: {why}"));
    if !can_exit {
        shared.shutdown.request(1);
    }
    ReaderTask::named(name)
}

/// The encoder that an output (or, in vain, a filter) names, and whether its stop is announced.
pub(super) fn encoder(shared: &Shared, reader: &str, section: &str) -> Result<Option<MadeEncoder>, String> {
    if section.is_empty() {
        return Ok(None);
    }
    let full = format!("{reader}-{section}");
    let context = shared.catalog.context("Encoder", &full, section);
    let failure = || format!("{reader} can't create encoder {section}");
    let made = shared.catalog.encoder(section, &context).ok_or_else(failure)?;
    made.map(Some).map_err(|error| {
        shared.logger.error(&format!(
            "Error creating encoder '{full}': Initialization failed for '{section}': {error}"
        ));
        failure()
    })
}

/// Heka's check of `max_file_size`, which it does when the plugin starts.
pub(super) fn check_buffer(reader: &ReaderOptions, shared: &Shared) -> Result<(), String> {
    let max_record = heka_message::max_record_size(shared.globals.max_message_size);
    reader.buffering.as_ref().map_or(Ok(()), |buffering| buffering.check_file_size(max_record))
}

/// Gives every reader its place before the first record is queued, and forgets readers that are configured no more. Those
/// whose names begin with one of `loading` may yet come. Returns the names of all.
fn place_readers<'a>(
    readers: impl Iterator<Item = &'a ReaderOptions>,
    loading: Vec<String>,
    shared: &Shared,
) -> Result<HashSet<String>, String> {
    let queues = &shared.queues;
    // Without any cursor at all, but with records, the cursors were lost: everybody starts at the oldest record.
    let lost = queues.cursors.all().is_empty();
    let mut names = HashSet::new();
    for reader in readers {
        queues.set_cursor(&reader.name, queues.start_of(&reader.name, lost));
        names.insert(reader.name.clone());
    }
    for (reader, queue, _) in queues.cursors.all() {
        let is_shared = [INPUT, FILTER].contains(&queue.as_str());
        if is_shared && !names.contains(&reader) && !loading.iter().any(|prefix| reader.starts_with(prefix)) {
            queues.cursors.remove(&reader, &queue);
        }
    }
    match queues.save() {
        // On a full disk nothing is queued before there is space again, and then the keeper saves.
        Err(SaveError::Cursors(error)) if error.is_disk_full() => shared.logger.error(&error.to_string()),
        saved => saved.map_err(|error| error.to_string())?,
    }
    Ok(names)
}

/// Enters a reader into the keeper's books.
pub(super) fn enter(
    options: &ReaderOptions,
    shared: &Shared,
    stops: &Stops,
) -> (Arc<PublishedPlace>, Arc<PluginCounters>, Place) {
    let start = shared.queues.start_of(&options.name, false);
    let place = Arc::new(PublishedPlace::new(start));
    let counters = Arc::new(PluginCounters::default());
    let (limit_bytes, full_action) = limit(options, shared);
    recall(&options.name, shared);
    shared.entries.lock().unwrap_or_else(PoisonError::into_inner).push(Entry {
        name: options.name.clone(),
        place: place.clone(),
        limit_bytes,
        full_action,
        dynamic: options.dynamic,
        stops: stops.clone(),
        log: shared.logger.source("Plugin", &options.name),
        counters: counters.clone(),
        drop_logged: None,
        ended: false,
        forget_at: None,
    });
    (place, counters, start)
}

/// One that a reload has removed comes back: its place is not forgotten.
pub(super) fn recall(name: &str, shared: &Shared) {
    let mut entries = shared.entries.lock().unwrap_or_else(PoisonError::into_inner);
    entries.retain(|entry| entry.forget_at.is_none() || entry.name != name);
}

pub(super) fn intake(options: &ReaderOptions, shared: &Shared, start: Place) -> Intake {
    Intake::new(
        (&shared.queues.input, &shared.queues.filter),
        start,
        options.matcher.clone(),
        &options.signer,
        shared.queues.events.clone(),
    )
    .with_imported(shared.queues.imported.reader(&options.name, start.imported))
}

fn output_runner(
    plan: OutputPlan,
    encoder: Option<Box<dyn Encoder>>,
    shared: &Shared,
    stops: Stops,
    log: Arc<dyn heka_plugin::Log>,
) -> OutputRunner {
    let (place, counters, cursor) = enter(&plan.reader, shared, &stops);
    let (progress, start) = if plan.defaults.outlives_process {
        progress(&plan.reader.name, cursor, shared, log.as_ref())
    } else {
        // What such an output sent may die with the process; only a flush lets the place move.
        (None, cursor)
    };
    place.set(start);
    let dead = dead_letters(&plan.reader.name, shared, log.clone());
    OutputRunner::new(OutputParts {
        output: plan.output,
        encoding: Encoding {
            encoder,
            framing: plan.use_framing,
            max_message_size: shared.globals.max_message_size,
            keep_message: plan.defaults.reads_message || (dead.are_kept() && !plan.defaults.never_rejects),
        },
        intake: intake(&plan.reader, shared, start),
        place,
        progress,
        log,
        stops,
        ticker_interval_s: plan.reader.ticker_interval_s,
        encode_error: plan.defaults.encode_error,
        counters,
        dead,
    })
}

/// Where what an output rejects goes.
fn dead_letters(output: &str, shared: &Shared, log: Arc<dyn heka_plugin::Log>) -> DeadLetters {
    let told = log.clone();
    let events: LogFn = Arc::new(move |event| told.error(&event.to_string()));
    DeadLetters::new(&shared.globals.base_dir, output, shared.dead_letters, log, events)
}

/// The reader's note of its progress, and where it goes on: at the note if that is ahead of its cursor.
pub(super) fn progress(
    reader: &str,
    cursor: Place,
    shared: &Shared,
    log: &dyn heka_plugin::Log,
) -> (Option<Progress>, Place) {
    let progress = match Progress::open(&shared.globals.base_dir, reader) {
        Ok(progress) => progress,
        Err(error) => {
            log.error(&format!("its progress cannot be noted: {error}"));
            return (None, cursor);
        }
    };
    let tail = Place { imported: shared.queues.imported.tail(reader), ..shared.queues.tail() };
    let is_ahead = |noted: &Place| {
        (cursor.input..=tail.input).contains(&noted.input)
            && (cursor.filter..=tail.filter).contains(&noted.filter)
            && (tail.imported == Position::default()
                || (cursor.imported..=tail.imported).contains(&noted.imported))
    };
    let start = progress.read().filter(is_ahead).unwrap_or(cursor);
    (Some(progress), start)
}
