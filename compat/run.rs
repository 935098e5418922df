//! Runs one case.

use std::fs::{self, OpenOptions};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use heka_testkit::daemon::{Signal, send_signal};
use heka_testkit::patience::wait_until;

use crate::case::{Case, Compare, Ends};
use crate::compare::{compare, files, record};
use crate::error::CaseError;
use crate::place::Place;
use crate::sink::Listening;
use crate::step::Steps;
use crate::suite::Suite;

/// What a daemon gets before the first step.
const HEAD_START: Duration = Duration::from_millis(300);
/// How long a stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// The exit code; -N after a death by signal N.
pub fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|number| -number)).unwrap_or(-1)
}

/// Runs the case of a folder. With the scratch folder's path when it is kept.
pub fn run_case(folder: &Path, suite: &Suite) -> (Result<(), CaseError>, Option<PathBuf>) {
    let prepared = Case::load(folder).and_then(|case| {
        let place = Place::prepare(folder, &case, suite)?;
        Ok((case, place))
    });
    let (case, place) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return (Err(error), None),
    };
    let result = run_in(&case, &place, suite);
    let out = place.out.clone();
    if !suite.keep {
        return (result, None);
    }
    place.keep();
    (result, Some(out))
}

fn run_in(case: &Case, place: &Place, suite: &Suite) -> Result<(), CaseError> {
    let (started, sinks) = mpsc::channel();
    let mut steps = Steps { place, suite, open: Vec::new() };
    for number in 1..=case.runs {
        start_sinks(case, place, number, &started)?;
        run_once(case, &mut steps, number)?;
    }
    for step in &case.after {
        steps.act(step, None)?;
    }
    // The sinks listen until all is compared.
    let look = if suite.record { record } else { compare };
    let result = case.compare.iter().try_for_each(|c| look(c, place));
    drop(sinks);
    result
}

fn start_sinks(
    case: &Case,
    place: &Place,
    number: u32,
    started: &Sender<Listening>,
) -> Result<(), CaseError> {
    for spec in case.sink.iter().filter(|sink| sink.run == number) {
        let port = place.port(&spec.port)?;
        let Some(delay) = spec.delay else {
            // The receiver lives as long as the case runs.
            let _ = started.send(Listening::start(spec, port, &place.out)?);
            continue;
        };
        let (spec, out, started) = (spec.clone(), place.out.clone(), started.clone());
        thread::spawn(move || {
            thread::sleep(Duration::from_secs_f64(delay));
            // A sink that cannot start keeps nothing, which the comparison shows; one that is late is dropped.
            if let Ok(sink) = Listening::start(&spec, port, &out) {
                let _ = started.send(sink);
            }
        });
    }
    Ok(())
}

/// A daemon that does not outlive its run.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run_once(case: &Case, steps: &mut Steps<'_>, number: u32) -> Result<(), CaseError> {
    let start = Instant::now();
    let mut running = Running(spawn(case, steps.place, steps.suite)?);
    let limit = Duration::from_secs_f64(case.timeout_s * steps.suite.patience);
    thread::sleep(HEAD_START);
    for step in case.step.iter().filter(|step| step.run == number) {
        steps.act(step, Some(&running.0))?;
    }
    let status = match case.ends {
        Ends::Exit => wait(&mut running.0, limit.saturating_sub(start.elapsed()))?
            .ok_or_else(|| CaseError::Process(format!("did not exit by itself in {} s", case.timeout_s)))?,
        Ends::Signal => {
            wait_until_quiet(case, steps, &mut running.0, start)?;
            steps.open.clear();
            if case.kill.contains(&number) {
                return Ok(());
            }
            send_signal(&running.0, Signal::INT).map_err(|e| CaseError::Process(e.to_string()))?;
            wait(&mut running.0, STOP_LIMIT)?
                .ok_or_else(|| CaseError::Process("no exit within 10 s of SIGINT".to_owned()))?
        }
    };
    match case.exit_code {
        Some(code) if code != exit_code(status) => {
            Err(CaseError::Differs(format!("exit code {}, expected {code}", exit_code(status))))
        }
        _ => Ok(()),
    }
}

fn spawn(case: &Case, place: &Place, suite: &Suite) -> Result<Child, CaseError> {
    let file = place.case_dir.join("hekad.toml");
    let config = if file.exists() { file } else { place.case_dir.join("conf") };
    let open = |name: &str| {
        let path = place.out.join(name);
        OpenOptions::new().append(true).create(true).open(&path).map_err(CaseError::at(&path))
    };
    let mut command = suite.hekad_command();
    command.arg(format!("-config={}", config.display())).args(&case.args).envs(&place.env);
    command.current_dir(&place.out).stdin(Stdio::null()).stdout(open("stdout")?).stderr(open("stderr")?);
    command.spawn().map_err(CaseError::io(format!("start {}", suite.hekad.join(" "))))
}

fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>, CaseError> {
    let mut status = None;
    wait_until(limit.max(Duration::from_millis(100)), || {
        status = child.try_wait().ok().flatten();
        status.is_some()
    });
    Ok(status)
}

/// Waits until the compared files have not grown for a while. An error when the daemon ends meanwhile.
fn wait_until_quiet(
    case: &Case,
    steps: &Steps<'_>,
    child: &mut Child,
    start: Instant,
) -> Result<(), CaseError> {
    let patience = steps.suite.patience;
    let quiet = Duration::from_secs_f64(case.quiet_s * patience);
    let least = Duration::from_secs_f64(case.min_s);
    let limit = Duration::from_secs_f64(case.timeout_s * patience).saturating_sub(start.elapsed());
    let (mut last, mut since) = (None, Instant::now());
    let mut ended = None;
    wait_until(limit, || {
        ended = child.try_wait().ok().flatten();
        let now = Some(total_size(&case.compare, steps.place));
        if now != last {
            (last, since) = (now, Instant::now());
        }
        ended.is_some() || (since.elapsed() >= quiet && start.elapsed() >= least)
    });
    match ended.or_else(|| child.try_wait().ok().flatten()) {
        Some(status) => Err(CaseError::Process(format!("exited early with {}", exit_code(status)))),
        None => Ok(()),
    }
}

fn total_size(compares: &[Compare], place: &Place) -> u64 {
    let all = compares.iter().flat_map(|compare| files(compare, place));
    all.filter_map(|path| fs::metadata(path).ok()).map(|m| m.len()).sum()
}
