//! `heka-compat soak`: hours of work at half of the top rate, with faults and kills, and every record accounted for.

mod drift;
mod faults;

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use heka_compat::program;
use heka_testkit::trial::plan::Options as TrialOptions;
use heka_testkit::trial::source::Pace;
use heka_testkit::{Random, TestkitError, Trial, usage};

use self::drift::{Drift, Sample};
use self::faults::Faults;

const USAGE: &str = "\
Usage: heka-compat soak --minutes N [--seed S] [--hekad PATH]

Finds the top rate, then runs hekad at half of it: killed each 5 to 60 s, stopped and continued, its TCP peer wedged, its logs
and outputs rotated. In the end every acknowledged record must be at every output, and the result is told in a few lines.

  --minutes N    how long
  --seed S       repeats a schedule
  --hekad PATH   program (the hekad of this workspace)
";

/// How long the top rate is measured, and the time before that.
const MEASURED: Duration = Duration::from_secs(10);
const WARM_UP: Duration = Duration::from_secs(3);
/// The shortest and longest time between two kills.
const KILL_AFTER_S: (u64, u64) = (5, 60);
/// Between two looks at the outputs.
const LOOK: Duration = Duration::from_millis(20);
/// Between two samples of memory; a daemon is younger than this when it is still starting.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
const GROWN_UP: Duration = Duration::from_secs(3);
/// Bursts of a source a second.
const BURSTS: u64 = 100;
/// A fresh record passes so soon after a restart.
const FRESH: Duration = Duration::from_secs(5);

struct Options {
    minutes: f64,
    seed: u64,
    hekad: PathBuf,
}

fn options(args: &[String]) -> anyhow::Result<Options> {
    let (mut minutes, mut seed, mut hekad) = (None, Random::seed_of_run(), None);
    let mut args = args.iter();
    while let Some(name) = args.next() {
        let value = args.next().with_context(|| format!("{name} needs a value\n\n{USAGE}"))?;
        match name.as_str() {
            "--minutes" => minutes = Some(value.parse().context("--minutes")?),
            "--seed" => seed = value.parse().context("--seed")?,
            "--hekad" => hekad = Some(PathBuf::from(value)),
            other => bail!("unknown option {other}\n\n{USAGE}"),
        }
    }
    Ok(Options {
        minutes: minutes.with_context(|| format!("--minutes is missing\n\n{USAGE}"))?,
        seed,
        hekad: match hekad {
            Some(hekad) => hekad.canonicalize().with_context(|| hekad.display().to_string())?,
            None => program::built_hekad()?,
        },
    })
}

/// Runs; true if nothing is wrong.
///
/// # Errors
/// The command line is wrong, or the soak could not go on.
pub(crate) fn run(args: &[String]) -> anyhow::Result<bool> {
    let options = options(args)?;
    println!("soak: {} minutes, seed {}", options.minutes, options.seed);
    let top = top_rate(&options)?;
    println!("top rate {top:.0} records/s");
    let most_records = ((top / 2.0 / 3.0 / BURSTS as f64) * 2.0).max(1.0) as u64;
    let pause = Duration::from_secs(1) / u32::try_from(BURSTS)?;
    let mut trial = Trial::start(&options.hekad, trial_options(options.seed, most_records, pause))?;
    let mut faults = Faults::new(options.seed);
    let mut drift = Drift::default();
    let begun = Instant::now();
    let time = Duration::from_secs_f64(options.minutes * 60.0);
    let mut random = Random::new(options.seed);
    while begun.elapsed() < time {
        let (shortest, longest) = KILL_AFTER_S;
        let life = Duration::from_millis(1000 * shortest + random.below(1000 * (longest - shortest)));
        let life = life.min(time.saturating_sub(begun.elapsed()));
        live(&mut trial, life, &mut faults, &mut drift)?;
        trial.kill()?;
        println!(
            "{:.0} s: {} kills, {} records sent, {} arrived; {faults}",
            begun.elapsed().as_secs_f64(),
            trial.kills(),
            trial.sent(),
            trial.arrived()
        );
    }
    let rate = trial.arrived() as f64 / begun.elapsed().as_secs_f64();
    let mut outcome = trial.finish()?;
    if outcome.fresh > FRESH {
        outcome.problems.push(format!("a fresh record took {:?}", outcome.fresh));
    }
    outcome.problems.extend(drift.problems());
    println!("{outcome}");
    println!(
        "soak, seed {}: {} minutes at {rate:.0} records/s (top {top:.0}), {} kills, {faults}, {} problems; {drift}",
        options.seed,
        options.minutes,
        outcome.kills,
        outcome.problems.len()
    );
    Ok(outcome.problems.is_empty())
}

/// Queues of a usual size.
fn trial_options(seed: u64, most_records: u64, pause: Duration) -> TrialOptions {
    TrialOptions {
        pace: Pace { most_records, pause, window: 400_000 },
        segment_size: 8 << 20,
        lag: 64 << 20,
        rotate_output_at: 64 << 20,
        ..TrialOptions::quick(seed)
    }
}

/// Records a second that pass when the sources never rest.
fn top_rate(options: &Options) -> Result<f64, TestkitError> {
    let mut trial = Trial::start(&options.hekad, trial_options(options.seed, 2000, Duration::ZERO))?;
    let (mut faults, mut drift) = (Faults::none(), Drift::default());
    live(&mut trial, WARM_UP, &mut faults, &mut drift)?;
    let before = trial.arrived();
    let begun = Instant::now();
    live(&mut trial, MEASURED, &mut faults, &mut drift)?;
    Ok((trial.arrived() - before) as f64 / begun.elapsed().as_secs_f64())
}

/// Lets the daemon live for so long.
fn live(
    trial: &mut Trial,
    life: Duration,
    faults: &mut Faults,
    drift: &mut Drift,
) -> Result<(), TestkitError> {
    let born = Instant::now();
    let mut sampled = born;
    faults.begin();
    while born.elapsed() < life {
        trial.look()?;
        faults.step(trial)?;
        trial.rotate_outputs()?;
        if sampled.elapsed() >= SAMPLE_EVERY && born.elapsed() >= GROWN_UP && faults.is_quiet() {
            sampled = Instant::now();
            let daemon = trial.boot()?;
            if let (Some(memory), Some(files)) = (daemon.memory(), usage::open_files(daemon.pid())) {
                drift.add(Sample { resident: memory.resident, anonymous: memory.anonymous, files });
            }
        }
        // Looks in a rhythm; nothing is waited for.
        thread::sleep(LOOK);
    }
    Ok(())
}
