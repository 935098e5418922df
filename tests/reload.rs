//! SIGHUP takes up a new configuration while messages flow.
//!
//! `HEKA_RELOADS` says how often it does so under load, `HEKA_RELOAD_KILLS` how often hekad is killed meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

#[path = "support/reload.rs"]
mod bench;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use bench::{Bench, Numbers, Outcome, Started, ids, post};
use heka_message::{Field, Message};
use heka_testkit::daemon::Signal;
use heka_testkit::ports::free_ports;
use heka_testkit::{Tally, wait_until};

/// Long for what should be a matter of a second, on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// All numbered messages.
const NUMBERS: &str = r#"
[numbers]
type = "FileOutput"
message_matcher = "Type == 'number'"
path = "$DIR/numbers"
encoder = "PayloadEncoder"
"#;

fn output(name: &str, path: &str) -> String {
    format!(
        "[{name}]\ntype = \"FileOutput\"\nmessage_matcher = \"Type == 'number'\"\n\
         path = \"$DIR/{path}\"\nencoder = \"PayloadEncoder\"\n"
    )
}

#[test]
fn nothing_is_lost_while_outputs_come_and_go_under_load() {
    let reloads = bench::count("HEKA_RELOADS", 25);
    let mut bench = Bench::new(NUMBERS);
    let flooded = r#"
[flooded]
type = "FileOutput"
message_matcher = "Type == 'hekabench'"
path = "$DIR/flooded"
encoder = "PayloadEncoder"
"#;
    let config = |k: u64| {
        let counter = "[counter]\ntype = \"CounterFilter\"\nmessage_matcher = \"Type == 'number'\"\n";
        let counter = if k.is_multiple_of(3) { counter } else { "" };
        let (added, changed) =
            (output(&format!("extra{k}"), &format!("extra{k}")), output("moved", &format!("moved{k}")));
        format!("{NUMBERS}{flooded}{changed}{added}{counter}")
    };
    bench.configure(&config(0));
    bench.start();
    let flood = Started::flood(&bench.scratch, bench.port, "50us");
    let numbers = Numbers::start(bench.port);
    let begun = Instant::now();
    for k in 1..=reloads {
        bench.wait(&format!("extra{} gets messages", k - 1), |bench| {
            bench.scratch.size(format!("extra{}", k - 1)) > 1000
        });
        bench.configure(&config(k));
        assert_eq!(bench.reload(), Outcome::New, "{}", bench.logs());
    }
    let time = begun.elapsed();
    let flood_sent = flood.finish();
    let sent = numbers.finish();
    let arrived = |bench: &Bench, file: &str| ids(&bench.scratch.read(file));
    let lines =
        |bench: &Bench, file: &str| bench.scratch.read(file).iter().filter(|b| **b == b'\n').count() as u64;
    bench.wait("all arrive", |bench| {
        arrived(bench, "numbers").len() as u64 >= sent && lines(bench, "flooded") >= flood_sent
    });
    bench.stop();
    eprintln!("{reloads} reloads in {time:?}; {sent} numbered messages and {flood_sent} of heka-flood");
    assert_eq!(lines(&bench, "flooded"), flood_sent);
    let tally = Tally::of(sent, arrived(&bench, "numbers"));
    assert!(tally.is_complete() && tally.duplicates == 0, "{tally}");
    let moved: Vec<u64> = (0..=reloads).flat_map(|k| arrived(&bench, &format!("moved{k}"))).collect();
    let tally = Tally::of(sent, moved);
    assert!(tally.is_complete() && tally.duplicates == 0, "an output that changes: {tally}");
    for k in 0..=reloads {
        let part = arrived(&bench, &format!("extra{k}"));
        let gap = part.windows(2).find(|pair| pair[0] + 1 != pair[1]);
        assert!(!part.is_empty() && gap.is_none(), "extra{k}: {} messages, gap {gap:?}", part.len());
    }
}

