//! Runs all cases that come with this crate against the daemon of this workspace.
//!
//! `HEKAD` names another binary, `HEKA_CASES` picks cases (`matcher/*`), `HEKA_JOBS` sets how many run at a time.

use std::env;
use std::path::Path;

use heka_compat::program::{built_hekad, own_cases};
use heka_compat::suite::{Suite, Verdict, find_cases};

#[test]
fn the_daemon_gives_what_was_recorded() {
    let hekad = built_hekad().expect("a daemon to test");
    let share = tempfile::tempdir().expect("an empty share folder");
    let suite = Suite {
        hekad: vec![hekad.display().to_string()],
        share: share.path().to_owned(),
        tools: hekad.parent().unwrap_or(Path::new("/")).to_owned(),
        record: false,
        keep: false,
        jobs: env::var("HEKA_JOBS").ok().and_then(|n| n.parse().ok()).unwrap_or(4),
        patience: 1.0,
    };
    let patterns: Vec<String> = env::var("HEKA_CASES").ok().into_iter().collect();
    let names = find_cases(&own_cases(), &patterns).expect("cases");
    assert!(!names.is_empty(), "no case matches {patterns:?}");
    let mut verdicts = suite.run(&own_cases(), &names, |_| ());
    // A case that failed beside others gets a second chance alone: its waiting times assume a machine that is not busy.
    let alone = Suite { jobs: 1, patience: 3.0, ..suite };
    for verdict in verdicts.iter_mut().filter(|v| v.result.is_err()) {
        let again = alone.run(&own_cases(), std::slice::from_ref(&verdict.name), |_| ());
        if let Some(again) = again.into_iter().next() {
            *verdict = again;
        }
    }
    let waiting = waiting();
    let is_waiting = |name: &str| waiting.iter().any(|other| other == name);
    let wrong = |verdict: &Verdict| match &verdict.result {
        Err(why) if !is_waiting(&verdict.name) => Some(format!("{}: {why}", verdict.name)),
        Ok(()) if is_waiting(&verdict.name) => {
            Some(format!("{}: passes, take it off cases/waiting.txt", verdict.name))
        }
        _ => None,
    };
    let wrong: Vec<String> = verdicts.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), names.len(), wrong.join("\n"));
    println!("{} cases as recorded, {} waiting", names.len() - waiting.len().min(names.len()), waiting.len());
}

/// The names of the cases that are known not to pass yet.
fn waiting() -> Vec<String> {
    // Without the list nothing is excused.
    let text = std::fs::read_to_string(own_cases().join("waiting.txt")).unwrap_or_default();
    let names =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().next());
    names.map(String::from).collect()
}
