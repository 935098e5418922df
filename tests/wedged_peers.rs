//! Peers that hang, reset and crawl: nobody else is slowed down, memory stays, and what is left is delivered later.
//!
//! `HEKA_ROUNDS` sets how often the rates are measured (1), their best counts; `HEKA_LINES` with how many lines (200000).

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/peers.rs"]
mod peers;

use std::time::{Duration, Instant};

use heka_testkit::{Random, wait_until};

use bench::{Bench, LONG, ids};
use peers::{BadPeer, Habit, output};

/// Anonymous memory in bytes that nine outputs with wedged peers may take.
const MEMORY_MAX: u64 = 16 << 20;
/// Of its rate alone, at the median of the rounds that `HEKA_ROUNDS` asks for.
const RATE_LEAST: f64 = 0.95;
const WARM_UP_LINES: u64 = 60_000;
const LINE_SIZE: usize = 200;

fn size_of_out(bench: &Bench) -> u64 {
    bench.scratch.size("out")
}

/// Lets the file output deliver so many lines, the daemon being past its start and the bad peers' buffers full; gives
/// bytes a second and the most anonymous memory seen.
fn rate(bench: &mut Bench, bad: &[BadPeer]) -> (f64, u64) {
    bench.say(WARM_UP_LINES, LINE_SIZE);
    bench.all_arrive(LONG);
    for peer in bad.iter().filter(|peer| peer.sleeps()) {
        let noticed = format!("127.0.0.1:{} does not take what is sent to it", peer.port);
        bench.daemon.wait_for_log(&noticed, LONG).unwrap();
    }
    let (before, begun) = (size_of_out(bench), Instant::now());
    let lines = std::env::var("HEKA_LINES").ok().and_then(|lines| lines.parse().ok()).unwrap_or(200_000);
    bench.say(lines, LINE_SIZE);
    let goal = bench.scratch.size("logs/app.log");
    let mut memory = 0;
    let done = wait_until(LONG, || {
        memory = memory.max(bench.daemon.memory().map_or(0, |memory| memory.anonymous));
        bench.scratch.size("out") >= goal
    });
    assert!(done, "log:\n{}", bench.daemon.log());
    ((size_of_out(bench) - before) as f64 / begun.elapsed().as_secs_f64(), memory)
}

fn nine_bad_peers() -> (Vec<BadPeer>, String) {
    let habits = [
        Habit::Sleep,
        Habit::Sleep,
        Habit::Sleep,
        Habit::Sleep,
        Habit::Sleep,
        Habit::Sleep,
        Habit::Reset(300_000),
        Habit::Trickle,
    ];
    let peers: Vec<_> = habits.into_iter().map(BadPeer::listen).collect();
    let mut config: String = peers
        .iter()
        .enumerate()
        .map(|(number, peer)| output(&format!("bad{number}"), &format!("127.0.0.1:{}", peer.port)))
        .collect();
    config += &output("nowhere", "nothing.invalid:9");
    (peers, config)
}

#[test]
fn nine_wedged_outputs_of_ten_slow_nobody_and_lose_nothing() {
    let rounds = std::env::var("HEKA_ROUNDS").ok().and_then(|rounds| rounds.parse::<u32>().ok());
    let (measures, rounds) = (rounds.is_some(), rounds.unwrap_or(1));
    let (mut ratios, mut growth_max) = (Vec::new(), 0);
    for _ in 0..rounds {
        let (alone, memory_alone) = rate(&mut Bench::start(""), &[]);
        let (peers, config) = nine_bad_peers();
        let mut bench = Bench::start(&config);
        let (beside, memory) = rate(&mut bench, &peers);
        let growth = memory.saturating_sub(memory_alone);
        println!(
            "alone {:.1} MB/s, beside nine wedged outputs {:.1} MB/s ({:.1} %); {:.1} MiB more memory",
            alone / 1e6,
            beside / 1e6,
            100.0 * beside / alone,
            growth as f64 / f64::from(1 << 20)
        );
        ratios.push(beside / alone);
        growth_max = growth_max.max(growth);
        bench.is_alive();

        let begun = Instant::now();
        assert!(bench.daemon.stop(LONG).unwrap().success());
        println!("stopped after {:?}", begun.elapsed());
        peers.iter().for_each(BadPeer::behave);
        bench.restart();
        for (number, peer) in peers.iter().enumerate() {
            if peer.resets() {
                continue;
            }
            let all = wait_until(LONG, || peer.has_all(bench.said));
            assert!(all, "peer {number}: {}; log:\n{}", peer.tally(bench.said), bench.daemon.log());
        }
        bench.is_alive();
        assert_eq!(bench.tally().duplicates, 0, "a clean stop repeats nothing");
    }
    // A measurement needs a quiet machine: it is asked for by its number of rounds.
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    assert!(!measures || median >= RATE_LEAST, "{median}");
    assert!(growth_max <= MEMORY_MAX, "{growth_max} bytes more");
}