#[test]
fn a_broken_configuration_is_refused_whole_and_files_are_reopened_all_the_same() {
    let mut bench = Bench::new(NUMBERS);
    bench.start();
    let numbers = Numbers::start(bench.port);
    bench.flows("numbers");
    let other = output("other", "other");
    for (more, why) in [
        (format!("{NUMBERS}{other}[broken\n"), "Error decoding config file"),
        (
            format!("{NUMBERS}{other}[broken]\ntype = \"NoSuchInput\"\n"),
            "No registered plugin type: NoSuchInput",
        ),
        (format!("{NUMBERS}{other}pth = 1\n"), "unknown config setting for 'other': pth"),
        (
            format!(
                "{NUMBERS}{other}[sbx]\ntype = \"SandboxFilter\"\nmessage_matcher = \"TRUE\"\nfilename = \"none.lua\"\n"
            ),
            "none.lua",
        ),
        (
            format!("{NUMBERS}{other}[bad]\ntype = \"TcpInput\"\naddress = \":0\"\ndecoder = \"None\"\n"),
            "no registered 'None' decoder",
        ),
        (
            format!(
                "{NUMBERS}[other]\ntype = \"FileOutput\"\nmessage_matcher = \"TRUE\"\npath = \"/proc/no/file\"\nencoder = \"PayloadEncoder\"\n"
            ),
            "error opening file",
        ),
    ] {
        bench.configure(&more);
        assert_eq!(bench.reload(), Outcome::Refused, "{more}");
        assert!(bench.daemon().log().contains(why), "{why}\n{}", bench.logs());
    }
    bench.configure_whole("[hekad]\nbase_dir = \"$DIR/elsewhere\"\nmax_message_loops = 9\n");
    assert_eq!(bench.reload(), Outcome::Refused);
    let log = bench.daemon().log();
    let fixed = log.lines().find(|line| line.contains("cannot be changed")).unwrap_or_default();
    assert!(fixed.contains("[hekad] base_dir, hostname, max_message_loops"), "{log}");
    assert!(!bench.scratch.join("other").exists() && !bench.scratch.join("elsewhere").exists());

    // The configuration is gone, but log rotation goes on.
    std::fs::remove_file(bench.scratch.join("hekad.toml")).unwrap();
    std::fs::rename(bench.scratch.join("numbers"), bench.scratch.join("rotated")).unwrap();
    assert_eq!(bench.reload(), Outcome::Refused);
    bench.flows("numbers");
    // And with one that has not changed nothing else happens.
    bench.configure(NUMBERS);
    std::fs::rename(bench.scratch.join("numbers"), bench.scratch.join("rotated2")).unwrap();
    assert_eq!(bench.reload(), Outcome::Unchanged);
    bench.flows("numbers");
    let sent = numbers.finish();
    let all = |bench: &Bench| -> Vec<u64> {
        ["rotated", "rotated2", "numbers"].iter().flat_map(|file| ids(&bench.scratch.read(file))).collect()
    };
    bench.wait("all arrive", |bench| all(bench).len() as u64 >= sent);
    bench.stop();
    let tally = Tally::of(sent, all(&bench));
    assert!(tally.is_complete() && tally.duplicates == 0, "{tally}");
}

#[test]
fn an_input_moves_to_another_port_and_back_if_that_is_taken() {
    let mut bench = Bench::new(NUMBERS);
    let [first, second, taken] = free_ports(3).unwrap()[..] else { panic!("three ports") };
    let other = |port: u16| {
        format!(
            "{NUMBERS}[other]\ntype = \"TcpInput\"\naddress = \"127.0.0.1:{port}\"\n{}",
            output("all", "all")
        )
    };
    bench.configure(&other(first));
    bench.start();
    let kept = Numbers::start(bench.port);
    bench.flows("numbers");
    drop(bench::connected(first));

    bench.configure(&other(second));
    assert_eq!(bench.reload(), Outcome::New, "{}", bench.logs());
    drop(bench::connected(second));
    assert!(std::net::TcpStream::connect(("127.0.0.1", first)).is_err(), "the old port is closed");

    let _holder = TcpListener::bind(("127.0.0.1", taken)).unwrap();
    bench.configure(&other(taken).replace("all", "every"));
    assert_eq!(bench.reload(), Outcome::Refused, "{}", bench.logs());
    assert!(bench.daemon().log().contains("ListenTCP failed"), "{}", bench.logs());
    // As it was: the input that had to make way, and the output that was to go.
    drop(bench::connected(second));
    bench.flows("all");
    // A section that has another name now can take over what the old one had.
    bench.configure(&other(second).replace("[other]", "[renamed]"));
    assert_eq!(bench.reload(), Outcome::New, "{}", bench.logs());
    drop(bench::connected(second));
    let sent = kept.finish();
    for file in ["numbers", "all"] {
        bench.wait("all arrive", |bench| ids(&bench.scratch.read(file)).len() as u64 >= sent);
        let tally = Tally::of(sent, ids(&bench.scratch.read(file)));
        assert!(tally.is_complete() && tally.duplicates == 0, "{file}: {tally}");
    }
    bench.stop();
}

