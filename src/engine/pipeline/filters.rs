//! Starts filters: those of the configuration, and those that come while hekad runs.

use std::sync::Arc;

use heka_plugin::telemetry::ReaderKind;
use heka_plugin::{Filter, Log};
use heka_queue::SyncMode;

use super::ending::Ending;
use super::start::{check_buffer, encoder, enter, intake, list, not_started, progress, started};
use super::{ReaderTask, Shared};
use crate::counters::AppendCounters;
use crate::filter_state::{Loaded, StateFile};
use crate::loader::FilterPlan;
use crate::place::Place;
use crate::runner::append::Appender;
use crate::runner::filter::{FilterParts, FilterRunner};
use crate::runner::inject::Injector;
use crate::runner::input::{guarded, log_end};
use crate::stops::Stops;
use crate::threads::Task;

/// Starts a filter's thread.
pub(super) fn start_filter(shared: &Shared, plan: FilterPlan) -> ReaderTask {
    let name = plan.reader.name.clone();
    let can_exit = plan.reader.can_exit;
    let encoder = encoder(shared, &name, &plan.encoder);
    if let Err(why) = encoder.and_then(|_| check_buffer(&plan.reader, shared)) {
        return not_started(shared, "Filter", &name, &why, can_exit);
    }
    let (stops, loads) = (Stops::default(), plan.filter.loads());
    let (of_thread, run_stops) = (shared.clone(), stops.clone());
    let injected = Arc::new(AppendCounters::default());
    let listing = list(&plan.reader, ReaderKind::Filter, "", &stops, injected.clone(), shared);
    let task = Task::start(&name, move || {
        let shared = of_thread;
        let end = Ending::of(&plan.reader, &run_stops);
        let log = shared.logger.source("Plugin", &plan.reader.name);
        let result = guarded(|| filter_runner(plan, &shared, run_stops, injected, log.clone()).run());
        log_end(log.as_ref(), &result);
        end.follow(result, &shared);
    });
    started(
        shared,
        "Filter",
        ReaderTask { stops, loads, _listing: Some(listing), ..ReaderTask::named(&name) },
        task,
        can_exit,
    )
}

/// Where a filter's state is kept.
pub(super) fn state_file(shared: &Shared, filter: &str) -> StateFile {
    StateFile::new(&shared.globals.base_dir, filter, shared.queue_sync != SyncMode::None)
}

fn filter_runner(
    mut plan: FilterPlan,
    shared: &Shared,
    stops: Stops,
    injected: Arc<AppendCounters>,
    log: Arc<dyn Log>,
) -> FilterRunner {
    let (place, counters, cursor) = enter(&plan.reader, shared, &stops);
    let state_file = state_file(shared, &plan.reader.name);
    let (mut progress, noted) = progress(&plan.reader.name, cursor, shared, log.as_ref());
    let start = if plan.filter.save().is_some() {
        // The place that counts is the one that belongs to the state.
        progress = None;
        resume(plan.filter.as_mut(), &state_file, log.as_ref()).unwrap_or(cursor)
    } else {
        noted
    };
    place.set(start);
    let appender =
        Appender::new(shared.queues.filter.clone(), None, stops.now.clone(), log.clone()).counting(injected);
    FilterRunner::new(FilterParts {
        name: plan.reader.name.clone(),
        filter: plan.filter,
        intake: intake(&plan.reader, shared, start),
        injector: Injector::new(shared.globals.clone(), appender, log.clone()),
        place,
        progress,
        state_file,
        log,
        stops,
        ticker_interval_s: plan.reader.ticker_interval_s,
        counters,
        sample_denominator: shared.globals.sample_denominator,
    })
}

/// Gives a filter the state it had, and tells the place that belongs to it.
fn resume(filter: &mut dyn Filter, state_file: &StateFile, log: &dyn Log) -> Option<Place> {
    let why = match state_file.load() {
        Ok(Loaded::Nothing) => return None,
        Ok(Loaded::State(place, state)) => match filter.restore(&state) {
            Ok(()) => return Some(place),
            Err(why) => why,
        },
        Ok(Loaded::Damaged(why)) => why,
        Err(error) => error.to_string(),
    };
    log.error(&format!("its state is not taken up: {why}"));
    None
}
