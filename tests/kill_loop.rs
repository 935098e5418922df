//! `kill -9` at any moment loses nothing, repeats little, and leaves no count wrong.
//!
//! A daemon with four inputs (a log of lines, a log of framed messages, TCP, HTTP) and three outputs (framed file, text file,
//! TCP) is killed again and again, 0 to 500 ms after its start, while its queue's small segments are rolled, pruned and
//! full. See `heka_testkit::trial` for what is verified.
//!
//! `HEKA_KILLS` sets how often (60), `HEKA_SEED` repeats a schedule, `HEKA_HEKAD` names another binary, `HEKA_KEEP`
//! leaves the scratch folders behind.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::env;
use std::time::{Duration, Instant};

use heka_testkit::trial::outcome::Outcome;
use heka_testkit::trial::plan::Options;
use heka_testkit::{Random, TestkitError, Trial};

/// The longest life of a run.
const LONGEST: Duration = Duration::from_millis(500);
/// A trial has so many kills, then all is looked at and a new one begins in a new folder.
const KILLS_A_TRIAL: u64 = 500;
/// The most records that one kill may make an output send twice: a batch.
const RESENT_A_KILL: u64 = 2000;
/// The most records that one kill may make the inputs read twice: a read of 128 KiB of each log.
const REREAD_A_KILL: u64 = 2000;
/// What a TcpOutput sent counts once its peer's system has it. To a peer that does not read all may come twice that is on
/// its way, which the sources bound.
const RESENT_TO_PEER: u64 = 20_000;
/// A fresh record must pass so soon after a restart. Five seconds are promised; this machine may be busy.
const FRESH: Duration = Duration::from_secs(20);

#[test]
fn killed_at_any_moment_nothing_is_lost() {
    let wanted: u64 = env::var("HEKA_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let hekad = env::var("HEKA_HEKAD").unwrap_or_else(|_| env!("CARGO_BIN_EXE_hekad").to_owned());
    let seed = Random::seed_of_run();
    println!("seed {seed}, {wanted} kills");
    let begun = Instant::now();
    let mut sum = Outcome::default();
    while sum.kills < wanted {
        let kills = KILLS_A_TRIAL.min(wanted - sum.kills);
        let options = Options::quick(seed.wrapping_add(sum.kills));
        let outcome = trial(&hekad, options, kills).unwrap_or_else(|error| panic!("{error}\nso far: {sum}"));
        println!("{:.0} s: {outcome}\n", begun.elapsed().as_secs_f64());
        check(&outcome);
        sum.add(outcome);
    }
    println!("all, seed {seed}, {:.0} s: {sum}", begun.elapsed().as_secs_f64());
}

/// The canary: were this to end well, the other test would prove nothing.
#[test]
fn a_record_that_is_missing_is_noticed() {
    let hekad = env::var("HEKA_HEKAD").unwrap_or_else(|_| env!("CARGO_BIN_EXE_hekad").to_owned());
    let mut trial = Trial::start(hekad, Options::quick(1)).unwrap();
    trial.run_and_kill(LONGEST).unwrap();
    trial.claim_what_is_not_sent();
    trial.run_and_kill(LONGEST).unwrap();
    let outcome = trial.finish().unwrap();
    std::fs::remove_dir_all(outcome.kept.as_ref().unwrap()).unwrap();
    assert_eq!(outcome.problems.len(), 3, "{outcome}");
    assert!(outcome.problems.iter().all(|problem| problem.contains(": 1 of l lost")), "{outcome}");
}

fn trial(hekad: &str, options: Options, kills: u64) -> Result<Outcome, TestkitError> {
    let mut trial = Trial::start(hekad, options)?;
    while trial.kills() < kills {
        trial.run_and_kill(LONGEST)?;
    }
    trial.finish()
}

fn check(outcome: &Outcome) {
    assert!(outcome.problems.is_empty(), "{outcome}");
    for output in &outcome.outputs {
        let most = output.repeats.most;
        let limit = if output.name == "peer" { RESENT_TO_PEER } else { RESENT_A_KILL };
        // Text does not tell who repeats.
        assert!(most.resent <= limit && most.reread <= RESENT_A_KILL + REREAD_A_KILL, "{outcome}");
        assert!(output.torn <= outcome.kills, "{outcome}");
    }
    assert!(outcome.segments.0 >= outcome.kills && outcome.segments.1 > 0 && outcome.full > 0, "{outcome}");
    assert!(outcome.fresh <= FRESH, "{outcome}");
}
