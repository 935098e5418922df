//! Long lines, whole reads, unfinished ends, and directories that come and go.

use std::fs;
use std::sync::atomic::Ordering;

use super::rig::Rig;

#[test]
fn a_line_of_ten_megabytes_and_its_neighbours() {
    let mut rig = Rig::new(r"(?P<A>[ab])\.log");
    rig.options.differentiator = vec!["A".into()];
    let long = "y".repeat(10 << 20) + "\n";
    rig.write("a.log", format!("before\n{long}after\n"));
    rig.write("b.log", "neighbour\n");
    rig.run_until("after\n");
    let of = |name: &str| -> Vec<usize> {
        let records = rig.records().into_iter().filter(|record| record.logger == name);
        records.map(|record| record.payload.len()).collect()
    };
    assert_eq!(of("a"), [7, long.len(), 6]);
    assert_eq!(of("b"), [10]);
}

#[test]
fn a_line_is_read_when_it_is_written_not_at_the_next_look() {
    let mut rig = Rig::new(r"a\.log");
    rig.options.check_data_interval = "1h".into();
    rig.write("a.log", "one\n");
    rig.start();
    rig.wait_for("one\n");
    rig.let_look();
    let mut times = Vec::new();
    for number in 0..20 {
        let line = format!("{number}\n");
        let start = std::time::Instant::now();
        rig.append("a.log", &line);
        rig.wait_for(&line);
        times.push(start.elapsed());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    times.sort();
    println!("from write to record: median {:?}, worst {:?}", times[10], times[19]);
    rig.stop();
}

#[test]
fn whole_reads_are_records() {
    let mut rig = Rig::new("data");
    rig.world.whole_reads.store(true, Ordering::SeqCst);
    rig.write("data", "all of\nthis is\none record");
    rig.start();
    rig.wait_for("all of\nthis is\none record");
    rig.append("data", " and this is another\n");
    rig.wait_for(" and this is another\n");
    rig.append("data", "z".repeat(100_000));
    rig.wait_for(&"z".repeat(100_000 - 65_536));
    rig.stop();
    assert_eq!(rig.payloads().len(), 4);
}

#[test]
fn an_unfinished_end_only_if_it_is_asked_for() {
    for asked in [true, false] {
        let mut rig = Rig::new(r"a\.log");
        rig.world.incomplete_final.store(asked, Ordering::SeqCst);
        rig.write("a.log", "one\nlast without newline");
        rig.start();
        rig.wait_for("one\n");
        rig.let_look();
        rig.append("a.log", "; more\n");
        rig.wait_for(if asked { "; more\n" } else { "last without newline; more\n" });
        rig.append("a.log", "end\n");
        rig.wait_for("end\n");
        rig.stop();
        assert_eq!(rig.payloads().len(), if asked { 4 } else { 3 });
        assert!(rig.journal("src").starts_with(r#"{"seek":35,"#), "{}", rig.journal("src"));
    }
}

#[test]
fn a_directory_that_vanishes_and_comes_back() {
    let mut rig = Rig::new(r"sub/a\.log");
    rig.options.rescan_interval = "20ms".into();
    rig.write("sub/a.log", "one\n");
    rig.start();
    rig.wait_for("one\n");
    fs::remove_dir_all(rig.path("sub")).unwrap();
    rig.let_look();
    rig.write("sub/a.log", "two\n");
    rig.wait_for("two\n");
    fs::remove_dir_all(rig.path("")).unwrap();
    rig.let_look();
    rig.write("sub/a.log", "three\n");
    rig.wait_for("three\n");
    rig.stop();
    assert_eq!(rig.payloads(), ["one\n", "two\n", "three\n"]);
    assert_eq!(rig.errors(), [""; 0]);
    let infos = rig.world.infos.lock().unwrap().clone();
    assert_eq!(infos.len(), 1, "{infos:?}");
    assert!(
        infos[0].starts_with("open ") && infos[0].ends_with("/in: no such file or directory"),
        "{infos:?}"
    );
}

#[test]
fn a_second_file_without_a_priority_is_named_once() {
    let mut rig = Rig::new(r"a\.log.*");
    rig.options.rescan_interval = "20ms".into();
    rig.write("a.log", "one\n");
    rig.start();
    rig.wait_for("one\n");
    rig.write("a.log.1", "never\n");
    rig.wait_until("it is named", |rig| !rig.errors().is_empty());
    rig.let_look();
    rig.append("a.log", "two\n");
    rig.wait_for("two\n");
    rig.stop();
    assert_eq!(rig.payloads(), ["one\n", "two\n"]);
    let errors = rig.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("Found multiple logfiles without Priority"), "{errors:?}");
}

#[test]
fn one_big_file_does_not_hold_up_the_others() {
    let mut rig = Rig::new(r"(?P<A>[ab])\.log");
    rig.options.differentiator = vec!["A".into()];
    rig.write("a.log", "a line of a big file\n".repeat(500_000));
    rig.write("b.log", "small\n");
    rig.run_until("small\n");
    let records = rig.records();
    let before = records.iter().take_while(|record| record.logger == "a").count();
    assert!(before < 50_000, "{before}");
}
