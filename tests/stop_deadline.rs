//! SIGTERM ends hekad within `shutdown_timeout`, whatever hangs and whenever it comes, and loses nothing.
//!
//! `HEKA_STOPS` sets how often (5), `HEKA_SEED` repeats a schedule.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/peers.rs"]
mod peers;

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use heka_testkit::daemon::configure;
use heka_testkit::faulty_disk::{Call, Fault};
use heka_testkit::{Random, Scratch, Signal, wait_until};

use bench::{Bench, FROM_LOG_TO_FILE, LONG};
use peers::{BadPeer, Habit, output};

const TIMEOUT: Duration = Duration::from_secs(2);
/// What a busy machine may add: the process has to be given the processor before it can end.
const SLACK: Duration = Duration::from_millis(750);

fn config(more: &str) -> Scratch {
    let scratch = Scratch::new().unwrap();
    let text = FROM_LOG_TO_FILE.replace("shutdown_timeout = \"10s\"", "shutdown_timeout = \"2s\"");
    assert!(text.contains("\"2s\""));
    configure(&scratch, &format!("{text}{more}")).unwrap();
    scratch
}

/// Asks the daemon to end; tells how long it took.
fn stop(bench: &mut Bench) -> Duration {
    let begun = Instant::now();
    bench.daemon.signal(Signal::TERM).unwrap();
    let status = bench.daemon.wait(LONG).unwrap();
    let took = begun.elapsed();
    // Before it listens to signals it ends by them.
    let ended_well = status.success() || status.signal() == Some(15);
    assert!(ended_well, "{status}; log:\n{}", bench.daemon.log());
    assert!(took <= TIMEOUT + SLACK, "{took:?}; log:\n{}", bench.daemon.log());
    took
}

#[test]
fn hung_peers_do_not_hold_up_the_end() {
    let stops: u32 = std::env::var("HEKA_STOPS").ok().and_then(|stops| stops.parse().ok()).unwrap_or(5);
    let seed = Random::seed_of_run();
    println!("seed {seed}, {stops} stops");
    let mut random = Random::new(seed);
    let habits = [
        Habit::Sleep,
        Habit::Sleep,
        Habit::Sleep,
        Habit::Sleep,
        Habit::Slow,
        Habit::Reset(100_000),
        Habit::Trickle,
    ];
    let peers: Vec<_> = habits.into_iter().map(BadPeer::listen).collect();
    let mut more: String = peers
        .iter()
        .enumerate()
        .map(|(number, peer)| output(&format!("bad{number}"), &format!("127.0.0.1:{}", peer.port)))
        .collect();
    more += &output("nowhere", "nothing.invalid:9");
    // An address that never answers.
    more += &output("silent", "192.0.2.1:9");
    let mut bench = Bench::start_in(config(&more));
    let mut slowest = Duration::ZERO;
    for number in 0..stops {
        if number > 0 {
            bench.restart();
        }
        bench.say(1500, 200);
        // While it starts, when it has just started, and when all peers' buffers are full.
        let most = [10, 100, 3000][random.below(3) as usize];
        std::thread::sleep(Duration::from_millis(random.below(most)));
        slowest = slowest.max(stop(&mut bench));
    }
    println!("slowest stop {slowest:?}");
    peers.iter().for_each(BadPeer::behave);
    bench.restart();
    for (number, peer) in peers.iter().enumerate() {
        if peer.resets() {
            continue;
        }
        let all = wait_until(LONG, || peer.has_all(bench.said));
        assert!(all, "peer {number}: {}; log:\n{}", peer.tally(bench.said), bench.daemon.log());
    }
    bench.all_arrive(LONG);
    assert_eq!(bench.tally().duplicates, 0, "clean stops repeat nothing");
    assert!(peers.iter().all(|peer| peer.connections() > 0));
}

#[test]
fn a_disk_that_hangs_does_not_hold_up_the_end() {
    for path in ["/out", "/queue/input/", "/queue/cursors"] {
        let mut bench = Bench::start_in(config(""));
        bench.is_alive();
        let hang = Fault { delay_ms: 60_000, ..Fault::always(Call::Sync, 0) };
        let rule = bench.disk.inject(path, hang).unwrap();
        bench.say(100, 100);
        assert!(wait_until(LONG, || bench.disk.hits(rule) > 0));
        let took = stop(&mut bench);
        println!("{path} hangs: stopped after {took:?}");
        bench.disk.lift(rule).unwrap();
        bench.restart();
        bench.all_arrive(LONG);
        bench.is_alive();
    }
}

#[test]
fn a_full_disk_does_not_hold_up_the_end() {
    let mut bench = Bench::start_in(config(""));
    bench.is_alive();
    let rules = [Call::Write, Call::Fallocate]
        .map(|call| bench.disk.inject("/queue/", Fault::always(call, 28)).unwrap());
    bench.say(500, 1000);
    bench.daemon.wait_for_log("the queue takes no records", LONG).unwrap();
    println!("full disk: stopped after {:?}", stop(&mut bench));
    for rule in rules {
        bench.disk.lift(rule).unwrap();
    }
    bench.restart();
    bench.all_arrive(LONG);
    bench.is_alive();
}