/// What lies in the buffers of a connection when the process is killed is sent again.
#[test]
fn a_kill_with_full_socket_buffers_loses_nothing() {
    let kills: u32 = std::env::var("HEKA_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(8);
    let seed = Random::seed_of_run();
    println!("seed {seed}, {kills} kills");
    let mut random = Random::new(seed);
    let peers = [Habit::Slow, Habit::Sleep, Habit::Reset(500_000)].map(BadPeer::listen);
    let config: String = peers
        .iter()
        .enumerate()
        .map(|(number, peer)| output(&format!("bad{number}"), &format!("127.0.0.1:{}", peer.port)))
        .collect();
    let mut bench = Bench::start(&config);
    for _ in 0..kills {
        bench.say(10_000, LINE_SIZE);
        // The moment itself is what is tried.
        std::thread::sleep(Duration::from_millis(100 + random.below(600)));
        bench.daemon.kill().unwrap();
        bench.restart();
    }
    peers.iter().for_each(BadPeer::behave);
    for (number, peer) in peers.iter().enumerate() {
        if peer.resets() {
            continue;
        }
        let all = wait_until(LONG, || peer.has_all(bench.said));
        assert!(all, "peer {number}: {}; log:\n{}", peer.tally(bench.said), bench.daemon.log());
    }
    bench.all_arrive(LONG);
}

fn limited(name: &str, peer: &BadPeer, action: &str, max: u64) -> String {
    let section = output(name, &format!("127.0.0.1:{}", peer.port));
    format!(
        "{section}use_buffering = true\n[{name}.buffering]\nmax_file_size = 131072\nmax_buffer_size = {max}\n\
         full_action = \"{action}\"\n"
    )
}

#[test]
fn an_output_that_may_drop_never_fills_the_disk() {
    let peer = BadPeer::listen(Habit::Sleep);
    let mut bench = Bench::start(&limited("lossy", &peer, "drop", 2 << 20));
    for _ in 0..30 {
        bench.say(5000, LINE_SIZE);
        std::thread::sleep(Duration::from_millis(100));
    }
    // Inputs are not held, and what the other output has is gone from the disk.
    bench.all_arrive(LONG);
    let queued = |bench: &Bench| {
        let files = std::fs::read_dir(bench.scratch.join("base/queue/input")).unwrap();
        files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum::<u64>()
    };
    assert!(
        wait_until(Duration::from_secs(20), || queued(&bench) <= 6 << 20),
        "{} bytes queued",
        queued(&bench)
    );
    assert_eq!(bench.logged("can't deliver matched message: Queue is full"), 1, "{}", bench.daemon.log());
    let line = bench.daemon.wait_for_log("bytes of queued messages so far", LONG).unwrap();
    let bytes = line.split("dropped ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    assert!(bytes.is_some_and(|bytes| bytes > 0 && bytes < bench.scratch.size("out") * 2), "{line}");
    let memory = bench.daemon.memory().unwrap().anonymous;
    assert!(memory < 64 << 20, "{memory} bytes of memory");

    peer.behave();
    assert!(wait_until(LONG, || !peer.ids().is_empty()));
    let begun = Instant::now();
    bench.say(1, 10);
    let fresh = bench.said - 1;
    let passed = wait_until(Duration::from_secs(10), || peer.ids().contains(&fresh));
    println!(
        "a fresh record passed after {:?}; {} of {} delivered",
        begun.elapsed(),
        peer.ids().len(),
        bench.said
    );
    assert!(passed, "log:\n{}", bench.daemon.log());
    assert!(peer.ids().len() < bench.said as usize, "nothing was dropped");
}

#[test]
fn a_slow_reader_slows_others_only_at_its_own_limit() {
    let peer = BadPeer::listen(Habit::Sleep);
    let mut bench = Bench::start(&limited("slow", &peer, "block", 24 << 20));
    let limit_lines = 60_000;
    bench.say(limit_lines, LINE_SIZE);
    bench.all_arrive(LONG);
    // The limit is looked at every 100 ms: much more than can pass in that time.
    bench.say(8 * limit_lines, LINE_SIZE);
    let held =
        wait_until(LONG, || ids(&bench.scratch.read("out")).len() as u64 > limit_lines + limit_lines / 4);
    assert!(held, "it is held too early; log:\n{}", bench.daemon.log());
    heka_testkit::patience::wait_until_quiet(LONG, Duration::from_secs(1), || bench.scratch.size("out"));
    let size = bench.scratch.size("out");
    assert!(!bench.tally().lost.is_empty(), "the limit holds nobody");
    assert!(size < 72 << 20, "{size} bytes passed a limit of {}", 24 << 20);
    peer.behave();
    bench.all_arrive(LONG);
    assert!(wait_until(LONG, || peer.has_all(bench.said)));
    assert_eq!(bench.tally().duplicates, 0);
    bench.is_alive();
}