#[test]
fn an_input_that_fails_when_it_runs_takes_the_reload_back() {
    let mut bench = Bench::new(NUMBERS);
    let [first, taken] = free_ports(2).unwrap()[..] else { panic!("two ports") };
    let http =
        |port: u16| format!("{NUMBERS}[http]\ntype = \"HttpListenInput\"\naddress = \"127.0.0.1:{port}\"\n");
    bench.configure(&http(first));
    bench.start();
    let kept = Numbers::start(bench.port);
    bench.flows("numbers");
    assert!(wait_until(LONG, || post(first, "x")), "{}", bench.logs());
    let _holder = TcpListener::bind(("127.0.0.1", taken)).unwrap();
    bench.configure(&format!("{}{}", http(taken), output("more", "more")));
    assert_eq!(bench.reload(), Outcome::New, "{}", bench.logs());
    bench.wait("it goes back", |bench| bench.stdout().contains("The configuration before: "));
    assert!(wait_until(LONG, || post(first, "x")), "{}", bench.logs());
    bench.flows("numbers");
    // What was taken back is not what runs.
    assert_eq!(bench.reload(), Outcome::New, "{}", bench.logs());
    bench.wait("it goes back again", |bench| {
        bench.stdout().matches("The configuration before: ").count() == 2
    });
    kept.finish();
    bench.stop();
}

#[test]
fn an_output_that_a_reload_removes_has_no_gap_when_that_is_taken_back() {
    let mut bench = Bench::new(NUMBERS);
    let [first, taken] = free_ports(2).unwrap()[..] else { panic!("two ports") };
    let http =
        |port: u16| format!("{NUMBERS}[http]\ntype = \"HttpListenInput\"\naddress = \"127.0.0.1:{port}\"\n");
    bench.configure(&format!("{}{}", http(first), output("old", "old")));
    bench.start();
    let kept = Numbers::start(bench.port);
    bench.flows("old");
    let _holder = TcpListener::bind(("127.0.0.1", taken)).unwrap();
    bench.configure(&http(taken));
    assert_eq!(bench.reload(), Outcome::New, "{}", bench.logs());
    bench.wait("it goes back", |bench| bench.stdout().contains("The configuration before: "));
    bench.flows("old");
    let sent = kept.finish();
    bench.wait("all arrive", |bench| ids(&bench.scratch.read("old")).len() as u64 >= sent);
    let tally = Tally::of(sent, ids(&bench.scratch.read("old")));
    assert!(tally.is_complete() && tally.duplicates == 0, "{tally}");
    bench.stop();
}

/// Counts with a state that is preserved; tells its version with each count.
fn counter(version: &str) -> String {
    format!(
        "count = 0\n\
         function process_message()\n\
             count = count + 1\n\
             inject_payload(\"txt\", \"count\", \"{version} \" .. read_message(\"Payload\") .. \" \" .. count)\n\
             return 0\n\
         end\n\
         function timer_event() end\n"
    )
}

const COUNTER: &str = r#"
[counter]
type = "SandboxFilter"
message_matcher = "Type == 'number'"
filename = "$DIR/counter.lua"
preserve_data = true

[counts]
type = "FileOutput"
message_matcher = "Type == 'heka.sandbox-output'"
path = "$DIR/counts"
encoder = "PayloadEncoder"
"#;

