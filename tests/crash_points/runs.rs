//! Which deaths follow each other.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use heka_testkit::access_log::AccessLog;

use super::cases::{CASES, Case};
use super::check::Outcome;
use super::trial::{Fault, Trial};

/// What a start passes ends with this point.
const STARTED: &str = "hekad-started";
/// Lines in the log before the first run: more than a segment of them.
const FIRST_LINES: usize = 1200;
/// Lines that come before each further run.
const MORE_LINES: usize = 40;
const LINES: usize = 3000;
/// Trials at the same time: most of the time each waits for a clock.
const AT_ONCE: usize = 4;
/// How often it is tried to reach a point that depends on which thread comes first.
const ATTEMPTS: u32 = 15;

/// Runs all cases; panics with all that failed.
pub(crate) fn run_all() {
    let wanted = std::env::var("HEKA_CRASH_POINT").ok();
    let pairs = std::env::var("HEKA_CRASH_PAIRS").ok();
    let cases: Vec<&Case> =
        CASES.iter().filter(|case| wanted.as_ref().is_none_or(|name| name == case.point)).collect();
    let mut jobs: Vec<(&Case, Option<&str>)> = Vec::new();
    for case in cases {
        match &pairs {
            Some(which) => {
                let second = CASES.iter().filter(|second| which == "all" || which == second.point);
                jobs.extend(second.map(|second| (case, Some(second.point))));
            }
            None => jobs.push((case, None)),
        }
    }
    let text = AccessLog::new(7).take_lines(LINES);
    // Long lines: fewer of them fill a segment.
    let padding = "x".repeat(700);
    let lines: Vec<String> = text.lines().map(|line| format!("{line} {padding}\n")).collect();
    let begun = Instant::now();
    let (next, deaths) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((case, second)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let run = || match second {
                        Some(second) => die_twice(case, second, &lines),
                        None => die_through_recovery(case, &lines),
                    };
                    match catch_unwind(AssertUnwindSafe(run)) {
                        Ok((died, outcome)) => {
                            deaths.fetch_add(died as usize, Ordering::Relaxed);
                            println!("{} {}: {died} deaths, {outcome:?}", case.point, second.unwrap_or(""));
                        }
                        Err(panic) => {
                            let text = panic.downcast_ref::<String>().map(String::as_str);
                            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("");
                            failures.lock().unwrap().push(format!("{} {second:?}: {text}", case.point));
                        }
                    }
                }
            });
        }
    });
    println!("{} trials, {deaths:?} deaths, {:?}", jobs.len(), begun.elapsed());
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

/// A trial that has died at the case's point.
fn die_first<'a>(case: &Case, lines: &'a [String]) -> Trial<'a> {
    for attempt in 1..=ATTEMPTS {
        let mut trial = Trial::new(lines);
        if case.foreign_file {
            trial.add_foreign_file();
        }
        trial.write_lines(FIRST_LINES);
        if let Some(before) = case.before {
            let (_, died) = trial.run(&Fault::at(before, attempt + 1));
            assert!(died, "it never passes {before}");
            trial.write_lines(MORE_LINES);
        }
        let (trace, died) = trial.run(&Fault { fail: case.fail, ..Fault::at(case.point, case.turn) });
        if died {
            // Other threads run on for a moment.
            assert!(trace.iter().any(|point| point == case.point), "it died elsewhere: {trace:?}");
            return trial;
        }
    }
    panic!("it never passes {}", case.point);
}

/// Dies at the point, then once at each point that the starts after it pass, then at the same point again.
fn die_through_recovery(case: &Case, lines: &[String]) -> (u64, Outcome) {
    let mut trial = die_first(case, lines);
    let (trace, _) = trial.run(&Fault::at(STARTED, 1));
    let mut points: BTreeSet<String> = trace.into_iter().collect();
    points.insert(case.point.to_owned());
    for point in &points {
        trial.write_lines(MORE_LINES);
        trial.run(&Fault::at(point, 1));
    }
    (trial.deaths, trial.finish())
}

/// Dies at the point, and in the next run at another.
fn die_twice(case: &Case, second: &str, lines: &[String]) -> (u64, Outcome) {
    let mut trial = die_first(case, lines);
    trial.write_lines(MORE_LINES);
    trial.run(&Fault::at(second, 1));
    (trial.deaths, trial.finish())
}
