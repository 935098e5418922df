use std::collections::BTreeSet;

use heka_plugin::telemetry::{Histogram, Process};

use super::*;

fn figures() -> Snapshot {
    let histogram = Histogram { buckets: vec![(0.1, 1), (1.0, 2)], count: 3, sum_s: 5.0 };
    Snapshot {
        process: Process { cpu_s: 1.5, ..Process::default() },
        queues: vec![QueueFigures { name: "input", records: 7, ..QueueFigures::default() }],
        inputs: vec![InputFigures {
            name: "in".into(),
            decoder: "d".into(),
            messages: 5,
            append: histogram.clone(),
            decode: histogram.clone(),
            ..InputFigures::default()
        }],
        readers: vec![ReaderFigures {
            name: "out".into(),
            type_name: "LogOutput",
            running: true,
            busy_s: 2.5,
            duration: histogram,
            ..ReaderFigures::default()
        }],
        ..Snapshot::default()
    }
}

#[test]
fn what_it_says() {
    let text = text(&figures());
    for line in [
        "process_cpu_seconds_total 1.5",
        "hekad_queue_records_total{queue=\"input\"} 7",
        "hekad_input_messages_total{plugin=\"in\",type=\"\"} 5",
        "hekad_reader_stuck{plugin=\"out\",type=\"LogOutput\",kind=\"output\"} 1",
        "hekad_reader_busy_seconds{plugin=\"out\",type=\"LogOutput\",kind=\"output\"} 2.5",
        "hekad_reader_duration_seconds_bucket{plugin=\"out\",type=\"LogOutput\",kind=\"output\",le=\"+Inf\"} 3",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn every_family_is_documented_and_no_other() {
    let text = text(&figures());
    let names: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let page = include_str!("../../../../docs/reference/metrics.md");
    let documented: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|name| name.contains('_'))
        .collect();
    assert_eq!(names, documented);
}