/// Version, number of the message, count.
fn counts(bench: &Bench) -> Vec<(String, u64, u64)> {
    let text = String::from_utf8_lossy(&bench.scratch.read("counts")).into_owned();
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let parts = whole.filter_map(|line| {
        let mut parts = line.split(' ');
        Some((parts.next()?.to_string(), parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    });
    parts.collect()
}

#[test]
fn a_changed_script_goes_on_with_its_state() {
    let mut bench = Bench::new(NUMBERS);
    bench.scratch.write("counter.lua", counter("v1")).unwrap();
    bench.configure(&format!("{NUMBERS}{COUNTER}"));
    bench.start();
    let numbers = Numbers::start(bench.port);
    bench.flows("counts");
    // Only its text changes.
    bench.scratch.write("counter.lua", counter("v2")).unwrap();
    assert_eq!(bench.reload(), Outcome::New, "{}", bench.logs());
    assert!(
        bench.stdout().contains("New configuration: 1 changed (counter), 3 unchanged."),
        "{}",
        bench.logs()
    );
    bench.wait("the new version counts", |bench| counts(bench).last().is_some_and(|last| last.0 == "v2"));
    // One that does not compile is refused, and the one that runs goes on.
    bench.scratch.write("counter.lua", "function process_message(").unwrap();
    assert_eq!(bench.reload(), Outcome::Refused);
    bench.flows("counts");
    let sent = numbers.finish();
    bench.wait("all are counted", |bench| counts(bench).len() as u64 >= sent);
    bench.stop();
    for (at, (_, number, count)) in counts(&bench).into_iter().enumerate() {
        assert_eq!((number, count), (at as u64, at as u64 + 1));
    }
}

#[test]
fn a_filter_that_comes_back_has_its_state() {
    let mut bench = Bench::new(NUMBERS);
    bench.scratch.write("counter.lua", counter("v1")).unwrap();
    bench.start();
    let first = Numbers::start(bench.port);
    bench.flows("numbers");
    bench.configure(&format!("{NUMBERS}{COUNTER}"));
    assert_eq!(bench.reload(), Outcome::New, "{}", bench.logs());
    bench.flows("counts");
    let sent = first.finish();
    bench.wait("all are counted", |bench| counts(bench).last().is_some_and(|last| last.1 + 1 == sent));
    let counted = counts(&bench);
    // It began with the first message after the reload and missed none since.
    let begun_at = counted[0].1;
    assert!(begun_at > 0);
    for (at, (_, number, count)) in counted.iter().enumerate() {
        assert_eq!((*number, *count), (begun_at + at as u64, at as u64 + 1));
    }
    bench.configure(NUMBERS);
    assert_eq!(bench.reload(), Outcome::New, "{}", bench.logs());
    bench.configure(&format!("{NUMBERS}{COUNTER}"));
    assert_eq!(bench.reload(), Outcome::New, "{}", bench.logs());
    let more = Numbers::start(bench.port);
    bench.wait("it counts on", |bench| counts(bench).len() > counted.len());
    more.finish();
    let next = &counts(&bench)[counted.len()];
    assert_eq!(next.2, counted.len() as u64 + 1, "the count goes on");
    bench.stop();
}

#[test]
fn filters_that_were_loaded_come_back_with_their_manager() {
    let manager = |max: u32| {
        let counts = &COUNTER[COUNTER.find("[counts]").unwrap()..];
        format!("{NUMBERS}{counts}[manager]\ntype = \"SandboxManagerFilter\"\nmax_filters = {max}\n")
    };
    let mut bench = Bench::new(&manager(2));
    bench.start();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let mut load = Message {
        uuid: Some([7; 16][..].into()),
        timestamp: i64::try_from(now.as_nanos()).ok(),
        msg_type: Some("heka.control.sandbox".into()),
        payload: Some(counter("v1").into()),
        ..Message::default()
    };
    load.fields.push(Field::string("action", "", "load"));
    let config =
        "[counter]\ntype = \"SandboxFilter\"\nmessage_matcher = \"Type == 'number'\"\npreserve_data = true\n";
    load.fields.push(Field::string("config", "", config));
    bench::send(bench.port, &load);
    bench.wait("it is loaded", |bench| bench.stdout().contains("Filter started: manager-counter"));
    let numbers = Numbers::start(bench.port);
    bench.flows("counts");
    bench.configure(&manager(3));
    assert_eq!(bench.reload(), Outcome::New, "{}", bench.logs());
    bench.wait("it is loaded again", |bench| {
        bench.stdout().matches("Filter started: manager-counter").count() == 2
    });
    let sent = numbers.finish();
    bench.wait("all are counted", |bench| counts(bench).len() as u64 >= sent);
    for (at, (_, number, count)) in counts(&bench).into_iter().enumerate() {
        assert_eq!((number, count), (at as u64, at as u64 + 1));
    }
    bench.configure(NUMBERS);
    assert_eq!(bench.reload(), Outcome::New, "{}", bench.logs());
    assert!(bench.stdout().contains("Stop message sent to filter 'manager-counter'"), "{}", bench.logs());
    bench.stop();
}

#[test]
fn what_a_plugin_uses_counts_as_its_own() {
    let mut bench = Bench::new(NUMBERS);
    let [statsd, port] = free_ports(2).unwrap()[..] else { panic!("two ports") };
    let mut config = format!(
        "{NUMBERS}[acc]\ntype = \"StatAccumInput\"\nticker_interval = 1\nemit_in_fields = true\n\
         [statsd]\ntype = \"StatsdInput\"\naddress = \"127.0.0.1:{statsd}\"\nstat_accum_name = \"acc\"\n\
         [split]\ntype = \"TokenSplitter\"\ndelimiter = \"|\"\n\
         [multi]\ntype = \"MultiDecoder\"\nsubs = [\"sub\"]\ncascade_strategy = \"first-wins\"\n\
         [sub]\ntype = \"ScribbleDecoder\"\n[sub.message_fields]\nType = \"x\"\n\
         [in]\ntype = \"TcpInput\"\naddress = \"127.0.0.1:{port}\"\nsplitter = \"split\"\ndecoder = \"multi\"\n\
         [enc]\ntype = \"PayloadEncoder\"\nappend_newlines = true\n\
         [out]\ntype = \"FileOutput\"\nmessage_matcher = \"Type == 'number'\"\npath = \"$DIR/out\"\nencoder = \"enc\"\n"
    );
    bench.configure(&config);
    bench.start();
    for (from, to, changes) in [
        ("delimiter = \"|\"", "delimiter = \"#\"", "1 changed (in), 5 unchanged"),
        ("Type = \"x\"", "Type = \"y\"", "1 changed (in), 5 unchanged"),
        ("append_newlines = true", "append_newlines = false", "1 changed (out), 5 unchanged"),
        ("ticker_interval = 1", "ticker_interval = 2", "2 changed (acc, statsd), 4 unchanged"),
        ("[out]\n", "# A remark.\n[out]\n", "6 unchanged"),
        ("[split]\n", "[unused]\ntype = \"RstEncoder\"\n[split]\n", "6 unchanged"),
    ] {
        assert!(config.contains(from), "{from}");
        config = config.replace(from, to);
        bench.configure(&config);
        assert_eq!(bench.reload(), Outcome::New, "{}", bench.logs());
        let stdout = bench.stdout();
        let last = stdout.lines().rfind(|line| line.starts_with("New configuration")).unwrap_or_default();
        assert_eq!(last, format!("New configuration: {changes}."));
    }
    bench.stop();
}

#[test]
fn hekad_stops_in_the_middle_of_reloads() {
    let mut bench = Bench::new(NUMBERS);
    bench.start();
    let numbers = Numbers::start(bench.port);
    bench.flows("numbers");
    bench.configure(&format!("{NUMBERS}{}", output("other", "other")));
    for _ in 0..5 {
        bench.daemon().signal(Signal::HUP).unwrap();
    }
    bench.daemon().signal(Signal::INT).unwrap();
    let status = bench.daemon_mut().wait(LONG).unwrap();
    assert_eq!(status.code(), Some(0), "{}", bench.logs());
    // The peer was cut off.
    numbers.abandon();
    bench.start();
    bench.stop();
}

#[test]
fn a_kill_in_the_middle_of_reloads_loses_nothing() {
    let kills = bench::count("HEKA_RELOAD_KILLS", 6);
    let mut bench = Bench::new(NUMBERS);
    let [port] = free_ports(1).unwrap()[..] else { panic!("a port") };
    let config = |k: u64| {
        format!(
            "[http]\ntype = \"HttpListenInput\"\naddress = \"127.0.0.1:{port}\"\nmax_body_size = {}\n\
             [posted]\ntype = \"FileOutput\"\nmessage_matcher = \"Logger == 'http'\"\npath = \"$DIR/posted\"\n\
             encoder = \"PayloadEncoder\"\n\
             [moved]\ntype = \"FileOutput\"\nmessage_matcher = \"Logger == 'http'\"\npath = \"$DIR/moved{}\"\n\
             encoder = \"PayloadEncoder\"\n{}",
            1000 + k % 2,
            k % 4,
            if k.is_multiple_of(2) { output("other", "other") } else { String::new() },
        )
    };
    bench.configure(&config(0));
    bench.start();
    let poster = bench::Poster::start(port);
    let mut k = 0;
    for kill in 0..kills {
        // The more reloads before a kill the further into one it may fall.
        let before = poster.acknowledged();
        for _ in 0..=kill % 3 {
            k += 1;
            bench.configure(&config(k));
            bench.daemon().signal(Signal::HUP).unwrap();
            let seen = poster.acknowledged();
            wait_until(Duration::from_millis(40 + 35 * (kill % 5)), || poster.acknowledged() > seen + 50);
        }
        bench.daemon_mut().kill().unwrap();
        bench.start();
        bench.wait("messages are taken again", |_| poster.acknowledged() > before);
    }
    let acknowledged = poster.finish();
    let lost = |bench: &Bench, files: &[&str]| -> Vec<u64> {
        let mut arrived: Vec<u64> = files.iter().flat_map(|file| ids(&bench.scratch.read(file))).collect();
        arrived.sort_unstable();
        acknowledged.iter().copied().filter(|id| arrived.binary_search(id).is_err()).collect()
    };
    bench.wait("all arrive", |bench| {
        lost(bench, &["posted"]).is_empty()
            && lost(bench, &["moved0", "moved1", "moved2", "moved3"]).is_empty()
    });
    eprintln!("{kills} kills, {k} reloads, {} messages acknowledged, none lost", acknowledged.len());
    bench.stop();
}
