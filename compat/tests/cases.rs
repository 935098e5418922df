//! Runs all cases that come with this crate against the daemon of this workspace.
//!
//! `HEKAD` names another binary, `HEKA_CASES` picks cases (`matcher/*`), `HEKA_JOBS` sets how many run at a time.

use std::env;
use std::path::Path;

use heka_compat::program::{built_hekad, own_cases};
use heka_compat::suite::{Suite, find_cases};

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
    let failed: Vec<String> = verdicts
        .iter()
        .filter_map(|v| v.result.as_ref().err().map(|why| format!("{}: {why}", v.name)))
        .collect();
    assert!(failed.is_empty(), "{} of {} cases fail:\n{}", failed.len(), names.len(), failed.join("\n"));
}
